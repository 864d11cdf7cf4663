//! `OffsetFetchRequest`. Generated from the schema; do not edit.

use crate::wire::*;
use klamm_types::Uuid;

/// Versions 1-10.
#[derive(Clone, Debug, PartialEq)]
pub struct OffsetFetchRequest {
    /// Versions 0-7.
    pub group_id: String,
    /// Versions 0-7, nullable 2-7.
    pub topics: Option<Vec<OffsetFetchRequestTopic>>,
    /// Versions 8+.
    pub groups: Vec<OffsetFetchRequestGroup>,
    /// Versions 7+, default `false`.
    pub require_stable: bool,
}

impl Default for OffsetFetchRequest {
    fn default() -> Self {
        Self {
            group_id: Default::default(),
            topics: Some(Default::default()),
            groups: Default::default(),
            require_stable: false,
        }
    }
}

impl Wire for OffsetFetchRequest {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let v = cx.version;
        let mut m = Self::default();
        if v <= 7 { m.group_id = d.get(cx)?; }
        if v <= 7 { m.topics = d.nullable(cx, v >= 2)?; }
        if v >= 8 { m.groups = d.get(cx)?; }
        if v >= 7 { m.require_stable = d.get(cx)?; }
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        let v = cx.version;
        if v <= 7 { self.group_id.write(e, cx)?; } else { e.absent(!self.group_id.is_empty(), "OffsetFetchRequest.GroupId", cx)?; }
        if v <= 7 { e.nullable(&self.topics, cx, v >= 2, "Topics")?; } else { e.absent(self.topics.as_ref().is_none_or(|x| !x.is_empty()), "OffsetFetchRequest.Topics", cx)?; }
        if v >= 8 { self.groups.write(e, cx)?; } else { e.absent(!self.groups.is_empty(), "OffsetFetchRequest.Groups", cx)?; }
        if v >= 7 { self.require_stable.write(e, cx)?; } else { e.absent(self.require_stable, "OffsetFetchRequest.RequireStable", cx)?; }
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let v = cx.version;
        let mut m = Self::default();
        if v <= 7 { m.group_id = r.get(cx); }
        if v <= 7 { m.topics = r.nullable(cx, v >= 2); }
        if v >= 8 { m.groups = r.get(cx); }
        if v >= 7 { m.require_stable = r.get(cx); }
        m
    }
}

impl Message for OffsetFetchRequest {
    const NAME: &'static str = "OffsetFetchRequest";
    const API_KEY: i16 = 9;
    const MIN_VERSION: i16 = 1;
    const MAX_VERSION: i16 = 10;
    const FLEXIBLE_FROM: i16 = 6;
}

impl Request for OffsetFetchRequest {
    type Response = super::offset_fetch_response::OffsetFetchResponse;
    const KEY: ApiKey = ApiKey::OffsetFetch;
}

/// Versions 0-7.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct OffsetFetchRequestTopic {
    /// Versions 0-7.
    pub name: String,
    /// Versions 0-7.
    pub partition_indexes: Vec<i32>,
}

impl Wire for OffsetFetchRequestTopic {
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

/// Versions 8+.
#[derive(Clone, Debug, PartialEq)]
pub struct OffsetFetchRequestGroup {
    /// Versions 8+.
    pub group_id: String,
    /// Versions 9+, nullable 9+, default `null`.
    pub member_id: Option<String>,
    /// Versions 9+, default `-1`.
    pub member_epoch: i32,
    /// Versions 8+, nullable 8+.
    pub topics: Option<Vec<OffsetFetchRequestTopics>>,
}

impl Default for OffsetFetchRequestGroup {
    fn default() -> Self {
        Self {
            group_id: Default::default(),
            member_id: None,
            member_epoch: -1,
            topics: Some(Default::default()),
        }
    }
}

impl Wire for OffsetFetchRequestGroup {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let v = cx.version;
        let mut m = Self::default();
        m.group_id = d.get(cx)?;
        if v >= 9 { m.member_id = d.nullable(cx, true)?; }
        if v >= 9 { m.member_epoch = d.get(cx)?; }
        m.topics = d.nullable(cx, true)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        let v = cx.version;
        self.group_id.write(e, cx)?;
        if v >= 9 { e.nullable(&self.member_id, cx, true, "MemberId")?; }
        if v >= 9 { self.member_epoch.write(e, cx)?; }
        e.nullable(&self.topics, cx, true, "Topics")?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let v = cx.version;
        let mut m = Self::default();
        m.group_id = r.get(cx);
        if v >= 9 { m.member_id = r.nullable(cx, true); }
        if v >= 9 { m.member_epoch = r.get(cx); }
        m.topics = r.nullable(cx, true);
        m
    }
}

/// Versions 8+.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct OffsetFetchRequestTopics {
    /// Versions 8-9.
    pub name: String,
    /// Versions 10+.
    pub topic_id: Uuid,
    /// Versions 8+.
    pub partition_indexes: Vec<i32>,
}

impl Wire for OffsetFetchRequestTopics {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let v = cx.version;
        let mut m = Self::default();
        if v <= 9 { m.name = d.get(cx)?; }
        if v >= 10 { m.topic_id = d.get(cx)?; }
        m.partition_indexes = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        let v = cx.version;
        if v <= 9 { self.name.write(e, cx)?; }
        if v >= 10 { self.topic_id.write(e, cx)?; }
        self.partition_indexes.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let v = cx.version;
        let mut m = Self::default();
        if v <= 9 { m.name = r.get(cx); }
        if v >= 10 { m.topic_id = r.get(cx); }
        m.partition_indexes = r.get(cx);
        m
    }
}
