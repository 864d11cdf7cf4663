//! The in-sync replicas as their leader knows them.

use klamm_types::{BrokerEpoch, BrokerId, LeaderEpoch, PartitionEpoch};
use std::collections::BTreeSet;

/// The ISR, with the change that is on its way to the controller, if any.
///
/// While a change is in flight, the leader does not know whether the controller has made it yet.
/// Whatever it commits must be on every member of either ISR: the [maximal](Isr::maximal) one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Isr {
    /// What the controller last told.
    Committed(BTreeSet<BrokerId>),
    /// `added` was proposed to join `committed`.
    PendingExpand {
        /// What the controller last told.
        committed: BTreeSet<BrokerId>,
        /// The follower that has caught up.
        added: BrokerId,
    },
    /// `added` was refused, but an earlier copy of the proposal may be under way still, and be taken
    /// when it arrives. `committed` is proposed as it is: once the controller has recorded that,
    /// the copy is out of date.
    Withdrawing {
        /// What the controller last told.
        committed: BTreeSet<BrokerId>,
        /// The follower that may be in the ISR already, as far as is known here.
        added: BrokerId,
    },
    /// `removed` were proposed to leave `committed`.
    PendingShrink {
        /// What the controller last told.
        committed: BTreeSet<BrokerId>,
        /// The followers that have fallen behind.
        removed: BTreeSet<BrokerId>,
    },
}

/// An ISR that the leader asks the controller for (AlterPartition, KIP-497).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IsrProposal {
    /// The epoch of the leader that proposes.
    pub leader_epoch: LeaderEpoch,
    /// The state that the proposal changes: it is refused if the partition has moved on.
    pub partition_epoch: PartitionEpoch,
    /// The members, each with the broker epoch that the leader knows it by
    /// ([`BrokerEpoch::NONE`]: unknown, do not check).
    pub new_isr: Vec<(BrokerId, BrokerEpoch)>,
}

impl Isr {
    /// What the controller last told.
    pub fn committed(&self) -> &BTreeSet<BrokerId> {
        match self {
            Isr::Committed(committed)
            | Isr::PendingExpand { committed, .. }
            | Isr::Withdrawing { committed, .. }
            | Isr::PendingShrink { committed, .. } => committed,
        }
    }

    /// Whether `replica` is in the largest ISR that the controller may know by now.
    pub fn maximal_contains(&self, replica: BrokerId) -> bool {
        self.committed().contains(&replica) || self.joining() == Some(replica)
    }

    /// Who may have joined by now.
    fn joining(&self) -> Option<BrokerId> {
        match self {
            Isr::PendingExpand { added, .. } | Isr::Withdrawing { added, .. } => Some(*added),
            Isr::Committed(_) | Isr::PendingShrink { .. } => None,
        }
    }

    /// The largest ISR that the controller may know by now (rule 76).
    pub fn maximal(&self) -> BTreeSet<BrokerId> {
        let mut maximal = self.committed().clone();
        maximal.extend(self.joining());
        maximal
    }

    /// The ISR that is proposed, or the committed one where nothing is in flight.
    pub fn proposed(&self) -> BTreeSet<BrokerId> {
        match self {
            Isr::Committed(committed) | Isr::Withdrawing { committed, .. } => committed.clone(),
            Isr::PendingExpand { .. } => self.maximal(),
            Isr::PendingShrink { committed, removed } => {
                committed.difference(removed).copied().collect()
            }
        }
    }

    /// Whether a proposal is in flight.
    pub fn is_pending(&self) -> bool {
        !matches!(self, Isr::Committed(_))
    }

    /// The controller has refused the proposal. Whether there is something to propose instead:
    /// a shrink is forgotten, whoever was to leave counts in any case; an expansion is withdrawn.
    pub(crate) fn refused(&mut self) -> bool {
        let committed = self.committed().clone();
        *self = match self.joining() {
            Some(added) => Isr::Withdrawing { committed, added },
            None => Isr::Committed(committed),
        };
        self.is_pending()
    }
}
