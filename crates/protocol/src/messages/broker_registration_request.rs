//! `BrokerRegistrationRequest`. Generated from the schema; do not edit.

use crate::wire::*;
use klamm_types::Uuid;

/// Versions 0-4.
#[derive(Clone, Debug, PartialEq)]
pub struct BrokerRegistrationRequest {
    /// Versions 0+.
    pub broker_id: i32,
    /// Versions 0+.
    pub cluster_id: String,
    /// Versions 0+.
    pub incarnation_id: Uuid,
    /// Versions 0+.
    pub listeners: Vec<Listener>,
    /// Versions 0+.
    pub features: Vec<Feature>,
    /// Versions 0+, nullable 0+.
    pub rack: Option<String>,
    /// Versions 1+, default `false`.
    pub is_migrating_zk_broker: bool,
    /// Versions 2+.
    pub log_dirs: Vec<Uuid>,
    /// Versions 3+, default `-1`.
    pub previous_broker_epoch: i64,
}

impl Default for BrokerRegistrationRequest {
    fn default() -> Self {
        Self {
            broker_id: 0,
            cluster_id: Default::default(),
            incarnation_id: Default::default(),
            listeners: Default::default(),
            features: Default::default(),
            rack: Some(Default::default()),
            is_migrating_zk_broker: false,
            log_dirs: Default::default(),
            previous_broker_epoch: -1,
        }
    }
}

impl Wire for BrokerRegistrationRequest {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let v = cx.version;
        let mut m = Self::default();
        m.broker_id = d.get(cx)?;
        m.cluster_id = d.get(cx)?;
        m.incarnation_id = d.get(cx)?;
        m.listeners = d.get(cx)?;
        m.features = d.get(cx)?;
        m.rack = d.nullable(cx, true)?;
        if v >= 1 { m.is_migrating_zk_broker = d.get(cx)?; }
        if v >= 2 { m.log_dirs = d.get(cx)?; }
        if v >= 3 { m.previous_broker_epoch = d.get(cx)?; }
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        let v = cx.version;
        self.broker_id.write(e, cx)?;
        self.cluster_id.write(e, cx)?;
        self.incarnation_id.write(e, cx)?;
        self.listeners.write(e, cx)?;
        self.features.write(e, cx)?;
        e.nullable(&self.rack, cx, true, "Rack")?;
        if v >= 1 { self.is_migrating_zk_broker.write(e, cx)?; } else { e.absent(self.is_migrating_zk_broker, "BrokerRegistrationRequest.IsMigratingZkBroker", cx)?; }
        if v >= 2 { self.log_dirs.write(e, cx)?; }
        if v >= 3 { self.previous_broker_epoch.write(e, cx)?; }
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let v = cx.version;
        let mut m = Self::default();
        m.broker_id = r.get(cx);
        m.cluster_id = r.get(cx);
        m.incarnation_id = r.get(cx);
        m.listeners = r.get(cx);
        m.features = r.get(cx);
        m.rack = r.nullable(cx, true);
        if v >= 1 { m.is_migrating_zk_broker = r.get(cx); }
        if v >= 2 { m.log_dirs = r.get(cx); }
        if v >= 3 { m.previous_broker_epoch = r.get(cx); }
        m
    }
}

impl Message for BrokerRegistrationRequest {
    const NAME: &'static str = "BrokerRegistrationRequest";
    const API_KEY: i16 = 62;
    const MIN_VERSION: i16 = 0;
    const MAX_VERSION: i16 = 4;
    const FLEXIBLE_FROM: i16 = 0;
}

impl Request for BrokerRegistrationRequest {
    type Response = super::broker_registration_response::BrokerRegistrationResponse;
    const KEY: ApiKey = ApiKey::BrokerRegistration;
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
