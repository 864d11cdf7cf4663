//! `UpdateFeaturesResponse`. Generated from the schema; do not edit.

use crate::wire::*;

/// Versions 0-2.
#[derive(Clone, Debug, PartialEq)]
pub struct UpdateFeaturesResponse {
    /// Versions 0+.
    pub throttle_time_ms: i32,
    /// Versions 0+.
    pub error_code: i16,
    /// Versions 0+, nullable 0+.
    pub error_message: Option<String>,
    /// Versions 0-1.
    pub results: Vec<UpdatableFeatureResult>,
}

impl Default for UpdateFeaturesResponse {
    fn default() -> Self {
        Self {
            throttle_time_ms: 0,
            error_code: 0,
            error_message: Some(Default::default()),
            results: Default::default(),
        }
    }
}

impl Wire for UpdateFeaturesResponse {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let v = cx.version;
        let mut m = Self::default();
        m.throttle_time_ms = d.get(cx)?;
        m.error_code = d.get(cx)?;
        m.error_message = d.nullable(cx, true)?;
        if v <= 1 { m.results = d.get(cx)?; }
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        let v = cx.version;
        self.throttle_time_ms.write(e, cx)?;
        self.error_code.write(e, cx)?;
        e.nullable(&self.error_message, cx, true, "ErrorMessage")?;
        if v <= 1 { self.results.write(e, cx)?; }
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let v = cx.version;
        let mut m = Self::default();
        m.throttle_time_ms = r.get(cx);
        m.error_code = r.get(cx);
        m.error_message = r.nullable(cx, true);
        if v <= 1 { m.results = r.get(cx); }
        m
    }
}

impl Message for UpdateFeaturesResponse {
    const NAME: &'static str = "UpdateFeaturesResponse";
    const API_KEY: i16 = 57;
    const MIN_VERSION: i16 = 0;
    const MAX_VERSION: i16 = 2;
    const FLEXIBLE_FROM: i16 = 0;
}

/// Versions 0-1.
#[derive(Clone, Debug, PartialEq)]
pub struct UpdatableFeatureResult {
    /// Versions 0+.
    pub feature: String,
    /// Versions 0+.
    pub error_code: i16,
    /// Versions 0+, nullable 0+.
    pub error_message: Option<String>,
}

impl Default for UpdatableFeatureResult {
    fn default() -> Self {
        Self {
            feature: Default::default(),
            error_code: 0,
            error_message: Some(Default::default()),
        }
    }
}

impl Wire for UpdatableFeatureResult {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.feature = d.get(cx)?;
        m.error_code = d.get(cx)?;
        m.error_message = d.nullable(cx, true)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.feature.write(e, cx)?;
        self.error_code.write(e, cx)?;
        e.nullable(&self.error_message, cx, true, "ErrorMessage")?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.feature = r.get(cx);
        m.error_code = r.get(cx);
        m.error_message = r.nullable(cx, true);
        m
    }
}
