//! `ConsumerProtocolSubscription`. Generated from the schema; do not edit.

use crate::wire::*;
use bytes::Bytes;

/// Versions 0-3.
#[derive(Clone, Debug, PartialEq)]
pub struct ConsumerProtocolSubscription {
    /// Versions 0+.
    pub topics: Vec<String>,
    /// Versions 0+, nullable 0+, default `null`.
    pub user_data: Option<Bytes>,
    /// Versions 1+.
    pub owned_partitions: Vec<TopicPartition>,
    /// Versions 2+, default `-1`.
    pub generation_id: i32,
    /// Versions 3+, nullable 3+, default `null`.
    pub rack_id: Option<String>,
}

impl Default for ConsumerProtocolSubscription {
    fn default() -> Self {
        Self {
            topics: Default::default(),
            user_data: None,
            owned_partitions: Default::default(),
            generation_id: -1,
            rack_id: None,
        }
    }
}

impl Wire for ConsumerProtocolSubscription {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let v = cx.version;
        let mut m = Self::default();
        m.topics = d.get(cx)?;
        m.user_data = d.nullable(cx, true)?;
        if v >= 1 { m.owned_partitions = d.get(cx)?; }
        if v >= 2 { m.generation_id = d.get(cx)?; }
        if v >= 3 { m.rack_id = d.nullable(cx, true)?; }
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        let v = cx.version;
        self.topics.write(e, cx)?;
        e.nullable(&self.user_data, cx, true, "UserData")?;
        if v >= 1 { self.owned_partitions.write(e, cx)?; }
        if v >= 2 { self.generation_id.write(e, cx)?; }
        if v >= 3 { e.nullable(&self.rack_id, cx, true, "RackId")?; }
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let v = cx.version;
        let mut m = Self::default();
        m.topics = r.get(cx);
        m.user_data = r.nullable(cx, true);
        if v >= 1 { m.owned_partitions = r.get(cx); }
        if v >= 2 { m.generation_id = r.get(cx); }
        if v >= 3 { m.rack_id = r.nullable(cx, true); }
        m
    }
}

impl Message for ConsumerProtocolSubscription {
    const NAME: &'static str = "ConsumerProtocolSubscription";
    const API_KEY: i16 = -1;
    const MIN_VERSION: i16 = 0;
    const MAX_VERSION: i16 = 3;
    const FLEXIBLE_FROM: i16 = i16::MAX;
}

/// Versions 1+.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct TopicPartition {
    /// Versions 1+.
    pub topic: String,
    /// Versions 1+.
    pub partitions: Vec<i32>,
}

impl Wire for TopicPartition {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.topic = d.get(cx)?;
        m.partitions = d.get(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.topic.write(e, cx)?;
        self.partitions.write(e, cx)?;
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
