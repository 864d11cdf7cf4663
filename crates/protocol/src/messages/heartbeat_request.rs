//! `HeartbeatRequest`. Generated from the schema; do not edit.

use crate::wire::*;

/// Versions 0-4.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct HeartbeatRequest {
    /// Versions 0+.
    pub group_id: String,
    /// Versions 0+.
    pub generation_id: i32,
    /// Versions 0+.
    pub member_id: String,
    /// Versions 3+, nullable 3+, default `null`.
    pub group_instance_id: Option<String>,
}

impl Wire for HeartbeatRequest {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let v = cx.version;
        let mut m = Self::default();
        m.group_id = d.get(cx)?;
        m.generation_id = d.get(cx)?;
        m.member_id = d.get(cx)?;
        if v >= 3 { m.group_instance_id = d.nullable(cx, true)?; }
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        let v = cx.version;
        self.group_id.write(e, cx)?;
        self.generation_id.write(e, cx)?;
        self.member_id.write(e, cx)?;
        if v >= 3 { e.nullable(&self.group_instance_id, cx, true, "GroupInstanceId")?; } else { e.absent(self.group_instance_id.is_some(), "HeartbeatRequest.GroupInstanceId", cx)?; }
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
        m
    }
}

impl Message for HeartbeatRequest {
    const NAME: &'static str = "HeartbeatRequest";
    const API_KEY: i16 = 12;
    const MIN_VERSION: i16 = 0;
    const MAX_VERSION: i16 = 4;
    const FLEXIBLE_FROM: i16 = 4;
}

impl Request for HeartbeatRequest {
    type Response = super::heartbeat_response::HeartbeatResponse;
    const KEY: ApiKey = ApiKey::Heartbeat;
}
