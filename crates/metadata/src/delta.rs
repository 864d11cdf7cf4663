//! What a batch of records touched.

use crate::{Image, image::ConfigResource};
use klamm_types::{BrokerId, TopicPartition, Uuid};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// What differs between two images, one following the other.
///
/// Old states are found in [`Delta::before`]; new ones in the image that the delta led to.
#[derive(Clone, Debug, Default)]
pub struct Delta {
    /// The image before.
    pub before: Image,
    /// Partitions that are new or whose partition epoch changed. Those of removed topics are
    /// not among them.
    pub changed_partitions: BTreeSet<TopicPartition>,
    /// Partitions that changed in nothing but the high watermark floor.
    pub raised_floors: BTreeSet<TopicPartition>,
    /// Topics that are new.
    pub created_topics: BTreeSet<Uuid>,
    /// Topics that are gone, with their names.
    pub removed_topics: BTreeMap<Uuid, Arc<str>>,
    /// Brokers that registered, changed or are gone.
    pub changed_brokers: BTreeSet<BrokerId>,
    /// Controllers that introduced themselves.
    pub changed_controllers: BTreeSet<BrokerId>,
    /// Resources whose configs changed. A removed topic's are among them if it had any.
    pub changed_configs: BTreeSet<ConfigResource>,
    /// Features whose level changed.
    pub changed_features: BTreeSet<String>,
}

impl Delta {
    pub(crate) fn new(before: Image) -> Delta {
        Delta {
            before,
            ..Delta::default()
        }
    }

    /// The difference of any two images, for whoever skips from one to another. What they
    /// share costs next to nothing.
    pub fn between(before: &Image, after: &Image) -> Delta {
        let mut delta = Delta::new(before.clone());
        delta.compare_topics(before, after);
        delta.changed_brokers = changed(&before.brokers, &after.brokers);
        delta.changed_controllers = changed(&before.controllers, &after.controllers);
        delta.changed_configs = changed(&before.configs, &after.configs);
        delta.changed_features = changed(&before.features, &after.features);
        delta
    }

    /// Whether nothing was touched that is tracked here.
    pub fn is_empty(&self) -> bool {
        self.changed_partitions.is_empty()
            && self.raised_floors.is_empty()
            && self.created_topics.is_empty()
            && self.removed_topics.is_empty()
            && self.changed_brokers.is_empty()
            && self.changed_controllers.is_empty()
            && self.changed_configs.is_empty()
            && self.changed_features.is_empty()
    }

    /// The names of the topics whose configs changed.
    pub fn changed_topic_configs(&self) -> impl Iterator<Item = &str> {
        self.changed_configs
            .iter()
            .filter_map(|resource| match resource {
                ConfigResource::Topic(name) => Some(name.as_str()),
                _ => None,
            })
    }

    /// Forgets what happened to a topic before it was removed.
    pub(crate) fn topic_removed(&mut self, id: Uuid, name: Arc<str>) {
        self.changed_partitions.retain(|tp| tp.topic_id != id);
        self.raised_floors.retain(|tp| tp.topic_id != id);
        if !self.created_topics.remove(&id) {
            self.removed_topics.insert(id, name);
        }
    }

    fn compare_topics(&mut self, before: &Image, after: &Image) {
        if Arc::ptr_eq(&before.topics, &after.topics) {
            return;
        }
        for (id, topic) in &*before.topics {
            if !after.topics.contains_key(id) {
                self.removed_topics.insert(*id, topic.name.clone());
            }
        }
        for (id, topic) in &*after.topics {
            let old = before.topics.get(id);
            if old.is_none() {
                self.created_topics.insert(*id);
            }
            if old.is_some_and(|old| Arc::ptr_eq(old, topic)) {
                continue;
            }
            for (index, partition) in topic.partitions() {
                let tp = topic.topic_partition(index);
                match old.and_then(|old| old.partition(index)) {
                    Some(old) if old == partition => {}
                    Some(old) if old.differs_only_in_floor(partition) => {
                        self.raised_floors.insert(tp);
                    }
                    _ => {
                        self.changed_partitions.insert(tp);
                    }
                }
            }
        }
    }
}

/// The keys under which two maps differ.
fn changed<K: Ord + Clone, V: PartialEq>(
    before: &Arc<BTreeMap<K, V>>,
    after: &Arc<BTreeMap<K, V>>,
) -> BTreeSet<K> {
    if Arc::ptr_eq(before, after) {
        return BTreeSet::new();
    }
    let gone = before.keys().filter(|key| !after.contains_key(key));
    let differ = after
        .iter()
        .filter(|(key, value)| before.get(key) != Some(value))
        .map(|(key, _)| key);
    gone.chain(differ).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{history::logs, proto};
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Whatever differs was touched; what was touched may have become as it was.
        #[test]
        fn what_differs_was_touched(log in logs(150), at in any::<prop::sample::Index>()) {
            let middle = at.index(log.len() + 1);
            let mut before = Image::new();
            before.apply_records(0, &log[..middle]).unwrap();
            let mut after = before.clone();
            let touched = after.apply_records(middle as i64, &log[middle..]).unwrap();
            let differs = Delta::between(&before, &after);
            prop_assert_eq!(&touched.before, &before);
            prop_assert!(differs.changed_partitions.is_subset(&touched.changed_partitions));
            for tp in &differs.raised_floors {
                prop_assert!(touched.raised_floors.contains(tp));
            }
            prop_assert_eq!(&differs.created_topics, &touched.created_topics);
            prop_assert_eq!(&differs.removed_topics, &touched.removed_topics);
            prop_assert!(differs.changed_brokers.is_subset(&touched.changed_brokers));
            prop_assert!(differs.changed_controllers.is_subset(&touched.changed_controllers));
            prop_assert!(differs.changed_configs.is_subset(&touched.changed_configs));
            prop_assert!(differs.changed_features.is_subset(&touched.changed_features));
            for tp in &touched.changed_partitions {
                prop_assert!(after.partition(*tp).is_some());
            }
        }
    }

    #[test]
    fn a_topic_made_again_is_another() {
        let topic = |id: u8| {
            proto::Record::from(proto::TopicRecord {
                name: "t".into(),
                topic_id: vec![id; 16],
            })
        };
        let mut image = Image::new();
        image.replay(&topic(2)).unwrap();
        let remove = proto::RemoveTopicRecord {
            topic_id: vec![2; 16],
        };
        let delta = image.apply_records(1, &[remove.into(), topic(3)]).unwrap();
        assert_eq!(delta.created_topics, [Uuid([3; 16])].into());
        assert_eq!(delta.removed_topics, [(Uuid([2; 16]), "t".into())].into());
        assert_eq!(image.topic_id("t"), Some(Uuid([3; 16])));
    }
}
