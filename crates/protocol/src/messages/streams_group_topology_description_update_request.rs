//! `StreamsGroupTopologyDescriptionUpdateRequest`. Generated from the schema; do not edit.

use crate::wire::*;

/// Versions 0.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct StreamsGroupTopologyDescriptionUpdateRequest {
    /// Versions 0+.
    pub group_id: String,
    /// Versions 0+.
    pub member_id: String,
    /// Versions 0+.
    pub topology_epoch: i32,
    /// Versions 0+.
    pub topology_description: TopologyDescription,
}

impl Wire for StreamsGroupTopologyDescriptionUpdateRequest {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.group_id = d.get(cx)?;
        m.member_id = d.get(cx)?;
        m.topology_epoch = d.get(cx)?;
        m.topology_description = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.group_id.write(e, cx)?;
        self.member_id.write(e, cx)?;
        self.topology_epoch.write(e, cx)?;
        self.topology_description.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.group_id = r.get(cx);
        m.member_id = r.get(cx);
        m.topology_epoch = r.get(cx);
        m.topology_description = r.get(cx);
        m
    }
}

impl Message for StreamsGroupTopologyDescriptionUpdateRequest {
    const NAME: &'static str = "StreamsGroupTopologyDescriptionUpdateRequest";
    const API_KEY: i16 = 93;
    const MIN_VERSION: i16 = 0;
    const MAX_VERSION: i16 = 0;
    const FLEXIBLE_FROM: i16 = 0;
}

impl Request for StreamsGroupTopologyDescriptionUpdateRequest {
    type Response = super::streams_group_topology_description_update_response::StreamsGroupTopologyDescriptionUpdateResponse;
    const KEY: ApiKey = ApiKey::StreamsGroupTopologyDescriptionUpdate;
}

/// Versions 0+.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct TopologyDescription {
    /// Versions 0+.
    pub subtopologies: Vec<TopologyDescriptionSubtopology>,
    /// Versions 0+.
    pub global_stores: Vec<TopologyDescriptionGlobalStore>,
}

impl Wire for TopologyDescription {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.subtopologies = d.get(cx)?;
        m.global_stores = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.subtopologies.write(e, cx)?;
        self.global_stores.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.subtopologies = r.get(cx);
        m.global_stores = r.get(cx);
        m
    }
}

/// Versions 0+.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct TopologyDescriptionSubtopology {
    /// Versions 0+.
    pub subtopology_id: String,
    /// Versions 0+.
    pub nodes: Vec<TopologyDescriptionNode>,
}

impl Wire for TopologyDescriptionSubtopology {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.subtopology_id = d.get(cx)?;
        m.nodes = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.subtopology_id.write(e, cx)?;
        self.nodes.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.subtopology_id = r.get(cx);
        m.nodes = r.get(cx);
        m
    }
}

/// Versions 0+.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct TopologyDescriptionGlobalStore {
    /// Versions 0+.
    pub source: TopologyDescriptionNode,
    /// Versions 0+.
    pub processor: TopologyDescriptionNode,
}

impl Wire for TopologyDescriptionGlobalStore {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.source = d.get(cx)?;
        m.processor = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.source.write(e, cx)?;
        self.processor.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.source = r.get(cx);
        m.processor = r.get(cx);
        m
    }
}

/// Versions 0+.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct TopologyDescriptionNode {
    /// Versions 0+.
    pub name: String,
    /// Versions 0+.
    pub node_type: i8,
    /// Versions 0+.
    pub source_topics: Vec<String>,
    /// Versions 0+, nullable 0+, default `null`.
    pub sink_topic: Option<String>,
    /// Versions 0+.
    pub stores: Vec<String>,
    /// Versions 0+.
    pub successors: Vec<String>,
}

impl Wire for TopologyDescriptionNode {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.name = d.get(cx)?;
        m.node_type = d.get(cx)?;
        m.source_topics = d.get(cx)?;
        m.sink_topic = d.nullable(cx, true)?;
        m.stores = d.get(cx)?;
        m.successors = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.name.write(e, cx)?;
        self.node_type.write(e, cx)?;
        self.source_topics.write(e, cx)?;
        e.nullable(&self.sink_topic, cx, true, "SinkTopic")?;
        self.stores.write(e, cx)?;
        self.successors.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.name = r.get(cx);
        m.node_type = r.get(cx);
        m.source_topics = r.get(cx);
        m.sink_topic = r.nullable(cx, true);
        m.stores = r.get(cx);
        m.successors = r.get(cx);
        m
    }
}
