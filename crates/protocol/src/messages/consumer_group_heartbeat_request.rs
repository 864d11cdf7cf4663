//! `ConsumerGroupHeartbeatRequest`. Generated from the schema; do not edit.

use crate::wire::*;
use klamm_types::Uuid;

/// Versions 0-1.
#[derive(Clone, Debug, PartialEq)]
pub struct ConsumerGroupHeartbeatRequest {
    /// Versions 0+.
    pub group_id: String,
    /// Versions 0+.
    pub member_id: String,
    /// Versions 0+.
    pub member_epoch: i32,
    /// Versions 0+, nullable 0+, default `null`.
    pub instance_id: Option<String>,
    /// Versions 0+, nullable 0+, default `null`.
    pub rack_id: Option<String>,
    /// Versions 0+, default `-1`.
    pub rebalance_timeout_ms: i32,
    /// Versions 0+, nullable 0+, default `null`.
    pub subscribed_topic_names: Option<Vec<String>>,
    /// Versions 1+, nullable 1+, default `null`.
    pub subscribed_topic_regex: Option<String>,
    /// Versions 0+, nullable 0+, default `null`.
    pub server_assignor: Option<String>,
    /// Versions 0+, nullable 0+, default `null`.
    pub topic_partitions: Option<Vec<TopicPartitions>>,
}

impl Default for ConsumerGroupHeartbeatRequest {
    fn default() -> Self {
        Self {
            group_id: Default::default(),
            member_id: Default::default(),
            member_epoch: 0,
            instance_id: None,
            rack_id: None,
            rebalance_timeout_ms: -1,
            subscribed_topic_names: None,
            subscribed_topic_regex: None,
            server_assignor: None,
            topic_partitions: None,
        }
    }
}

impl Wire for ConsumerGroupHeartbeatRequest {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let v = cx.version;
        let mut m = Self::default();
        m.group_id = d.get(cx)?;
        m.member_id = d.get(cx)?;
        m.member_epoch = d.get(cx)?;
        m.instance_id = d.nullable(cx, true)?;
        m.rack_id = d.nullable(cx, true)?;
        m.rebalance_timeout_ms = d.get(cx)?;
        m.subscribed_topic_names = d.nullable(cx, true)?;
        if v >= 1 { m.subscribed_topic_regex = d.nullable(cx, true)?; }
        m.server_assignor = d.nullable(cx, true)?;
        m.topic_partitions = d.nullable(cx, true)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        let v = cx.version;
        self.group_id.write(e, cx)?;
        self.member_id.write(e, cx)?;
        self.member_epoch.write(e, cx)?;
        e.nullable(&self.instance_id, cx, true, "InstanceId")?;
        e.nullable(&self.rack_id, cx, true, "RackId")?;
        self.rebalance_timeout_ms.write(e, cx)?;
        e.nullable(&self.subscribed_topic_names, cx, true, "SubscribedTopicNames")?;
        if v >= 1 { e.nullable(&self.subscribed_topic_regex, cx, true, "SubscribedTopicRegex")?; } else { e.absent(self.subscribed_topic_regex.is_some(), "ConsumerGroupHeartbeatRequest.SubscribedTopicRegex", cx)?; }
        e.nullable(&self.server_assignor, cx, true, "ServerAssignor")?;
        e.nullable(&self.topic_partitions, cx, true, "TopicPartitions")?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let v = cx.version;
        let mut m = Self::default();
        m.group_id = r.get(cx);
        m.member_id = r.get(cx);
        m.member_epoch = r.get(cx);
        m.instance_id = r.nullable(cx, true);
        m.rack_id = r.nullable(cx, true);
        m.rebalance_timeout_ms = r.get(cx);
        m.subscribed_topic_names = r.nullable(cx, true);
        if v >= 1 { m.subscribed_topic_regex = r.nullable(cx, true); }
        m.server_assignor = r.nullable(cx, true);
        m.topic_partitions = r.nullable(cx, true);
        m
    }
}

impl Message for ConsumerGroupHeartbeatRequest {
    const NAME: &'static str = "ConsumerGroupHeartbeatRequest";
    const API_KEY: i16 = 68;
    const MIN_VERSION: i16 = 0;
    const MAX_VERSION: i16 = 1;
    const FLEXIBLE_FROM: i16 = 0;
}

impl Request for ConsumerGroupHeartbeatRequest {
    type Response = super::consumer_group_heartbeat_response::ConsumerGroupHeartbeatResponse;
    const KEY: ApiKey = ApiKey::ConsumerGroupHeartbeat;
}

/// Versions 0+.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct TopicPartitions {
    /// Versions 0+.
    pub topic_id: Uuid,
    /// Versions 0+.
    pub partitions: Vec<i32>,
}

impl Wire for TopicPartitions {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.topic_id = d.get(cx)?;
        m.partitions = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.topic_id.write(e, cx)?;
        self.partitions.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.topic_id = r.get(cx);
        m.partitions = r.get(cx);
        m
    }
}
