//! The entrance: every request, its context and what is decided on it.

use crate::{
    AlterConfigs, AlterPartition, AlterReassignments, AlteredConfigs, AlteredPartition,
    AlteredReassignments, AssignDirectories, ConfigRules, CreatePartitions, CreateTopics,
    CreatedTopic, DeleteTopics, DeletedTopic, ElectLeaders, ElectedLeaders, FailLogDirs,
    GrownTopic, InitCluster, ProducerIdBlock, Refusal, RegisterBroker, RegisterController,
    RegisteredBroker, ReportHighWatermarks, ResignLeadership, Resigned, Sessions, UpdateFeatures,
    alter_configs, alter_partition, alter_reassignments, assign_directories, broker_state, cluster,
    create_partitions, create_topics, delete_topics, elect_leaders, fail_log_dirs, high_watermarks,
    producer_ids, register_broker, resign_leadership, update_features,
};
use klamm_metadata::{Image, proto::Record};
use klamm_types::{BrokerEpoch, BrokerId, Uuid};

/// What is asked of the controller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Gives a cluster what it needs from the beginning. What it has already stays.
    InitCluster(InitCluster),
    /// A controller introduces itself.
    RegisterController(RegisterController),
    /// A broker introduces itself.
    RegisterBroker(RegisterBroker),
    /// The broker was not heard from, or wishes to be fenced.
    FenceBroker(BrokerRef),
    /// The broker is there and has replayed its own registration.
    UnfenceBroker(BrokerRef),
    /// The broker wishes to stop: its leaderships go to others.
    ShutDownBroker(BrokerRef),
    /// Log directories of the broker have failed.
    FailLogDirs(FailLogDirs),
    /// The broker tells where its replicas live.
    AssignDirectories(AssignDirectories),
    /// The broker will not come back.
    UnregisterBroker(BrokerId),
    /// A leader proposes ISRs.
    AlterPartition(AlterPartition),
    /// A broker cannot vouch for its copies of some partitions.
    ResignLeadership(ResignLeadership),
    /// A leader reports high watermarks.
    ReportHighWatermarks(ReportHighWatermarks),
    /// Creates topics.
    CreateTopics(CreateTopics),
    /// Deletes topics.
    DeleteTopics(DeleteTopics),
    /// Adds partitions to topics.
    CreatePartitions(CreatePartitions),
    /// A broker needs producer ids.
    AllocateProducerIds(BrokerRef),
    /// Sets and removes configs.
    AlterConfigs(AlterConfigs),
    /// Moves partitions to other brokers, or gives up doing so.
    AlterReassignments(AlterReassignments),
    /// Leaders are wanted.
    ElectLeaders(ElectLeaders),
    /// A chore: where nobody leads, somebody may be allowed to by now.
    ElectWhereNobodyLeads,
    /// A chore: leadership goes back to preferred replicas.
    BalanceLeaders,
    /// A controller has left the quorum.
    UnregisterController(BrokerId),
    /// Levels of features change.
    UpdateFeatures(UpdateFeatures),
}

/// The answer, one variant for each kind of [`Request`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Response {
    /// To all requests that need no more than "done".
    Done(Result<(), Refusal>),
    /// To [`Request::RegisterBroker`].
    RegisterBroker(Result<RegisteredBroker, Refusal>),
    /// To [`Request::AlterPartition`].
    AlterPartition(Result<Vec<AlteredPartition>, Refusal>),
    /// To [`Request::ResignLeadership`], in the order of the request.
    ResignLeadership(Result<Vec<Resigned>, Refusal>),
    /// To [`Request::CreateTopics`], in the order of the request.
    CreateTopics(Vec<CreatedTopic>),
    /// To [`Request::DeleteTopics`], in the order of the request.
    DeleteTopics(Vec<DeletedTopic>),
    /// To [`Request::CreatePartitions`], in the order of the request.
    CreatePartitions(Vec<GrownTopic>),
    /// To [`Request::AllocateProducerIds`].
    AllocateProducerIds(Result<ProducerIdBlock, Refusal>),
    /// To [`Request::AlterConfigs`], in the order of the request.
    AlterConfigs(AlteredConfigs),
    /// To [`Request::AlterReassignments`].
    AlterReassignments(Result<AlteredReassignments, Refusal>),
    /// To [`Request::ElectLeaders`].
    ElectLeaders(Result<ElectedLeaders, Refusal>),
    /// To chores: how many leaders were elected.
    Elected(usize),
}

/// What was decided. The response may be sent once the records are committed.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision<R = Response> {
    /// What changes, in the order in which it must be replayed, all or nothing.
    pub records: Vec<Record>,
    /// The answer.
    pub response: R,
}

/// One registration of a broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BrokerRef {
    /// The broker.
    pub id: BrokerId,
    /// Its registration.
    pub epoch: BrokerEpoch,
}

/// What a decision may depend on besides the image and the request.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// Milliseconds since the Unix epoch.
    pub now_ms: i64,
    /// The defaults of the cluster.
    pub settings: &'a Settings,
    /// Who has been heard from.
    pub sessions: &'a Sessions,
    /// Randomness, fresh for every decision.
    pub draws: &'a Draws,
    /// Knows the configs.
    pub config_rules: &'a dyn ConfigRules,
}

/// Cluster-wide defaults, as the active controller was configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// `num.partitions`, 1 or more.
    pub num_partitions: i32,
    /// `default.replication.factor`, 1 or more.
    pub default_replication_factor: i32,
    /// `min.insync.replicas`, 1 or more.
    pub min_insync_replicas: i32,
    /// `unclean.leader.election.enable`.
    pub unclean_leader_election_enable: bool,
    /// `log.flush.interval.messages`: 1 flushes before every acknowledgement.
    pub flush_messages: i64,
    /// `delete.topic.enable`.
    pub delete_topic_enable: bool,
}

/// Randomness for one decision.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Draws {
    /// Spreads replicas over brokers.
    pub seed: u64,
    /// Ids for new topics, as many as [`Request::topic_ids_needed`].
    pub topic_ids: Vec<Uuid>,
}

impl Default for Settings {
    /// Kafka's defaults.
    fn default() -> Settings {
        Settings {
            num_partitions: 1,
            default_replication_factor: 1,
            min_insync_replicas: 1,
            unclean_leader_election_enable: false,
            flush_messages: i64::MAX,
            delete_topic_enable: true,
        }
    }
}

impl Request {
    /// How many [`Draws::topic_ids`] the decision takes.
    pub fn topic_ids_needed(&self) -> usize {
        match self {
            Request::CreateTopics(request) => request.topics.len(),
            _ => 0,
        }
    }
}

impl<R> Decision<R> {
    /// A decision that changes nothing.
    pub(crate) fn unchanged(response: R) -> Decision<R> {
        let records = Vec::new();
        Decision { records, response }
    }

    fn map(self, wrap: impl FnOnce(R) -> Response) -> Decision {
        Decision {
            records: self.records,
            response: wrap(self.response),
        }
    }
}

impl<T> Decision<Result<T, Refusal>> {
    pub(crate) fn refused(refusal: Refusal) -> Self {
        Decision::unchanged(Err(refusal))
    }
}

/// Decides on a request. The image stays as it is: whoever wants the next decision to build on
/// this one replays the records first.
pub fn decide(image: &Image, request: &Request, ctx: &Context) -> Decision {
    match request {
        Request::InitCluster(request) => cluster::init(image, request, ctx).map(Response::Done),
        Request::RegisterController(request) => {
            cluster::register_controller(image, request).map(Response::Done)
        }
        Request::RegisterBroker(request) => {
            register_broker::decide(image, request, ctx).map(Response::RegisterBroker)
        }
        Request::FenceBroker(broker) => {
            broker_state::fence(image, *broker, ctx).map(Response::Done)
        }
        Request::UnfenceBroker(broker) => {
            broker_state::unfence(image, *broker, ctx).map(Response::Done)
        }
        Request::ShutDownBroker(broker) => {
            broker_state::shut_down(image, *broker, ctx).map(Response::Done)
        }
        Request::FailLogDirs(request) => {
            fail_log_dirs::decide(image, request, ctx).map(Response::Done)
        }
        Request::AssignDirectories(request) => {
            assign_directories::decide(image, request, ctx).map(Response::Done)
        }
        Request::UnregisterBroker(id) => {
            broker_state::unregister(image, *id, ctx).map(Response::Done)
        }
        Request::AlterPartition(request) => {
            alter_partition::decide(image, request, ctx).map(Response::AlterPartition)
        }
        Request::ResignLeadership(request) => {
            resign_leadership::decide(image, request, ctx).map(Response::ResignLeadership)
        }
        Request::ReportHighWatermarks(request) => {
            high_watermarks::decide(image, request).map(Response::Done)
        }
        Request::CreateTopics(request) => {
            create_topics::decide(image, request, ctx).map(Response::CreateTopics)
        }
        Request::DeleteTopics(request) => {
            delete_topics::decide(image, request, ctx).map(Response::DeleteTopics)
        }
        Request::CreatePartitions(request) => {
            create_partitions::decide(image, request, ctx).map(Response::CreatePartitions)
        }
        Request::AllocateProducerIds(broker) => {
            producer_ids::decide(image, *broker).map(Response::AllocateProducerIds)
        }
        Request::AlterConfigs(request) => {
            alter_configs::decide(image, request, ctx).map(Response::AlterConfigs)
        }
        Request::AlterReassignments(request) => {
            alter_reassignments::decide(image, request, ctx).map(Response::AlterReassignments)
        }
        Request::ElectLeaders(request) => {
            elect_leaders::decide(image, request, ctx).map(Response::ElectLeaders)
        }
        Request::ElectWhereNobodyLeads => {
            elect_leaders::elect_where_nobody_leads(image, ctx).map(Response::Elected)
        }
        Request::BalanceLeaders => elect_leaders::balance(image, ctx).map(Response::Elected),
        Request::UnregisterController(id) => {
            cluster::unregister_controller(image, *id).map(Response::Done)
        }
        Request::UpdateFeatures(request) => {
            update_features::decide(image, request).map(Response::Done)
        }
    }
}
