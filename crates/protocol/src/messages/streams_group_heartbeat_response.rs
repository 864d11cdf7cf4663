//! `StreamsGroupHeartbeatResponse`. Generated from the schema; do not edit.

use crate::wire::*;

/// Versions 0-1.
#[derive(Clone, Debug, PartialEq)]
pub struct StreamsGroupHeartbeatResponse {
    /// Versions 0+.
    pub throttle_time_ms: i32,
    /// Versions 0+.
    pub error_code: i16,
    /// Versions 0+, nullable 0+, default `null`.
    pub error_message: Option<String>,
    /// Versions 0+.
    pub member_id: String,
    /// Versions 0+.
    pub member_epoch: i32,
    /// Versions 0+.
    pub heartbeat_interval_ms: i32,
    /// Versions 0.
    pub acceptable_recovery_lag_legacy: i32,
    /// Versions 0+.
    pub task_offset_interval_ms: i32,
    /// Versions 1+, default `-1`.
    pub acceptable_recovery_lag: i64,
    /// Versions 0+, nullable 0+.
    pub status: Option<Vec<Status>>,
    /// Versions 0+, nullable 0+, default `null`.
    pub active_tasks: Option<Vec<TaskIds>>,
    /// Versions 0+, nullable 0+, default `null`.
    pub standby_tasks: Option<Vec<TaskIds>>,
    /// Versions 0+, nullable 0+, default `null`.
    pub warmup_tasks: Option<Vec<TaskIds>>,
    /// Versions 1+, default `false`.
    pub topology_description_required: bool,
    /// Versions 0+.
    pub endpoint_information_epoch: i32,
    /// Versions 0+, nullable 0+, default `null`.
    pub partitions_by_user_endpoint: Option<Vec<EndpointToPartitions>>,
}

impl Default for StreamsGroupHeartbeatResponse {
    fn default() -> Self {
        Self {
            throttle_time_ms: 0,
            error_code: 0,
            error_message: None,
            member_id: Default::default(),
            member_epoch: 0,
            heartbeat_interval_ms: 0,
            acceptable_recovery_lag_legacy: 0,
            task_offset_interval_ms: 0,
            acceptable_recovery_lag: -1,
            status: Some(Default::default()),
            active_tasks: None,
            standby_tasks: None,
            warmup_tasks: None,
            topology_description_required: false,
            endpoint_information_epoch: 0,
            partitions_by_user_endpoint: None,
        }
    }
}

impl Wire for StreamsGroupHeartbeatResponse {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let v = cx.version;
        let mut m = Self::default();
        m.throttle_time_ms = d.get(cx)?;
        m.error_code = d.get(cx)?;
        m.error_message = d.nullable(cx, true)?;
        m.member_id = d.get(cx)?;
        m.member_epoch = d.get(cx)?;
        m.heartbeat_interval_ms = d.get(cx)?;
        if v <= 0 { m.acceptable_recovery_lag_legacy = d.get(cx)?; }
        m.task_offset_interval_ms = d.get(cx)?;
        if v >= 1 { m.acceptable_recovery_lag = d.get(cx)?; }
        m.status = d.nullable(cx, true)?;
        m.active_tasks = d.nullable(cx, true)?;
        m.standby_tasks = d.nullable(cx, true)?;
        m.warmup_tasks = d.nullable(cx, true)?;
        if v >= 1 { m.topology_description_required = d.get(cx)?; }
        m.endpoint_information_epoch = d.get(cx)?;
        m.partitions_by_user_endpoint = d.nullable(cx, true)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        let v = cx.version;
        self.throttle_time_ms.write(e, cx)?;
        self.error_code.write(e, cx)?;
        e.nullable(&self.error_message, cx, true, "ErrorMessage")?;
        self.member_id.write(e, cx)?;
        self.member_epoch.write(e, cx)?;
        self.heartbeat_interval_ms.write(e, cx)?;
        if v <= 0 { self.acceptable_recovery_lag_legacy.write(e, cx)?; } else { e.absent(self.acceptable_recovery_lag_legacy != 0, "StreamsGroupHeartbeatResponse.AcceptableRecoveryLagLegacy", cx)?; }
        self.task_offset_interval_ms.write(e, cx)?;
        if v >= 1 { self.acceptable_recovery_lag.write(e, cx)?; }
        e.nullable(&self.status, cx, true, "Status")?;
        e.nullable(&self.active_tasks, cx, true, "ActiveTasks")?;
        e.nullable(&self.standby_tasks, cx, true, "StandbyTasks")?;
        e.nullable(&self.warmup_tasks, cx, true, "WarmupTasks")?;
        if v >= 1 { self.topology_description_required.write(e, cx)?; } else { e.absent(self.topology_description_required, "StreamsGroupHeartbeatResponse.TopologyDescriptionRequired", cx)?; }
        self.endpoint_information_epoch.write(e, cx)?;
        e.nullable(&self.partitions_by_user_endpoint, cx, true, "PartitionsByUserEndpoint")?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let v = cx.version;
        let mut m = Self::default();
        m.throttle_time_ms = r.get(cx);
        m.error_code = r.get(cx);
        m.error_message = r.nullable(cx, true);
        m.member_id = r.get(cx);
        m.member_epoch = r.get(cx);
        m.heartbeat_interval_ms = r.get(cx);
        if v <= 0 { m.acceptable_recovery_lag_legacy = r.get(cx); }
        m.task_offset_interval_ms = r.get(cx);
        if v >= 1 { m.acceptable_recovery_lag = r.get(cx); }
        m.status = r.nullable(cx, true);
        m.active_tasks = r.nullable(cx, true);
        m.standby_tasks = r.nullable(cx, true);
        m.warmup_tasks = r.nullable(cx, true);
        if v >= 1 { m.topology_description_required = r.get(cx); }
        m.endpoint_information_epoch = r.get(cx);
        m.partitions_by_user_endpoint = r.nullable(cx, true);
        m
    }
}

impl Message for StreamsGroupHeartbeatResponse {
    const NAME: &'static str = "StreamsGroupHeartbeatResponse";
    const API_KEY: i16 = 88;
    const MIN_VERSION: i16 = 0;
    const MAX_VERSION: i16 = 1;
    const FLEXIBLE_FROM: i16 = 0;
}

/// Versions 0+.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Status {
    /// Versions 0+.
    pub status_code: i8,
    /// Versions 0+.
    pub status_detail: String,
}

impl Wire for Status {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.status_code = d.get(cx)?;
        m.status_detail = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.status_code.write(e, cx)?;
        self.status_detail.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.status_code = r.get(cx);
        m.status_detail = r.get(cx);
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
pub struct EndpointToPartitions {
    /// Versions 0+.
    pub user_endpoint: Endpoint,
    /// Versions 0+.
    pub active_partitions: Vec<TopicPartition>,
    /// Versions 0+.
    pub standby_partitions: Vec<TopicPartition>,
}

impl Wire for EndpointToPartitions {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.user_endpoint = d.get(cx)?;
        m.active_partitions = d.get(cx)?;
        m.standby_partitions = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.user_endpoint.write(e, cx)?;
        self.active_partitions.write(e, cx)?;
        self.standby_partitions.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.user_endpoint = r.get(cx);
        m.active_partitions = r.get(cx);
        m.standby_partitions = r.get(cx);
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
pub struct TopicPartition {
    /// Versions 0+.
    pub topic: String,
    /// Versions 0+.
    pub partitions: Vec<i32>,
}

impl Wire for TopicPartition {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.topic = d.get(cx)?;
        m.partitions = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.topic.write(e, cx)?;
        self.partitions.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.topic = r.get(cx);
        m.partitions = r.get(cx);
        m
    }
}
