//! Which topics the members of a consumer group subscribe to.

use bytes::Bytes;
use klamm_protocol::{
    messages::consumer_protocol_subscription::ConsumerProtocolSubscription, record,
};
use std::collections::BTreeSet;

/// The protocol type of consumers: only their metadata is understood here.
pub(super) const CONSUMER_PROTOCOL_TYPE: &str = "consumer";

/// The topics of all subscriptions, or `None` if one cannot be read.
pub(super) fn subscribed_topics(
    subscriptions: impl Iterator<Item = Bytes>,
) -> Option<BTreeSet<String>> {
    let mut topics = BTreeSet::new();
    for bytes in subscriptions {
        let subscription = record::decode_lenient::<ConsumerProtocolSubscription>(bytes).ok()?;
        topics.extend(subscription.topics);
    }
    Some(topics)
}
