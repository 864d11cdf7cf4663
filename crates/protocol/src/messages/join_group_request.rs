//! `JoinGroupRequest`. Generated from the schema; do not edit.

use crate::wire::*;
use bytes::Bytes;

/// Versions 0-9.
#[derive(Clone, Debug, PartialEq)]
pub struct JoinGroupRequest {
    /// Versions 0+.
    pub group_id: String,
    /// Versions 0+.
    pub session_timeout_ms: i32,
    /// Versions 1+, default `-1`.
    pub rebalance_timeout_ms: i32,
    /// Versions 0+.
    pub member_id: String,
    /// Versions 5+, nullable 5+, default `null`.
    pub group_instance_id: Option<String>,
    /// Versions 0+.
    pub protocol_type: String,
    /// Versions 0+.
    pub protocols: Vec<JoinGroupRequestProtocol>,
    /// Versions 8+, nullable 8+, default `null`.
    pub reason: Option<String>,
}

impl Default for JoinGroupRequest {
    fn default() -> Self {
        Self {
            group_id: Default::default(),
            session_timeout_ms: 0,
            rebalance_timeout_ms: -1,
            member_id: Default::default(),
            group_instance_id: None,
            protocol_type: Default::default(),
            protocols: Default::default(),
            reason: None,
        }
    }
}

impl Wire for JoinGroupRequest {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let v = cx.version;
        let mut m = Self::default();
        m.group_id = d.get(cx)?;
        m.session_timeout_ms = d.get(cx)?;
        if v >= 1 { m.rebalance_timeout_ms = d.get(cx)?; }
        m.member_id = d.get(cx)?;
        if v >= 5 { m.group_instance_id = d.nullable(cx, true)?; }
        m.protocol_type = d.get(cx)?;
        m.protocols = d.get(cx)?;
        if v >= 8 { m.reason = d.nullable(cx, true)?; }
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        let v = cx.version;
        self.group_id.write(e, cx)?;
        self.session_timeout_ms.write(e, cx)?;
        if v >= 1 { self.rebalance_timeout_ms.write(e, cx)?; }
        self.member_id.write(e, cx)?;
        if v >= 5 { e.nullable(&self.group_instance_id, cx, true, "GroupInstanceId")?; } else { e.absent(self.group_instance_id.is_some(), "JoinGroupRequest.GroupInstanceId", cx)?; }
        self.protocol_type.write(e, cx)?;
        self.protocols.write(e, cx)?;
        if v >= 8 { e.nullable(&self.reason, cx, true, "Reason")?; }
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let v = cx.version;
        let mut m = Self::default();
        m.group_id = r.get(cx);
        m.session_timeout_ms = r.get(cx);
        if v >= 1 { m.rebalance_timeout_ms = r.get(cx); }
        m.member_id = r.get(cx);
        if v >= 5 { m.group_instance_id = r.nullable(cx, true); }
        m.protocol_type = r.get(cx);
        m.protocols = r.get(cx);
        if v >= 8 { m.reason = r.nullable(cx, true); }
        m
    }
}

impl Message for JoinGroupRequest {
    const NAME: &'static str = "JoinGroupRequest";
    const API_KEY: i16 = 11;
    const MIN_VERSION: i16 = 0;
    const MAX_VERSION: i16 = 9;
    const FLEXIBLE_FROM: i16 = 6;
}

impl Request for JoinGroupRequest {
    type Response = super::join_group_response::JoinGroupResponse;
    const KEY: ApiKey = ApiKey::JoinGroup;
}

/// Versions 0+.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct JoinGroupRequestProtocol {
    /// Versions 0+.
    pub name: String,
    /// Versions 0+.
    pub metadata: Bytes,
}

impl Wire for JoinGroupRequestProtocol {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.name = d.get(cx)?;
        m.metadata = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.name.write(e, cx)?;
        self.metadata.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.name = r.get(cx);
        m.metadata = r.get(cx);
        m
    }
}
