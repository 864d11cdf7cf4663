//! Metadata (3), versions 0–13: the brokers, and who leads which partition.
//!
//! v1 added racks, the controller and internal topics, and tells null (all topics) from empty
//! (none); v2 the cluster id; v3 the throttle time; v4 whether topics may be created on demand;
//! v5 offline replicas; v6 tells a missing listener from a missing leader; v7 leader epochs;
//! v8 authorized operations (v11 took the cluster's away); v10 topic ids; v12 asks by id; v13 an
//! error for the whole response, which nobody sends.
//!
//! Endpoints are those of the listener that the request came in on (rule 20). The controller id
//! is that of a broker, since clients cannot speak to controllers (rule 19). Topics that do not
//! exist are created on demand, and are unknown if that takes long (rule 18).

use super::{Answer, Call, Refusal, authorized_operations as operations};
use crate::{context::Context, topic_name};
use klamm_metadata::{Image, Partition, Topic};
use klamm_protocol::{
    Decoder,
    messages::{
        metadata_request::{MetadataRequest, MetadataRequestTopic},
        metadata_response::{
            MetadataResponse, MetadataResponseBroker, MetadataResponsePartition,
            MetadataResponseTopic,
        },
    },
};
use klamm_types::{BrokerId, ErrorCode, Uuid};
use std::{collections::BTreeSet, sync::Arc, time::Duration};

/// How long an answer waits for a topic that is being created on demand.
const CREATE_PATIENCE: Duration = Duration::from_millis(500);

pub(super) fn start(
    context: &Arc<Context>,
    call: Call,
    body: &mut Decoder,
) -> Result<Answer, Refusal> {
    super::later(context, call, body, handle)
}

async fn handle(context: Arc<Context>, call: Call, request: MetadataRequest) -> MetadataResponse {
    let is_no_name =
        |topic: &MetadataRequestTopic| topic.name.is_none() || !topic.topic_id.is_zero();
    if let Some(topics) = &request.topics
        && call.version < 12
        && topics.iter().any(is_no_name)
    {
        return refuse(topics, ErrorCode::InvalidRequest);
    }
    let suspects = &context.suspects;
    suspects
        .settle(&context.metadata, call.connection.accepted)
        .await;
    create_missing(&context, &call, &request).await;
    respond(&context, &call, &request)
}

fn respond(context: &Arc<Context>, call: &Call, request: &MetadataRequest) -> MetadataResponse {
    let image = context.metadata.image();
    let view = View {
        image: &image,
        listener: &call.connection.listener,
        version: call.version,
    };
    let mut topics = match asked(request, call.version) {
        Asked::All => image
            .topics_by_name()
            .map(|topic| view.topic(topic))
            .collect(),
        Asked::Ids(ids) => ids.into_iter().map(|id| view.topic_by_id(id)).collect(),
        Asked::Names(names) => view.topics_by_name(&names),
    };
    let with_operations = call.version >= 8 && request.include_topic_authorized_operations;
    for topic in topics
        .iter_mut()
        .filter(|t| t.error_code != ErrorCode::UnknownTopicId.code())
    {
        topic.topic_authorized_operations =
            operations::if_asked(with_operations, operations::TOPIC);
    }
    MetadataResponse {
        brokers: view.brokers(),
        cluster_id: Some(context.identity.cluster_id().to_owned()),
        controller_id: some_broker(context, &image).get(),
        topics,
        cluster_authorized_operations: operations::if_asked(
            request.include_cluster_authorized_operations,
            operations::CLUSTER,
        ),
        ..Default::default()
    }
}

/// Which topics a request is about.
enum Asked<'a> {
    All,
    Names(Vec<&'a str>),
    Ids(BTreeSet<Uuid>),
}

fn asked(request: &MetadataRequest, version: i16) -> Asked<'_> {
    let Some(topics) = &request.topics else {
        return Asked::All;
    };
    // Null came with version 1 (rule 17).
    if version == 0 && topics.is_empty() {
        return Asked::All;
    }
    let ids: BTreeSet<Uuid> = topics
        .iter()
        .map(|topic| topic.topic_id)
        .filter(|id| !id.is_zero())
        .collect();
    if !ids.is_empty() {
        return Asked::Ids(ids);
    }
    let mut seen = BTreeSet::new();
    let names = topics.iter().filter_map(|topic| topic.name.as_deref());
    Asked::Names(names.filter(|name| seen.insert(*name)).collect())
}

/// Every topic of a request that makes no sense.
fn refuse(topics: &[MetadataRequestTopic], error: ErrorCode) -> MetadataResponse {
    MetadataResponse {
        topics: topics
            .iter()
            .map(|topic| MetadataResponseTopic {
                error_code: error.code(),
                name: Some(topic.name.clone().unwrap_or_default()),
                topic_id: topic.topic_id,
                ..Default::default()
            })
            .collect(),
        ..Default::default()
    }
}

/// Creates what is missing on demand, and waits a moment for it: clients that are told that a
/// topic is unknown come back only after a pause of their own, a second for librdkafka.
async fn create_missing(context: &Context, call: &Call, request: &MetadataRequest) {
    if !request.allow_auto_topic_creation || !context.config.log.auto_create_topics_enable {
        return;
    }
    let Asked::Names(names) = asked(request, call.version) else {
        return;
    };
    let image = context.metadata.image();
    let is_missing = |name: &&str| image.topic_by_name(name).is_none();
    let missing: Vec<&str> = names.into_iter().filter(is_missing).collect();
    let topics = &context.auto_topics;
    topics.create_and_wait(&missing, CREATE_PATIENCE).await;
}

/// This broker while it is alive, else the first that is.
pub(super) fn some_broker(context: &Context, image: &Image) -> BrokerId {
    let me = context.identity.id;
    if image.broker(me).is_some_and(|broker| !broker.fenced) {
        return me;
    }
    let mut alive = image.brokers_alive();
    alive.next().map_or(BrokerId::NONE, |(id, _)| id)
}

/// The metadata as seen through one listener.
pub(super) struct View<'a> {
    pub(super) image: &'a Image,
    pub(super) listener: &'a str,
    pub(super) version: i16,
}

/// A partition as seen through one listener.
pub(super) struct PartitionView {
    /// `None` if nobody leads, or the leader cannot be reached.
    pub(super) leader: Option<BrokerId>,
    pub(super) offline_replicas: Vec<i32>,
}

impl View<'_> {
    fn brokers(&self) -> Vec<MetadataResponseBroker> {
        let reachable = self.image.brokers_alive().filter_map(|(id, broker)| {
            let listener = broker.listener(self.listener)?;
            Some(MetadataResponseBroker {
                node_id: id.get(),
                host: listener.host.clone(),
                port: i32::from(listener.port),
                rack: broker.rack.clone(),
            })
        });
        reachable.collect()
    }

    fn topics_by_name(&self, names: &[&str]) -> Vec<MetadataResponseTopic> {
        names
            .iter()
            .map(|name| match self.image.topic_by_name(name) {
                Some(topic) => self.topic(topic),
                None => MetadataResponseTopic {
                    error_code: missing(name).code(),
                    name: Some((*name).to_owned()),
                    is_internal: topic_name::is_internal(name),
                    ..Default::default()
                },
            })
            .collect()
    }

    fn topic_by_id(&self, id: Uuid) -> MetadataResponseTopic {
        match self.image.topic(id) {
            Some(topic) => self.topic(topic),
            None => MetadataResponseTopic {
                error_code: ErrorCode::UnknownTopicId.code(),
                name: None,
                topic_id: id,
                ..Default::default()
            },
        }
    }

    fn topic(&self, topic: &Arc<Topic>) -> MetadataResponseTopic {
        MetadataResponseTopic {
            name: Some(topic.name.to_string()),
            topic_id: topic.id,
            is_internal: topic_name::is_internal(&topic.name),
            partitions: topic
                .partitions()
                .map(|(index, partition)| self.partition(index, partition))
                .collect(),
            ..Default::default()
        }
    }

    fn partition(&self, index: i32, partition: &Partition) -> MetadataResponsePartition {
        let view = self.look_at(partition);
        let mut replica_nodes = numbers(&partition.replicas);
        let mut isr_nodes = numbers(&partition.isr);
        let mut error = match view.leader {
            Some(_) => ErrorCode::None,
            None => self.no_leader(partition.leader),
        };
        if self.version == 0 {
            // Its clients do not know that a replica may be missing from the brokers (rule 20).
            replica_nodes.retain(|id| self.is_reachable(BrokerId(*id)));
            isr_nodes.retain(|id| self.is_reachable(BrokerId(*id)));
            let missing = replica_nodes.len() < partition.replicas.len()
                || isr_nodes.len() < partition.isr.len();
            if error.is_none() && missing {
                error = ErrorCode::ReplicaNotAvailable;
            }
        }
        MetadataResponsePartition {
            error_code: error.code(),
            partition_index: index,
            leader_id: view.leader.unwrap_or(BrokerId::NONE).get(),
            leader_epoch: partition.leader_epoch.get(),
            replica_nodes,
            isr_nodes,
            offline_replicas: view.offline_replicas,
        }
    }

    /// Who leads the partition and which of its replicas are down.
    pub(super) fn look_at(&self, partition: &Partition) -> PartitionView {
        let leader = partition.leader;
        PartitionView {
            leader: self.image.listener(leader, self.listener).map(|_| leader),
            offline_replicas: partition
                .replicas
                .iter()
                .filter(|id| !self.is_reachable(**id) || !self.image.has_directory(partition, **id))
                .map(|id| id.get())
                .collect(),
        }
    }

    fn is_reachable(&self, id: BrokerId) -> bool {
        let broker = self.image.broker(id);
        broker.is_some_and(|broker| !broker.fenced && broker.listener(self.listener).is_some())
    }

    fn no_leader(&self, leader: BrokerId) -> ErrorCode {
        if self.version >= 6 && self.image.broker(leader).is_some() {
            ErrorCode::ListenerNotFound
        } else {
            ErrorCode::LeaderNotAvailable
        }
    }
}

/// Why there is no topic of this name.
pub(super) fn missing(name: &str) -> ErrorCode {
    if topic_name::is_valid(name) {
        ErrorCode::UnknownTopicOrPartition
    } else {
        ErrorCode::InvalidTopicException
    }
}

/// Broker ids as they travel.
pub(super) fn numbers(ids: &[BrokerId]) -> Vec<i32> {
    ids.iter().map(|id| id.get()).collect()
}
