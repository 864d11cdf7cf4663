//! `SyncGroupRequest`. Generated from the schema; do not edit.

use crate::wire::*;
use bytes::Bytes;

/// Versions 0-5.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct SyncGroupRequest {
    /// Versions 0+.
    pub group_id: String,
    /// Versions 0+.
    pub generation_id: i32,
    /// Versions 0+.
    pub member_id: String,
    /// Versions 3+, nullable 3+, default `null`.
    pub group_instance_id: Option<String>,
    /// Versions 5+, nullable 5+, default `null`.
    pub protocol_type: Option<String>,
    /// Versions 5+, nullable 5+, default `null`.
    pub protocol_name: Option<String>,
    /// Versions 0+.
    pub assignments: Vec<SyncGroupRequestAssignment>,
}

impl Wire for SyncGroupRequest {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let v = cx.version;
        let mut m = Self::default();
        m.group_id = d.get(cx)?;
        m.generation_id = d.get(cx)?;
        m.member_id = d.get(cx)?;
        if v >= 3 { m.group_instance_id = d.nullable(cx, true)?; }
        if v >= 5 { m.protocol_type = d.nullable(cx, true)?; }
        if v >= 5 { m.protocol_name = d.nullable(cx, true)?; }
        m.assignments = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        let v = cx.version;
        self.group_id.write(e, cx)?;
        self.generation_id.write(e, cx)?;
        self.member_id.write(e, cx)?;
        if v >= 3 { e.nullable(&self.group_instance_id, cx, true, "GroupInstanceId")?; } else { e.absent(self.group_instance_id.is_some(), "SyncGroupRequest.GroupInstanceId", cx)?; }
        if v >= 5 { e.nullable(&self.protocol_type, cx, true, "ProtocolType")?; }
        if v >= 5 { e.nullable(&self.protocol_name, cx, true, "ProtocolName")?; }
        self.assignments.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let v = cx.version;
        let mut m = Self::default();
        m.group_id = r.get(cx);
        m.generation_id = r.get(cx);
        m.member_id = r.get(cx);
        if v >= 3 { m.group_instance_id = r.nullable(cx, true); }
        if v >= 5 { m.protocol_type = r.nullable(cx, true); }
        if v >= 5 { m.protocol_name = r.nullable(cx, true); }
        m.assignments = r.get(cx);
        m
    }
}

impl Message for SyncGroupRequest {
    const NAME: &'static str = "SyncGroupRequest";
    const API_KEY: i16 = 14;
    const MIN_VERSION: i16 = 0;
    const MAX_VERSION: i16 = 5;
    const FLEXIBLE_FROM: i16 = 4;
}

impl Request for SyncGroupRequest {
    type Response = super::sync_group_response::SyncGroupResponse;
    const KEY: ApiKey = ApiKey::SyncGroup;
}

/// Versions 0+.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct SyncGroupRequestAssignment {
    /// Versions 0+.
    pub member_id: String,
    /// Versions 0+.
    pub assignment: Bytes,
}

impl Wire for SyncGroupRequestAssignment {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.member_id = d.get(cx)?;
        m.assignment = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.member_id.write(e, cx)?;
        self.assignment.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.member_id = r.get(cx);
        m.assignment = r.get(cx);
        m
    }
}
