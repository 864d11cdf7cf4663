//! The configs that decisions depend on, as they apply to a topic.

use crate::{Context, OnlineDirs, Rules};
use klamm_metadata::{Image, Topic};
use klamm_types::BrokerId;

pub(crate) const MIN_INSYNC_REPLICAS: &str = "min.insync.replicas";
pub(crate) const FLUSH_MESSAGES: &str = "flush.messages";
pub(crate) const UNCLEAN_ELECTION: &str = "unclean.leader.election.enable";

/// A topic's own value, else the cluster's, else the controller's default.
fn effective<T: std::str::FromStr>(image: &Image, topic: &str, name: &str, default: T) -> T {
    let set = image
        .topic_config(topic, name)
        .or_else(|| image.broker_config(None, name));
    set.and_then(|value| value.parse().ok()).unwrap_or(default)
}

/// Whether replicas of a topic flush what they have before it counts as theirs.
pub(crate) fn flushes_before_ack(image: &Image, topic: &Topic, ctx: &Context) -> bool {
    effective(
        image,
        &topic.name,
        FLUSH_MESSAGES,
        ctx.settings.flush_messages,
    ) <= 1
}

/// By which rules a topic's partitions elect their leaders.
pub(crate) fn rules<'a>(
    image: &'a Image,
    topic: &Topic,
    ctx: &Context,
    is_active: &'a dyn Fn(BrokerId) -> bool,
) -> Rules<'a> {
    let (name, settings) = (&*topic.name, ctx.settings);
    let min_isr = effective(
        image,
        name,
        MIN_INSYNC_REPLICAS,
        settings.min_insync_replicas,
    );
    Rules {
        is_active,
        log_dirs: OnlineDirs::of(image),
        flushes_before_ack: flushes_before_ack(image, topic, ctx),
        min_isr: usize::try_from(min_isr).unwrap_or(1),
        unclean: effective(
            image,
            name,
            UNCLEAN_ELECTION,
            settings.unclean_leader_election_enable,
        ),
    }
}
