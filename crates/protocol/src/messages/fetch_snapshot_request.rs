//! `FetchSnapshotRequest`. Generated from the schema; do not edit.

use crate::wire::*;
use klamm_types::Uuid;

/// Versions 0-1.
#[derive(Clone, Debug, PartialEq)]
pub struct FetchSnapshotRequest {
    /// Versions 0+, nullable 0+, tag 0 in 0+, default `null`.
    pub cluster_id: Option<String>,
    /// Versions 0+, default `-1`.
    pub replica_id: i32,
    /// Versions 0+, default `0x7fffffff`.
    pub max_bytes: i32,
    /// Versions 0+.
    pub topics: Vec<TopicSnapshot>,
}

impl Default for FetchSnapshotRequest {
    fn default() -> Self {
        Self {
            cluster_id: None,
            replica_id: -1,
            max_bytes: 0x7fffffff,
            topics: Default::default(),
        }
    }
}

impl Wire for FetchSnapshotRequest {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.replica_id = d.get(cx)?;
        m.max_bytes = d.get(cx)?;
        m.topics = d.get(cx)?;
        d.tags(cx, &mut |d, tag| {
            match tag {
                0 => m.cluster_id = d.nullable(cx, true)?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.replica_id.write(e, cx)?;
        self.max_bytes.write(e, cx)?;
        self.topics.write(e, cx)?;
        if cx.flexible {
            let tags = [self.cluster_id.is_some()];
            e.tag_count(&tags);
            if tags[0] { e.tag(0, &mut |e| e.nullable(&self.cluster_id, cx, true, "ClusterId"))?; }
        }
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.cluster_id = r.nullable(cx, true);
        m.replica_id = r.get(cx);
        m.max_bytes = r.get(cx);
        m.topics = r.get(cx);
        m
    }
}

impl Message for FetchSnapshotRequest {
    const NAME: &'static str = "FetchSnapshotRequest";
    const API_KEY: i16 = 59;
    const MIN_VERSION: i16 = 0;
    const MAX_VERSION: i16 = 1;
    const FLEXIBLE_FROM: i16 = 0;
}

impl Request for FetchSnapshotRequest {
    type Response = super::fetch_snapshot_response::FetchSnapshotResponse;
    const KEY: ApiKey = ApiKey::FetchSnapshot;
}

/// Versions 0+.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct TopicSnapshot {
    /// Versions 0+.
    pub name: String,
    /// Versions 0+.
    pub partitions: Vec<PartitionSnapshot>,
}

impl Wire for TopicSnapshot {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.name = d.get(cx)?;
        m.partitions = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.name.write(e, cx)?;
        self.partitions.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.name = r.get(cx);
        m.partitions = r.get(cx);
        m
    }
}

/// Versions 0+.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct PartitionSnapshot {
    /// Versions 0+.
    pub partition: i32,
    /// Versions 0+.
    pub current_leader_epoch: i32,
    /// Versions 0+.
    pub snapshot_id: SnapshotId,
    /// Versions 0+.
    pub position: i64,
    /// Versions 1+, tag 0 in 1+.
    pub replica_directory_id: Uuid,
}

impl Wire for PartitionSnapshot {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let v = cx.version;
        let mut m = Self::default();
        m.partition = d.get(cx)?;
        m.current_leader_epoch = d.get(cx)?;
        m.snapshot_id = d.get(cx)?;
        m.position = d.get(cx)?;
        d.tags(cx, &mut |d, tag| {
            match tag {
                0 if v >= 1 => m.replica_directory_id = d.get(cx)?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        let v = cx.version;
        self.partition.write(e, cx)?;
        self.current_leader_epoch.write(e, cx)?;
        self.snapshot_id.write(e, cx)?;
        self.position.write(e, cx)?;
        if cx.flexible {
            let tags = [v >= 1 && self.replica_directory_id != Default::default()];
            e.tag_count(&tags);
            if tags[0] { e.tag(0, &mut |e| self.replica_directory_id.write(e, cx))?; }
        }
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let v = cx.version;
        let mut m = Self::default();
        m.partition = r.get(cx);
        m.current_leader_epoch = r.get(cx);
        m.snapshot_id = r.get(cx);
        m.position = r.get(cx);
        if v >= 1 { m.replica_directory_id = r.get(cx); }
        m
    }
}

/// Versions 0+.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct SnapshotId {
    /// Versions 0+.
    pub end_offset: i64,
    /// Versions 0+.
    pub epoch: i32,
}

impl Wire for SnapshotId {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.end_offset = d.get(cx)?;
        m.epoch = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.end_offset.write(e, cx)?;
        self.epoch.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.end_offset = r.get(cx);
        m.epoch = r.get(cx);
        m
    }
}
