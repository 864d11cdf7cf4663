//! `BrokerHeartbeatRequest`. Generated from the schema; do not edit.

use crate::wire::*;
use klamm_types::Uuid;

/// Versions 0-2.
#[derive(Clone, Debug, PartialEq)]
pub struct BrokerHeartbeatRequest {
    /// Versions 0+.
    pub broker_id: i32,
    /// Versions 0+, default `-1`.
    pub broker_epoch: i64,
    /// Versions 0+.
    pub current_metadata_offset: i64,
    /// Versions 0+.
    pub want_fence: bool,
    /// Versions 0+.
    pub want_shut_down: bool,
    /// Versions 1+, tag 0 in 1+.
    pub offline_log_dirs: Vec<Uuid>,
    /// Versions 2+, nullable 2+, tag 1 in 2+, default `null`.
    pub cordoned_log_dirs: Option<Vec<Uuid>>,
}

impl Default for BrokerHeartbeatRequest {
    fn default() -> Self {
        Self {
            broker_id: 0,
            broker_epoch: -1,
            current_metadata_offset: 0,
            want_fence: Default::default(),
            want_shut_down: Default::default(),
            offline_log_dirs: Default::default(),
            cordoned_log_dirs: None,
        }
    }
}

impl Wire for BrokerHeartbeatRequest {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let v = cx.version;
        let mut m = Self::default();
        m.broker_id = d.get(cx)?;
        m.broker_epoch = d.get(cx)?;
        m.current_metadata_offset = d.get(cx)?;
        m.want_fence = d.get(cx)?;
        m.want_shut_down = d.get(cx)?;
        d.tags(cx, &mut |d, tag| {
            match tag {
                0 if v >= 1 => m.offline_log_dirs = d.get(cx)?,
                1 if v >= 2 => m.cordoned_log_dirs = d.nullable(cx, true)?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        let v = cx.version;
        self.broker_id.write(e, cx)?;
        self.broker_epoch.write(e, cx)?;
        self.current_metadata_offset.write(e, cx)?;
        self.want_fence.write(e, cx)?;
        self.want_shut_down.write(e, cx)?;
        if !(v >= 1) { e.absent(!self.offline_log_dirs.is_empty(), "BrokerHeartbeatRequest.OfflineLogDirs", cx)?; }
        if !(v >= 2) { e.absent(self.cordoned_log_dirs.is_some(), "BrokerHeartbeatRequest.CordonedLogDirs", cx)?; }
        if cx.flexible {
            let tags = [v >= 1 && !self.offline_log_dirs.is_empty(), v >= 2 && self.cordoned_log_dirs.is_some()];
            e.tag_count(&tags);
            if tags[0] { e.tag(0, &mut |e| self.offline_log_dirs.write(e, cx))?; }
            if tags[1] { e.tag(1, &mut |e| e.nullable(&self.cordoned_log_dirs, cx, true, "CordonedLogDirs"))?; }
        }
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let v = cx.version;
        let mut m = Self::default();
        m.broker_id = r.get(cx);
        m.broker_epoch = r.get(cx);
        m.current_metadata_offset = r.get(cx);
        m.want_fence = r.get(cx);
        m.want_shut_down = r.get(cx);
        if v >= 1 { m.offline_log_dirs = r.get(cx); }
        if v >= 2 { m.cordoned_log_dirs = r.nullable(cx, true); }
        m
    }
}

impl Message for BrokerHeartbeatRequest {
    const NAME: &'static str = "BrokerHeartbeatRequest";
    const API_KEY: i16 = 63;
    const MIN_VERSION: i16 = 0;
    const MAX_VERSION: i16 = 2;
    const FLEXIBLE_FROM: i16 = 0;
}

impl Request for BrokerHeartbeatRequest {
    type Response = super::broker_heartbeat_response::BrokerHeartbeatResponse;
    const KEY: ApiKey = ApiKey::BrokerHeartbeat;
}
