//! `ApiVersionsResponse`. Generated from the schema; do not edit.

use crate::wire::*;

/// Versions 0-5.
#[derive(Clone, Debug, PartialEq)]
pub struct ApiVersionsResponse {
    /// Versions 0+.
    pub error_code: i16,
    /// Versions 0+.
    pub api_keys: Vec<ApiVersion>,
    /// Versions 1+.
    pub throttle_time_ms: i32,
    /// Versions 3+, tag 0 in 3+.
    pub supported_features: Vec<SupportedFeatureKey>,
    /// Versions 3+, tag 1 in 3+, default `-1`.
    pub finalized_features_epoch: i64,
    /// Versions 3+, tag 2 in 3+.
    pub finalized_features: Vec<FinalizedFeatureKey>,
    /// Versions 3+, tag 3 in 3+, default `false`.
    pub zk_migration_ready: bool,
}

impl Default for ApiVersionsResponse {
    fn default() -> Self {
        Self {
            error_code: 0,
            api_keys: Default::default(),
            throttle_time_ms: 0,
            supported_features: Default::default(),
            finalized_features_epoch: -1,
            finalized_features: Default::default(),
            zk_migration_ready: false,
        }
    }
}

impl Wire for ApiVersionsResponse {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let v = cx.version;
        let mut m = Self::default();
        m.error_code = d.get(cx)?;
        m.api_keys = d.get(cx)?;
        if v >= 1 { m.throttle_time_ms = d.get(cx)?; }
        d.tags(cx, &mut |d, tag| {
            match tag {
                0 if v >= 3 => m.supported_features = d.get(cx)?,
                1 if v >= 3 => m.finalized_features_epoch = d.get(cx)?,
                2 if v >= 3 => m.finalized_features = d.get(cx)?,
                3 if v >= 3 => m.zk_migration_ready = d.get(cx)?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        let v = cx.version;
        self.error_code.write(e, cx)?;
        self.api_keys.write(e, cx)?;
        if v >= 1 { self.throttle_time_ms.write(e, cx)?; }
        if cx.flexible {
            let tags = [v >= 3 && !self.supported_features.is_empty(), v >= 3 && self.finalized_features_epoch != -1, v >= 3 && !self.finalized_features.is_empty(), v >= 3 && self.zk_migration_ready];
            e.tag_count(&tags);
            if tags[0] { e.tag(0, &mut |e| self.supported_features.write(e, cx))?; }
            if tags[1] { e.tag(1, &mut |e| self.finalized_features_epoch.write(e, cx))?; }
            if tags[2] { e.tag(2, &mut |e| self.finalized_features.write(e, cx))?; }
            if tags[3] { e.tag(3, &mut |e| self.zk_migration_ready.write(e, cx))?; }
        }
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let v = cx.version;
        let mut m = Self::default();
        m.error_code = r.get(cx);
        m.api_keys = r.get(cx);
        if v >= 1 { m.throttle_time_ms = r.get(cx); }
        if v >= 3 { m.supported_features = r.get(cx); }
        if v >= 3 { m.finalized_features_epoch = r.get(cx); }
        if v >= 3 { m.finalized_features = r.get(cx); }
        if v >= 3 { m.zk_migration_ready = r.get(cx); }
        m
    }
}

impl Message for ApiVersionsResponse {
    const NAME: &'static str = "ApiVersionsResponse";
    const API_KEY: i16 = 18;
    const MIN_VERSION: i16 = 0;
    const MAX_VERSION: i16 = 5;
    const FLEXIBLE_FROM: i16 = 3;
}

/// Versions 0+.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct ApiVersion {
    /// Versions 0+.
    pub api_key: i16,
    /// Versions 0+.
    pub min_version: i16,
    /// Versions 0+.
    pub max_version: i16,
}

impl Wire for ApiVersion {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.api_key = d.get(cx)?;
        m.min_version = d.get(cx)?;
        m.max_version = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.api_key.write(e, cx)?;
        self.min_version.write(e, cx)?;
        self.max_version.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.api_key = r.get(cx);
        m.min_version = r.get(cx);
        m.max_version = r.get(cx);
        m
    }
}

/// Versions 3+.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct SupportedFeatureKey {
    /// Versions 3+.
    pub name: String,
    /// Versions 3+.
    pub min_version: i16,
    /// Versions 3+.
    pub max_version: i16,
}

impl Wire for SupportedFeatureKey {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.name = d.get(cx)?;
        m.min_version = d.get(cx)?;
        m.max_version = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.name.write(e, cx)?;
        self.min_version.write(e, cx)?;
        self.max_version.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.name = r.get(cx);
        m.min_version = r.get(cx);
        m.max_version = r.get(cx);
        m
    }
}

/// Versions 3+.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct FinalizedFeatureKey {
    /// Versions 3+.
    pub name: String,
    /// Versions 3+.
    pub max_version_level: i16,
    /// Versions 3+.
    pub min_version_level: i16,
}

impl Wire for FinalizedFeatureKey {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.name = d.get(cx)?;
        m.max_version_level = d.get(cx)?;
        m.min_version_level = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.name.write(e, cx)?;
        self.max_version_level.write(e, cx)?;
        self.min_version_level.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.name = r.get(cx);
        m.max_version_level = r.get(cx);
        m.min_version_level = r.get(cx);
        m
    }
}
