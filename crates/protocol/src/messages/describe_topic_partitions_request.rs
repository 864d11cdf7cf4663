//! `DescribeTopicPartitionsRequest`. Generated from the schema; do not edit.

use crate::wire::*;

/// Versions 0.
#[derive(Clone, Debug, PartialEq)]
pub struct DescribeTopicPartitionsRequest {
    /// Versions 0+.
    pub topics: Vec<TopicRequest>,
    /// Versions 0+, default `2000`.
    pub response_partition_limit: i32,
    /// Versions 0+, nullable 0+, default `null`.
    pub cursor: Option<Cursor>,
}

impl Default for DescribeTopicPartitionsRequest {
    fn default() -> Self {
        Self {
            topics: Default::default(),
            response_partition_limit: 2000,
            cursor: None,
        }
    }
}

impl Wire for DescribeTopicPartitionsRequest {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.topics = d.get(cx)?;
        m.response_partition_limit = d.get(cx)?;
        m.cursor = d.nullable(cx, true)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.topics.write(e, cx)?;
        self.response_partition_limit.write(e, cx)?;
        e.nullable(&self.cursor, cx, true, "Cursor")?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.topics = r.get(cx);
        m.response_partition_limit = r.get(cx);
        m.cursor = r.nullable(cx, true);
        m
    }
}

impl Message for DescribeTopicPartitionsRequest {
    const NAME: &'static str = "DescribeTopicPartitionsRequest";
    const API_KEY: i16 = 75;
    const MIN_VERSION: i16 = 0;
    const MAX_VERSION: i16 = 0;
    const FLEXIBLE_FROM: i16 = 0;
}

impl Request for DescribeTopicPartitionsRequest {
    type Response = super::describe_topic_partitions_response::DescribeTopicPartitionsResponse;
    const KEY: ApiKey = ApiKey::DescribeTopicPartitions;
}

/// Versions 0+.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct TopicRequest {
    /// Versions 0+.
    pub name: String,
}

impl Wire for TopicRequest {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.name = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.name.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.name = r.get(cx);
        m
    }
}

/// Versions 0+.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Cursor {
    /// Versions 0+.
    pub topic_name: String,
    /// Versions 0+.
    pub partition_index: i32,
}

impl Wire for Cursor {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.topic_name = d.get(cx)?;
        m.partition_index = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.topic_name.write(e, cx)?;
        self.partition_index.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.topic_name = r.get(cx);
        m.partition_index = r.get(cx);
        m
    }
}
