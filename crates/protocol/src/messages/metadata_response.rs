//! `MetadataResponse`. Generated from the schema; do not edit.

use crate::wire::*;
use klamm_types::Uuid;

/// Versions 0-13.
#[derive(Clone, Debug, PartialEq)]
pub struct MetadataResponse {
    /// Versions 3+.
    pub throttle_time_ms: i32,
    /// Versions 0+.
    pub brokers: Vec<MetadataResponseBroker>,
    /// Versions 2+, nullable 2+, default `null`.
    pub cluster_id: Option<String>,
    /// Versions 1+, default `-1`.
    pub controller_id: i32,
    /// Versions 0+.
    pub topics: Vec<MetadataResponseTopic>,
    /// Versions 8-10, default `-2147483648`.
    pub cluster_authorized_operations: i32,
    /// Versions 13+.
    pub error_code: i16,
}

impl Default for MetadataResponse {
    fn default() -> Self {
        Self {
            throttle_time_ms: 0,
            brokers: Default::default(),
            cluster_id: None,
            controller_id: -1,
            topics: Default::default(),
            cluster_authorized_operations: -2147483648,
            error_code: 0,
        }
    }
}

impl Wire for MetadataResponse {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let v = cx.version;
        let mut m = Self::default();
        if v >= 3 { m.throttle_time_ms = d.get(cx)?; }
        m.brokers = d.get(cx)?;
        if v >= 2 { m.cluster_id = d.nullable(cx, true)?; }
        if v >= 1 { m.controller_id = d.get(cx)?; }
        m.topics = d.get(cx)?;
        if (8..=10).contains(&v) { m.cluster_authorized_operations = d.get(cx)?; }
        if v >= 13 { m.error_code = d.get(cx)?; }
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        let v = cx.version;
        if v >= 3 { self.throttle_time_ms.write(e, cx)?; }
        self.brokers.write(e, cx)?;
        if v >= 2 { e.nullable(&self.cluster_id, cx, true, "ClusterId")?; }
        if v >= 1 { self.controller_id.write(e, cx)?; }
        self.topics.write(e, cx)?;
        if (8..=10).contains(&v) { self.cluster_authorized_operations.write(e, cx)?; } else { e.absent(self.cluster_authorized_operations != -2147483648, "MetadataResponse.ClusterAuthorizedOperations", cx)?; }
        if v >= 13 { self.error_code.write(e, cx)?; }
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let v = cx.version;
        let mut m = Self::default();
        if v >= 3 { m.throttle_time_ms = r.get(cx); }
        m.brokers = r.get(cx);
        if v >= 2 { m.cluster_id = r.nullable(cx, true); }
        if v >= 1 { m.controller_id = r.get(cx); }
        m.topics = r.get(cx);
        if (8..=10).contains(&v) { m.cluster_authorized_operations = r.get(cx); }
        if v >= 13 { m.error_code = r.get(cx); }
        m
    }
}

impl Message for MetadataResponse {
    const NAME: &'static str = "MetadataResponse";
    const API_KEY: i16 = 3;
    const MIN_VERSION: i16 = 0;
    const MAX_VERSION: i16 = 13;
    const FLEXIBLE_FROM: i16 = 9;
}

/// Versions 0+.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct MetadataResponseBroker {
    /// Versions 0+.
    pub node_id: i32,
    /// Versions 0+.
    pub host: String,
    /// Versions 0+.
    pub port: i32,
    /// Versions 1+, nullable 1+, default `null`.
    pub rack: Option<String>,
}

impl Wire for MetadataResponseBroker {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let v = cx.version;
        let mut m = Self::default();
        m.node_id = d.get(cx)?;
        m.host = d.get(cx)?;
        m.port = d.get(cx)?;
        if v >= 1 { m.rack = d.nullable(cx, true)?; }
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        let v = cx.version;
        self.node_id.write(e, cx)?;
        self.host.write(e, cx)?;
        self.port.write(e, cx)?;
        if v >= 1 { e.nullable(&self.rack, cx, true, "Rack")?; }
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let v = cx.version;
        let mut m = Self::default();
        m.node_id = r.get(cx);
        m.host = r.get(cx);
        m.port = r.get(cx);
        if v >= 1 { m.rack = r.nullable(cx, true); }
        m
    }
}

/// Versions 0+.
#[derive(Clone, Debug, PartialEq)]
pub struct MetadataResponseTopic {
    /// Versions 0+.
    pub error_code: i16,
    /// Versions 0+, nullable 12+.
    pub name: Option<String>,
    /// Versions 10+.
    pub topic_id: Uuid,
    /// Versions 1+, default `false`.
    pub is_internal: bool,
    /// Versions 0+.
    pub partitions: Vec<MetadataResponsePartition>,
    /// Versions 8+, default `-2147483648`.
    pub topic_authorized_operations: i32,
}

impl Default for MetadataResponseTopic {
    fn default() -> Self {
        Self {
            error_code: 0,
            name: Some(Default::default()),
            topic_id: Default::default(),
            is_internal: false,
            partitions: Default::default(),
            topic_authorized_operations: -2147483648,
        }
    }
}

impl Wire for MetadataResponseTopic {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let v = cx.version;
        let mut m = Self::default();
        m.error_code = d.get(cx)?;
        m.name = d.nullable(cx, v >= 12)?;
        if v >= 10 { m.topic_id = d.get(cx)?; }
        if v >= 1 { m.is_internal = d.get(cx)?; }
        m.partitions = d.get(cx)?;
        if v >= 8 { m.topic_authorized_operations = d.get(cx)?; }
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        let v = cx.version;
        self.error_code.write(e, cx)?;
        e.nullable(&self.name, cx, v >= 12, "Name")?;
        if v >= 10 { self.topic_id.write(e, cx)?; }
        if v >= 1 { self.is_internal.write(e, cx)?; }
        self.partitions.write(e, cx)?;
        if v >= 8 { self.topic_authorized_operations.write(e, cx)?; } else { e.absent(self.topic_authorized_operations != -2147483648, "MetadataResponseTopic.TopicAuthorizedOperations", cx)?; }
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let v = cx.version;
        let mut m = Self::default();
        m.error_code = r.get(cx);
        m.name = r.nullable(cx, v >= 12);
        if v >= 10 { m.topic_id = r.get(cx); }
        if v >= 1 { m.is_internal = r.get(cx); }
        m.partitions = r.get(cx);
        if v >= 8 { m.topic_authorized_operations = r.get(cx); }
        m
    }
}

/// Versions 0+.
#[derive(Clone, Debug, PartialEq)]
pub struct MetadataResponsePartition {
    /// Versions 0+.
    pub error_code: i16,
    /// Versions 0+.
    pub partition_index: i32,
    /// Versions 0+.
    pub leader_id: i32,
    /// Versions 7+, default `-1`.
    pub leader_epoch: i32,
    /// Versions 0+.
    pub replica_nodes: Vec<i32>,
    /// Versions 0+.
    pub isr_nodes: Vec<i32>,
    /// Versions 5+.
    pub offline_replicas: Vec<i32>,
}

impl Default for MetadataResponsePartition {
    fn default() -> Self {
        Self {
            error_code: 0,
            partition_index: 0,
            leader_id: 0,
            leader_epoch: -1,
            replica_nodes: Default::default(),
            isr_nodes: Default::default(),
            offline_replicas: Default::default(),
        }
    }
}

impl Wire for MetadataResponsePartition {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let v = cx.version;
        let mut m = Self::default();
        m.error_code = d.get(cx)?;
        m.partition_index = d.get(cx)?;
        m.leader_id = d.get(cx)?;
        if v >= 7 { m.leader_epoch = d.get(cx)?; }
        m.replica_nodes = d.get(cx)?;
        m.isr_nodes = d.get(cx)?;
        if v >= 5 { m.offline_replicas = d.get(cx)?; }
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        let v = cx.version;
        self.error_code.write(e, cx)?;
        self.partition_index.write(e, cx)?;
        self.leader_id.write(e, cx)?;
        if v >= 7 { self.leader_epoch.write(e, cx)?; }
        self.replica_nodes.write(e, cx)?;
        self.isr_nodes.write(e, cx)?;
        if v >= 5 { self.offline_replicas.write(e, cx)?; }
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let v = cx.version;
        let mut m = Self::default();
        m.error_code = r.get(cx);
        m.partition_index = r.get(cx);
        m.leader_id = r.get(cx);
        if v >= 7 { m.leader_epoch = r.get(cx); }
        m.replica_nodes = r.get(cx);
        m.isr_nodes = r.get(cx);
        if v >= 5 { m.offline_replicas = r.get(cx); }
        m
    }
}
