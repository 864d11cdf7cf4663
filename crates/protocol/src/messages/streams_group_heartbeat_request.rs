//! `StreamsGroupHeartbeatRequest`. Generated from the schema; do not edit.

use crate::wire::*;

/// Versions 0-1.
#[derive(Clone, Debug, PartialEq)]
pub struct StreamsGroupHeartbeatRequest {
    /// Versions 0+.
    pub group_id: String,
    /// Versions 0+.
    pub member_id: String,
    /// Versions 0+.
    pub member_epoch: i32,
    /// Versions 0+.
    pub endpoint_information_epoch: i32,
    /// Versions 0+, nullable 0+, default `null`.
    pub instance_id: Option<String>,
    /// Versions 0+, nullable 0+, default `null`.
    pub rack_id: Option<String>,
    /// Versions 0+, default `-1`.
    pub rebalance_timeout_ms: i32,
    /// Versions 0+, nullable 0+, default `null`.
    pub topology: Option<Topology>,
    /// Versions 0+, nullable 0+, default `null`.
    pub active_tasks: Option<Vec<TaskIds>>,
    /// Versions 0+, nullable 0+, default `null`.
    pub standby_tasks: Option<Vec<TaskIds>>,
    /// Versions 0+, nullable 0+, default `null`.
    pub warmup_tasks: Option<Vec<TaskIds>>,
    /// Versions 0+, nullable 0+, default `null`.
    pub process_id: Option<String>,
    /// Versions 0+, nullable 0+, default `null`.
    pub user_endpoint: Option<Endpoint>,
    /// Versions 0+, nullable 0+, default `null`.
    pub client_tags: Option<Vec<KeyValue>>,
    /// Versions 0+, nullable 0+, default `null`.
    pub task_offsets: Option<Vec<TaskOffset>>,
    /// Versions 0+, nullable 0+, default `null`.
    pub task_end_offsets: Option<Vec<TaskOffset>>,
    /// Versions 0+, default `false`.
    pub shutdown_application: bool,
}

impl Default for StreamsGroupHeartbeatRequest {
    fn default() -> Self {
        Self {
            group_id: Default::default(),
            member_id: Default::default(),
            member_epoch: 0,
            endpoint_information_epoch: 0,
            instance_id: None,
            rack_id: None,
            rebalance_timeout_ms: -1,
            topology: None,
            active_tasks: None,
            standby_tasks: None,
            warmup_tasks: None,
            process_id: None,
            user_endpoint: None,
            client_tags: None,
            task_offsets: None,
            task_end_offsets: None,
            shutdown_application: false,
        }
    }
}

impl Wire for StreamsGroupHeartbeatRequest {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.group_id = d.get(cx)?;
        m.member_id = d.get(cx)?;
        m.member_epoch = d.get(cx)?;
        m.endpoint_information_epoch = d.get(cx)?;
        m.instance_id = d.nullable(cx, true)?;
        m.rack_id = d.nullable(cx, true)?;
        m.rebalance_timeout_ms = d.get(cx)?;
        m.topology = d.nullable(cx, true)?;
        m.active_tasks = d.nullable(cx, true)?;
        m.standby_tasks = d.nullable(cx, true)?;
        m.warmup_tasks = d.nullable(cx, true)?;
        m.process_id = d.nullable(cx, true)?;
        m.user_endpoint = d.nullable(cx, true)?;
        m.client_tags = d.nullable(cx, true)?;
        m.task_offsets = d.nullable(cx, true)?;
        m.task_end_offsets = d.nullable(cx, true)?;
        m.shutdown_application = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.group_id.write(e, cx)?;
        self.member_id.write(e, cx)?;
        self.member_epoch.write(e, cx)?;
        self.endpoint_information_epoch.write(e, cx)?;
        e.nullable(&self.instance_id, cx, true, "InstanceId")?;
        e.nullable(&self.rack_id, cx, true, "RackId")?;
        self.rebalance_timeout_ms.write(e, cx)?;
        e.nullable(&self.topology, cx, true, "Topology")?;
        e.nullable(&self.active_tasks, cx, true, "ActiveTasks")?;
        e.nullable(&self.standby_tasks, cx, true, "StandbyTasks")?;
        e.nullable(&self.warmup_tasks, cx, true, "WarmupTasks")?;
        e.nullable(&self.process_id, cx, true, "ProcessId")?;
        e.nullable(&self.user_endpoint, cx, true, "UserEndpoint")?;
        e.nullable(&self.client_tags, cx, true, "ClientTags")?;
        e.nullable(&self.task_offsets, cx, true, "TaskOffsets")?;
        e.nullable(&self.task_end_offsets, cx, true, "TaskEndOffsets")?;
        self.shutdown_application.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.group_id = r.get(cx);
        m.member_id = r.get(cx);
        m.member_epoch = r.get(cx);
        m.endpoint_information_epoch = r.get(cx);
        m.instance_id = r.nullable(cx, true);
        m.rack_id = r.nullable(cx, true);
        m.rebalance_timeout_ms = r.get(cx);
        m.topology = r.nullable(cx, true);
        m.active_tasks = r.nullable(cx, true);
        m.standby_tasks = r.nullable(cx, true);
        m.warmup_tasks = r.nullable(cx, true);
        m.process_id = r.nullable(cx, true);
        m.user_endpoint = r.nullable(cx, true);
        m.client_tags = r.nullable(cx, true);
        m.task_offsets = r.nullable(cx, true);
        m.task_end_offsets = r.nullable(cx, true);
        m.shutdown_application = r.get(cx);
        m
    }
}

impl Message for StreamsGroupHeartbeatRequest {
    const NAME: &'static str = "StreamsGroupHeartbeatRequest";
    const API_KEY: i16 = 88;
    const MIN_VERSION: i16 = 0;
    const MAX_VERSION: i16 = 1;
    const FLEXIBLE_FROM: i16 = 0;
}

impl Request for StreamsGroupHeartbeatRequest {
    type Response = super::streams_group_heartbeat_response::StreamsGroupHeartbeatResponse;
    const KEY: ApiKey = ApiKey::StreamsGroupHeartbeat;
}

/// Versions 0+.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Topology {
    /// Versions 0+.
    pub epoch: i32,
    /// Versions 0+.
    pub subtopologies: Vec<Subtopology>,
}

impl Wire for Topology {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.epoch = d.get(cx)?;
        m.subtopologies = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.epoch.write(e, cx)?;
        self.subtopologies.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.epoch = r.get(cx);
        m.subtopologies = r.get(cx);
        m
    }
}

/// Versions 0+.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Subtopology {
    /// Versions 0+.
    pub subtopology_id: String,
    /// Versions 0+.
    pub source_topics: Vec<String>,
    /// Versions 0+.
    pub source_topic_regex: Vec<String>,
    /// Versions 0+.
    pub state_changelog_topics: Vec<TopicInfo>,
    /// Versions 0+.
    pub repartition_sink_topics: Vec<String>,
    /// Versions 0+.
    pub repartition_source_topics: Vec<TopicInfo>,
    /// Versions 0+.
    pub copartition_groups: Vec<CopartitionGroup>,
}

impl Wire for Subtopology {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.subtopology_id = d.get(cx)?;
        m.source_topics = d.get(cx)?;
        m.source_topic_regex = d.get(cx)?;
        m.state_changelog_topics = d.get(cx)?;
        m.repartition_sink_topics = d.get(cx)?;
        m.repartition_source_topics = d.get(cx)?;
        m.copartition_groups = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.subtopology_id.write(e, cx)?;
        self.source_topics.write(e, cx)?;
        self.source_topic_regex.write(e, cx)?;
        self.state_changelog_topics.write(e, cx)?;
        self.repartition_sink_topics.write(e, cx)?;
        self.repartition_source_topics.write(e, cx)?;
        self.copartition_groups.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.subtopology_id = r.get(cx);
        m.source_topics = r.get(cx);
        m.source_topic_regex = r.get(cx);
        m.state_changelog_topics = r.get(cx);
        m.repartition_sink_topics = r.get(cx);
        m.repartition_source_topics = r.get(cx);
        m.copartition_groups = r.get(cx);
        m
    }
}

/// Versions 0+.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct TopicInfo {
    /// Versions 0+.
    pub name: String,
    /// Versions 0+.
    pub partitions: i32,
    /// Versions 0+.
    pub replication_factor: i16,
    /// Versions 0+.
    pub topic_configs: Vec<KeyValue>,
}

impl Wire for TopicInfo {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.name = d.get(cx)?;
        m.partitions = d.get(cx)?;
        m.replication_factor = d.get(cx)?;
        m.topic_configs = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.name.write(e, cx)?;
        self.partitions.write(e, cx)?;
        self.replication_factor.write(e, cx)?;
        self.topic_configs.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.name = r.get(cx);
        m.partitions = r.get(cx);
        m.replication_factor = r.get(cx);
        m.topic_configs = r.get(cx);
        m
    }
}

/// Versions 0+.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct CopartitionGroup {
    /// Versions 0+.
    pub source_topics: Vec<i16>,
    /// Versions 0+.
    pub source_topic_regex: Vec<i16>,
    /// Versions 0+.
    pub repartition_source_topics: Vec<i16>,
}

impl Wire for CopartitionGroup {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.source_topics = d.get(cx)?;
        m.source_topic_regex = d.get(cx)?;
        m.repartition_source_topics = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.source_topics.write(e, cx)?;
        self.source_topic_regex.write(e, cx)?;
        self.repartition_source_topics.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.source_topics = r.get(cx);
        m.source_topic_regex = r.get(cx);
        m.repartition_source_topics = r.get(cx);
        m
    }
}

/// Versions 0+.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct TaskIds {
    /// Versions 0+.
    pub subtopology_id: String,
    /// Versions 0+.
    pub partitions: Vec<i32>,
}

impl Wire for TaskIds {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.subtopology_id = d.get(cx)?;
        m.partitions = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.subtopology_id.write(e, cx)?;
        self.partitions.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.subtopology_id = r.get(cx);
        m.partitions = r.get(cx);
        m
    }
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

/// Versions 0+.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct TaskOffset {
    /// Versions 0+.
    pub subtopology_id: String,
    /// Versions 0+.
    pub partition: i32,
    /// Versions 0+.
    pub offset: i64,
}

impl Wire for TaskOffset {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.subtopology_id = d.get(cx)?;
        m.partition = d.get(cx)?;
        m.offset = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.subtopology_id.write(e, cx)?;
        self.partition.write(e, cx)?;
        self.offset.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.subtopology_id = r.get(cx);
        m.partition = r.get(cx);
        m.offset = r.get(cx);
        m
    }
}
