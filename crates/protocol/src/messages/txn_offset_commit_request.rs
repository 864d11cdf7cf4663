//! `TxnOffsetCommitRequest`. Generated from the schema; do not edit.

use crate::wire::*;
use klamm_types::Uuid;

/// Versions 0-6.
#[derive(Clone, Debug, PartialEq)]
pub struct TxnOffsetCommitRequest {
    /// Versions 0+.
    pub transactional_id: String,
    /// Versions 0+.
    pub group_id: String,
    /// Versions 0+.
    pub producer_id: i64,
    /// Versions 0+.
    pub producer_epoch: i16,
    /// Versions 3+, default `-1`.
    pub generation_id_or_member_epoch: i32,
    /// Versions 3+, default `""`.
    pub member_id: String,
    /// Versions 3+, nullable 3+, default `null`.
    pub group_instance_id: Option<String>,
    /// Versions 0+.
    pub topics: Vec<TxnOffsetCommitRequestTopic>,
}

impl Default for TxnOffsetCommitRequest {
    fn default() -> Self {
        Self {
            transactional_id: Default::default(),
            group_id: Default::default(),
            producer_id: 0,
            producer_epoch: 0,
            generation_id_or_member_epoch: -1,
            member_id: Default::default(),
            group_instance_id: None,
            topics: Default::default(),
        }
    }
}

impl Wire for TxnOffsetCommitRequest {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let v = cx.version;
        let mut m = Self::default();
        m.transactional_id = d.get(cx)?;
        m.group_id = d.get(cx)?;
        m.producer_id = d.get(cx)?;
        m.producer_epoch = d.get(cx)?;
        if v >= 3 { m.generation_id_or_member_epoch = d.get(cx)?; }
        if v >= 3 { m.member_id = d.get(cx)?; }
        if v >= 3 { m.group_instance_id = d.nullable(cx, true)?; }
        m.topics = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        let v = cx.version;
        self.transactional_id.write(e, cx)?;
        self.group_id.write(e, cx)?;
        self.producer_id.write(e, cx)?;
        self.producer_epoch.write(e, cx)?;
        if v >= 3 { self.generation_id_or_member_epoch.write(e, cx)?; } else { e.absent(self.generation_id_or_member_epoch != -1, "TxnOffsetCommitRequest.GenerationIdOrMemberEpoch", cx)?; }
        if v >= 3 { self.member_id.write(e, cx)?; } else { e.absent(!self.member_id.is_empty(), "TxnOffsetCommitRequest.MemberId", cx)?; }
        if v >= 3 { e.nullable(&self.group_instance_id, cx, true, "GroupInstanceId")?; } else { e.absent(self.group_instance_id.is_some(), "TxnOffsetCommitRequest.GroupInstanceId", cx)?; }
        self.topics.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let v = cx.version;
        let mut m = Self::default();
        m.transactional_id = r.get(cx);
        m.group_id = r.get(cx);
        m.producer_id = r.get(cx);
        m.producer_epoch = r.get(cx);
        if v >= 3 { m.generation_id_or_member_epoch = r.get(cx); }
        if v >= 3 { m.member_id = r.get(cx); }
        if v >= 3 { m.group_instance_id = r.nullable(cx, true); }
        m.topics = r.get(cx);
        m
    }
}

impl Message for TxnOffsetCommitRequest {
    const NAME: &'static str = "TxnOffsetCommitRequest";
    const API_KEY: i16 = 28;
    const MIN_VERSION: i16 = 0;
    const MAX_VERSION: i16 = 6;
    const FLEXIBLE_FROM: i16 = 3;
}

impl Request for TxnOffsetCommitRequest {
    type Response = super::txn_offset_commit_response::TxnOffsetCommitResponse;
    const KEY: ApiKey = ApiKey::TxnOffsetCommit;
}

/// Versions 0+.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct TxnOffsetCommitRequestTopic {
    /// Versions 0-5.
    pub name: String,
    /// Versions 6+.
    pub topic_id: Uuid,
    /// Versions 0+.
    pub partitions: Vec<TxnOffsetCommitRequestPartition>,
}

impl Wire for TxnOffsetCommitRequestTopic {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let v = cx.version;
        let mut m = Self::default();
        if v <= 5 { m.name = d.get(cx)?; }
        if v >= 6 { m.topic_id = d.get(cx)?; }
        m.partitions = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        let v = cx.version;
        if v <= 5 { self.name.write(e, cx)?; }
        if v >= 6 { self.topic_id.write(e, cx)?; }
        self.partitions.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let v = cx.version;
        let mut m = Self::default();
        if v <= 5 { m.name = r.get(cx); }
        if v >= 6 { m.topic_id = r.get(cx); }
        m.partitions = r.get(cx);
        m
    }
}

/// Versions 0+.
#[derive(Clone, Debug, PartialEq)]
pub struct TxnOffsetCommitRequestPartition {
    /// Versions 0+.
    pub partition_index: i32,
    /// Versions 0+.
    pub committed_offset: i64,
    /// Versions 2+, default `-1`.
    pub committed_leader_epoch: i32,
    /// Versions 0+, nullable 0+.
    pub committed_metadata: Option<String>,
}

impl Default for TxnOffsetCommitRequestPartition {
    fn default() -> Self {
        Self {
            partition_index: 0,
            committed_offset: 0,
            committed_leader_epoch: -1,
            committed_metadata: Some(Default::default()),
        }
    }
}

impl Wire for TxnOffsetCommitRequestPartition {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let v = cx.version;
        let mut m = Self::default();
        m.partition_index = d.get(cx)?;
        m.committed_offset = d.get(cx)?;
        if v >= 2 { m.committed_leader_epoch = d.get(cx)?; }
        m.committed_metadata = d.nullable(cx, true)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        let v = cx.version;
        self.partition_index.write(e, cx)?;
        self.committed_offset.write(e, cx)?;
        if v >= 2 { self.committed_leader_epoch.write(e, cx)?; }
        e.nullable(&self.committed_metadata, cx, true, "CommittedMetadata")?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let v = cx.version;
        let mut m = Self::default();
        m.partition_index = r.get(cx);
        m.committed_offset = r.get(cx);
        if v >= 2 { m.committed_leader_epoch = r.get(cx); }
        m.committed_metadata = r.nullable(cx, true);
        m
    }
}
