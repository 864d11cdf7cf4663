//! `OffsetCommitRequest`. Generated from the schema; do not edit.

use crate::wire::*;
use klamm_types::Uuid;

/// Versions 2-10.
#[derive(Clone, Debug, PartialEq)]
pub struct OffsetCommitRequest {
    /// Versions 0+.
    pub group_id: String,
    /// Versions 1+, default `-1`.
    pub generation_id_or_member_epoch: i32,
    /// Versions 1+.
    pub member_id: String,
    /// Versions 7+, nullable 7+, default `null`.
    pub group_instance_id: Option<String>,
    /// Versions 2-4, default `-1`.
    pub retention_time_ms: i64,
    /// Versions 0+.
    pub topics: Vec<OffsetCommitRequestTopic>,
}

impl Default for OffsetCommitRequest {
    fn default() -> Self {
        Self {
            group_id: Default::default(),
            generation_id_or_member_epoch: -1,
            member_id: Default::default(),
            group_instance_id: None,
            retention_time_ms: -1,
            topics: Default::default(),
        }
    }
}

impl Wire for OffsetCommitRequest {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let v = cx.version;
        let mut m = Self::default();
        m.group_id = d.get(cx)?;
        m.generation_id_or_member_epoch = d.get(cx)?;
        m.member_id = d.get(cx)?;
        if v >= 7 { m.group_instance_id = d.nullable(cx, true)?; }
        if v <= 4 { m.retention_time_ms = d.get(cx)?; }
        m.topics = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        let v = cx.version;
        self.group_id.write(e, cx)?;
        self.generation_id_or_member_epoch.write(e, cx)?;
        self.member_id.write(e, cx)?;
        if v >= 7 { e.nullable(&self.group_instance_id, cx, true, "GroupInstanceId")?; } else { e.absent(self.group_instance_id.is_some(), "OffsetCommitRequest.GroupInstanceId", cx)?; }
        if v <= 4 { self.retention_time_ms.write(e, cx)?; }
        self.topics.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let v = cx.version;
        let mut m = Self::default();
        m.group_id = r.get(cx);
        m.generation_id_or_member_epoch = r.get(cx);
        m.member_id = r.get(cx);
        if v >= 7 { m.group_instance_id = r.nullable(cx, true); }
        if v <= 4 { m.retention_time_ms = r.get(cx); }
        m.topics = r.get(cx);
        m
    }
}

impl Message for OffsetCommitRequest {
    const NAME: &'static str = "OffsetCommitRequest";
    const API_KEY: i16 = 8;
    const MIN_VERSION: i16 = 2;
    const MAX_VERSION: i16 = 10;
    const FLEXIBLE_FROM: i16 = 8;
}

impl Request for OffsetCommitRequest {
    type Response = super::offset_commit_response::OffsetCommitResponse;
    const KEY: ApiKey = ApiKey::OffsetCommit;
}

/// Versions 0+.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct OffsetCommitRequestTopic {
    /// Versions 0-9.
    pub name: String,
    /// Versions 10+.
    pub topic_id: Uuid,
    /// Versions 0+.
    pub partitions: Vec<OffsetCommitRequestPartition>,
}

impl Wire for OffsetCommitRequestTopic {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let v = cx.version;
        let mut m = Self::default();
        if v <= 9 { m.name = d.get(cx)?; }
        if v >= 10 { m.topic_id = d.get(cx)?; }
        m.partitions = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        let v = cx.version;
        if v <= 9 { self.name.write(e, cx)?; }
        if v >= 10 { self.topic_id.write(e, cx)?; }
        self.partitions.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let v = cx.version;
        let mut m = Self::default();
        if v <= 9 { m.name = r.get(cx); }
        if v >= 10 { m.topic_id = r.get(cx); }
        m.partitions = r.get(cx);
        m
    }
}

/// Versions 0+.
#[derive(Clone, Debug, PartialEq)]
pub struct OffsetCommitRequestPartition {
    /// Versions 0+.
    pub partition_index: i32,
    /// Versions 0+.
    pub committed_offset: i64,
    /// Versions 6+, default `-1`.
    pub committed_leader_epoch: i32,
    /// Versions 0+, nullable 0+.
    pub committed_metadata: Option<String>,
}

impl Default for OffsetCommitRequestPartition {
    fn default() -> Self {
        Self {
            partition_index: 0,
            committed_offset: 0,
            committed_leader_epoch: -1,
            committed_metadata: Some(Default::default()),
        }
    }
}

impl Wire for OffsetCommitRequestPartition {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let v = cx.version;
        let mut m = Self::default();
        m.partition_index = d.get(cx)?;
        m.committed_offset = d.get(cx)?;
        if v >= 6 { m.committed_leader_epoch = d.get(cx)?; }
        m.committed_metadata = d.nullable(cx, true)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        let v = cx.version;
        self.partition_index.write(e, cx)?;
        self.committed_offset.write(e, cx)?;
        if v >= 6 { self.committed_leader_epoch.write(e, cx)?; }
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
        if v >= 6 { m.committed_leader_epoch = r.get(cx); }
        m.committed_metadata = r.nullable(cx, true);
        m
    }
}
