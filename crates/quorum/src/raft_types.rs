//! The types that openraft is instantiated with.

use crate::controller_node::ControllerNode;
use bytes::Bytes;
use klamm_types::BrokerId;
use serde::{Deserialize, Serialize};
use std::fmt;

openraft::declare_raft_types!(
    /// The controller quorum: node ids are Kafka's, the term is the controller epoch.
    pub(crate) TypeConfig:
        D = EncodedBatch,
        R = Applied,
        NodeId = NodeId,
        Node = ControllerNode,
        LeaderId = openraft::impls::leader_id_std::LeaderId<Self::Term, Self::NodeId>,
        AsyncRuntime = openraft_rt_tokio::TokioRuntime,
);

pub(crate) type Entry = openraft::type_config::alias::EntryOf<TypeConfig>;
pub(crate) type LogId = openraft::type_config::alias::LogIdOf<TypeConfig>;
pub(crate) type Vote = openraft::type_config::alias::VoteOf<TypeConfig>;
pub(crate) type StoredMembership = openraft::type_config::alias::StoredMembershipOf<TypeConfig>;
pub(crate) type SnapshotMeta = openraft::type_config::alias::SnapshotMetaOf<TypeConfig>;
pub(crate) type Snapshot = openraft::type_config::alias::SnapshotOf<TypeConfig, Bytes>;
pub(crate) type RaftMetrics = openraft::RaftMetrics<TypeConfig>;
pub(crate) type Raft = openraft::Raft<TypeConfig, crate::state_machine::StateMachine>;

/// A `RecordBatch` in its prost encoding: what an entry carries.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct EncodedBatch(pub(crate) Bytes);

impl fmt::Debug for EncodedBatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for EncodedBatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "batch of {} bytes", self.0.len())
    }
}

/// What became of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Applied {
    /// Its records are in the image, or it had none.
    Applied,
    /// It was decided on an image that is not this one any more, and changed nothing.
    FellAway,
}

/// openraft's form of a node id; its own tests of a store ask for an unsigned number.
pub(crate) type NodeId = u64;

/// The node id of a voter, which is never negative.
pub(crate) fn node_id_of(id: BrokerId) -> NodeId {
    NodeId::try_from(id.0).unwrap_or(NodeId::MAX)
}

/// As others know it.
pub(crate) fn broker_id_of(id: NodeId) -> BrokerId {
    i32::try_from(id).map_or(BrokerId::NONE, BrokerId)
}

/// The term of a vote, whoever it was given to.
pub(crate) fn term_of(vote: &Vote) -> u64 {
    vote.leader_id.term
}

/// The controller epoch of a term; terms grow by one an election and never come near the bound.
pub(crate) fn epoch_of(term: u64) -> i32 {
    i32::try_from(term).unwrap_or(i32::MAX)
}
