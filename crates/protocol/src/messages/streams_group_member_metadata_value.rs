//! `StreamsGroupMemberMetadataValue`. Generated from the schema; do not edit.

use crate::wire::*;

/// Versions 0.
#[derive(Clone, Debug, PartialEq)]
pub struct StreamsGroupMemberMetadataValue {
    /// Versions 0+, nullable 0+.
    pub instance_id: Option<String>,
    /// Versions 0+, nullable 0+.
    pub rack_id: Option<String>,
    /// Versions 0+.
    pub client_id: String,
    /// Versions 0+.
    pub client_host: String,
    /// Versions 0+, default `-1`.
    pub rebalance_timeout_ms: i32,
    /// Versions 0+.
    pub topology_epoch: i32,
    /// Versions 0+.
    pub process_id: String,
    /// Versions 0+, nullable 0+, default `null`.
    pub user_endpoint: Option<Endpoint>,
    /// Versions 0+.
    pub client_tags: Vec<KeyValue>,
}

impl Default for StreamsGroupMemberMetadataValue {
    fn default() -> Self {
        Self {
            instance_id: Some(Default::default()),
            rack_id: Some(Default::default()),
            client_id: Default::default(),
            client_host: Default::default(),
            rebalance_timeout_ms: -1,
            topology_epoch: 0,
            process_id: Default::default(),
            user_endpoint: None,
            client_tags: Default::default(),
        }
    }
}

impl Wire for StreamsGroupMemberMetadataValue {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.instance_id = d.nullable(cx, true)?;
        m.rack_id = d.nullable(cx, true)?;
        m.client_id = d.get(cx)?;
        m.client_host = d.get(cx)?;
        m.rebalance_timeout_ms = d.get(cx)?;
        m.topology_epoch = d.get(cx)?;
        m.process_id = d.get(cx)?;
        m.user_endpoint = d.nullable(cx, true)?;
        m.client_tags = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        e.nullable(&self.instance_id, cx, true, "InstanceId")?;
        e.nullable(&self.rack_id, cx, true, "RackId")?;
        self.client_id.write(e, cx)?;
        self.client_host.write(e, cx)?;
        self.rebalance_timeout_ms.write(e, cx)?;
        self.topology_epoch.write(e, cx)?;
        self.process_id.write(e, cx)?;
        e.nullable(&self.user_endpoint, cx, true, "UserEndpoint")?;
        self.client_tags.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.instance_id = r.nullable(cx, true);
        m.rack_id = r.nullable(cx, true);
        m.client_id = r.get(cx);
        m.client_host = r.get(cx);
        m.rebalance_timeout_ms = r.get(cx);
        m.topology_epoch = r.get(cx);
        m.process_id = r.get(cx);
        m.user_endpoint = r.nullable(cx, true);
        m.client_tags = r.get(cx);
        m
    }
}

impl Message for StreamsGroupMemberMetadataValue {
    const NAME: &'static str = "StreamsGroupMemberMetadataValue";
    const API_KEY: i16 = 19;
    const MIN_VERSION: i16 = 0;
    const MAX_VERSION: i16 = 0;
    const FLEXIBLE_FROM: i16 = 0;
}

/// Versions 0+.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Endpoint {
    /// Versions 0+.
    pub host: String,
    /// Versions 0+.
    pub port: u16,
}

impl Wire for Endpoint {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.host = d.get(cx)?;
        m.port = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.host.write(e, cx)?;
        self.port.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.host = r.get(cx);
        m.port = r.get(cx);
        m
    }
}

/// Versions 0+.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct KeyValue {
    /// Versions 0+.
    pub key: String,
    /// Versions 0+.
    pub value: String,
}

impl Wire for KeyValue {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.key = d.get(cx)?;
        m.value = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.key.write(e, cx)?;
        self.value.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.key = r.get(cx);
        m.value = r.get(cx);
        m
    }
}
