//! `DescribeTopicPartitionsResponse`. Generated from the schema; do not edit.

use crate::wire::*;
use klamm_types::Uuid;

/// Versions 0.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct DescribeTopicPartitionsResponse {
    /// Versions 0+.
    pub throttle_time_ms: i32,
    /// Versions 0+.
    pub topics: Vec<DescribeTopicPartitionsResponseTopic>,
    /// Versions 0+, nullable 0+, default `null`.
    pub next_cursor: Option<Cursor>,
}

impl Wire for DescribeTopicPartitionsResponse {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.throttle_time_ms = d.get(cx)?;
        m.topics = d.get(cx)?;
        m.next_cursor = d.nullable(cx, true)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.throttle_time_ms.write(e, cx)?;
        self.topics.write(e, cx)?;
        e.nullable(&self.next_cursor, cx, true, "NextCursor")?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.throttle_time_ms = r.get(cx);
        m.topics = r.get(cx);
        m.next_cursor = r.nullable(cx, true);
        m
    }
}

impl Message for DescribeTopicPartitionsResponse {
    const NAME: &'static str = "DescribeTopicPartitionsResponse";
    const API_KEY: i16 = 75;
    const MIN_VERSION: i16 = 0;
    const MAX_VERSION: i16 = 0;
    const FLEXIBLE_FROM: i16 = 0;
}

/// Versions 0+.
#[derive(Clone, Debug, PartialEq)]
pub struct DescribeTopicPartitionsResponseTopic {
    /// Versions 0+.
    pub error_code: i16,
    /// Versions 0+, nullable 0+.
    pub name: Option<String>,
    /// Versions 0+.
    pub topic_id: Uuid,
    /// Versions 0+, default `false`.
    pub is_internal: bool,
    /// Versions 0+.
    pub partitions: Vec<DescribeTopicPartitionsResponsePartition>,
    /// Versions 0+, default `-2147483648`.
    pub topic_authorized_operations: i32,
}

impl Default for DescribeTopicPartitionsResponseTopic {
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

impl Wire for DescribeTopicPartitionsResponseTopic {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.error_code = d.get(cx)?;
        m.name = d.nullable(cx, true)?;
        m.topic_id = d.get(cx)?;
        m.is_internal = d.get(cx)?;
        m.partitions = d.get(cx)?;
        m.topic_authorized_operations = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.error_code.write(e, cx)?;
        e.nullable(&self.name, cx, true, "Name")?;
        self.topic_id.write(e, cx)?;
        self.is_internal.write(e, cx)?;
        self.partitions.write(e, cx)?;
        self.topic_authorized_operations.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.error_code = r.get(cx);
        m.name = r.nullable(cx, true);
        m.topic_id = r.get(cx);
        m.is_internal = r.get(cx);
        m.partitions = r.get(cx);
        m.topic_authorized_operations = r.get(cx);
        m
    }
}

/// Versions 0+.
#[derive(Clone, Debug, PartialEq)]
pub struct DescribeTopicPartitionsResponsePartition {
    /// Versions 0+.
    pub error_code: i16,
    /// Versions 0+.
    pub partition_index: i32,
    /// Versions 0+.
    pub leader_id: i32,
    /// Versions 0+, default `-1`.
    pub leader_epoch: i32,
    /// Versions 0+.
    pub replica_nodes: Vec<i32>,
    /// Versions 0+.
    pub isr_nodes: Vec<i32>,
    /// Versions 0+, nullable 0+, default `null`.
    pub eligible_leader_replicas: Option<Vec<i32>>,
    /// Versions 0+, nullable 0+, default `null`.
    pub last_known_elr: Option<Vec<i32>>,
    /// Versions 0+.
    pub offline_replicas: Vec<i32>,
}

impl Default for DescribeTopicPartitionsResponsePartition {
    fn default() -> Self {
        Self {
            error_code: 0,
            partition_index: 0,
            leader_id: 0,
            leader_epoch: -1,
            replica_nodes: Default::default(),
            isr_nodes: Default::default(),
            eligible_leader_replicas: None,
            last_known_elr: None,
            offline_replicas: Default::default(),
        }
    }
}

impl Wire for DescribeTopicPartitionsResponsePartition {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.error_code = d.get(cx)?;
        m.partition_index = d.get(cx)?;
        m.leader_id = d.get(cx)?;
        m.leader_epoch = d.get(cx)?;
        m.replica_nodes = d.get(cx)?;
        m.isr_nodes = d.get(cx)?;
        m.eligible_leader_replicas = d.nullable(cx, true)?;
        m.last_known_elr = d.nullable(cx, true)?;
        m.offline_replicas = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.error_code.write(e, cx)?;
        self.partition_index.write(e, cx)?;
        self.leader_id.write(e, cx)?;
        self.leader_epoch.write(e, cx)?;
        self.replica_nodes.write(e, cx)?;
        self.isr_nodes.write(e, cx)?;
        e.nullable(&self.eligible_leader_replicas, cx, true, "EligibleLeaderReplicas")?;
        e.nullable(&self.last_known_elr, cx, true, "LastKnownElr")?;
        self.offline_replicas.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.error_code = r.get(cx);
        m.partition_index = r.get(cx);
        m.leader_id = r.get(cx);
        m.leader_epoch = r.get(cx);
        m.replica_nodes = r.get(cx);
        m.isr_nodes = r.get(cx);
        m.eligible_leader_replicas = r.nullable(cx, true);
        m.last_known_elr = r.nullable(cx, true);
        m.offline_replicas = r.get(cx);
        m
    }
}

/// Versions 0+.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Cursor {
    /// Versions 0+.
    pub topic_name: String,
    /// Versions 0+.
    pub partition_index: i32,
}

impl Wire for Cursor {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.topic_name = d.get(cx)?;
        m.partition_index = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.topic_name.write(e, cx)?;
        self.partition_index.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.topic_name = r.get(cx);
        m.partition_index = r.get(cx);
        m
    }
}
