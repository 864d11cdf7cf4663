//! `DescribeProducersRequest`. Generated from the schema; do not edit.

use crate::wire::*;

/// Versions 0.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct DescribeProducersRequest {
    /// Versions 0+.
    pub topics: Vec<TopicRequest>,
}

impl Wire for DescribeProducersRequest {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.topics = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.topics.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.topics = r.get(cx);
        m
    }
}

impl Message for DescribeProducersRequest {
    const NAME: &'static str = "DescribeProducersRequest";
    const API_KEY: i16 = 61;
    const MIN_VERSION: i16 = 0;
    const MAX_VERSION: i16 = 0;
    const FLEXIBLE_FROM: i16 = 0;
}

impl Request for DescribeProducersRequest {
    type Response = super::describe_producers_response::DescribeProducersResponse;
    const KEY: ApiKey = ApiKey::DescribeProducers;
}

/// Versions 0+.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct TopicRequest {
    /// Versions 0+.
    pub name: String,
    /// Versions 0+.
    pub partition_indexes: Vec<i32>,
}

impl Wire for TopicRequest {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.name = d.get(cx)?;
        m.partition_indexes = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.name.write(e, cx)?;
        self.partition_indexes.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.name = r.get(cx);
        m.partition_indexes = r.get(cx);
        m
    }
}
