//! `ConsumerGroupMemberMetadataValue`. Generated from the schema; do not edit.

use crate::wire::*;
use bytes::Bytes;

/// Versions 0.
#[derive(Clone, Debug, PartialEq)]
pub struct ConsumerGroupMemberMetadataValue {
    /// Versions 0+, nullable 0+.
    pub instance_id: Option<String>,
    /// Versions 0+, nullable 0+.
    pub rack_id: Option<String>,
    /// Versions 0+.
    pub client_id: String,
    /// Versions 0+.
    pub client_host: String,
    /// Versions 0+.
    pub subscribed_topic_names: Vec<String>,
    /// Versions 0+, nullable 0+.
    pub subscribed_topic_regex: Option<String>,
    /// Versions 0+, default `-1`.
    pub rebalance_timeout_ms: i32,
    /// Versions 0+, nullable 0+.
    pub server_assignor: Option<String>,
    /// Versions 0+, nullable 0+, tag 0 in 0+, default `null`.
    pub classic_member_metadata: Option<ClassicMemberMetadata>,
}

impl Default for ConsumerGroupMemberMetadataValue {
    fn default() -> Self {
        Self {
            instance_id: Some(Default::default()),
            rack_id: Some(Default::default()),
            client_id: Default::default(),
            client_host: Default::default(),
            subscribed_topic_names: Default::default(),
            subscribed_topic_regex: Some(Default::default()),
            rebalance_timeout_ms: -1,
            server_assignor: Some(Default::default()),
            classic_member_metadata: None,
        }
    }
}

impl Wire for ConsumerGroupMemberMetadataValue {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.instance_id = d.nullable(cx, true)?;
        m.rack_id = d.nullable(cx, true)?;
        m.client_id = d.get(cx)?;
        m.client_host = d.get(cx)?;
        m.subscribed_topic_names = d.get(cx)?;
        m.subscribed_topic_regex = d.nullable(cx, true)?;
        m.rebalance_timeout_ms = d.get(cx)?;
        m.server_assignor = d.nullable(cx, true)?;
        d.tags(cx, &mut |d, tag| {
            match tag {
                0 => m.classic_member_metadata = d.tagged_struct(cx)?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        e.nullable(&self.instance_id, cx, true, "InstanceId")?;
        e.nullable(&self.rack_id, cx, true, "RackId")?;
        self.client_id.write(e, cx)?;
        self.client_host.write(e, cx)?;
        self.subscribed_topic_names.write(e, cx)?;
        e.nullable(&self.subscribed_topic_regex, cx, true, "SubscribedTopicRegex")?;
        self.rebalance_timeout_ms.write(e, cx)?;
        e.nullable(&self.server_assignor, cx, true, "ServerAssignor")?;
        if cx.flexible {
            let tags = [self.classic_member_metadata.is_some()];
            e.tag_count(&tags);
            if tags[0] { e.tag(0, &mut |e| e.tagged_struct(&self.classic_member_metadata, cx))?; }
        }
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.instance_id = r.nullable(cx, true);
        m.rack_id = r.nullable(cx, true);
        m.client_id = r.get(cx);
        m.client_host = r.get(cx);
        m.subscribed_topic_names = r.get(cx);
        m.subscribed_topic_regex = r.nullable(cx, true);
        m.rebalance_timeout_ms = r.get(cx);
        m.server_assignor = r.nullable(cx, true);
        m.classic_member_metadata = r.nullable(cx, true);
        m
    }
}

impl Message for ConsumerGroupMemberMetadataValue {
    const NAME: &'static str = "ConsumerGroupMemberMetadataValue";
    const API_KEY: i16 = 5;
    const MIN_VERSION: i16 = 0;
    const MAX_VERSION: i16 = 0;
    const FLEXIBLE_FROM: i16 = 0;
}

/// Versions 0+.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct ClassicMemberMetadata {
    /// Versions 0+.
    pub session_timeout_ms: i32,
    /// Versions 0+.
    pub supported_protocols: Vec<ClassicProtocol>,
}

impl Wire for ClassicMemberMetadata {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.session_timeout_ms = d.get(cx)?;
        m.supported_protocols = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.session_timeout_ms.write(e, cx)?;
        self.supported_protocols.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.session_timeout_ms = r.get(cx);
        m.supported_protocols = r.get(cx);
        m
    }
}

/// Versions 0+.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct ClassicProtocol {
    /// Versions 0+.
    pub name: String,
    /// Versions 0+.
    pub metadata: Bytes,
}

impl Wire for ClassicProtocol {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.name = d.get(cx)?;
        m.metadata = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.name.write(e, cx)?;
        self.metadata.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.name = r.get(cx);
        m.metadata = r.get(cx);
        m
    }
}
