//! Every setting of a Kafka 4.3 broker or controller, and Klamm's own.
//!
//! Kafka's names, types, defaults and rules; where a default differs, its row says why.
//! Klamm's own settings begin with `klamm.`.

mod group;
mod log;
mod network;
mod quorum;
mod replication;
mod security;
mod server;
mod tiered;
mod transaction;

use crate::config_key::ConfigKey;
use std::{collections::BTreeMap, sync::LazyLock};

/// The parts of the table.
const PARTS: [&[ConfigKey]; 9] = [
    quorum::KEYS,
    server::KEYS,
    network::KEYS,
    replication::KEYS,
    log::KEYS,
    group::KEYS,
    transaction::KEYS,
    security::KEYS,
    tiered::KEYS,
];

static BY_NAME: LazyLock<BTreeMap<&'static str, &'static ConfigKey>> = LazyLock::new(|| {
    PARTS
        .into_iter()
        .flatten()
        .map(|key| (key.name, key))
        .collect()
});

/// The row of a setting.
pub fn find(name: &str) -> Option<&'static ConfigKey> {
    BY_NAME.get(name).copied()
}

/// All rows, by name.
pub fn all() -> impl Iterator<Item = &'static ConfigKey> {
    BY_NAME.values().copied()
}

/// The settings that answer for `name`, the strongest first: several spellings of one setting
/// in different units, or the setting alone.
pub fn synonyms(name: &str) -> Vec<&str> {
    const CHAINS: [&[&str]; 4] = [
        &["log.roll.ms", "log.roll.hours"],
        &["log.roll.jitter.ms", "log.roll.jitter.hours"],
        &["log.flush.interval.ms", "log.flush.scheduler.interval.ms"],
        &[
            "log.retention.ms",
            "log.retention.minutes",
            "log.retention.hours",
        ],
    ];
    match CHAINS.into_iter().find(|chain| chain.contains(&name)) {
        // The scheduler's interval is a setting of its own that only serves as a default.
        Some(_) if name == "log.flush.scheduler.interval.ms" => vec![name],
        Some(chain) => chain.to_vec(),
        None => vec![name],
    }
}
