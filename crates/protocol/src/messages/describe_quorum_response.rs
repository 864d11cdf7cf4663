//! `DescribeQuorumResponse`. Generated from the schema; do not edit.

use crate::wire::*;
use klamm_types::Uuid;

/// Versions 0-2.
#[derive(Clone, Debug, PartialEq)]
pub struct DescribeQuorumResponse {
    /// Versions 0+.
    pub error_code: i16,
    /// Versions 2+, nullable 2+.
    pub error_message: Option<String>,
    /// Versions 0+.
    pub topics: Vec<TopicData>,
    /// Versions 2+.
    pub nodes: Vec<Node>,
}

impl Default for DescribeQuorumResponse {
    fn default() -> Self {
        Self {
            error_code: 0,
            error_message: Some(Default::default()),
            topics: Default::default(),
            nodes: Default::default(),
        }
    }
}

impl Wire for DescribeQuorumResponse {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let v = cx.version;
        let mut m = Self::default();
        m.error_code = d.get(cx)?;
        if v >= 2 { m.error_message = d.nullable(cx, true)?; }
        m.topics = d.get(cx)?;
        if v >= 2 { m.nodes = d.get(cx)?; }
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        let v = cx.version;
        self.error_code.write(e, cx)?;
        if v >= 2 { e.nullable(&self.error_message, cx, true, "ErrorMessage")?; }
        self.topics.write(e, cx)?;
        if v >= 2 { self.nodes.write(e, cx)?; } else { e.absent(!self.nodes.is_empty(), "DescribeQuorumResponse.Nodes", cx)?; }
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let v = cx.version;
        let mut m = Self::default();
        m.error_code = r.get(cx);
        if v >= 2 { m.error_message = r.nullable(cx, true); }
        m.topics = r.get(cx);
        if v >= 2 { m.nodes = r.get(cx); }
        m
    }
}

impl Message for DescribeQuorumResponse {
    const NAME: &'static str = "DescribeQuorumResponse";
    const API_KEY: i16 = 55;
    const MIN_VERSION: i16 = 0;
    const MAX_VERSION: i16 = 2;
    const FLEXIBLE_FROM: i16 = 0;
}

/// Versions 0+.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct TopicData {
    /// Versions 0+.
    pub topic_name: String,
    /// Versions 0+.
    pub partitions: Vec<PartitionData>,
}

impl Wire for TopicData {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.topic_name = d.get(cx)?;
        m.partitions = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.topic_name.write(e, cx)?;
        self.partitions.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.topic_name = r.get(cx);
        m.partitions = r.get(cx);
        m
    }
}

/// Versions 0+.
#[derive(Clone, Debug, PartialEq)]
pub struct PartitionData {
    /// Versions 0+.
    pub partition_index: i32,
    /// Versions 0+.
    pub error_code: i16,
    /// Versions 2+, nullable 2+.
    pub error_message: Option<String>,
    /// Versions 0+.
    pub leader_id: i32,
    /// Versions 0+.
    pub leader_epoch: i32,
    /// Versions 0+.
    pub high_watermark: i64,
    /// Versions 0+.
    pub current_voters: Vec<ReplicaState>,
    /// Versions 0+.
    pub observers: Vec<ReplicaState>,
}

impl Default for PartitionData {
    fn default() -> Self {
        Self {
            partition_index: 0,
            error_code: 0,
            error_message: Some(Default::default()),
            leader_id: 0,
            leader_epoch: 0,
            high_watermark: 0,
            current_voters: Default::default(),
            observers: Default::default(),
        }
    }
}

impl Wire for PartitionData {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let v = cx.version;
        let mut m = Self::default();
        m.partition_index = d.get(cx)?;
        m.error_code = d.get(cx)?;
        if v >= 2 { m.error_message = d.nullable(cx, true)?; }
        m.leader_id = d.get(cx)?;
        m.leader_epoch = d.get(cx)?;
        m.high_watermark = d.get(cx)?;
        m.current_voters = d.get(cx)?;
        m.observers = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        let v = cx.version;
        self.partition_index.write(e, cx)?;
        self.error_code.write(e, cx)?;
        if v >= 2 { e.nullable(&self.error_message, cx, true, "ErrorMessage")?; }
        self.leader_id.write(e, cx)?;
        self.leader_epoch.write(e, cx)?;
        self.high_watermark.write(e, cx)?;
        self.current_voters.write(e, cx)?;
        self.observers.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let v = cx.version;
        let mut m = Self::default();
        m.partition_index = r.get(cx);
        m.error_code = r.get(cx);
        if v >= 2 { m.error_message = r.nullable(cx, true); }
        m.leader_id = r.get(cx);
        m.leader_epoch = r.get(cx);
        m.high_watermark = r.get(cx);
        m.current_voters = r.get(cx);
        m.observers = r.get(cx);
        m
    }
}

/// Versions 0+.
#[derive(Clone, Debug, PartialEq)]
pub struct ReplicaState {
    /// Versions 0+.
    pub replica_id: i32,
    /// Versions 2+.
    pub replica_directory_id: Uuid,
    /// Versions 0+.
    pub log_end_offset: i64,
    /// Versions 1+, default `-1`.
    pub last_fetch_timestamp: i64,
    /// Versions 1+, default `-1`.
    pub last_caught_up_timestamp: i64,
}

impl Default for ReplicaState {
    fn default() -> Self {
        Self {
            replica_id: 0,
            replica_directory_id: Default::default(),
            log_end_offset: 0,
            last_fetch_timestamp: -1,
            last_caught_up_timestamp: -1,
        }
    }
}

impl Wire for ReplicaState {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let v = cx.version;
        let mut m = Self::default();
        m.replica_id = d.get(cx)?;
        if v >= 2 { m.replica_directory_id = d.get(cx)?; }
        m.log_end_offset = d.get(cx)?;
        if v >= 1 { m.last_fetch_timestamp = d.get(cx)?; }
        if v >= 1 { m.last_caught_up_timestamp = d.get(cx)?; }
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        let v = cx.version;
        self.replica_id.write(e, cx)?;
        if v >= 2 { self.replica_directory_id.write(e, cx)?; } else { e.absent(self.replica_directory_id != Default::default(), "ReplicaState.ReplicaDirectoryId", cx)?; }
        self.log_end_offset.write(e, cx)?;
        if v >= 1 { self.last_fetch_timestamp.write(e, cx)?; }
        if v >= 1 { self.last_caught_up_timestamp.write(e, cx)?; }
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let v = cx.version;
        let mut m = Self::default();
        m.replica_id = r.get(cx);
        if v >= 2 { m.replica_directory_id = r.get(cx); }
        m.log_end_offset = r.get(cx);
        if v >= 1 { m.last_fetch_timestamp = r.get(cx); }
        if v >= 1 { m.last_caught_up_timestamp = r.get(cx); }
        m
    }
}

/// Versions 2+.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Node {
    /// Versions 2+.
    pub node_id: i32,
    /// Versions 2+.
    pub listeners: Vec<Listener>,
}

impl Wire for Node {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.node_id = d.get(cx)?;
        m.listeners = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.node_id.write(e, cx)?;
        self.listeners.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.node_id = r.get(cx);
        m.listeners = r.get(cx);
        m
    }
}

/// Versions 2+.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Listener {
    /// Versions 2+.
    pub name: String,
    /// Versions 2+.
    pub host: String,
    /// Versions 2+.
    pub port: u16,
}

impl Wire for Listener {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.name = d.get(cx)?;
        m.host = d.get(cx)?;
        m.port = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.name.write(e, cx)?;
        self.host.write(e, cx)?;
        self.port.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.name = r.get(cx);
        m.host = r.get(cx);
        m.port = r.get(cx);
        m
    }
}
