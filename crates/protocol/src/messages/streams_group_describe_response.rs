//! `StreamsGroupDescribeResponse`. Generated from the schema; do not edit.

use crate::wire::*;

/// Versions 0-1.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct StreamsGroupDescribeResponse {
    /// Versions 0+.
    pub throttle_time_ms: i32,
    /// Versions 0+.
    pub groups: Vec<DescribedGroup>,
}

impl Wire for StreamsGroupDescribeResponse {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.throttle_time_ms = d.get(cx)?;
        m.groups = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.throttle_time_ms.write(e, cx)?;
        self.groups.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.throttle_time_ms = r.get(cx);
        m.groups = r.get(cx);
        m
    }
}

impl Message for StreamsGroupDescribeResponse {
    const NAME: &'static str = "StreamsGroupDescribeResponse";
    const API_KEY: i16 = 89;
    const MIN_VERSION: i16 = 0;
    const MAX_VERSION: i16 = 1;
    const FLEXIBLE_FROM: i16 = 0;
}

/// Versions 0+.
#[derive(Clone, Debug, PartialEq)]
pub struct DescribedGroup {
    /// Versions 0+.
    pub error_code: i16,
    /// Versions 0+, nullable 0+, default `null`.
    pub error_message: Option<String>,
    /// Versions 0+.
    pub group_id: String,
    /// Versions 0+.
    pub group_state: String,
    /// Versions 0+.
    pub group_epoch: i32,
    /// Versions 0+.
    pub assignment_epoch: i32,
    /// Versions 0+, nullable 0+, default `null`.
    pub topology: Option<Topology>,
    /// Versions 0+.
    pub members: Vec<Member>,
    /// Versions 0+, default `-2147483648`.
    pub authorized_operations: i32,
    /// Versions 1+, nullable 1+, default `null`.
    pub topology_description: Option<TopologyDescription>,
    /// Versions 1+, default `0`.
    pub topology_description_status: i8,
    /// Versions 1+, nullable 1+, default `null`.
    pub assignor_name: Option<String>,
}

impl Default for DescribedGroup {
    fn default() -> Self {
        Self {
            error_code: 0,
            error_message: None,
            group_id: Default::default(),
            group_state: Default::default(),
            group_epoch: 0,
            assignment_epoch: 0,
            topology: None,
            members: Default::default(),
            authorized_operations: -2147483648,
            topology_description: None,
            topology_description_status: 0,
            assignor_name: None,
        }
    }
}

impl Wire for DescribedGroup {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let v = cx.version;
        let mut m = Self::default();
        m.error_code = d.get(cx)?;
        m.error_message = d.nullable(cx, true)?;
        m.group_id = d.get(cx)?;
        m.group_state = d.get(cx)?;
        m.group_epoch = d.get(cx)?;
        m.assignment_epoch = d.get(cx)?;
        m.topology = d.nullable(cx, true)?;
        m.members = d.get(cx)?;
        m.authorized_operations = d.get(cx)?;
        if v >= 1 { m.topology_description = d.nullable(cx, true)?; }
        if v >= 1 { m.topology_description_status = d.get(cx)?; }
        if v >= 1 { m.assignor_name = d.nullable(cx, true)?; }
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        let v = cx.version;
        self.error_code.write(e, cx)?;
        e.nullable(&self.error_message, cx, true, "ErrorMessage")?;
        self.group_id.write(e, cx)?;
        self.group_state.write(e, cx)?;
        self.group_epoch.write(e, cx)?;
        self.assignment_epoch.write(e, cx)?;
        e.nullable(&self.topology, cx, true, "Topology")?;
        self.members.write(e, cx)?;
        self.authorized_operations.write(e, cx)?;
        if v >= 1 { e.nullable(&self.topology_description, cx, true, "TopologyDescription")?; } else { e.absent(self.topology_description.is_some(), "DescribedGroup.TopologyDescription", cx)?; }
        if v >= 1 { self.topology_description_status.write(e, cx)?; } else { e.absent(self.topology_description_status != 0, "DescribedGroup.TopologyDescriptionStatus", cx)?; }
        if v >= 1 { e.nullable(&self.assignor_name, cx, true, "AssignorName")?; }
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let v = cx.version;
        let mut m = Self::default();
        m.error_code = r.get(cx);
        m.error_message = r.nullable(cx, true);
        m.group_id = r.get(cx);
        m.group_state = r.get(cx);
        m.group_epoch = r.get(cx);
        m.assignment_epoch = r.get(cx);
        m.topology = r.nullable(cx, true);
        m.members = r.get(cx);
        m.authorized_operations = r.get(cx);
        if v >= 1 { m.topology_description = r.nullable(cx, true); }
        if v >= 1 { m.topology_description_status = r.get(cx); }
        if v >= 1 { m.assignor_name = r.nullable(cx, true); }
        m
    }
}

/// Versions 0+.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Topology {
    /// Versions 0+.
    pub epoch: i32,
    /// Versions 0+, nullable 0+, default `null`.
    pub subtopologies: Option<Vec<Subtopology>>,
}

impl Wire for Topology {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.epoch = d.get(cx)?;
        m.subtopologies = d.nullable(cx, true)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.epoch.write(e, cx)?;
        e.nullable(&self.subtopologies, cx, true, "Subtopologies")?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.epoch = r.get(cx);
        m.subtopologies = r.nullable(cx, true);
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
    pub repartition_sink_topics: Vec<String>,
    /// Versions 0+.
    pub state_changelog_topics: Vec<TopicInfo>,
    /// Versions 0+.
    pub repartition_source_topics: Vec<TopicInfo>,
}

impl Wire for Subtopology {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.subtopology_id = d.get(cx)?;
        m.source_topics = d.get(cx)?;
        m.repartition_sink_topics = d.get(cx)?;
        m.state_changelog_topics = d.get(cx)?;
        m.repartition_source_topics = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.subtopology_id.write(e, cx)?;
        self.source_topics.write(e, cx)?;
        self.repartition_sink_topics.write(e, cx)?;
        self.state_changelog_topics.write(e, cx)?;
        self.repartition_source_topics.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.subtopology_id = r.get(cx);
        m.source_topics = r.get(cx);
        m.repartition_sink_topics = r.get(cx);
        m.state_changelog_topics = r.get(cx);
        m.repartition_source_topics = r.get(cx);
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
pub struct Member {
    /// Versions 0+.
    pub member_id: String,
    /// Versions 0+.
    pub member_epoch: i32,
    /// Versions 0+, nullable 0+, default `null`.
    pub instance_id: Option<String>,
    /// Versions 0+, nullable 0+, default `null`.
    pub rack_id: Option<String>,
    /// Versions 0+.
    pub client_id: String,
    /// Versions 0+.
    pub client_host: String,
    /// Versions 0+.
    pub topology_epoch: i32,
    /// Versions 0+.
    pub process_id: String,
    /// Versions 0+, nullable 0+, default `null`.
    pub user_endpoint: Option<Endpoint>,
    /// Versions 0+.
    pub client_tags: Vec<KeyValue>,
    /// Versions 0+.
    pub task_offsets: Vec<TaskOffset>,
    /// Versions 0+.
    pub task_end_offsets: Vec<TaskOffset>,
    /// Versions 0+.
    pub assignment: Assignment,
    /// Versions 0+.
    pub target_assignment: Assignment,
    /// Versions 0+.
    pub is_classic: bool,
}

impl Wire for Member {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.member_id = d.get(cx)?;
        m.member_epoch = d.get(cx)?;
        m.instance_id = d.nullable(cx, true)?;
        m.rack_id = d.nullable(cx, true)?;
        m.client_id = d.get(cx)?;
        m.client_host = d.get(cx)?;
        m.topology_epoch = d.get(cx)?;
        m.process_id = d.get(cx)?;
        m.user_endpoint = d.nullable(cx, true)?;
        m.client_tags = d.get(cx)?;
        m.task_offsets = d.get(cx)?;
        m.task_end_offsets = d.get(cx)?;
        m.assignment = d.get(cx)?;
        m.target_assignment = d.get(cx)?;
        m.is_classic = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.member_id.write(e, cx)?;
        self.member_epoch.write(e, cx)?;
        e.nullable(&self.instance_id, cx, true, "InstanceId")?;
        e.nullable(&self.rack_id, cx, true, "RackId")?;
        self.client_id.write(e, cx)?;
        self.client_host.write(e, cx)?;
        self.topology_epoch.write(e, cx)?;
        self.process_id.write(e, cx)?;
        e.nullable(&self.user_endpoint, cx, true, "UserEndpoint")?;
        self.client_tags.write(e, cx)?;
        self.task_offsets.write(e, cx)?;
        self.task_end_offsets.write(e, cx)?;
        self.assignment.write(e, cx)?;
        self.target_assignment.write(e, cx)?;
        self.is_classic.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.member_id = r.get(cx);
        m.member_epoch = r.get(cx);
        m.instance_id = r.nullable(cx, true);
        m.rack_id = r.nullable(cx, true);
        m.client_id = r.get(cx);
        m.client_host = r.get(cx);
        m.topology_epoch = r.get(cx);
        m.process_id = r.get(cx);
        m.user_endpoint = r.nullable(cx, true);
        m.client_tags = r.get(cx);
        m.task_offsets = r.get(cx);
        m.task_end_offsets = r.get(cx);
        m.assignment = r.get(cx);
        m.target_assignment = r.get(cx);
        m.is_classic = r.get(cx);
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

/// Versions 0+.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Assignment {
    /// Versions 0+.
    pub active_tasks: Vec<TaskIds>,
    /// Versions 0+.
    pub standby_tasks: Vec<TaskIds>,
    /// Versions 0+.
    pub warmup_tasks: Vec<TaskIds>,
}

impl Wire for Assignment {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.active_tasks = d.get(cx)?;
        m.standby_tasks = d.get(cx)?;
        m.warmup_tasks = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.active_tasks.write(e, cx)?;
        self.standby_tasks.write(e, cx)?;
        self.warmup_tasks.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.active_tasks = r.get(cx);
        m.standby_tasks = r.get(cx);
        m.warmup_tasks = r.get(cx);
        m
    }
}

/// Versions 1+.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct TopologyDescription {
    /// Versions 1+.
    pub subtopologies: Vec<TopologyDescriptionSubtopology>,
    /// Versions 1+.
    pub global_stores: Vec<TopologyDescriptionGlobalStore>,
}

impl Wire for TopologyDescription {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.subtopologies = d.get(cx)?;
        m.global_stores = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.subtopologies.write(e, cx)?;
        self.global_stores.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.subtopologies = r.get(cx);
        m.global_stores = r.get(cx);
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

/// Versions 1+.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct TopologyDescriptionSubtopology {
    /// Versions 1+.
    pub subtopology_id: String,
    /// Versions 1+.
    pub nodes: Vec<TopologyDescriptionNode>,
}

impl Wire for TopologyDescriptionSubtopology {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.subtopology_id = d.get(cx)?;
        m.nodes = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.subtopology_id.write(e, cx)?;
        self.nodes.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.subtopology_id = r.get(cx);
        m.nodes = r.get(cx);
        m
    }
}

/// Versions 1+.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct TopologyDescriptionGlobalStore {
    /// Versions 1+.
    pub source: TopologyDescriptionNode,
    /// Versions 1+.
    pub processor: TopologyDescriptionNode,
}

impl Wire for TopologyDescriptionGlobalStore {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.source = d.get(cx)?;
        m.processor = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.source.write(e, cx)?;
        self.processor.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.source = r.get(cx);
        m.processor = r.get(cx);
        m
    }
}

/// Versions 1+.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct TopologyDescriptionNode {
    /// Versions 1+.
    pub name: String,
    /// Versions 1+.
    pub node_type: i8,
    /// Versions 1+.
    pub source_topics: Vec<String>,
    /// Versions 1+, nullable 1+, default `null`.
    pub sink_topic: Option<String>,
    /// Versions 1+.
    pub stores: Vec<String>,
    /// Versions 1+.
    pub successors: Vec<String>,
}

impl Wire for TopologyDescriptionNode {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.name = d.get(cx)?;
        m.node_type = d.get(cx)?;
        m.source_topics = d.get(cx)?;
        m.sink_topic = d.nullable(cx, true)?;
        m.stores = d.get(cx)?;
        m.successors = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.name.write(e, cx)?;
        self.node_type.write(e, cx)?;
        self.source_topics.write(e, cx)?;
        e.nullable(&self.sink_topic, cx, true, "SinkTopic")?;
        self.stores.write(e, cx)?;
        self.successors.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.name = r.get(cx);
        m.node_type = r.get(cx);
        m.source_topics = r.get(cx);
        m.sink_topic = r.nullable(cx, true);
        m.stores = r.get(cx);
        m.successors = r.get(cx);
        m
    }
}
