//! `UpdateRaftVoterResponse`. Generated from the schema; do not edit.

use crate::wire::*;

/// Versions 0.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct UpdateRaftVoterResponse {
    /// Versions 0+.
    pub throttle_time_ms: i32,
    /// Versions 0+.
    pub error_code: i16,
    /// Versions 0+, tag 0 in 0+.
    pub current_leader: CurrentLeader,
}

impl Wire for UpdateRaftVoterResponse {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.throttle_time_ms = d.get(cx)?;
        m.error_code = d.get(cx)?;
        d.tags(cx, &mut |d, tag| {
            match tag {
                0 => m.current_leader = d.get(cx)?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.throttle_time_ms.write(e, cx)?;
        self.error_code.write(e, cx)?;
        if cx.flexible {
            let tags = [self.current_leader != Default::default()];
            e.tag_count(&tags);
            if tags[0] { e.tag(0, &mut |e| self.current_leader.write(e, cx))?; }
        }
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.throttle_time_ms = r.get(cx);
        m.error_code = r.get(cx);
        m.current_leader = r.get(cx);
        m
    }
}

impl Message for UpdateRaftVoterResponse {
    const NAME: &'static str = "UpdateRaftVoterResponse";
    const API_KEY: i16 = 82;
    const MIN_VERSION: i16 = 0;
    const MAX_VERSION: i16 = 0;
    const FLEXIBLE_FROM: i16 = 0;
}

/// Versions 0+.
#[derive(Clone, Debug, PartialEq)]
pub struct CurrentLeader {
    /// Versions 0+, default `-1`.
    pub leader_id: i32,
    /// Versions 0+, default `-1`.
    pub leader_epoch: i32,
    /// Versions 0+.
    pub host: String,
    /// Versions 0+.
    pub port: i32,
}

impl Default for CurrentLeader {
    fn default() -> Self {
        Self {
            leader_id: -1,
            leader_epoch: -1,
            host: Default::default(),
            port: 0,
        }
    }
}

impl Wire for CurrentLeader {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.leader_id = d.get(cx)?;
        m.leader_epoch = d.get(cx)?;
        m.host = d.get(cx)?;
        m.port = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.leader_id.write(e, cx)?;
        self.leader_epoch.write(e, cx)?;
        self.host.write(e, cx)?;
        self.port.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.leader_id = r.get(cx);
        m.leader_epoch = r.get(cx);
        m.host = r.get(cx);
        m.port = r.get(cx);
        m
    }
}
