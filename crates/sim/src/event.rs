//! What happens, and what nodes say to each other.

use crate::{model_log::Record, network::Node, quorum::Batch};
use klamm_controller::{
    AlterPartition, AlteredPartition, Heartbeat, HeartbeatAck, RegisterBroker,
    ReportHighWatermarks, ResignLeadership, StreamId,
};
use klamm_metadata::Image;
use klamm_replica::divergence::EpochEnd;
use klamm_types::{BrokerEpoch, BrokerId, ErrorCode, LeaderEpoch, Uuid};
use std::sync::Arc;

/// Tells one call of a node from its others.
pub(crate) type Call = u64;

/// Something that happens at a certain time.
pub(crate) enum Event {
    Deliver(Delivery),
    /// A clock of a node rings, if its process is still the one that set it.
    Timer {
        node: Node,
        generation: u64,
        timer: Timer,
    },
    Quorum(QuorumEvent),
    /// The next fault is drawn.
    Fault,
    /// Something that was broken is made whole.
    Repair(Repair),
    /// Somebody wants a partition to be kept by others.
    Reassign,
    /// The faults end.
    Heal,
    /// It is looked whether all is well again.
    Look,
}

/// A message on its way.
#[derive(Clone)]
pub(crate) struct Delivery {
    pub(crate) from: Node,
    pub(crate) to: Node,
    /// The process that it was sent to: another one never gets it.
    pub(crate) generation: u64,
    pub(crate) message: Message,
}

/// Ends a fault.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Repair {
    StartBroker(usize),
    StartController(usize),
    Mend(Node, Node),
    QuickDisk(usize),
}

/// What happens among the controllers.
#[derive(Clone, Copy, Debug)]
pub(crate) enum QuorumEvent {
    /// It is looked whether the leader still leads.
    Watch,
    /// A majority may have the oldest batch of the leader of that term.
    Commit { term: u64 },
    /// The leader of that term proposes what it has gathered.
    Propose { term: u64 },
    /// A controller learns how far batches are committed.
    Learn { controller: usize, length: usize },
    /// Deadlines of sessions are looked at.
    Sessions { term: u64 },
}

/// Clocks of brokers and clients.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Timer {
    Register,
    Heartbeat,
    Watch(Call),
    Tick,
    Checkpoint,
    ReportFloors,
    Resign,
    SendProposals,
    ProposalTimeout(Call),
    Fetch(usize),
    FetchTimeout(usize, Call),
    ParkedFetch(usize, Call),
    Flushed(usize),
    /// A new replica is made.
    Arrive(usize),
    BackgroundFlush,
    StopAnyway,
    /// Of clients.
    Produce,
    ProduceTimeout(Call),
    Consume,
}

/// What a node says to another.
#[derive(Clone)]
pub(crate) enum Message {
    Register(Box<RegisterBroker>),
    /// To the incarnation that asked.
    Registered(Uuid, Result<BrokerEpoch, ErrorCode>),
    Heartbeat(Heartbeat),
    HeartbeatAck(StreamId, HeartbeatAck),
    StreamClosed(klamm_controller::BrokerRef, StreamId),
    AlterPartition(Call, AlterPartition),
    Altered(Call, Result<Vec<AlteredPartition>, ErrorCode>),
    ReportFloors(ReportHighWatermarks),
    Resign(ResignLeadership),
    /// The metadata from this offset on.
    Watch(Call, i64),
    Updates(Call, Updates),
    /// This controller does not lead.
    NotActive(Call),
    Fetch(FetchRequest),
    Fetched(usize, Call, Result<FetchAnswer, ErrorCode>),
    ListOffsets(usize, Call, LeaderEpoch),
    ListedOffsets(usize, Call, Result<(i64, i64), ErrorCode>),
    Produce(ProduceRequest),
    Produced(Call, Result<i64, ErrorCode>),
    Consume(ConsumeRequest),
    Consumed(Call, Result<(i64, Vec<Record>), ErrorCode>),
}

/// What a controller sends of the metadata.
#[derive(Clone)]
pub(crate) enum Updates {
    Batches(Vec<Arc<Batch>>),
    Snapshot(Box<Image>, usize),
}

/// A follower's fetch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FetchRequest {
    pub(crate) partition: usize,
    pub(crate) call: Call,
    pub(crate) replica: BrokerId,
    pub(crate) broker_epoch: BrokerEpoch,
    pub(crate) leader_epoch: LeaderEpoch,
    pub(crate) fetch_offset: i64,
    pub(crate) last_fetched_epoch: LeaderEpoch,
    pub(crate) log_start_offset: i64,
}

/// The answer to a fetch.
#[derive(Clone, Debug)]
pub(crate) struct FetchAnswer {
    /// The offset of the first of `records`.
    pub(crate) fetch_offset: i64,
    pub(crate) records: Vec<Record>,
    pub(crate) high_watermark: i64,
    pub(crate) log_start_offset: i64,
    pub(crate) diverging: Option<EpochEnd>,
}

/// One record for a partition, acks=all.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ProduceRequest {
    pub(crate) partition: usize,
    pub(crate) call: Call,
    pub(crate) producer: u32,
    pub(crate) sequence: u32,
    pub(crate) value: u32,
}

/// A consumer's fetch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ConsumeRequest {
    pub(crate) partition: usize,
    pub(crate) call: Call,
    pub(crate) offset: i64,
    pub(crate) leader_epoch: LeaderEpoch,
    pub(crate) from_follower: bool,
}
