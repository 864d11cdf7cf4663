//! `CreatePartitionsRequest`. Generated from the schema; do not edit.

use crate::wire::*;

/// Versions 0-3.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct CreatePartitionsRequest {
    /// Versions 0+.
    pub topics: Vec<CreatePartitionsTopic>,
    /// Versions 0+.
    pub timeout_ms: i32,
    /// Versions 0+.
    pub validate_only: bool,
}

impl Wire for CreatePartitionsRequest {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.topics = d.get(cx)?;
        m.timeout_ms = d.get(cx)?;
        m.validate_only = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.topics.write(e, cx)?;
        self.timeout_ms.write(e, cx)?;
        self.validate_only.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.topics = r.get(cx);
        m.timeout_ms = r.get(cx);
        m.validate_only = r.get(cx);
        m
    }
}

impl Message for CreatePartitionsRequest {
    const NAME: &'static str = "CreatePartitionsRequest";
    const API_KEY: i16 = 37;
    const MIN_VERSION: i16 = 0;
    const MAX_VERSION: i16 = 3;
    const FLEXIBLE_FROM: i16 = 2;
}

impl Request for CreatePartitionsRequest {
    type Response = super::create_partitions_response::CreatePartitionsResponse;
    const KEY: ApiKey = ApiKey::CreatePartitions;
}

/// Versions 0+.
#[derive(Clone, Debug, PartialEq)]
pub struct CreatePartitionsTopic {
    /// Versions 0+.
    pub name: String,
    /// Versions 0+.
    pub count: i32,
    /// Versions 0+, nullable 0+.
    pub assignments: Option<Vec<CreatePartitionsAssignment>>,
}

impl Default for CreatePartitionsTopic {
    fn default() -> Self {
        Self {
            name: Default::default(),
            count: 0,
            assignments: Some(Default::default()),
        }
    }
}

impl Wire for CreatePartitionsTopic {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.name = d.get(cx)?;
        m.count = d.get(cx)?;
        m.assignments = d.nullable(cx, true)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.name.write(e, cx)?;
        self.count.write(e, cx)?;
        e.nullable(&self.assignments, cx, true, "Assignments")?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.name = r.get(cx);
        m.count = r.get(cx);
        m.assignments = r.nullable(cx, true);
        m
    }
}

/// Versions 0+.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct CreatePartitionsAssignment {
    /// Versions 0+.
    pub broker_ids: Vec<i32>,
}

impl Wire for CreatePartitionsAssignment {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.broker_ids = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.broker_ids.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.broker_ids = r.get(cx);
        m
    }
}
