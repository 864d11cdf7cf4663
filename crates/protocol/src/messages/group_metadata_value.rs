//! `GroupMetadataValue`. Generated from the schema; do not edit.

use crate::wire::*;
use bytes::Bytes;

/// Versions 0-4.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupMetadataValue {
    /// Versions 0+.
    pub protocol_type: String,
    /// Versions 0+.
    pub generation: i32,
    /// Versions 0+, nullable 0+.
    pub protocol: Option<String>,
    /// Versions 0+, nullable 0+.
    pub leader: Option<String>,
    /// Versions 2+, default `-1`.
    pub current_state_timestamp: i64,
    /// Versions 0+.
    pub members: Vec<MemberMetadata>,
}

impl Default for GroupMetadataValue {
    fn default() -> Self {
        Self {
            protocol_type: Default::default(),
            generation: 0,
            protocol: Some(Default::default()),
            leader: Some(Default::default()),
            current_state_timestamp: -1,
            members: Default::default(),
        }
    }
}

impl Wire for GroupMetadataValue {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let v = cx.version;
        let mut m = Self::default();
        m.protocol_type = d.get(cx)?;
        m.generation = d.get(cx)?;
        m.protocol = d.nullable(cx, true)?;
        m.leader = d.nullable(cx, true)?;
        if v >= 2 { m.current_state_timestamp = d.get(cx)?; }
        m.members = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        let v = cx.version;
        self.protocol_type.write(e, cx)?;
        self.generation.write(e, cx)?;
        e.nullable(&self.protocol, cx, true, "protocol")?;
        e.nullable(&self.leader, cx, true, "leader")?;
        if v >= 2 { self.current_state_timestamp.write(e, cx)?; }
        self.members.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let v = cx.version;
        let mut m = Self::default();
        m.protocol_type = r.get(cx);
        m.generation = r.get(cx);
        m.protocol = r.nullable(cx, true);
        m.leader = r.nullable(cx, true);
        if v >= 2 { m.current_state_timestamp = r.get(cx); }
        m.members = r.get(cx);
        m
    }
}

impl Message for GroupMetadataValue {
    const NAME: &'static str = "GroupMetadataValue";
    const API_KEY: i16 = 2;
    const MIN_VERSION: i16 = 0;
    const MAX_VERSION: i16 = 4;
    const FLEXIBLE_FROM: i16 = 4;
}

/// Versions 0+.
#[derive(Clone, Debug, PartialEq)]
pub struct MemberMetadata {
    /// Versions 0+.
    pub member_id: String,
    /// Versions 3+, nullable 3+, default `null`.
    pub group_instance_id: Option<String>,
    /// Versions 0+.
    pub client_id: String,
    /// Versions 0+.
    pub client_host: String,
    /// Versions 1+, default `-1`.
    pub rebalance_timeout: i32,
    /// Versions 0+.
    pub session_timeout: i32,
    /// Versions 0+.
    pub subscription: Bytes,
    /// Versions 0+.
    pub assignment: Bytes,
}

impl Default for MemberMetadata {
    fn default() -> Self {
        Self {
            member_id: Default::default(),
            group_instance_id: None,
            client_id: Default::default(),
            client_host: Default::default(),
            rebalance_timeout: -1,
            session_timeout: 0,
            subscription: Default::default(),
            assignment: Default::default(),
        }
    }
}

impl Wire for MemberMetadata {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let v = cx.version;
        let mut m = Self::default();
        m.member_id = d.get(cx)?;
        if v >= 3 { m.group_instance_id = d.nullable(cx, true)?; }
        m.client_id = d.get(cx)?;
        m.client_host = d.get(cx)?;
        if v >= 1 { m.rebalance_timeout = d.get(cx)?; }
        m.session_timeout = d.get(cx)?;
        m.subscription = d.get(cx)?;
        m.assignment = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        let v = cx.version;
        self.member_id.write(e, cx)?;
        if v >= 3 { e.nullable(&self.group_instance_id, cx, true, "groupInstanceId")?; }
        self.client_id.write(e, cx)?;
        self.client_host.write(e, cx)?;
        if v >= 1 { self.rebalance_timeout.write(e, cx)?; }
        self.session_timeout.write(e, cx)?;
        self.subscription.write(e, cx)?;
        self.assignment.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let v = cx.version;
        let mut m = Self::default();
        m.member_id = r.get(cx);
        if v >= 3 { m.group_instance_id = r.nullable(cx, true); }
        m.client_id = r.get(cx);
        m.client_host = r.get(cx);
        if v >= 1 { m.rebalance_timeout = r.get(cx); }
        m.session_timeout = r.get(cx);
        m.subscription = r.get(cx);
        m.assignment = r.get(cx);
        m
    }
}
