//! The configs that decisions depend on, as they apply to a topic.

use crate::{Context, OnlineDirs, Rules};
use klamm_metadata::{Image, Topic};
use klamm_types::BrokerId;

pub(crate) const MIN_INSYNC_REPLICAS: &str = "min.insync.replicas";
pub(crate) const FLUSH_MESSAGES: &str = "flush.messages";
pub(crate) const UNCLEAN_ELECTION: &str = "unclean.leader.election.enable";

/// What brokers call [`FLUSH_MESSAGES`]; the other names are the same.
const BROKER_FLUSH_MESSAGES: &str = "log.flush.interval.messages";

/// A topic's own value, else the cluster's.
fn effective<'a>(image: &'a Image, topic: &str, name: &str, broker_name: &str) -> Option<&'a str> {
    image
        .topic_config(topic, name)
        .or_else(|| image.broker_config(None, broker_name))
}

fn number<T: std::str::FromStr>(value: Option<&str>, default: T) -> T {
    let parsed = value.and_then(|value| value.trim().parse().ok());
    parsed.unwrap_or(default)
}

/// Whether the value of a config means yes.
pub(crate) fn is_true(value: &str) -> bool {
    value.trim().eq_ignore_ascii_case("true")
}

/// Whether replicas of a topic flush what they have before it counts as theirs.
pub(crate) fn flushes_before_ack(image: &Image, topic: &Topic, ctx: &Context) -> bool {
    let set = effective(image, &topic.name, FLUSH_MESSAGES, BROKER_FLUSH_MESSAGES);
    number(set, ctx.settings.flush_messages) <= 1
}

/// By which rules a topic's partitions elect their leaders.
pub(crate) fn rules<'a>(
    image: &'a Image,
    topic: &Topic,
    ctx: &Context,
    is_active: &'a dyn Fn(BrokerId) -> bool,
) -> Rules<'a> {
    let (name, settings) = (&*topic.name, ctx.settings);
    let set = |config| effective(image, name, config, config);
    let min_isr = number(set(MIN_INSYNC_REPLICAS), settings.min_insync_replicas);
    Rules {
        is_active,
        log_dirs: OnlineDirs::of(image),
        flushes_before_ack: flushes_before_ack(image, topic, ctx),
        min_isr: usize::try_from(min_isr).unwrap_or(1),
        unclean: set(UNCLEAN_ELECTION).map_or(settings.unclean_leader_election_enable, is_true),
    }
}
