//! Settings of topics, as the metadata changes them.

use super::Partitions;
use crate::{
    clock::now_ms,
    dynamic_configs::{changed_topic_defaults, dynamic_configs},
    partition::Partition,
};
use klamm_config::TopicConfig;
use klamm_metadata::{ConfigResource, Delta, Image};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

impl Partitions {
    /// What is set for brokers concerns every topic without its own. The partitions concerned,
    /// whose leaders go on by the old minimum of in-sync replicas.
    pub(super) fn apply_configs(&self, delta: &Delta, image: &Image) -> Vec<Arc<Partition>> {
        let Some(defaults) = changed_topic_defaults(delta, image, &self.config) else {
            let topics = delta.changed_topic_configs();
            return topics
                .flat_map(|topic| self.apply_config(topic, image))
                .collect();
        };
        self.topic_defaults.store(Arc::new(defaults));
        let rates = dynamic_configs(image, self.me).replication_rates();
        self.env.throttles.set(rates);
        let topics: BTreeSet<Arc<str>> = self
            .read_replicas()
            .values()
            .map(|partition| Arc::clone(&partition.topic))
            .collect();
        let topics = topics.iter();
        topics
            .flat_map(|topic| self.apply_config(topic, image))
            .collect()
    }

    fn apply_config(&self, topic: &str, image: &Image) -> Vec<Arc<Partition>> {
        let Some(metadata) = image.topic_by_name(topic) else {
            return Vec::new();
        };
        let config = self.topic_config(topic, image);
        let indexes = metadata.partitions().map(|(index, _)| index);
        let concerned: Vec<Arc<Partition>> = indexes
            .filter_map(|index| self.get(metadata.topic_partition(index)))
            .collect();
        for partition in &concerned {
            partition.set_config(config.clone(), now_ms());
        }
        concerned
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
