//! `UpdateFeaturesRequest`. Generated from the schema; do not edit.

use crate::wire::*;

/// Versions 0-2.
#[derive(Clone, Debug, PartialEq)]
pub struct UpdateFeaturesRequest {
    /// Versions 0+, default `60000`.
    pub timeout_ms: i32,
    /// Versions 0+.
    pub feature_updates: Vec<FeatureUpdateKey>,
    /// Versions 1+, default `false`.
    pub validate_only: bool,
}

impl Default for UpdateFeaturesRequest {
    fn default() -> Self {
        Self {
            timeout_ms: 60000,
            feature_updates: Default::default(),
            validate_only: false,
        }
    }
}

impl Wire for UpdateFeaturesRequest {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let v = cx.version;
        let mut m = Self::default();
        m.timeout_ms = d.get(cx)?;
        m.feature_updates = d.get(cx)?;
        if v >= 1 { m.validate_only = d.get(cx)?; }
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        let v = cx.version;
        self.timeout_ms.write(e, cx)?;
        self.feature_updates.write(e, cx)?;
        if v >= 1 { self.validate_only.write(e, cx)?; } else { e.absent(self.validate_only, "UpdateFeaturesRequest.ValidateOnly", cx)?; }
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let v = cx.version;
        let mut m = Self::default();
        m.timeout_ms = r.get(cx);
        m.feature_updates = r.get(cx);
        if v >= 1 { m.validate_only = r.get(cx); }
        m
    }
}

impl Message for UpdateFeaturesRequest {
    const NAME: &'static str = "UpdateFeaturesRequest";
    const API_KEY: i16 = 57;
    const MIN_VERSION: i16 = 0;
    const MAX_VERSION: i16 = 2;
    const FLEXIBLE_FROM: i16 = 0;
}

impl Request for UpdateFeaturesRequest {
    type Response = super::update_features_response::UpdateFeaturesResponse;
    const KEY: ApiKey = ApiKey::UpdateFeatures;
}

/// Versions 0+.
#[derive(Clone, Debug, PartialEq)]
pub struct FeatureUpdateKey {
    /// Versions 0+.
    pub feature: String,
    /// Versions 0+.
    pub max_version_level: i16,
    /// Versions 0.
    pub allow_downgrade: bool,
    /// Versions 1+, default `1`.
    pub upgrade_type: i8,
}

impl Default for FeatureUpdateKey {
    fn default() -> Self {
        Self {
            feature: Default::default(),
            max_version_level: 0,
            allow_downgrade: Default::default(),
            upgrade_type: 1,
        }
    }
}

impl Wire for FeatureUpdateKey {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let v = cx.version;
        let mut m = Self::default();
        m.feature = d.get(cx)?;
        m.max_version_level = d.get(cx)?;
        if v <= 0 { m.allow_downgrade = d.get(cx)?; }
        if v >= 1 { m.upgrade_type = d.get(cx)?; }
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        let v = cx.version;
        self.feature.write(e, cx)?;
        self.max_version_level.write(e, cx)?;
        if v <= 0 { self.allow_downgrade.write(e, cx)?; } else { e.absent(self.allow_downgrade, "FeatureUpdateKey.AllowDowngrade", cx)?; }
        if v >= 1 { self.upgrade_type.write(e, cx)?; } else { e.absent(self.upgrade_type != 1, "FeatureUpdateKey.UpgradeType", cx)?; }
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let v = cx.version;
        let mut m = Self::default();
        m.feature = r.get(cx);
        m.max_version_level = r.get(cx);
        if v <= 0 { m.allow_downgrade = r.get(cx); }
        if v >= 1 { m.upgrade_type = r.get(cx); }
        m
    }
}
