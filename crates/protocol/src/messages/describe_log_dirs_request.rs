//! `DescribeLogDirsRequest`. Generated from the schema; do not edit.

use crate::wire::*;

/// Versions 1-5.
#[derive(Clone, Debug, PartialEq)]
pub struct DescribeLogDirsRequest {
    /// Versions 0+, nullable 0+.
    pub topics: Option<Vec<DescribableLogDirTopic>>,
}

impl Default for DescribeLogDirsRequest {
    fn default() -> Self {
        Self {
            topics: Some(Default::default()),
        }
    }
}

impl Wire for DescribeLogDirsRequest {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.topics = d.nullable(cx, true)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        e.nullable(&self.topics, cx, true, "Topics")?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.topics = r.nullable(cx, true);
        m
    }
}

impl Message for DescribeLogDirsRequest {
    const NAME: &'static str = "DescribeLogDirsRequest";
    const API_KEY: i16 = 35;
    const MIN_VERSION: i16 = 1;
    const MAX_VERSION: i16 = 5;
    const FLEXIBLE_FROM: i16 = 2;
}

impl Request for DescribeLogDirsRequest {
    type Response = super::describe_log_dirs_response::DescribeLogDirsResponse;
    const KEY: ApiKey = ApiKey::DescribeLogDirs;
}

/// Versions 0+.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct DescribableLogDirTopic {
    /// Versions 0+.
    pub topic: String,
    /// Versions 0+.
    pub partitions: Vec<i32>,
}

impl Wire for DescribableLogDirTopic {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.topic = d.get(cx)?;
        m.partitions = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.topic.write(e, cx)?;
        self.partitions.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.topic = r.get(cx);
        m.partitions = r.get(cx);
        m
    }
}
