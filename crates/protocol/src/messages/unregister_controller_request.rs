//! `UnregisterControllerRequest`. Generated from the schema; do not edit.

use crate::wire::*;

/// Versions 0.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct UnregisterControllerRequest {
    /// Versions 0+.
    pub controller_id: i32,
}

impl Wire for UnregisterControllerRequest {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.controller_id = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.controller_id.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.controller_id = r.get(cx);
        m
    }
}

impl Message for UnregisterControllerRequest {
    const NAME: &'static str = "UnregisterControllerRequest";
    const API_KEY: i16 = 94;
    const MIN_VERSION: i16 = 0;
    const MAX_VERSION: i16 = 0;
    const FLEXIBLE_FROM: i16 = 0;
}

impl Request for UnregisterControllerRequest {
    type Response = super::unregister_controller_response::UnregisterControllerResponse;
    const KEY: ApiKey = ApiKey::UnregisterController;
}
