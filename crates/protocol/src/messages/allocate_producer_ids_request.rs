//! `AllocateProducerIdsRequest`. Generated from the schema; do not edit.

use crate::wire::*;

/// Versions 0.
#[derive(Clone, Debug, PartialEq)]
pub struct AllocateProducerIdsRequest {
    /// Versions 0+.
    pub broker_id: i32,
    /// Versions 0+, default `-1`.
    pub broker_epoch: i64,
}

impl Default for AllocateProducerIdsRequest {
    fn default() -> Self {
        Self {
            broker_id: 0,
            broker_epoch: -1,
        }
    }
}

impl Wire for AllocateProducerIdsRequest {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.broker_id = d.get(cx)?;
        m.broker_epoch = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.broker_id.write(e, cx)?;
        self.broker_epoch.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.broker_id = r.get(cx);
        m.broker_epoch = r.get(cx);
        m
    }
}

impl Message for AllocateProducerIdsRequest {
    const NAME: &'static str = "AllocateProducerIdsRequest";
    const API_KEY: i16 = 67;
    const MIN_VERSION: i16 = 0;
    const MAX_VERSION: i16 = 0;
    const FLEXIBLE_FROM: i16 = 0;
}

impl Request for AllocateProducerIdsRequest {
    type Response = super::allocate_producer_ids_response::AllocateProducerIdsResponse;
    const KEY: ApiKey = ApiKey::AllocateProducerIds;
}
