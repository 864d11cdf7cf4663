//! `FetchResponse`. Generated from the schema; do not edit.

use crate::wire::*;
use bytes::Bytes;
use klamm_types::Uuid;

/// Versions 4-18.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct FetchResponse {
    /// Versions 1+.
    pub throttle_time_ms: i32,
    /// Versions 7+.
    pub error_code: i16,
    /// Versions 7+, default `0`.
    pub session_id: i32,
    /// Versions 0+.
    pub responses: Vec<FetchableTopicResponse>,
    /// Versions 16+, tag 0 in 16+.
    pub node_endpoints: Vec<NodeEndpoint>,
}

impl Wire for FetchResponse {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let v = cx.version;
        let mut m = Self::default();
        m.throttle_time_ms = d.get(cx)?;
        if v >= 7 { m.error_code = d.get(cx)?; }
        if v >= 7 { m.session_id = d.get(cx)?; }
        m.responses = d.get(cx)?;
        d.tags(cx, &mut |d, tag| {
            match tag {
                0 if v >= 16 => m.node_endpoints = d.get(cx)?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        let v = cx.version;
        self.throttle_time_ms.write(e, cx)?;
        if v >= 7 { self.error_code.write(e, cx)?; }
        if v >= 7 { self.session_id.write(e, cx)?; } else { e.absent(self.session_id != 0, "FetchResponse.SessionId", cx)?; }
        self.responses.write(e, cx)?;
        if !(v >= 16) { e.absent(!self.node_endpoints.is_empty(), "FetchResponse.NodeEndpoints", cx)?; }
        if cx.flexible {
            let tags = [v >= 16 && !self.node_endpoints.is_empty()];
            e.tag_count(&tags);
            if tags[0] { e.tag(0, &mut |e| self.node_endpoints.write(e, cx))?; }
        }
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let v = cx.version;
        let mut m = Self::default();
        m.throttle_time_ms = r.get(cx);
        if v >= 7 { m.error_code = r.get(cx); }
        if v >= 7 { m.session_id = r.get(cx); }
        m.responses = r.get(cx);
        if v >= 16 { m.node_endpoints = r.get(cx); }
        m
    }
}

impl Message for FetchResponse {
    const NAME: &'static str = "FetchResponse";
    const API_KEY: i16 = 1;
    const MIN_VERSION: i16 = 4;
    const MAX_VERSION: i16 = 18;
    const FLEXIBLE_FROM: i16 = 12;
}

/// Versions 0+.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct FetchableTopicResponse {
    /// Versions 0-12.
    pub topic: String,
    /// Versions 13+.
    pub topic_id: Uuid,
    /// Versions 0+.
    pub partitions: Vec<PartitionData>,
}

impl Wire for FetchableTopicResponse {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let v = cx.version;
        let mut m = Self::default();
        if v <= 12 { m.topic = d.get(cx)?; }
        if v >= 13 { m.topic_id = d.get(cx)?; }
        m.partitions = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        let v = cx.version;
        if v <= 12 { self.topic.write(e, cx)?; }
        if v >= 13 { self.topic_id.write(e, cx)?; }
        self.partitions.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let v = cx.version;
        let mut m = Self::default();
        if v <= 12 { m.topic = r.get(cx); }
        if v >= 13 { m.topic_id = r.get(cx); }
        m.partitions = r.get(cx);
        m
    }
}

/// Versions 0+.
#[derive(Clone, Debug, PartialEq)]
pub struct PartitionData {
    /// Versions 0+.
    pub partition_index: i32,
    /// Versions 0+.
    pub error_code: i16,
    /// Versions 0+.
    pub high_watermark: i64,
    /// Versions 4+, default `-1`.
    pub last_stable_offset: i64,
    /// Versions 5+, default `-1`.
    pub log_start_offset: i64,
    /// Versions 12+, tag 0 in 12+.
    pub diverging_epoch: EpochEndOffset,
    /// Versions 12+, tag 1 in 12+.
    pub current_leader: LeaderIdAndEpoch,
    /// Versions 12+, tag 2 in 12+.
    pub snapshot_id: SnapshotId,
    /// Versions 4+, nullable 4+.
    pub aborted_transactions: Option<Vec<AbortedTransaction>>,
    /// Versions 11+, default `-1`.
    pub preferred_read_replica: i32,
    /// Versions 0+, nullable 0+.
    pub records: Option<Bytes>,
}

impl Default for PartitionData {
    fn default() -> Self {
        Self {
            partition_index: 0,
            error_code: 0,
            high_watermark: 0,
            last_stable_offset: -1,
            log_start_offset: -1,
            diverging_epoch: Default::default(),
            current_leader: Default::default(),
            snapshot_id: Default::default(),
            aborted_transactions: Some(Default::default()),
            preferred_read_replica: -1,
            records: None,
        }
    }
}

impl Wire for PartitionData {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let v = cx.version;
        let mut m = Self::default();
        m.partition_index = d.get(cx)?;
        m.error_code = d.get(cx)?;
        m.high_watermark = d.get(cx)?;
        m.last_stable_offset = d.get(cx)?;
        if v >= 5 { m.log_start_offset = d.get(cx)?; }
        m.aborted_transactions = d.nullable(cx, true)?;
        if v >= 11 { m.preferred_read_replica = d.get(cx)?; }
        m.records = d.nullable(cx, true)?;
        d.tags(cx, &mut |d, tag| {
            match tag {
                0 if v >= 12 => m.diverging_epoch = d.get(cx)?,
                1 if v >= 12 => m.current_leader = d.get(cx)?,
                2 if v >= 12 => m.snapshot_id = d.get(cx)?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        let v = cx.version;
        self.partition_index.write(e, cx)?;
        self.error_code.write(e, cx)?;
        self.high_watermark.write(e, cx)?;
        self.last_stable_offset.write(e, cx)?;
        if v >= 5 { self.log_start_offset.write(e, cx)?; }
        if !(v >= 12) { e.absent(self.diverging_epoch != Default::default(), "PartitionData.DivergingEpoch", cx)?; }
        if !(v >= 12) { e.absent(self.current_leader != Default::default(), "PartitionData.CurrentLeader", cx)?; }
        if !(v >= 12) { e.absent(self.snapshot_id != Default::default(), "PartitionData.SnapshotId", cx)?; }
        e.nullable(&self.aborted_transactions, cx, true, "AbortedTransactions")?;
        if v >= 11 { self.preferred_read_replica.write(e, cx)?; } else { e.absent(self.preferred_read_replica != -1, "PartitionData.PreferredReadReplica", cx)?; }
        e.nullable(&self.records, cx, true, "Records")?;
        if cx.flexible {
            let tags = [v >= 12 && self.diverging_epoch != Default::default(), v >= 12 && self.current_leader != Default::default(), v >= 12 && self.snapshot_id != Default::default()];
            e.tag_count(&tags);
            if tags[0] { e.tag(0, &mut |e| self.diverging_epoch.write(e, cx))?; }
            if tags[1] { e.tag(1, &mut |e| self.current_leader.write(e, cx))?; }
            if tags[2] { e.tag(2, &mut |e| self.snapshot_id.write(e, cx))?; }
        }
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let v = cx.version;
        let mut m = Self::default();
        m.partition_index = r.get(cx);
        m.error_code = r.get(cx);
        m.high_watermark = r.get(cx);
        m.last_stable_offset = r.get(cx);
        if v >= 5 { m.log_start_offset = r.get(cx); }
        if v >= 12 { m.diverging_epoch = r.get(cx); }
        if v >= 12 { m.current_leader = r.get(cx); }
        if v >= 12 { m.snapshot_id = r.get(cx); }
        m.aborted_transactions = r.nullable(cx, true);
        if v >= 11 { m.preferred_read_replica = r.get(cx); }
        m.records = r.nullable(cx, true);
        m
    }
}

/// Versions 12+.
#[derive(Clone, Debug, PartialEq)]
pub struct EpochEndOffset {
    /// Versions 12+, default `-1`.
    pub epoch: i32,
    /// Versions 12+, default `-1`.
    pub end_offset: i64,
}

impl Default for EpochEndOffset {
    fn default() -> Self {
        Self {
            epoch: -1,
            end_offset: -1,
        }
    }
}

impl Wire for EpochEndOffset {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.epoch = d.get(cx)?;
        m.end_offset = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.epoch.write(e, cx)?;
        self.end_offset.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.epoch = r.get(cx);
        m.end_offset = r.get(cx);
        m
    }
}

/// Versions 12+.
#[derive(Clone, Debug, PartialEq)]
pub struct LeaderIdAndEpoch {
    /// Versions 12+, default `-1`.
    pub leader_id: i32,
    /// Versions 12+, default `-1`.
    pub leader_epoch: i32,
}

impl Default for LeaderIdAndEpoch {
    fn default() -> Self {
        Self {
            leader_id: -1,
            leader_epoch: -1,
        }
    }
}

impl Wire for LeaderIdAndEpoch {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.leader_id = d.get(cx)?;
        m.leader_epoch = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.leader_id.write(e, cx)?;
        self.leader_epoch.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.leader_id = r.get(cx);
        m.leader_epoch = r.get(cx);
        m
    }
}

/// Versions 12+.
#[derive(Clone, Debug, PartialEq)]
pub struct SnapshotId {
    /// Versions 0+, default `-1`.
    pub end_offset: i64,
    /// Versions 0+, default `-1`.
    pub epoch: i32,
}

impl Default for SnapshotId {
    fn default() -> Self {
        Self {
            end_offset: -1,
            epoch: -1,
        }
    }
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

/// Versions 4+.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct AbortedTransaction {
    /// Versions 4+.
    pub producer_id: i64,
    /// Versions 4+.
    pub first_offset: i64,
}

impl Wire for AbortedTransaction {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.producer_id = d.get(cx)?;
        m.first_offset = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.producer_id.write(e, cx)?;
        self.first_offset.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.producer_id = r.get(cx);
        m.first_offset = r.get(cx);
        m
    }
}

/// Versions 16+.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct NodeEndpoint {
    /// Versions 16+.
    pub node_id: i32,
    /// Versions 16+.
    pub host: String,
    /// Versions 16+.
    pub port: i32,
    /// Versions 16+, nullable 16+, default `null`.
    pub rack: Option<String>,
}

impl Wire for NodeEndpoint {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.node_id = d.get(cx)?;
        m.host = d.get(cx)?;
        m.port = d.get(cx)?;
        m.rack = d.nullable(cx, true)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.node_id.write(e, cx)?;
        self.host.write(e, cx)?;
        self.port.write(e, cx)?;
        e.nullable(&self.rack, cx, true, "Rack")?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.node_id = r.get(cx);
        m.host = r.get(cx);
        m.port = r.get(cx);
        m.rack = r.nullable(cx, true);
        m
    }
}
