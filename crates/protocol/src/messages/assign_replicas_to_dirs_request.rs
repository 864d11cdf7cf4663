//! `AssignReplicasToDirsRequest`. Generated from the schema; do not edit.

use crate::wire::*;
use klamm_types::Uuid;

/// Versions 0.
#[derive(Clone, Debug, PartialEq)]
pub struct AssignReplicasToDirsRequest {
    /// Versions 0+.
    pub broker_id: i32,
    /// Versions 0+, default `-1`.
    pub broker_epoch: i64,
    /// Versions 0+.
    pub directories: Vec<DirectoryData>,
}

impl Default for AssignReplicasToDirsRequest {
    fn default() -> Self {
        Self {
            broker_id: 0,
            broker_epoch: -1,
            directories: Default::default(),
        }
    }
}

impl Wire for AssignReplicasToDirsRequest {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.broker_id = d.get(cx)?;
        m.broker_epoch = d.get(cx)?;
        m.directories = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.broker_id.write(e, cx)?;
        self.broker_epoch.write(e, cx)?;
        self.directories.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.broker_id = r.get(cx);
        m.broker_epoch = r.get(cx);
        m.directories = r.get(cx);
        m
    }
}

impl Message for AssignReplicasToDirsRequest {
    const NAME: &'static str = "AssignReplicasToDirsRequest";
    const API_KEY: i16 = 73;
    const MIN_VERSION: i16 = 0;
    const MAX_VERSION: i16 = 0;
    const FLEXIBLE_FROM: i16 = 0;
}

impl Request for AssignReplicasToDirsRequest {
    type Response = super::assign_replicas_to_dirs_response::AssignReplicasToDirsResponse;
    const KEY: ApiKey = ApiKey::AssignReplicasToDirs;
}

/// Versions 0+.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct DirectoryData {
    /// Versions 0+.
    pub id: Uuid,
    /// Versions 0+.
    pub topics: Vec<TopicData>,
}

impl Wire for DirectoryData {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.id = d.get(cx)?;
        m.topics = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.id.write(e, cx)?;
        self.topics.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.id = r.get(cx);
        m.topics = r.get(cx);
        m
    }
}

/// Versions 0+.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct TopicData {
    /// Versions 0+.
    pub topic_id: Uuid,
    /// Versions 0+.
    pub partitions: Vec<PartitionData>,
}

impl Wire for TopicData {
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
pub struct PartitionData {
    /// Versions 0+.
    pub partition_index: i32,
}

impl Wire for PartitionData {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.partition_index = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.partition_index.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.partition_index = r.get(cx);
        m
    }
}
