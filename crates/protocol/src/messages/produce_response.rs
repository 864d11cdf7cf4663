//! `ProduceResponse`. Generated from the schema; do not edit.

use crate::wire::*;
use klamm_types::Uuid;

/// Versions 3-13.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct ProduceResponse {
    /// Versions 0+.
    pub responses: Vec<TopicProduceResponse>,
    /// Versions 1+, default `0`.
    pub throttle_time_ms: i32,
    /// Versions 10+, tag 0 in 10+.
    pub node_endpoints: Vec<NodeEndpoint>,
}

impl Wire for ProduceResponse {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let v = cx.version;
        let mut m = Self::default();
        m.responses = d.get(cx)?;
        m.throttle_time_ms = d.get(cx)?;
        d.tags(cx, &mut |d, tag| {
            match tag {
                0 if v >= 10 => m.node_endpoints = d.get(cx)?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        let v = cx.version;
        self.responses.write(e, cx)?;
        self.throttle_time_ms.write(e, cx)?;
        if !(v >= 10) { e.absent(!self.node_endpoints.is_empty(), "ProduceResponse.NodeEndpoints", cx)?; }
        if cx.flexible {
            let tags = [v >= 10 && !self.node_endpoints.is_empty()];
            e.tag_count(&tags);
            if tags[0] { e.tag(0, &mut |e| self.node_endpoints.write(e, cx))?; }
        }
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let v = cx.version;
        let mut m = Self::default();
        m.responses = r.get(cx);
        m.throttle_time_ms = r.get(cx);
        if v >= 10 { m.node_endpoints = r.get(cx); }
        m
    }
}

impl Message for ProduceResponse {
    const NAME: &'static str = "ProduceResponse";
    const API_KEY: i16 = 0;
    const MIN_VERSION: i16 = 3;
    const MAX_VERSION: i16 = 13;
    const FLEXIBLE_FROM: i16 = 9;
}

/// Versions 0+.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct TopicProduceResponse {
    /// Versions 0-12.
    pub name: String,
    /// Versions 13+.
    pub topic_id: Uuid,
    /// Versions 0+.
    pub partition_responses: Vec<PartitionProduceResponse>,
}

impl Wire for TopicProduceResponse {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let v = cx.version;
        let mut m = Self::default();
        if v <= 12 { m.name = d.get(cx)?; }
        if v >= 13 { m.topic_id = d.get(cx)?; }
        m.partition_responses = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        let v = cx.version;
        if v <= 12 { self.name.write(e, cx)?; }
        if v >= 13 { self.topic_id.write(e, cx)?; }
        self.partition_responses.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let v = cx.version;
        let mut m = Self::default();
        if v <= 12 { m.name = r.get(cx); }
        if v >= 13 { m.topic_id = r.get(cx); }
        m.partition_responses = r.get(cx);
        m
    }
}

/// Versions 0+.
#[derive(Clone, Debug, PartialEq)]
pub struct PartitionProduceResponse {
    /// Versions 0+.
    pub index: i32,
    /// Versions 0+.
    pub error_code: i16,
    /// Versions 0+.
    pub base_offset: i64,
    /// Versions 2+, default `-1`.
    pub log_append_time_ms: i64,
    /// Versions 5+, default `-1`.
    pub log_start_offset: i64,
    /// Versions 8+.
    pub record_errors: Vec<BatchIndexAndErrorMessage>,
    /// Versions 8+, nullable 8+, default `null`.
    pub error_message: Option<String>,
    /// Versions 10+, tag 0 in 10+.
    pub current_leader: LeaderIdAndEpoch,
}

impl Default for PartitionProduceResponse {
    fn default() -> Self {
        Self {
            index: 0,
            error_code: 0,
            base_offset: 0,
            log_append_time_ms: -1,
            log_start_offset: -1,
            record_errors: Default::default(),
            error_message: None,
            current_leader: Default::default(),
        }
    }
}

impl Wire for PartitionProduceResponse {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let v = cx.version;
        let mut m = Self::default();
        m.index = d.get(cx)?;
        m.error_code = d.get(cx)?;
        m.base_offset = d.get(cx)?;
        m.log_append_time_ms = d.get(cx)?;
        if v >= 5 { m.log_start_offset = d.get(cx)?; }
        if v >= 8 { m.record_errors = d.get(cx)?; }
        if v >= 8 { m.error_message = d.nullable(cx, true)?; }
        d.tags(cx, &mut |d, tag| {
            match tag {
                0 if v >= 10 => m.current_leader = d.get(cx)?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        let v = cx.version;
        self.index.write(e, cx)?;
        self.error_code.write(e, cx)?;
        self.base_offset.write(e, cx)?;
        self.log_append_time_ms.write(e, cx)?;
        if v >= 5 { self.log_start_offset.write(e, cx)?; }
        if v >= 8 { self.record_errors.write(e, cx)?; }
        if v >= 8 { e.nullable(&self.error_message, cx, true, "ErrorMessage")?; }
        if !(v >= 10) { e.absent(self.current_leader != Default::default(), "PartitionProduceResponse.CurrentLeader", cx)?; }
        if cx.flexible {
            let tags = [v >= 10 && self.current_leader != Default::default()];
            e.tag_count(&tags);
            if tags[0] { e.tag(0, &mut |e| self.current_leader.write(e, cx))?; }
        }
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let v = cx.version;
        let mut m = Self::default();
        m.index = r.get(cx);
        m.error_code = r.get(cx);
        m.base_offset = r.get(cx);
        m.log_append_time_ms = r.get(cx);
        if v >= 5 { m.log_start_offset = r.get(cx); }
        if v >= 8 { m.record_errors = r.get(cx); }
        if v >= 8 { m.error_message = r.nullable(cx, true); }
        if v >= 10 { m.current_leader = r.get(cx); }
        m
    }
}

/// Versions 8+.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct BatchIndexAndErrorMessage {
    /// Versions 8+.
    pub batch_index: i32,
    /// Versions 8+, nullable 8+, default `null`.
    pub batch_index_error_message: Option<String>,
}

impl Wire for BatchIndexAndErrorMessage {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.batch_index = d.get(cx)?;
        m.batch_index_error_message = d.nullable(cx, true)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.batch_index.write(e, cx)?;
        e.nullable(&self.batch_index_error_message, cx, true, "BatchIndexErrorMessage")?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.batch_index = r.get(cx);
        m.batch_index_error_message = r.nullable(cx, true);
        m
    }
}

/// Versions 10+.
#[derive(Clone, Debug, PartialEq)]
pub struct LeaderIdAndEpoch {
    /// Versions 10+, default `-1`.
    pub leader_id: i32,
    /// Versions 10+, default `-1`.
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

/// Versions 10+.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct NodeEndpoint {
    /// Versions 10+.
    pub node_id: i32,
    /// Versions 10+.
    pub host: String,
    /// Versions 10+.
    pub port: i32,
    /// Versions 10+, nullable 10+, default `null`.
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
