//! `JoinGroupResponse`. Generated from the schema; do not edit.

use crate::wire::*;
use bytes::Bytes;

/// Versions 0-9.
#[derive(Clone, Debug, PartialEq)]
pub struct JoinGroupResponse {
    /// Versions 2+.
    pub throttle_time_ms: i32,
    /// Versions 0+.
    pub error_code: i16,
    /// Versions 0+, default `-1`.
    pub generation_id: i32,
    /// Versions 7+, nullable 7+, default `null`.
    pub protocol_type: Option<String>,
    /// Versions 0+, nullable 7+.
    pub protocol_name: Option<String>,
    /// Versions 0+.
    pub leader: String,
    /// Versions 9+, default `false`.
    pub skip_assignment: bool,
    /// Versions 0+.
    pub member_id: String,
    /// Versions 0+.
    pub members: Vec<JoinGroupResponseMember>,
}

impl Default for JoinGroupResponse {
    fn default() -> Self {
        Self {
            throttle_time_ms: 0,
            error_code: 0,
            generation_id: -1,
            protocol_type: None,
            protocol_name: Some(Default::default()),
            leader: Default::default(),
            skip_assignment: false,
            member_id: Default::default(),
            members: Default::default(),
        }
    }
}

impl Wire for JoinGroupResponse {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let v = cx.version;
        let mut m = Self::default();
        if v >= 2 { m.throttle_time_ms = d.get(cx)?; }
        m.error_code = d.get(cx)?;
        m.generation_id = d.get(cx)?;
        if v >= 7 { m.protocol_type = d.nullable(cx, true)?; }
        m.protocol_name = d.nullable(cx, v >= 7)?;
        m.leader = d.get(cx)?;
        if v >= 9 { m.skip_assignment = d.get(cx)?; }
        m.member_id = d.get(cx)?;
        m.members = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        let v = cx.version;
        if v >= 2 { self.throttle_time_ms.write(e, cx)?; }
        self.error_code.write(e, cx)?;
        self.generation_id.write(e, cx)?;
        if v >= 7 { e.nullable(&self.protocol_type, cx, true, "ProtocolType")?; }
        e.nullable(&self.protocol_name, cx, v >= 7, "ProtocolName")?;
        self.leader.write(e, cx)?;
        if v >= 9 { self.skip_assignment.write(e, cx)?; } else { e.absent(self.skip_assignment, "JoinGroupResponse.SkipAssignment", cx)?; }
        self.member_id.write(e, cx)?;
        self.members.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let v = cx.version;
        let mut m = Self::default();
        if v >= 2 { m.throttle_time_ms = r.get(cx); }
        m.error_code = r.get(cx);
        m.generation_id = r.get(cx);
        if v >= 7 { m.protocol_type = r.nullable(cx, true); }
        m.protocol_name = r.nullable(cx, v >= 7);
        m.leader = r.get(cx);
        if v >= 9 { m.skip_assignment = r.get(cx); }
        m.member_id = r.get(cx);
        m.members = r.get(cx);
        m
    }
}

impl Message for JoinGroupResponse {
    const NAME: &'static str = "JoinGroupResponse";
    const API_KEY: i16 = 11;
    const MIN_VERSION: i16 = 0;
    const MAX_VERSION: i16 = 9;
    const FLEXIBLE_FROM: i16 = 6;
}

/// Versions 0+.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct JoinGroupResponseMember {
    /// Versions 0+.
    pub member_id: String,
    /// Versions 5+, nullable 5+, default `null`.
    pub group_instance_id: Option<String>,
    /// Versions 0+.
    pub metadata: Bytes,
}

impl Wire for JoinGroupResponseMember {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let v = cx.version;
        let mut m = Self::default();
        m.member_id = d.get(cx)?;
        if v >= 5 { m.group_instance_id = d.nullable(cx, true)?; }
        m.metadata = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        let v = cx.version;
        self.member_id.write(e, cx)?;
        if v >= 5 { e.nullable(&self.group_instance_id, cx, true, "GroupInstanceId")?; }
        self.metadata.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let v = cx.version;
        let mut m = Self::default();
        m.member_id = r.get(cx);
        if v >= 5 { m.group_instance_id = r.nullable(cx, true); }
        m.metadata = r.get(cx);
        m
    }
}
