//! `ControllerRegistrationRequest`. Generated from the schema; do not edit.

use crate::wire::*;
use klamm_types::Uuid;

/// Versions 0.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct ControllerRegistrationRequest {
    /// Versions 0+.
    pub controller_id: i32,
    /// Versions 0+.
    pub incarnation_id: Uuid,
    /// Versions 0+.
    pub zk_migration_ready: bool,
    /// Versions 0+.
    pub listeners: Vec<Listener>,
    /// Versions 0+.
    pub features: Vec<Feature>,
}

impl Wire for ControllerRegistrationRequest {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.controller_id = d.get(cx)?;
        m.incarnation_id = d.get(cx)?;
        m.zk_migration_ready = d.get(cx)?;
        m.listeners = d.get(cx)?;
        m.features = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.controller_id.write(e, cx)?;
        self.incarnation_id.write(e, cx)?;
        self.zk_migration_ready.write(e, cx)?;
        self.listeners.write(e, cx)?;
        self.features.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.controller_id = r.get(cx);
        m.incarnation_id = r.get(cx);
        m.zk_migration_ready = r.get(cx);
        m.listeners = r.get(cx);
        m.features = r.get(cx);
        m
    }
}

impl Message for ControllerRegistrationRequest {
    const NAME: &'static str = "ControllerRegistrationRequest";
    const API_KEY: i16 = 70;
    const MIN_VERSION: i16 = 0;
    const MAX_VERSION: i16 = 0;
    const FLEXIBLE_FROM: i16 = 0;
}

impl Request for ControllerRegistrationRequest {
    type Response = super::controller_registration_response::ControllerRegistrationResponse;
    const KEY: ApiKey = ApiKey::ControllerRegistration;
}

/// Versions 0+.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Listener {
    /// Versions 0+.
    pub name: String,
    /// Versions 0+.
    pub host: String,
    /// Versions 0+.
    pub port: u16,
    /// Versions 0+.
    pub security_protocol: i16,
}

impl Wire for Listener {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.name = d.get(cx)?;
        m.host = d.get(cx)?;
        m.port = d.get(cx)?;
        m.security_protocol = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.name.write(e, cx)?;
        self.host.write(e, cx)?;
        self.port.write(e, cx)?;
        self.security_protocol.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.name = r.get(cx);
        m.host = r.get(cx);
        m.port = r.get(cx);
        m.security_protocol = r.get(cx);
        m
    }
}

/// Versions 0+.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Feature {
    /// Versions 0+.
    pub name: String,
    /// Versions 0+.
    pub min_supported_version: i16,
    /// Versions 0+.
    pub max_supported_version: i16,
}

impl Wire for Feature {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.name = d.get(cx)?;
        m.min_supported_version = d.get(cx)?;
        m.max_supported_version = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.name.write(e, cx)?;
        self.min_supported_version.write(e, cx)?;
        self.max_supported_version.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.name = r.get(cx);
        m.min_supported_version = r.get(cx);
        m.max_supported_version = r.get(cx);
        m
    }
}
