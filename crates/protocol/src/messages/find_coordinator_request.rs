//! `FindCoordinatorRequest`. Generated from the schema; do not edit.

use crate::wire::*;

/// Versions 0-6.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct FindCoordinatorRequest {
    /// Versions 0-3.
    pub key: String,
    /// Versions 1+, default `0`.
    pub key_type: i8,
    /// Versions 4+.
    pub coordinator_keys: Vec<String>,
}

impl Wire for FindCoordinatorRequest {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let v = cx.version;
        let mut m = Self::default();
        if v <= 3 { m.key = d.get(cx)?; }
        if v >= 1 { m.key_type = d.get(cx)?; }
        if v >= 4 { m.coordinator_keys = d.get(cx)?; }
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        let v = cx.version;
        if v <= 3 { self.key.write(e, cx)?; } else { e.absent(!self.key.is_empty(), "FindCoordinatorRequest.Key", cx)?; }
        if v >= 1 { self.key_type.write(e, cx)?; } else { e.absent(self.key_type != 0, "FindCoordinatorRequest.KeyType", cx)?; }
        if v >= 4 { self.coordinator_keys.write(e, cx)?; } else { e.absent(!self.coordinator_keys.is_empty(), "FindCoordinatorRequest.CoordinatorKeys", cx)?; }
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let v = cx.version;
        let mut m = Self::default();
        if v <= 3 { m.key = r.get(cx); }
        if v >= 1 { m.key_type = r.get(cx); }
        if v >= 4 { m.coordinator_keys = r.get(cx); }
        m
    }
}

impl Message for FindCoordinatorRequest {
    const NAME: &'static str = "FindCoordinatorRequest";
    const API_KEY: i16 = 10;
    const MIN_VERSION: i16 = 0;
    const MAX_VERSION: i16 = 6;
    const FLEXIBLE_FROM: i16 = 3;
}

impl Request for FindCoordinatorRequest {
    type Response = super::find_coordinator_response::FindCoordinatorResponse;
    const KEY: ApiKey = ApiKey::FindCoordinator;
}
