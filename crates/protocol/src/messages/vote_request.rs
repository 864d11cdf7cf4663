//! `VoteRequest`. Generated from the schema; do not edit.

use crate::wire::*;
use klamm_types::Uuid;

/// Versions 0-2.
#[derive(Clone, Debug, PartialEq)]
pub struct VoteRequest {
    /// Versions 0+, nullable 0+, default `null`.
    pub cluster_id: Option<String>,
    /// Versions 1+, default `-1`.
    pub voter_id: i32,
    /// Versions 0+.
    pub topics: Vec<TopicData>,
}

impl Default for VoteRequest {
    fn default() -> Self {
        Self {
            cluster_id: None,
            voter_id: -1,
            topics: Default::default(),
        }
    }
}

impl Wire for VoteRequest {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let v = cx.version;
        let mut m = Self::default();
        m.cluster_id = d.nullable(cx, true)?;
        if v >= 1 { m.voter_id = d.get(cx)?; }
        m.topics = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        let v = cx.version;
        e.nullable(&self.cluster_id, cx, true, "ClusterId")?;
        if v >= 1 { self.voter_id.write(e, cx)?; }
        self.topics.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let v = cx.version;
        let mut m = Self::default();
        m.cluster_id = r.nullable(cx, true);
        if v >= 1 { m.voter_id = r.get(cx); }
        m.topics = r.get(cx);
        m
    }
}

impl Message for VoteRequest {
    const NAME: &'static str = "VoteRequest";
    const API_KEY: i16 = 52;
    const MIN_VERSION: i16 = 0;
    const MAX_VERSION: i16 = 2;
    const FLEXIBLE_FROM: i16 = 0;
}

impl Request for VoteRequest {
    type Response = super::vote_response::VoteResponse;
    const KEY: ApiKey = ApiKey::Vote;
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
#[derive(Clone, Debug, PartialEq, Default)]
pub struct PartitionData {
    /// Versions 0+.
    pub partition_index: i32,
    /// Versions 0+.
    pub replica_epoch: i32,
    /// Versions 0+.
    pub replica_id: i32,
    /// Versions 1+.
    pub replica_directory_id: Uuid,
    /// Versions 1+.
    pub voter_directory_id: Uuid,
    /// Versions 0+.
    pub last_offset_epoch: i32,
    /// Versions 0+.
    pub last_offset: i64,
    /// Versions 2+.
    pub pre_vote: bool,
}

impl Wire for PartitionData {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let v = cx.version;
        let mut m = Self::default();
        m.partition_index = d.get(cx)?;
        m.replica_epoch = d.get(cx)?;
        m.replica_id = d.get(cx)?;
        if v >= 1 { m.replica_directory_id = d.get(cx)?; }
        if v >= 1 { m.voter_directory_id = d.get(cx)?; }
        m.last_offset_epoch = d.get(cx)?;
        m.last_offset = d.get(cx)?;
        if v >= 2 { m.pre_vote = d.get(cx)?; }
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        let v = cx.version;
        self.partition_index.write(e, cx)?;
        self.replica_epoch.write(e, cx)?;
        self.replica_id.write(e, cx)?;
        if v >= 1 { self.replica_directory_id.write(e, cx)?; }
        if v >= 1 { self.voter_directory_id.write(e, cx)?; }
        self.last_offset_epoch.write(e, cx)?;
        self.last_offset.write(e, cx)?;
        if v >= 2 { self.pre_vote.write(e, cx)?; } else { e.absent(self.pre_vote, "PartitionData.PreVote", cx)?; }
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let v = cx.version;
        let mut m = Self::default();
        m.partition_index = r.get(cx);
        m.replica_epoch = r.get(cx);
        m.replica_id = r.get(cx);
        if v >= 1 { m.replica_directory_id = r.get(cx); }
        if v >= 1 { m.voter_directory_id = r.get(cx); }
        m.last_offset_epoch = r.get(cx);
        m.last_offset = r.get(cx);
        if v >= 2 { m.pre_vote = r.get(cx); }
        m
    }
}
