//! `FetchRequest`. Generated from the schema; do not edit.

use crate::wire::*;
use klamm_types::Uuid;

/// Versions 4-18.
#[derive(Clone, Debug, PartialEq)]
pub struct FetchRequest {
    /// Versions 12+, nullable 12+, tag 0 in 12+, default `null`.
    pub cluster_id: Option<String>,
    /// Versions 0-14, default `-1`.
    pub replica_id: i32,
    /// Versions 15+, tag 1 in 15+.
    pub replica_state: ReplicaState,
    /// Versions 0+.
    pub max_wait_ms: i32,
    /// Versions 0+.
    pub min_bytes: i32,
    /// Versions 3+, default `0x7fffffff`.
    pub max_bytes: i32,
    /// Versions 4+, default `0`.
    pub isolation_level: i8,
    /// Versions 7+, default `0`.
    pub session_id: i32,
    /// Versions 7+, default `-1`.
    pub session_epoch: i32,
    /// Versions 0+.
    pub topics: Vec<FetchTopic>,
    /// Versions 7+.
    pub forgotten_topics_data: Vec<ForgottenTopic>,
    /// Versions 11+, default `""`.
    pub rack_id: String,
}

impl Default for FetchRequest {
    fn default() -> Self {
        Self {
            cluster_id: None,
            replica_id: -1,
            replica_state: Default::default(),
            max_wait_ms: 0,
            min_bytes: 0,
            max_bytes: 0x7fffffff,
            isolation_level: 0,
            session_id: 0,
            session_epoch: -1,
            topics: Default::default(),
            forgotten_topics_data: Default::default(),
            rack_id: Default::default(),
        }
    }
}

impl Wire for FetchRequest {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let v = cx.version;
        let mut m = Self::default();
        if v <= 14 { m.replica_id = d.get(cx)?; }
        m.max_wait_ms = d.get(cx)?;
        m.min_bytes = d.get(cx)?;
        m.max_bytes = d.get(cx)?;
        m.isolation_level = d.get(cx)?;
        if v >= 7 { m.session_id = d.get(cx)?; }
        if v >= 7 { m.session_epoch = d.get(cx)?; }
        m.topics = d.get(cx)?;
        if v >= 7 { m.forgotten_topics_data = d.get(cx)?; }
        if v >= 11 { m.rack_id = d.get(cx)?; }
        d.tags(cx, &mut |d, tag| {
            match tag {
                0 if v >= 12 => m.cluster_id = d.nullable(cx, true)?,
                1 if v >= 15 => m.replica_state = d.get(cx)?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        let v = cx.version;
        if v <= 14 { self.replica_id.write(e, cx)?; } else { e.absent(self.replica_id != -1, "FetchRequest.ReplicaId", cx)?; }
        if !(v >= 15) { e.absent(self.replica_state != Default::default(), "FetchRequest.ReplicaState", cx)?; }
        self.max_wait_ms.write(e, cx)?;
        self.min_bytes.write(e, cx)?;
        self.max_bytes.write(e, cx)?;
        self.isolation_level.write(e, cx)?;
        if v >= 7 { self.session_id.write(e, cx)?; }
        if v >= 7 { self.session_epoch.write(e, cx)?; }
        self.topics.write(e, cx)?;
        if v >= 7 { self.forgotten_topics_data.write(e, cx)?; } else { e.absent(!self.forgotten_topics_data.is_empty(), "FetchRequest.ForgottenTopicsData", cx)?; }
        if v >= 11 { self.rack_id.write(e, cx)?; }
        if cx.flexible {
            let tags = [v >= 12 && self.cluster_id.is_some(), v >= 15 && self.replica_state != Default::default()];
            e.tag_count(&tags);
            if tags[0] { e.tag(0, &mut |e| e.nullable(&self.cluster_id, cx, true, "ClusterId"))?; }
            if tags[1] { e.tag(1, &mut |e| self.replica_state.write(e, cx))?; }
        }
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let v = cx.version;
        let mut m = Self::default();
        if v >= 12 { m.cluster_id = r.nullable(cx, true); }
        if v <= 14 { m.replica_id = r.get(cx); }
        if v >= 15 { m.replica_state = r.get(cx); }
        m.max_wait_ms = r.get(cx);
        m.min_bytes = r.get(cx);
        m.max_bytes = r.get(cx);
        m.isolation_level = r.get(cx);
        if v >= 7 { m.session_id = r.get(cx); }
        if v >= 7 { m.session_epoch = r.get(cx); }
        m.topics = r.get(cx);
        if v >= 7 { m.forgotten_topics_data = r.get(cx); }
        if v >= 11 { m.rack_id = r.get(cx); }
        m
    }
}

impl Message for FetchRequest {
    const NAME: &'static str = "FetchRequest";
    const API_KEY: i16 = 1;
    const MIN_VERSION: i16 = 4;
    const MAX_VERSION: i16 = 18;
    const FLEXIBLE_FROM: i16 = 12;
}

impl Request for FetchRequest {
    type Response = super::fetch_response::FetchResponse;
    const KEY: ApiKey = ApiKey::Fetch;
}

/// Versions 15+.
#[derive(Clone, Debug, PartialEq)]
pub struct ReplicaState {
    /// Versions 15+, default `-1`.
    pub replica_id: i32,
    /// Versions 15+, default `-1`.
    pub replica_epoch: i64,
}

impl Default for ReplicaState {
    fn default() -> Self {
        Self {
            replica_id: -1,
            replica_epoch: -1,
        }
    }
}

impl Wire for ReplicaState {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.replica_id = d.get(cx)?;
        m.replica_epoch = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.replica_id.write(e, cx)?;
        self.replica_epoch.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.replica_id = r.get(cx);
        m.replica_epoch = r.get(cx);
        m
    }
}

/// Versions 0+.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct FetchTopic {
    /// Versions 0-12.
    pub topic: String,
    /// Versions 13+.
    pub topic_id: Uuid,
    /// Versions 0+.
    pub partitions: Vec<FetchPartition>,
}

impl Wire for FetchTopic {
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
pub struct FetchPartition {
    /// Versions 0+.
    pub partition: i32,
    /// Versions 9+, default `-1`.
    pub current_leader_epoch: i32,
    /// Versions 0+.
    pub fetch_offset: i64,
    /// Versions 12+, default `-1`.
    pub last_fetched_epoch: i32,
    /// Versions 5+, default `-1`.
    pub log_start_offset: i64,
    /// Versions 0+.
    pub partition_max_bytes: i32,
    /// Versions 17+, tag 0 in 17+.
    pub replica_directory_id: Uuid,
    /// Versions 18+, tag 1 in 18+, default `9223372036854775807`.
    pub high_watermark: i64,
}

impl Default for FetchPartition {
    fn default() -> Self {
        Self {
            partition: 0,
            current_leader_epoch: -1,
            fetch_offset: 0,
            last_fetched_epoch: -1,
            log_start_offset: -1,
            partition_max_bytes: 0,
            replica_directory_id: Default::default(),
            high_watermark: 9223372036854775807,
        }
    }
}

impl Wire for FetchPartition {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let v = cx.version;
        let mut m = Self::default();
        m.partition = d.get(cx)?;
        if v >= 9 { m.current_leader_epoch = d.get(cx)?; }
        m.fetch_offset = d.get(cx)?;
        if v >= 12 { m.last_fetched_epoch = d.get(cx)?; }
        if v >= 5 { m.log_start_offset = d.get(cx)?; }
        m.partition_max_bytes = d.get(cx)?;
        d.tags(cx, &mut |d, tag| {
            match tag {
                0 if v >= 17 => m.replica_directory_id = d.get(cx)?,
                1 if v >= 18 => m.high_watermark = d.get(cx)?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        let v = cx.version;
        self.partition.write(e, cx)?;
        if v >= 9 { self.current_leader_epoch.write(e, cx)?; }
        self.fetch_offset.write(e, cx)?;
        if v >= 12 { self.last_fetched_epoch.write(e, cx)?; } else { e.absent(self.last_fetched_epoch != -1, "FetchPartition.LastFetchedEpoch", cx)?; }
        if v >= 5 { self.log_start_offset.write(e, cx)?; }
        self.partition_max_bytes.write(e, cx)?;
        if cx.flexible {
            let tags = [v >= 17 && self.replica_directory_id != Default::default(), v >= 18 && self.high_watermark != 9223372036854775807];
            e.tag_count(&tags);
            if tags[0] { e.tag(0, &mut |e| self.replica_directory_id.write(e, cx))?; }
            if tags[1] { e.tag(1, &mut |e| self.high_watermark.write(e, cx))?; }
        }
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let v = cx.version;
        let mut m = Self::default();
        m.partition = r.get(cx);
        if v >= 9 { m.current_leader_epoch = r.get(cx); }
        m.fetch_offset = r.get(cx);
        if v >= 12 { m.last_fetched_epoch = r.get(cx); }
        if v >= 5 { m.log_start_offset = r.get(cx); }
        m.partition_max_bytes = r.get(cx);
        if v >= 17 { m.replica_directory_id = r.get(cx); }
        if v >= 18 { m.high_watermark = r.get(cx); }
        m
    }
}

/// Versions 7+.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct ForgottenTopic {
    /// Versions 7-12.
    pub topic: String,
    /// Versions 13+.
    pub topic_id: Uuid,
    /// Versions 7+.
    pub partitions: Vec<i32>,
}

impl Wire for ForgottenTopic {
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
