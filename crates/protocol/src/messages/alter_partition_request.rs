//! `AlterPartitionRequest`. Generated from the schema; do not edit.

use crate::wire::*;
use klamm_types::Uuid;

/// Versions 2-3.
#[derive(Clone, Debug, PartialEq)]
pub struct AlterPartitionRequest {
    /// Versions 0+.
    pub broker_id: i32,
    /// Versions 0+, default `-1`.
    pub broker_epoch: i64,
    /// Versions 0+.
    pub topics: Vec<TopicData>,
}

impl Default for AlterPartitionRequest {
    fn default() -> Self {
        Self {
            broker_id: 0,
            broker_epoch: -1,
            topics: Default::default(),
        }
    }
}

impl Wire for AlterPartitionRequest {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.broker_id = d.get(cx)?;
        m.broker_epoch = d.get(cx)?;
        m.topics = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.broker_id.write(e, cx)?;
        self.broker_epoch.write(e, cx)?;
        self.topics.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.broker_id = r.get(cx);
        m.broker_epoch = r.get(cx);
        m.topics = r.get(cx);
        m
    }
}

impl Message for AlterPartitionRequest {
    const NAME: &'static str = "AlterPartitionRequest";
    const API_KEY: i16 = 56;
    const MIN_VERSION: i16 = 2;
    const MAX_VERSION: i16 = 3;
    const FLEXIBLE_FROM: i16 = 0;
}

impl Request for AlterPartitionRequest {
    type Response = super::alter_partition_response::AlterPartitionResponse;
    const KEY: ApiKey = ApiKey::AlterPartition;
}

/// Versions 0+.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct TopicData {
    /// Versions 2+.
    pub topic_id: Uuid,
    /// Versions 0+.
    pub partitions: Vec<PartitionData>,
}

impl Wire for TopicData {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.topic_id = d.get(cx)?;
        m.partitions = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.topic_id.write(e, cx)?;
        self.partitions.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.topic_id = r.get(cx);
        m.partitions = r.get(cx);
        m
    }
}

/// Versions 0+.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct PartitionData {
    /// Versions 0+.
    pub partition_index: i32,
    /// Versions 0+.
    pub leader_epoch: i32,
    /// Versions 0-2.
    pub new_isr: Vec<i32>,
    /// Versions 3+.
    pub new_isr_with_epochs: Vec<BrokerState>,
    /// Versions 1+, default `0`.
    pub leader_recovery_state: i8,
    /// Versions 0+.
    pub partition_epoch: i32,
}

impl Wire for PartitionData {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let v = cx.version;
        let mut m = Self::default();
        m.partition_index = d.get(cx)?;
        m.leader_epoch = d.get(cx)?;
        if v <= 2 { m.new_isr = d.get(cx)?; }
        if v >= 3 { m.new_isr_with_epochs = d.get(cx)?; }
        m.leader_recovery_state = d.get(cx)?;
        m.partition_epoch = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        let v = cx.version;
        self.partition_index.write(e, cx)?;
        self.leader_epoch.write(e, cx)?;
        if v <= 2 { self.new_isr.write(e, cx)?; } else { e.absent(!self.new_isr.is_empty(), "PartitionData.NewIsr", cx)?; }
        if v >= 3 { self.new_isr_with_epochs.write(e, cx)?; } else { e.absent(!self.new_isr_with_epochs.is_empty(), "PartitionData.NewIsrWithEpochs", cx)?; }
        self.leader_recovery_state.write(e, cx)?;
        self.partition_epoch.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let v = cx.version;
        let mut m = Self::default();
        m.partition_index = r.get(cx);
        m.leader_epoch = r.get(cx);
        if v <= 2 { m.new_isr = r.get(cx); }
        if v >= 3 { m.new_isr_with_epochs = r.get(cx); }
        m.leader_recovery_state = r.get(cx);
        m.partition_epoch = r.get(cx);
        m
    }
}

/// Versions 3+.
#[derive(Clone, Debug, PartialEq)]
pub struct BrokerState {
    /// Versions 3+.
    pub broker_id: i32,
    /// Versions 3+, default `-1`.
    pub broker_epoch: i64,
}

impl Default for BrokerState {
    fn default() -> Self {
        Self {
            broker_id: 0,
            broker_epoch: -1,
        }
    }
}

impl Wire for BrokerState {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.broker_id = d.get(cx)?;
        m.broker_epoch = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.broker_id.write(e, cx)?;
        self.broker_epoch.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.broker_id = r.get(cx);
        m.broker_epoch = r.get(cx);
        m
    }
}
