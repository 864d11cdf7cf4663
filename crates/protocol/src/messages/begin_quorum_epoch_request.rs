//! `BeginQuorumEpochRequest`. Generated from the schema; do not edit.

use crate::wire::*;
use klamm_types::Uuid;

/// Versions 0-1.
#[derive(Clone, Debug, PartialEq)]
pub struct BeginQuorumEpochRequest {
    /// Versions 0+, nullable 0+, default `null`.
    pub cluster_id: Option<String>,
    /// Versions 1+, default `-1`.
    pub voter_id: i32,
    /// Versions 0+.
    pub topics: Vec<TopicData>,
    /// Versions 1+.
    pub leader_endpoints: Vec<LeaderEndpoint>,
}

impl Default for BeginQuorumEpochRequest {
    fn default() -> Self {
        Self {
            cluster_id: None,
            voter_id: -1,
            topics: Default::default(),
            leader_endpoints: Default::default(),
        }
    }
}

impl Wire for BeginQuorumEpochRequest {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let v = cx.version;
        let mut m = Self::default();
        m.cluster_id = d.nullable(cx, true)?;
        if v >= 1 { m.voter_id = d.get(cx)?; }
        m.topics = d.get(cx)?;
        if v >= 1 { m.leader_endpoints = d.get(cx)?; }
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        let v = cx.version;
        e.nullable(&self.cluster_id, cx, true, "ClusterId")?;
        if v >= 1 { self.voter_id.write(e, cx)?; }
        self.topics.write(e, cx)?;
        if v >= 1 { self.leader_endpoints.write(e, cx)?; }
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
        if v >= 1 { m.leader_endpoints = r.get(cx); }
        m
    }
}

impl Message for BeginQuorumEpochRequest {
    const NAME: &'static str = "BeginQuorumEpochRequest";
    const API_KEY: i16 = 53;
    const MIN_VERSION: i16 = 0;
    const MAX_VERSION: i16 = 1;
    const FLEXIBLE_FROM: i16 = 1;
}

impl Request for BeginQuorumEpochRequest {
    type Response = super::begin_quorum_epoch_response::BeginQuorumEpochResponse;
    const KEY: ApiKey = ApiKey::BeginQuorumEpoch;
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
    /// Versions 1+.
    pub voter_directory_id: Uuid,
    /// Versions 0+.
    pub leader_id: i32,
    /// Versions 0+.
    pub leader_epoch: i32,
}

impl Wire for PartitionData {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let v = cx.version;
        let mut m = Self::default();
        m.partition_index = d.get(cx)?;
        if v >= 1 { m.voter_directory_id = d.get(cx)?; }
        m.leader_id = d.get(cx)?;
        m.leader_epoch = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        let v = cx.version;
        self.partition_index.write(e, cx)?;
        if v >= 1 { self.voter_directory_id.write(e, cx)?; }
        self.leader_id.write(e, cx)?;
        self.leader_epoch.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let v = cx.version;
        let mut m = Self::default();
        m.partition_index = r.get(cx);
        if v >= 1 { m.voter_directory_id = r.get(cx); }
        m.leader_id = r.get(cx);
        m.leader_epoch = r.get(cx);
        m
    }
}

/// Versions 1+.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct LeaderEndpoint {
    /// Versions 1+.
    pub name: String,
    /// Versions 1+.
    pub host: String,
    /// Versions 1+.
    pub port: u16,
}

impl Wire for LeaderEndpoint {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.name = d.get(cx)?;
        m.host = d.get(cx)?;
        m.port = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.name.write(e, cx)?;
        self.host.write(e, cx)?;
        self.port.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.name = r.get(cx);
        m.host = r.get(cx);
        m.port = r.get(cx);
        m
    }
}
