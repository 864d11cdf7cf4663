//! Settings of topics, as the metadata changes them.

use super::Partitions;
use crate::{
    clock::now_ms,
    dynamic_configs::{changed_topic_defaults, dynamic_configs},
};
use klamm_config::TopicConfig;
use klamm_metadata::{ConfigResource, Delta, Image};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

impl Partitions {
    /// What is set for brokers concerns every topic without its own.
    pub(super) fn apply_configs(&self, delta: &Delta, image: &Image) {
        let Some(defaults) = changed_topic_defaults(delta, image, &self.config) else {
            for topic in delta.changed_topic_configs() {
                self.apply_config(topic, image);
            }
            return;
        };
        self.topic_defaults.store(Arc::new(defaults));
        let rates = dynamic_configs(image, self.me).replication_rates();
        self.env.throttles.set(rates);
        let topics: BTreeSet<Arc<str>> = self
            .read_replicas()
            .values()
            .map(|partition| Arc::clone(&partition.topic))
            .collect();
        for topic in topics {
            self.apply_config(&topic, image);
        }
    }

    fn apply_config(&self, topic: &str, image: &Image) {
        let Some(metadata) = image.topic_by_name(topic) else {
            return;
        };
        let config = self.topic_config(topic, image);
        for (index, _) in metadata.partitions() {
            if let Some(partition) = self.get(metadata.topic_partition(index)) {
                partition.set_config(config.clone(), now_ms());
            }
        }
    }

    /// The settings of a topic: its own, and the defaults for the rest.
    pub(super) fn topic_config(&self, topic: &str, image: &Image) -> TopicConfig {
        let none = BTreeMap::new();
        let overrides = image
            .configs(&ConfigResource::Topic(topic.to_owned()))
            .unwrap_or(&none);
        TopicConfig::resolve(overrides, &self.topic_defaults.load())
    }
}
