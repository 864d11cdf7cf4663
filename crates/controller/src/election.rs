//! Who leads a partition, and who else could.
//!
//! Rules 87 to 89 of Kafka's controller with eligible leader replicas (KIP-966). While the ISR
//! is smaller than `min.insync.replicas` the high watermark stands still, hence replicas that
//! leave it then still have every committed record: they stay eligible (ELR).
//!
//! ```text
//! clean:    the leader stays if it can; else the first replica, in assignment order, in the
//!           ISR; else the first in the ELR, and the ISR is that replica
//! unclean:  only if allowed and nobody of the above is active: any active replica, those
//!           that were eligible once first; ISR = {it}, RECOVERING
//! nobody:   no leader
//! ```

use klamm_metadata::{Partition, RecoveryState, proto, uuid_bytes};
use klamm_types::{BrokerId, TopicPartition};

/// By what a partition's leader is chosen.
#[derive(Clone, Copy)]
pub struct Rules<'a> {
    /// Whether a broker may lead: neither fenced nor stopping.
    pub is_active: &'a dyn Fn(BrokerId) -> bool,
    /// `min.insync.replicas`; more than there are replicas counts as all of them.
    pub min_isr: usize,
    /// `unclean.leader.election.enable`.
    pub unclean: bool,
}

/// What a change of a partition would lead to.
struct Next {
    isr: Vec<BrokerId>,
    elr: Vec<BrokerId>,
    last_known_elr: Vec<BrokerId>,
    leader: BrokerId,
    recovery_state: RecoveryState,
}

/// Gives a partition a new ISR, elects a leader if that takes one, and keeps the ELR.
///
/// `lost` is a broker that stopped uncleanly: it loses its place in the ELR. The last
/// candidate for leader keeps it nevertheless: a replica flushes before it acknowledges, so
/// without others to ask it is still the best there is.
///
/// `None`: nothing changes.
pub fn change_partition(
    id: TopicPartition,
    partition: &Partition,
    isr: Vec<BrokerId>,
    lost: Option<BrokerId>,
    rules: &Rules,
) -> Option<proto::PartitionChangeRecord> {
    let next = next_state(partition, isr, lost, rules);
    next.differs(partition).then(|| next.record(id, partition))
}

fn next_state(
    partition: &Partition,
    isr: Vec<BrokerId>,
    lost: Option<BrokerId>,
    rules: &Rules,
) -> Next {
    let mut next = Next {
        elr: eligible(partition, &isr, lost),
        isr,
        last_known_elr: Vec::new(),
        leader: BrokerId::NONE,
        recovery_state: partition.recovery_state,
    };
    let first_active = |list: &[BrokerId]| {
        let mut replicas = partition.replicas.iter().copied();
        replicas.find(|id| list.contains(id) && (rules.is_active)(*id))
    };
    if next.isr.contains(&partition.leader) && (rules.is_active)(partition.leader) {
        next.leader = partition.leader;
    } else if let Some(leader) = first_active(&next.isr) {
        next.leader = leader;
    } else if let Some(leader) = first_active(&next.elr) {
        next.leader = leader;
        next.isr = vec![leader];
        next.elr = eligible(partition, &next.isr, lost);
    } else if rules.unclean
        && let Some(leader) =
            first_active(&partition.last_known_elr).or_else(|| first_active(&partition.replicas))
    {
        // What the others have may differ from what this leader makes of the log.
        next.leader = leader;
        next.isr = vec![leader];
        next.elr.clear();
        next.recovery_state = RecoveryState::Recovering;
        return next;
    }
    if next.isr.len() >= rules.min_isr.clamp(1, partition.replicas.len().max(1)) {
        next.elr.clear();
    } else {
        next.last_known_elr = in_order(partition, |id| {
            was_eligible(partition, id) && !next.isr.contains(&id) && !next.elr.contains(&id)
        });
    }
    next
}

/// Who is eligible outside the ISR as long as that is below the minimum.
fn eligible(partition: &Partition, isr: &[BrokerId], lost: Option<BrokerId>) -> Vec<BrokerId> {
    let was_candidate = |id: &BrokerId| partition.isr.contains(id) || partition.elr.contains(id);
    let elr = in_order(partition, |id| {
        was_candidate(&id) && !isr.contains(&id) && Some(id) != lost
    });
    if elr.is_empty() && isr.is_empty() {
        return lost.filter(was_candidate).into_iter().collect();
    }
    elr
}

fn was_eligible(partition: &Partition, id: BrokerId) -> bool {
    let lists = [&partition.isr, &partition.elr, &partition.last_known_elr];
    lists.iter().any(|list| list.contains(&id))
}

/// The replicas that `keep` keeps, in assignment order.
fn in_order(partition: &Partition, keep: impl Fn(BrokerId) -> bool) -> Vec<BrokerId> {
    let replicas = partition.replicas.iter().copied();
    replicas.filter(|id| keep(*id)).collect()
}

impl Next {
    fn differs(&self, partition: &Partition) -> bool {
        self.isr != partition.isr
            || self.elr != partition.elr
            || self.last_known_elr != partition.last_known_elr
            || self.leader != partition.leader
            || self.recovery_state != partition.recovery_state
    }

    fn record(&self, id: TopicPartition, partition: &Partition) -> proto::PartitionChangeRecord {
        let changed = |new: &[BrokerId], old: &[BrokerId]| (new != old).then(|| new.into());
        proto::PartitionChangeRecord {
            topic_id: uuid_bytes(id.topic_id),
            partition: id.partition,
            isr: changed(&self.isr, &partition.isr),
            elr: changed(&self.elr, &partition.elr),
            last_known_elr: changed(&self.last_known_elr, &partition.last_known_elr),
            leader: (self.leader != partition.leader).then_some(self.leader.0),
            leader_recovery_state: (self.recovery_state != partition.recovery_state)
                .then(|| self.recovery_state.into()),
            ..Default::default()
        }
    }
}
