//! `ShareGroupHeartbeatRequest`. Generated from the schema; do not edit.

use crate::wire::*;

/// Versions 1.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct ShareGroupHeartbeatRequest {
    /// Versions 0+.
    pub group_id: String,
    /// Versions 0+.
    pub member_id: String,
    /// Versions 0+.
    pub member_epoch: i32,
    /// Versions 0+, nullable 0+, default `null`.
    pub rack_id: Option<String>,
    /// Versions 0+, nullable 0+, default `null`.
    pub subscribed_topic_names: Option<Vec<String>>,
}

impl Wire for ShareGroupHeartbeatRequest {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.group_id = d.get(cx)?;
        m.member_id = d.get(cx)?;
        m.member_epoch = d.get(cx)?;
        m.rack_id = d.nullable(cx, true)?;
        m.subscribed_topic_names = d.nullable(cx, true)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.group_id.write(e, cx)?;
        self.member_id.write(e, cx)?;
        self.member_epoch.write(e, cx)?;
        e.nullable(&self.rack_id, cx, true, "RackId")?;
        e.nullable(&self.subscribed_topic_names, cx, true, "SubscribedTopicNames")?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.group_id = r.get(cx);
        m.member_id = r.get(cx);
        m.member_epoch = r.get(cx);
        m.rack_id = r.nullable(cx, true);
        m.subscribed_topic_names = r.nullable(cx, true);
        m
    }
}

impl Message for ShareGroupHeartbeatRequest {
    const NAME: &'static str = "ShareGroupHeartbeatRequest";
    const API_KEY: i16 = 76;
    const MIN_VERSION: i16 = 1;
    const MAX_VERSION: i16 = 1;
    const FLEXIBLE_FROM: i16 = 0;
}

impl Request for ShareGroupHeartbeatRequest {
    type Response = super::share_group_heartbeat_response::ShareGroupHeartbeatResponse;
    const KEY: ApiKey = ApiKey::ShareGroupHeartbeat;
}
