//! `SubscriptionInfoData`. Generated from the schema; do not edit.

use crate::wire::*;
use bytes::Bytes;
use klamm_types::Uuid;

/// Versions 1-11.
#[derive(Clone, Debug, PartialEq)]
pub struct SubscriptionInfoData {
    /// Versions 1+.
    pub version: i32,
    /// Versions 3+, default `-1`.
    pub latest_supported_version: i32,
    /// Versions 1+.
    pub process_id: Uuid,
    /// Versions 1-6.
    pub prev_tasks: Vec<TaskId>,
    /// Versions 1-6.
    pub standby_tasks: Vec<TaskId>,
    /// Versions 2+.
    pub user_end_point: Bytes,
    /// Versions 7+.
    pub task_offset_sums: Vec<TaskOffsetSum>,
    /// Versions 8+.
    pub unique_field: i8,
    /// Versions 9+.
    pub error_code: i32,
    /// Versions 11+.
    pub client_tags: Vec<ClientTag>,
}

impl Default for SubscriptionInfoData {
    fn default() -> Self {
        Self {
            version: 0,
            latest_supported_version: -1,
            process_id: Default::default(),
            prev_tasks: Default::default(),
            standby_tasks: Default::default(),
            user_end_point: Default::default(),
            task_offset_sums: Default::default(),
            unique_field: 0,
            error_code: 0,
            client_tags: Default::default(),
        }
    }
}

impl Wire for SubscriptionInfoData {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let v = cx.version;
        let mut m = Self::default();
        m.version = d.get(cx)?;
        if v >= 3 { m.latest_supported_version = d.get(cx)?; }
        m.process_id = d.get(cx)?;
        if v <= 6 { m.prev_tasks = d.get(cx)?; }
        if v <= 6 { m.standby_tasks = d.get(cx)?; }
        if v >= 2 { m.user_end_point = d.get(cx)?; }
        if v >= 7 { m.task_offset_sums = d.get(cx)?; }
        if v >= 8 { m.unique_field = d.get(cx)?; }
        if v >= 9 { m.error_code = d.get(cx)?; }
        if v >= 11 { m.client_tags = d.get(cx)?; }
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        let v = cx.version;
        self.version.write(e, cx)?;
        if v >= 3 { self.latest_supported_version.write(e, cx)?; } else { e.absent(self.latest_supported_version != -1, "SubscriptionInfoData.latestSupportedVersion", cx)?; }
        self.process_id.write(e, cx)?;
        if v <= 6 { self.prev_tasks.write(e, cx)?; } else { e.absent(!self.prev_tasks.is_empty(), "SubscriptionInfoData.prevTasks", cx)?; }
        if v <= 6 { self.standby_tasks.write(e, cx)?; } else { e.absent(!self.standby_tasks.is_empty(), "SubscriptionInfoData.standbyTasks", cx)?; }
        if v >= 2 { self.user_end_point.write(e, cx)?; } else { e.absent(!self.user_end_point.is_empty(), "SubscriptionInfoData.userEndPoint", cx)?; }
        if v >= 7 { self.task_offset_sums.write(e, cx)?; } else { e.absent(!self.task_offset_sums.is_empty(), "SubscriptionInfoData.taskOffsetSums", cx)?; }
        if v >= 8 { self.unique_field.write(e, cx)?; } else { e.absent(self.unique_field != 0, "SubscriptionInfoData.uniqueField", cx)?; }
        if v >= 9 { self.error_code.write(e, cx)?; } else { e.absent(self.error_code != 0, "SubscriptionInfoData.errorCode", cx)?; }
        if v >= 11 { self.client_tags.write(e, cx)?; } else { e.absent(!self.client_tags.is_empty(), "SubscriptionInfoData.clientTags", cx)?; }
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let v = cx.version;
        let mut m = Self::default();
        m.version = r.get(cx);
        if v >= 3 { m.latest_supported_version = r.get(cx); }
        m.process_id = r.get(cx);
        if v <= 6 { m.prev_tasks = r.get(cx); }
        if v <= 6 { m.standby_tasks = r.get(cx); }
        if v >= 2 { m.user_end_point = r.get(cx); }
        if v >= 7 { m.task_offset_sums = r.get(cx); }
        if v >= 8 { m.unique_field = r.get(cx); }
        if v >= 9 { m.error_code = r.get(cx); }
        if v >= 11 { m.client_tags = r.get(cx); }
        m
    }
}

impl Message for SubscriptionInfoData {
    const NAME: &'static str = "SubscriptionInfoData";
    const API_KEY: i16 = -1;
    const MIN_VERSION: i16 = 1;
    const MAX_VERSION: i16 = 11;
    const FLEXIBLE_FROM: i16 = i16::MAX;
}

/// Versions 1-6.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct TaskId {
    /// Versions 1-6.
    pub topic_group_id: i32,
    /// Versions 1-6.
    pub partition: i32,
}

impl Wire for TaskId {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.topic_group_id = d.get(cx)?;
        m.partition = d.get(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.topic_group_id.write(e, cx)?;
        self.partition.write(e, cx)?;
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.topic_group_id = r.get(cx);
        m.partition = r.get(cx);
        m
    }
}

/// Versions 7+.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskOffsetSum {
    /// Versions 7+.
    pub topic_group_id: i32,
    /// Versions 10+.
    pub partition: i32,
    /// Versions 10+.
    pub offset_sum: i64,
    /// Versions 10+, nullable 10+.
    pub named_topology: Option<String>,
    /// Versions 7-9.
    pub partition_to_offset_sum: Vec<PartitionToOffsetSum>,
}

impl Default for TaskOffsetSum {
    fn default() -> Self {
        Self {
            topic_group_id: 0,
            partition: 0,
            offset_sum: 0,
            named_topology: Some(Default::default()),
            partition_to_offset_sum: Default::default(),
        }
    }
}

impl Wire for TaskOffsetSum {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let v = cx.version;
        let mut m = Self::default();
        m.topic_group_id = d.get(cx)?;
        if v >= 10 { m.partition = d.get(cx)?; }
        if v >= 10 { m.offset_sum = d.get(cx)?; }
        if v >= 10 { m.named_topology = d.nullable(cx, true)?; }
        if v <= 9 { m.partition_to_offset_sum = d.get(cx)?; }
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        let v = cx.version;
        self.topic_group_id.write(e, cx)?;
        if v >= 10 { self.partition.write(e, cx)?; } else { e.absent(self.partition != 0, "TaskOffsetSum.partition", cx)?; }
        if v >= 10 { self.offset_sum.write(e, cx)?; } else { e.absent(self.offset_sum != 0, "TaskOffsetSum.offsetSum", cx)?; }
        if v >= 10 { e.nullable(&self.named_topology, cx, true, "namedTopology")?; }
        if v <= 9 { self.partition_to_offset_sum.write(e, cx)?; } else { e.absent(!self.partition_to_offset_sum.is_empty(), "TaskOffsetSum.partitionToOffsetSum", cx)?; }
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let v = cx.version;
        let mut m = Self::default();
        m.topic_group_id = r.get(cx);
        if v >= 10 { m.partition = r.get(cx); }
        if v >= 10 { m.offset_sum = r.get(cx); }
        if v >= 10 { m.named_topology = r.nullable(cx, true); }
        if v <= 9 { m.partition_to_offset_sum = r.get(cx); }
        m
    }
}

/// Versions 11+.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct ClientTag {
    /// Versions 11+.
    pub key: Bytes,
    /// Versions 11+.
    pub value: Bytes,
}

impl Wire for ClientTag {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.key = d.get(cx)?;
        m.value = d.get(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.key.write(e, cx)?;
        self.value.write(e, cx)?;
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

/// Versions 7-9.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct PartitionToOffsetSum {
    /// Versions 7-9.
    pub partition: i32,
    /// Versions 7-9.
    pub offset_sum: i64,
}

impl Wire for PartitionToOffsetSum {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.partition = d.get(cx)?;
        m.offset_sum = d.get(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.partition.write(e, cx)?;
        self.offset_sum.write(e, cx)?;
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.partition = r.get(cx);
        m.offset_sum = r.get(cx);
        m
    }
}
