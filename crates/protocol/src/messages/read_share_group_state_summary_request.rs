//! `ReadShareGroupStateSummaryRequest`. Generated from the schema; do not edit.

use crate::wire::*;
use klamm_types::Uuid;

/// Versions 0-1.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct ReadShareGroupStateSummaryRequest {
    /// Versions 0+.
    pub group_id: String,
    /// Versions 0+.
    pub topics: Vec<ReadStateSummaryData>,
}

impl Wire for ReadShareGroupStateSummaryRequest {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.group_id = d.get(cx)?;
        m.topics = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.group_id.write(e, cx)?;
        self.topics.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.group_id = r.get(cx);
        m.topics = r.get(cx);
        m
    }
}

impl Message for ReadShareGroupStateSummaryRequest {
    const NAME: &'static str = "ReadShareGroupStateSummaryRequest";
    const API_KEY: i16 = 87;
    const MIN_VERSION: i16 = 0;
    const MAX_VERSION: i16 = 1;
    const FLEXIBLE_FROM: i16 = 0;
}

impl Request for ReadShareGroupStateSummaryRequest {
    type Response = super::read_share_group_state_summary_response::ReadShareGroupStateSummaryResponse;
    const KEY: ApiKey = ApiKey::ReadShareGroupStateSummary;
}

/// Versions 0+.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct ReadStateSummaryData {
    /// Versions 0+.
    pub topic_id: Uuid,
    /// Versions 0+.
    pub partitions: Vec<PartitionData>,
}

impl Wire for ReadStateSummaryData {
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
    pub partition: i32,
    /// Versions 0+.
    pub leader_epoch: i32,
}

impl Wire for PartitionData {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.partition = d.get(cx)?;
        m.leader_epoch = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.partition.write(e, cx)?;
        self.leader_epoch.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.partition = r.get(cx);
        m.leader_epoch = r.get(cx);
        m
    }
}
