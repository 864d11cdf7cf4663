//! `ShareFetchRequest`. Generated from the schema; do not edit.

use crate::wire::*;
use klamm_types::Uuid;

/// Versions 1-2.
#[derive(Clone, Debug, PartialEq)]
pub struct ShareFetchRequest {
    /// Versions 0+, nullable 0+, default `null`.
    pub group_id: Option<String>,
    /// Versions 0+, nullable 0+.
    pub member_id: Option<String>,
    /// Versions 0+.
    pub share_session_epoch: i32,
    /// Versions 0+.
    pub max_wait_ms: i32,
    /// Versions 0+.
    pub min_bytes: i32,
    /// Versions 0+, default `0x7fffffff`.
    pub max_bytes: i32,
    /// Versions 1+.
    pub max_records: i32,
    /// Versions 1+.
    pub batch_size: i32,
    /// Versions 2+, default `0`.
    pub share_acquire_mode: i8,
    /// Versions 2+, default `false`.
    pub is_renew_ack: bool,
    /// Versions 0+.
    pub topics: Vec<FetchTopic>,
    /// Versions 0+.
    pub forgotten_topics_data: Vec<ForgottenTopic>,
}

impl Default for ShareFetchRequest {
    fn default() -> Self {
        Self {
            group_id: None,
            member_id: Some(Default::default()),
            share_session_epoch: 0,
            max_wait_ms: 0,
            min_bytes: 0,
            max_bytes: 0x7fffffff,
            max_records: 0,
            batch_size: 0,
            share_acquire_mode: 0,
            is_renew_ack: false,
            topics: Default::default(),
            forgotten_topics_data: Default::default(),
        }
    }
}

impl Wire for ShareFetchRequest {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let v = cx.version;
        let mut m = Self::default();
        m.group_id = d.nullable(cx, true)?;
        m.member_id = d.nullable(cx, true)?;
        m.share_session_epoch = d.get(cx)?;
        m.max_wait_ms = d.get(cx)?;
        m.min_bytes = d.get(cx)?;
        m.max_bytes = d.get(cx)?;
        m.max_records = d.get(cx)?;
        m.batch_size = d.get(cx)?;
        if v >= 2 { m.share_acquire_mode = d.get(cx)?; }
        if v >= 2 { m.is_renew_ack = d.get(cx)?; }
        m.topics = d.get(cx)?;
        m.forgotten_topics_data = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        let v = cx.version;
        e.nullable(&self.group_id, cx, true, "GroupId")?;
        e.nullable(&self.member_id, cx, true, "MemberId")?;
        self.share_session_epoch.write(e, cx)?;
        self.max_wait_ms.write(e, cx)?;
        self.min_bytes.write(e, cx)?;
        self.max_bytes.write(e, cx)?;
        self.max_records.write(e, cx)?;
        self.batch_size.write(e, cx)?;
        if v >= 2 { self.share_acquire_mode.write(e, cx)?; }
        if v >= 2 { self.is_renew_ack.write(e, cx)?; } else { e.absent(self.is_renew_ack, "ShareFetchRequest.IsRenewAck", cx)?; }
        self.topics.write(e, cx)?;
        self.forgotten_topics_data.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let v = cx.version;
        let mut m = Self::default();
        m.group_id = r.nullable(cx, true);
        m.member_id = r.nullable(cx, true);
        m.share_session_epoch = r.get(cx);
        m.max_wait_ms = r.get(cx);
        m.min_bytes = r.get(cx);
        m.max_bytes = r.get(cx);
        m.max_records = r.get(cx);
        m.batch_size = r.get(cx);
        if v >= 2 { m.share_acquire_mode = r.get(cx); }
        if v >= 2 { m.is_renew_ack = r.get(cx); }
        m.topics = r.get(cx);
        m.forgotten_topics_data = r.get(cx);
        m
    }
}

impl Message for ShareFetchRequest {
    const NAME: &'static str = "ShareFetchRequest";
    const API_KEY: i16 = 78;
    const MIN_VERSION: i16 = 1;
    const MAX_VERSION: i16 = 2;
    const FLEXIBLE_FROM: i16 = 0;
}

impl Request for ShareFetchRequest {
    type Response = super::share_fetch_response::ShareFetchResponse;
    const KEY: ApiKey = ApiKey::ShareFetch;
}

/// Versions 0+.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct FetchTopic {
    /// Versions 0+.
    pub topic_id: Uuid,
    /// Versions 0+.
    pub partitions: Vec<FetchPartition>,
}

impl Wire for FetchTopic {
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
pub struct FetchPartition {
    /// Versions 0+.
    pub partition_index: i32,
    /// Versions 0.
    pub partition_max_bytes: i32,
    /// Versions 0+.
    pub acknowledgement_batches: Vec<AcknowledgementBatch>,
}

impl Wire for FetchPartition {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let v = cx.version;
        let mut m = Self::default();
        m.partition_index = d.get(cx)?;
        m.acknowledgement_batches = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        let v = cx.version;
        self.partition_index.write(e, cx)?;
        if !(false) { e.absent(self.partition_max_bytes != 0, "FetchPartition.PartitionMaxBytes", cx)?; }
        self.acknowledgement_batches.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let v = cx.version;
        let mut m = Self::default();
        m.partition_index = r.get(cx);
        m.acknowledgement_batches = r.get(cx);
        m
    }
}

/// Versions 0+.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct AcknowledgementBatch {
    /// Versions 0+.
    pub first_offset: i64,
    /// Versions 0+.
    pub last_offset: i64,
    /// Versions 0+.
    pub acknowledge_types: Vec<i8>,
}

impl Wire for AcknowledgementBatch {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.first_offset = d.get(cx)?;
        m.last_offset = d.get(cx)?;
        m.acknowledge_types = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.first_offset.write(e, cx)?;
        self.last_offset.write(e, cx)?;
        self.acknowledge_types.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.first_offset = r.get(cx);
        m.last_offset = r.get(cx);
        m.acknowledge_types = r.get(cx);
        m
    }
}

/// Versions 0+.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct ForgottenTopic {
    /// Versions 0+.
    pub topic_id: Uuid,
    /// Versions 0+.
    pub partitions: Vec<i32>,
}

impl Wire for ForgottenTopic {
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
