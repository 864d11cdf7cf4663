//! The state of the cluster as of one offset of the metadata log.

use crate::{Broker, Controller, Listener, Partition, Topic, proto};
use klamm_types::{BrokerId, TopicPartition, Uuid};
use std::{collections::BTreeMap, sync::Arc};

/// What the metadata log amounts to, up to [`Image::offset`].
///
/// Clones share everything; a change copies the path to what it touches. So a reader keeps a
/// clone behind an `Arc` for as long as it likes.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Image {
    pub(crate) offset: i64,
    pub(crate) cluster_id: Option<Arc<str>>,
    pub(crate) brokers: Arc<BTreeMap<BrokerId, Arc<Broker>>>,
    pub(crate) controllers: Arc<BTreeMap<BrokerId, Arc<Controller>>>,
    pub(crate) topics: Arc<BTreeMap<Uuid, Arc<Topic>>>,
    pub(crate) topic_ids: Arc<BTreeMap<Arc<str>, Uuid>>,
    pub(crate) configs: Arc<BTreeMap<ConfigResource, Arc<Configs>>>,
    pub(crate) next_producer_id: i64,
    pub(crate) features: Arc<BTreeMap<String, i32>>,
}

/// The values that are set on a resource, by name.
pub type Configs = BTreeMap<String, String>;

/// Who a config is set on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ConfigResource {
    /// A topic, by name.
    Topic(String),
    /// A broker; `None`: the default of all brokers.
    Broker(Option<BrokerId>),
    /// A group, by id.
    Group(String),
}

impl Image {
    /// The image before the first record.
    pub fn new() -> Image {
        Image::default()
    }

    /// How many records have been applied: the offset of the next one.
    pub fn offset(&self) -> i64 {
        self.offset
    }

    /// The cluster's id, once it has one.
    pub fn cluster_id(&self) -> Option<&str> {
        self.cluster_id.as_deref()
    }

    /// Where the next block of producer ids begins.
    pub fn next_producer_id(&self) -> i64 {
        self.next_producer_id
    }

    /// The finalized feature levels, by name.
    pub fn features(&self) -> &BTreeMap<String, i32> {
        &self.features
    }

    /// A registered broker.
    pub fn broker(&self, id: BrokerId) -> Option<&Broker> {
        self.brokers.get(&id).map(Arc::as_ref)
    }

    /// Every registered broker, fenced ones included, by id.
    pub fn brokers(&self) -> impl Iterator<Item = (BrokerId, &Broker)> {
        self.brokers.iter().map(|(id, broker)| (*id, &**broker))
    }

    /// Every broker that is not fenced, by id.
    pub fn brokers_alive(&self) -> impl Iterator<Item = (BrokerId, &Broker)> {
        self.brokers().filter(|(_, broker)| !broker.fenced)
    }

    /// Whether the broker is registered, not fenced and not stopping.
    pub fn is_active(&self, id: BrokerId) -> bool {
        self.broker(id).is_some_and(Broker::is_active)
    }

    /// Whether the log directory of a replica is online, as far as is known.
    pub fn has_directory(&self, partition: &Partition, id: BrokerId) -> bool {
        let directory = partition.directory(id).unwrap_or(Uuid::ZERO);
        self.broker(id)
            .is_none_or(|broker| broker.has_log_dir(directory))
    }

    /// The endpoint of a registered broker's listener.
    pub fn listener(&self, broker: BrokerId, name: &str) -> Option<&Listener> {
        self.broker(broker)?.listener(name)
    }

    /// A controller that introduced itself.
    pub fn controller(&self, id: BrokerId) -> Option<&Controller> {
        self.controllers.get(&id).map(Arc::as_ref)
    }

    /// Every controller that introduced itself, by id.
    pub fn controllers(&self) -> impl Iterator<Item = (BrokerId, &Controller)> {
        self.controllers
            .iter()
            .map(|(id, controller)| (*id, &**controller))
    }

    /// A topic by its id.
    pub fn topic(&self, id: Uuid) -> Option<&Arc<Topic>> {
        self.topics.get(&id)
    }

    /// A topic by its name.
    pub fn topic_by_name(&self, name: &str) -> Option<&Arc<Topic>> {
        self.topic(self.topic_id(name)?)
    }

    /// The id of a topic.
    pub fn topic_id(&self, name: &str) -> Option<Uuid> {
        self.topic_ids.get(name).copied()
    }

    /// Every topic, by id.
    pub fn topics(&self) -> impl Iterator<Item = &Arc<Topic>> {
        self.topics.values()
    }

    /// Every topic, by name.
    pub fn topics_by_name(&self) -> impl Iterator<Item = &Arc<Topic>> {
        self.topic_ids.values().filter_map(|id| self.topics.get(id))
    }

    /// How many topics there are.
    pub fn topic_count(&self) -> usize {
        self.topics.len()
    }

    /// A partition.
    pub fn partition(&self, id: TopicPartition) -> Option<&Partition> {
        self.topic(id.topic_id)?.partition(id.partition)
    }

    /// Every partition, by topic id and index.
    pub fn partitions(&self) -> impl Iterator<Item = (TopicPartition, &Partition)> {
        self.topics.values().flat_map(|topic| {
            topic
                .partitions()
                .map(|(index, partition)| (topic.topic_partition(index), partition))
        })
    }

    /// The values set on a resource, if any are.
    pub fn configs(&self, resource: &ConfigResource) -> Option<&Configs> {
        self.configs.get(resource).map(Arc::as_ref)
    }

    /// Every resource that has values set.
    pub fn all_configs(&self) -> impl Iterator<Item = (&ConfigResource, &Configs)> {
        self.configs
            .iter()
            .map(|(resource, configs)| (resource, &**configs))
    }

    /// A value set on a topic itself.
    pub fn topic_config(&self, topic: &str, name: &str) -> Option<&str> {
        let resource = ConfigResource::Topic(topic.to_owned());
        self.configs(&resource)?.get(name).map(String::as_str)
    }

    /// A value set on a broker, or else on all of them.
    pub fn broker_config(&self, broker: Option<BrokerId>, name: &str) -> Option<&str> {
        let set_on = |broker| {
            self.configs(&ConfigResource::Broker(broker))?
                .get(name)
                .map(String::as_str)
        };
        broker
            .and_then(|id| set_on(Some(id)))
            .or_else(|| set_on(None))
    }
}

impl ConfigResource {
    /// Kafka's number of the resource's type.
    pub fn resource_type(&self) -> proto::ConfigResourceType {
        match self {
            ConfigResource::Topic(_) => proto::ConfigResourceType::Topic,
            ConfigResource::Broker(_) => proto::ConfigResourceType::Broker,
            ConfigResource::Group(_) => proto::ConfigResourceType::Group,
        }
    }

    /// The resource's name as Kafka writes it; that of all brokers is empty.
    pub fn name(&self) -> String {
        match self {
            ConfigResource::Topic(name) | ConfigResource::Group(name) => name.clone(),
            ConfigResource::Broker(None) => String::new(),
            ConfigResource::Broker(Some(id)) => id.to_string(),
        }
    }

    /// The resource of a type's number and a name, if there is such a type and the name fits.
    pub fn parse(resource_type: i32, name: &str) -> Option<ConfigResource> {
        match proto::ConfigResourceType::try_from(resource_type).ok()? {
            proto::ConfigResourceType::Unknown => None,
            proto::ConfigResourceType::Topic => Some(ConfigResource::Topic(name.to_owned())),
            proto::ConfigResourceType::Group => Some(ConfigResource::Group(name.to_owned())),
            proto::ConfigResourceType::Broker if name.is_empty() => {
                Some(ConfigResource::Broker(None))
            }
            proto::ConfigResourceType::Broker => {
                let id = name.parse().ok().filter(|id| *id >= 0)?;
                Some(ConfigResource::Broker(Some(BrokerId(id))))
            }
        }
    }
}
