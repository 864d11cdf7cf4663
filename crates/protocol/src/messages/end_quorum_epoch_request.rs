//! `EndQuorumEpochRequest`. Generated from the schema; do not edit.

use crate::wire::*;
use klamm_types::Uuid;

/// Versions 0-1.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct EndQuorumEpochRequest {
    /// Versions 0+, nullable 0+, default `null`.
    pub cluster_id: Option<String>,
    /// Versions 0+.
    pub topics: Vec<TopicData>,
    /// Versions 1+.
    pub leader_endpoints: Vec<LeaderEndpoint>,
}

impl Wire for EndQuorumEpochRequest {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let v = cx.version;
        let mut m = Self::default();
        m.cluster_id = d.nullable(cx, true)?;
        m.topics = d.get(cx)?;
        if v >= 1 { m.leader_endpoints = d.get(cx)?; }
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        let v = cx.version;
        e.nullable(&self.cluster_id, cx, true, "ClusterId")?;
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
        m.topics = r.get(cx);
        if v >= 1 { m.leader_endpoints = r.get(cx); }
        m
    }
}

impl Message for EndQuorumEpochRequest {
    const NAME: &'static str = "EndQuorumEpochRequest";
    const API_KEY: i16 = 54;
    const MIN_VERSION: i16 = 0;
    const MAX_VERSION: i16 = 1;
    const FLEXIBLE_FROM: i16 = 1;
}

impl Request for EndQuorumEpochRequest {
    type Response = super::end_quorum_epoch_response::EndQuorumEpochResponse;
    const KEY: ApiKey = ApiKey::EndQuorumEpoch;
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
    pub leader_id: i32,
    /// Versions 0+.
    pub leader_epoch: i32,
    /// Versions 0.
    pub preferred_successors: Vec<i32>,
    /// Versions 1+.
    pub preferred_candidates: Vec<ReplicaInfo>,
}

impl Wire for PartitionData {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let v = cx.version;
        let mut m = Self::default();
        m.partition_index = d.get(cx)?;
        m.leader_id = d.get(cx)?;
        m.leader_epoch = d.get(cx)?;
        if v <= 0 { m.preferred_successors = d.get(cx)?; }
        if v >= 1 { m.preferred_candidates = d.get(cx)?; }
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        let v = cx.version;
        self.partition_index.write(e, cx)?;
        self.leader_id.write(e, cx)?;
        self.leader_epoch.write(e, cx)?;
        if v <= 0 { self.preferred_successors.write(e, cx)?; }
        if v >= 1 { self.preferred_candidates.write(e, cx)?; }
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let v = cx.version;
        let mut m = Self::default();
        m.partition_index = r.get(cx);
        m.leader_id = r.get(cx);
        m.leader_epoch = r.get(cx);
        if v <= 0 { m.preferred_successors = r.get(cx); }
        if v >= 1 { m.preferred_candidates = r.get(cx); }
        m
    }
}

/// Versions 1+.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct ReplicaInfo {
    /// Versions 1+.
    pub candidate_id: i32,
    /// Versions 1+.
    pub candidate_directory_id: Uuid,
}

impl Wire for ReplicaInfo {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.candidate_id = d.get(cx)?;
        m.candidate_directory_id = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.candidate_id.write(e, cx)?;
        self.candidate_directory_id.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.candidate_id = r.get(cx);
        m.candidate_directory_id = r.get(cx);
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
