//! `ShareAcknowledgeRequest`. Generated from the schema; do not edit.

use crate::wire::*;
use klamm_types::Uuid;

/// Versions 1-2.
#[derive(Clone, Debug, PartialEq)]
pub struct ShareAcknowledgeRequest {
    /// Versions 0+, nullable 0+, default `null`.
    pub group_id: Option<String>,
    /// Versions 0+, nullable 0+.
    pub member_id: Option<String>,
    /// Versions 0+.
    pub share_session_epoch: i32,
    /// Versions 2+, default `false`.
    pub is_renew_ack: bool,
    /// Versions 0+.
    pub topics: Vec<AcknowledgeTopic>,
}

impl Default for ShareAcknowledgeRequest {
    fn default() -> Self {
        Self {
            group_id: None,
            member_id: Some(Default::default()),
            share_session_epoch: 0,
            is_renew_ack: false,
            topics: Default::default(),
        }
    }
}

impl Wire for ShareAcknowledgeRequest {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let v = cx.version;
        let mut m = Self::default();
        m.group_id = d.nullable(cx, true)?;
        m.member_id = d.nullable(cx, true)?;
        m.share_session_epoch = d.get(cx)?;
        if v >= 2 { m.is_renew_ack = d.get(cx)?; }
        m.topics = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        let v = cx.version;
        e.nullable(&self.group_id, cx, true, "GroupId")?;
        e.nullable(&self.member_id, cx, true, "MemberId")?;
        self.share_session_epoch.write(e, cx)?;
        if v >= 2 { self.is_renew_ack.write(e, cx)?; } else { e.absent(self.is_renew_ack, "ShareAcknowledgeRequest.IsRenewAck", cx)?; }
        self.topics.write(e, cx)?;
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
        if v >= 2 { m.is_renew_ack = r.get(cx); }
        m.topics = r.get(cx);
        m
    }
}

impl Message for ShareAcknowledgeRequest {
    const NAME: &'static str = "ShareAcknowledgeRequest";
    const API_KEY: i16 = 79;
    const MIN_VERSION: i16 = 1;
    const MAX_VERSION: i16 = 2;
    const FLEXIBLE_FROM: i16 = 0;
}

impl Request for ShareAcknowledgeRequest {
    type Response = super::share_acknowledge_response::ShareAcknowledgeResponse;
    const KEY: ApiKey = ApiKey::ShareAcknowledge;
}

/// Versions 0+.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct AcknowledgeTopic {
    /// Versions 0+.
    pub topic_id: Uuid,
    /// Versions 0+.
    pub partitions: Vec<AcknowledgePartition>,
}

impl Wire for AcknowledgeTopic {
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
pub struct AcknowledgePartition {
    /// Versions 0+.
    pub partition_index: i32,
    /// Versions 0+.
    pub acknowledgement_batches: Vec<AcknowledgementBatch>,
}

impl Wire for AcknowledgePartition {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.partition_index = d.get(cx)?;
        m.acknowledgement_batches = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.partition_index.write(e, cx)?;
        self.acknowledgement_batches.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
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
