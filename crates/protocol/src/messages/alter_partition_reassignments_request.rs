//! `AlterPartitionReassignmentsRequest`. Generated from the schema; do not edit.

use crate::wire::*;

/// Versions 0-1.
#[derive(Clone, Debug, PartialEq)]
pub struct AlterPartitionReassignmentsRequest {
    /// Versions 0+, default `60000`.
    pub timeout_ms: i32,
    /// Versions 1+, default `true`.
    pub allow_replication_factor_change: bool,
    /// Versions 0+.
    pub topics: Vec<ReassignableTopic>,
}

impl Default for AlterPartitionReassignmentsRequest {
    fn default() -> Self {
        Self {
            timeout_ms: 60000,
            allow_replication_factor_change: true,
            topics: Default::default(),
        }
    }
}

impl Wire for AlterPartitionReassignmentsRequest {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let v = cx.version;
        let mut m = Self::default();
        m.timeout_ms = d.get(cx)?;
        if v >= 1 { m.allow_replication_factor_change = d.get(cx)?; }
        m.topics = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        let v = cx.version;
        self.timeout_ms.write(e, cx)?;
        if v >= 1 { self.allow_replication_factor_change.write(e, cx)?; } else { e.absent(!self.allow_replication_factor_change, "AlterPartitionReassignmentsRequest.AllowReplicationFactorChange", cx)?; }
        self.topics.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let v = cx.version;
        let mut m = Self::default();
        m.timeout_ms = r.get(cx);
        if v >= 1 { m.allow_replication_factor_change = r.get(cx); }
        m.topics = r.get(cx);
        m
    }
}

impl Message for AlterPartitionReassignmentsRequest {
    const NAME: &'static str = "AlterPartitionReassignmentsRequest";
    const API_KEY: i16 = 45;
    const MIN_VERSION: i16 = 0;
    const MAX_VERSION: i16 = 1;
    const FLEXIBLE_FROM: i16 = 0;
}

impl Request for AlterPartitionReassignmentsRequest {
    type Response = super::alter_partition_reassignments_response::AlterPartitionReassignmentsResponse;
    const KEY: ApiKey = ApiKey::AlterPartitionReassignments;
}

/// Versions 0+.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct ReassignableTopic {
    /// Versions 0+.
    pub name: String,
    /// Versions 0+.
    pub partitions: Vec<ReassignablePartition>,
}

impl Wire for ReassignableTopic {
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
pub struct ReassignablePartition {
    /// Versions 0+.
    pub partition_index: i32,
    /// Versions 0+, nullable 0+, default `null`.
    pub replicas: Option<Vec<i32>>,
}

impl Wire for ReassignablePartition {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.partition_index = d.get(cx)?;
        m.replicas = d.nullable(cx, true)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.partition_index.write(e, cx)?;
        e.nullable(&self.replicas, cx, true, "Replicas")?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.partition_index = r.get(cx);
        m.replicas = r.nullable(cx, true);
        m
    }
}
