//! `ElectLeadersRequest`. Generated from the schema; do not edit.

use crate::wire::*;

/// Versions 0-2.
#[derive(Clone, Debug, PartialEq)]
pub struct ElectLeadersRequest {
    /// Versions 1+.
    pub election_type: i8,
    /// Versions 0+, nullable 0+.
    pub topic_partitions: Option<Vec<TopicPartitions>>,
    /// Versions 0+, default `60000`.
    pub timeout_ms: i32,
}

impl Default for ElectLeadersRequest {
    fn default() -> Self {
        Self {
            election_type: 0,
            topic_partitions: Some(Default::default()),
            timeout_ms: 60000,
        }
    }
}

impl Wire for ElectLeadersRequest {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let v = cx.version;
        let mut m = Self::default();
        if v >= 1 { m.election_type = d.get(cx)?; }
        m.topic_partitions = d.nullable(cx, true)?;
        m.timeout_ms = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        let v = cx.version;
        if v >= 1 { self.election_type.write(e, cx)?; } else { e.absent(self.election_type != 0, "ElectLeadersRequest.ElectionType", cx)?; }
        e.nullable(&self.topic_partitions, cx, true, "TopicPartitions")?;
        self.timeout_ms.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let v = cx.version;
        let mut m = Self::default();
        if v >= 1 { m.election_type = r.get(cx); }
        m.topic_partitions = r.nullable(cx, true);
        m.timeout_ms = r.get(cx);
        m
    }
}

impl Message for ElectLeadersRequest {
    const NAME: &'static str = "ElectLeadersRequest";
    const API_KEY: i16 = 43;
    const MIN_VERSION: i16 = 0;
    const MAX_VERSION: i16 = 2;
    const FLEXIBLE_FROM: i16 = 2;
}

impl Request for ElectLeadersRequest {
    type Response = super::elect_leaders_response::ElectLeadersResponse;
    const KEY: ApiKey = ApiKey::ElectLeaders;
}

/// Versions 0+.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct TopicPartitions {
    /// Versions 0+.
    pub topic: String,
    /// Versions 0+.
    pub partitions: Vec<i32>,
}

impl Wire for TopicPartitions {
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
