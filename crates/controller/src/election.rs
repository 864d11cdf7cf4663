//! Who leads a partition, and who else could.
//!
//! Rules 87 to 89 and 92 of Kafka's controller with eligible leader replicas (KIP-966). While the ISR
//! is smaller than `min.insync.replicas` the high watermark stands still, hence replicas that
//! leave it then still have every committed record: they stay eligible (ELR).
//!
//! ```text
//! clean:    the leader stays if it can; else the first replica, in assignment order, in the
//!           ISR; else the first in the ELR, and the ISR is that replica
//! unclean:  only if allowed, or if the only replica lost its disk, and nobody of the above is
//!           active: any active replica, those that were eligible once first; ISR = {it}, RECOVERING, and the high watermark
//!           floor begins anew: what it vouched for may be lost
//! nobody:   no leader
//! ```
//!
//! Active is a replica whose broker is neither fenced nor stopping, and whose log directory is not
//! offline (rule 93).

use crate::{
    OnlineDirs,
    assignment::{Assignment, Reassigned},
};
use klamm_metadata::{Partition, RecoveryState, proto, uuid_bytes};
use klamm_types::{BrokerId, TopicPartition};

/// By what a partition's leader is chosen.
#[derive(Clone, Copy)]
pub struct Rules<'a> {
    /// Whether a broker may lead: neither fenced nor stopping.
    pub is_active: &'a dyn Fn(BrokerId) -> bool,
    /// Where replicas have a directory to live in.
    pub log_dirs: OnlineDirs<'a>,
    /// `min.insync.replicas`; more than there are replicas counts as all of them.
    pub min_isr: usize,
    /// `unclean.leader.election.enable`.
    pub unclean: bool,
    /// `flush.messages` is 1: a crash costs a replica nothing that counted as its own.
    pub flushes_before_ack: bool,
}

/// What a broker that comes back has lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// What was not flushed: it did not stop cleanly.
    Unflushed(BrokerId),
    /// Perhaps everything: its log directories are not those that were known, or it says itself
    /// that it cannot vouch for its copy.
    Disks(BrokerId),
}

/// What a change of a partition would lead to.
struct Next {
    assignment: Assignment,
    isr: Vec<BrokerId>,
    elr: Vec<BrokerId>,
    last_known_elr: Vec<BrokerId>,
    leader: BrokerId,
    recovery_state: RecoveryState,
    is_unclean: bool,
}

/// Gives a partition a new ISR, elects a leader if that takes one, and keeps the ELR.
///
/// `loss` costs a broker its place in the ELR, unless it has lost nothing that counted: where
/// replicas flush before they acknowledge, a crash takes nothing acknowledged with it. The last
/// candidate for leader keeps its place after a crash in any case: without others to ask it is
/// still the best there is. Other disks are no candidate at all.
///
/// `None`: nothing changes.
pub fn change_partition(
    id: TopicPartition,
    partition: &Partition,
    isr: Vec<BrokerId>,
    loss: Option<Loss>,
    rules: &Rules,
) -> Option<proto::PartitionChangeRecord> {
    let assignment = Assignment::of(partition);
    change_assignment(id, partition, Reassigned { assignment, isr }, loss, rules)
}

/// The same with other replicas. A reassignment that the ISR completes ends here.
pub(crate) fn change_assignment(
    id: TopicPartition,
    partition: &Partition,
    wanted: Reassigned,
    loss: Option<Loss>,
    rules: &Rules,
) -> Option<proto::PartitionChangeRecord> {
    let next = next_state(partition, wanted, loss, rules);
    next.differs(partition).then(|| next.record(id, partition))
}

fn next_state(
    partition: &Partition,
    wanted: Reassigned,
    loss: Option<Loss>,
    rules: &Rules,
) -> Next {
    let loss = loss.filter(|loss| !(rules.flushes_before_ack && loss.is_unflushed()));
    let completed = wanted.assignment.completed(&wanted.isr, rules.min_isr);
    let next = elect(partition, completed.unwrap_or(wanted), loss, rules);
    // Whoever was eligible may be all that the reassignment waited for.
    match next.assignment.completed(&next.isr, rules.min_isr) {
        Some(completed) if !next.is_unclean => elect(partition, completed, loss, rules),
        _ => next,
    }
}

fn elect(partition: &Partition, wanted: Reassigned, loss: Option<Loss>, rules: &Rules) -> Next {
    let Reassigned { assignment, isr } = wanted;
    let eligible = |isr: &[BrokerId]| eligible(partition, &assignment.replicas, isr, loss);
    let mut next = Next {
        elr: eligible(&isr),
        isr,
        assignment: assignment.clone(),
        last_known_elr: Vec::new(),
        leader: BrokerId::NONE,
        recovery_state: partition.recovery_state,
        is_unclean: false,
    };
    let is_active = |id| (rules.is_active)(id) && rules.log_dirs.has(partition, id);
    let first_active = |list: &[BrokerId]| {
        let mut replicas = assignment.replicas.iter().copied();
        replicas.find(|id| list.contains(id) && is_active(*id))
    };
    if next.isr.contains(&partition.leader) && is_active(partition.leader) {
        next.leader = partition.leader;
    } else if let Some(leader) = first_active(&next.isr) {
        next.leader = leader;
    } else if let Some(leader) = first_active(&next.elr) {
        next.leader = leader;
        next.isr = vec![leader];
        next.elr = eligible(&next.isr);
    } else if (rules.unclean || next.is_of_the_only_replica())
        && let Some(leader) =
            first_active(&partition.last_known_elr).or_else(|| first_active(&assignment.replicas))
    {
        // What the others have may differ from what this leader makes of the log.
        next.leader = leader;
        next.isr = vec![leader];
        next.elr.clear();
        next.recovery_state = RecoveryState::Recovering;
        next.is_unclean = true;
        return next;
    }
    if next.isr.len() >= rules.min_isr.clamp(1, assignment.replicas.len().max(1)) {
        next.elr.clear();
    } else {
        next.last_known_elr = in_order(&assignment.replicas, |id| {
            was_eligible(partition, id) && !next.isr.contains(&id) && !next.elr.contains(&id)
        });
    }
    next
}

/// Who is eligible outside the ISR as long as that is below the minimum.
fn eligible(
    partition: &Partition,
    replicas: &[BrokerId],
    isr: &[BrokerId],
    loss: Option<Loss>,
) -> Vec<BrokerId> {
    let was_candidate = |id: &BrokerId| partition.isr.contains(id) || partition.elr.contains(id);
    let elr = in_order(replicas, |id| {
        was_candidate(&id) && !isr.contains(&id) && loss.is_none_or(|loss| loss.of() != id)
    });
    match loss {
        Some(Loss::Unflushed(last)) if elr.is_empty() && isr.is_empty() => {
            Some(last).filter(was_candidate).into_iter().collect()
        }
        _ => elr,
    }
}

impl Loss {
    fn of(self) -> BrokerId {
        match self {
            Loss::Unflushed(id) | Loss::Disks(id) => id,
        }
    }

    fn is_unflushed(self) -> bool {
        matches!(self, Loss::Unflushed(_))
    }
}

fn was_eligible(partition: &Partition, id: BrokerId) -> bool {
    let lists = [&partition.isr, &partition.elr, &partition.last_known_elr];
    lists.iter().any(|list| list.contains(&id))
}

/// The replicas that `keep` keeps, in assignment order.
fn in_order(replicas: &[BrokerId], keep: impl Fn(BrokerId) -> bool) -> Vec<BrokerId> {
    replicas.iter().copied().filter(|id| keep(*id)).collect()
}

impl Next {
    /// Whether the only replica lost its disk: nobody is left whose records could be lost.
    fn is_of_the_only_replica(&self) -> bool {
        self.assignment.replicas.len() == 1 && self.isr.is_empty() && self.elr.is_empty()
    }

    fn differs(&self, partition: &Partition) -> bool {
        self.assignment != Assignment::of(partition)
            || self.isr != partition.isr
            || self.elr != partition.elr
            || self.last_known_elr != partition.last_known_elr
            || self.leader != partition.leader
            || self.recovery_state != partition.recovery_state
            || self.is_unclean
    }

    fn record(&self, id: TopicPartition, partition: &Partition) -> proto::PartitionChangeRecord {
        let changed = |new: &[BrokerId], old: &[BrokerId]| (new != old).then(|| new.into());
        let Assignment {
            replicas,
            adding,
            removing,
        } = &self.assignment;
        // What a removed replica still asks for is refused by its epoch.
        let removes_any = (partition.replicas.iter()).any(|id| !replicas.contains(id));
        proto::PartitionChangeRecord {
            topic_id: uuid_bytes(id.topic_id),
            partition: id.partition,
            replicas: changed(replicas, &partition.replicas),
            adding_replicas: changed(adding, &partition.adding_replicas),
            removing_replicas: changed(removing, &partition.removing_replicas),
            bump_leader_epoch: removes_any,
            isr: changed(&self.isr, &partition.isr),
            elr: changed(&self.elr, &partition.elr),
            last_known_elr: changed(&self.last_known_elr, &partition.last_known_elr),
            leader: (self.leader != partition.leader).then_some(self.leader.0),
            leader_recovery_state: (self.is_unclean
                || self.recovery_state != partition.recovery_state)
                .then(|| self.recovery_state.into()),
            high_watermark_floor: self.is_unclean.then_some(0),
            ..Default::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::lab::Lab;

    #[test]
    fn a_dead_leader_is_followed_by_the_next_of_the_isr() {
        Lab::with_topic().story(
            "
            fence 2   => 1 @0 isr 1,3
            fence 1   => 3 @1 isr 3
            unfence 1 => 3 @1 isr 3
            isr 3,1   => 3 @1 isr 3,1
            fence 3   => 1 @2 isr 1
            unfence 2 => 1 @2 isr 1
            ",
        );
    }

    #[test]
    fn the_last_of_the_isr_stays_eligible_and_leads_again() {
        Lab::with_topic().story(
            "
            fence 2   => 1 @0 isr 1,3
            fence 3   => 1 @0 isr 1
            fence 1   => - @1 isr  elr 1
            unfence 2 => - @1 isr  elr 1
            unfence 1 => 1 @2 isr 1
            ",
        );
    }

    #[test]
    fn below_the_minimum_whoever_leaves_stays_eligible() {
        // The high watermark stands still from the moment that 2 and 3 are out.
        Lab::with_topic().story(
            "
            set min.insync.replicas 2 => 1 @0 isr 1,2,3
            isr 1,2   => 1 @0 isr 1,2
            isr 1     => 1 @0 isr 1 elr 2
            fence 1   => 2 @1 isr 2 elr 1
            fence 2   => - @2 isr  elr 1,2
            unfence 1 => 1 @3 isr 1 elr 2
            isr 1,3   => 1 @3 isr 1,3
            ",
        );
    }

    #[test]
    fn more_required_than_there_are_replicas_means_all_of_them() {
        Lab::with_topic().story(
            "
            set min.insync.replicas 9 => 1 @0 isr 1,2,3
            isr 1,2   => 1 @0 isr 1,2 elr 3
            isr 1,2,3 => 1 @0 isr 1,2,3
            ",
        );
    }

    #[test]
    fn an_unclean_restart_costs_eligibility_but_for_the_last() {
        Lab::with_topic().story(
            "
            set min.insync.replicas 2 => 1 @0 isr 1,2,3
            isr 1,2           => 1 @0 isr 1,2
            fence 2           => 1 @0 isr 1 elr 2
            restart 1 unclean => - @1 isr  elr 2 known 1
            unfence 1         => - @1 isr  elr 2 known 1
            restart 2 unclean => - @1 isr  elr 2 known 1
            unfence 2         => 2 @2 isr 2 known 1
            isr 2,1           => 2 @2 isr 2,1
            ",
        );
    }

    #[test]
    fn a_clean_restart_costs_nothing() {
        Lab::with_topic().story(
            "
            set min.insync.replicas 3 => 1 @0 isr 1,2,3
            restart 1 clean   => 2 @1 isr 2,3 elr 1
            fence 2           => 3 @2 isr 3 elr 1,2
            fence 3           => - @3 isr  elr 1,2,3
            unfence 1         => 1 @4 isr 1 elr 2,3
            ",
        );
    }

    #[test]
    fn after_all_were_killed_whoever_comes_last_leads() {
        Lab::with_topic().story(
            "
            restart 3 unclean => 1 @0 isr 1,2
            restart 1 unclean => 2 @1 isr 2
            unfence 1         => 2 @1 isr 2
            restart 2 unclean => - @2 isr  elr 2
            unfence 2         => 2 @3 isr 2
            ",
        );
    }

    #[test]
    fn after_all_were_killed_two_suffice_where_replicas_flush_before_they_acknowledge() {
        Lab::with_topic().story(
            "
            set min.insync.replicas 2 => 1 @0 isr 1,2,3
            set flush.messages 1 => 1 @0 isr 1,2,3
            restart 1 unclean => 2 @1 isr 2,3
            unfence 1         => 2 @1 isr 2,3
            restart 2 unclean => 3 @2 isr 3 elr 2
            unfence 2         => 3 @2 isr 3 elr 2
            fence 3           => 2 @3 isr 2 elr 3
            isr 2,1           => 2 @3 isr 2,1
            ",
        );
    }

    #[test]
    fn a_broker_with_other_disks_is_no_candidate() {
        Lab::with_topic().story(
            "
            set flush.messages 1 => 1 @0 isr 1,2,3
            fence 2           => 1 @0 isr 1,3
            fence 3           => 1 @0 isr 1
            restart 1 emptied => - @1 isr  known 1
            unfence 1         => - @1 isr  known 1
            unfence 2         => - @1 isr  known 1
            set unclean.leader.election.enable true => 1 @2 isr 1 recovering
            ",
        );
    }

    #[test]
    fn the_only_replica_goes_on_with_an_empty_disk() {
        let mut lab = Lab::new(1);
        lab.create("t", &[&[1]]);
        lab.story(
            "
            report 5          => 1 @0 isr 1 floor 5
            restart 1 emptied => - @1 isr  known 1 floor 5
            unfence 1         => 1 @2 isr 1 recovering
            ",
        );
    }

    #[test]
    fn an_unclean_election_takes_anybody_and_says_so() {
        Lab::with_topic().story(
            "
            isr 1 at 90       => 1 @0 isr 1 floor 90
            set unclean.leader.election.enable true => 1 @0 isr 1 floor 90
            fence 1           => 2 @1 isr 2 recovering
            unfence 1         => 2 @1 isr 2 recovering
            isr 2 at 7        => 2 @1 isr 2 floor 7
            isr 2,1           => 2 @1 isr 2,1 floor 7
            ",
        );
    }

    #[test]
    fn an_unclean_election_waits_for_somebody_active() {
        Lab::with_topic().story(
            "
            fence 2           => 1 @0 isr 1,3
            fence 3           => 1 @0 isr 1
            set unclean.leader.election.enable true => 1 @0 isr 1
            fence 1           => - @1 isr  elr 1
            unfence 3         => 3 @2 isr 3 recovering
            fence 3           => - @3 isr  elr 3 recovering
            unfence 3         => 3 @4 isr 3 recovering
            ",
        );
    }

    #[test]
    fn allowing_unclean_elections_holds_them() {
        Lab::with_topic().story(
            "
            isr 1     => 1 @0 isr 1
            fence 1   => - @1 isr  elr 1
            set unclean.leader.election.enable false => - @1 isr  elr 1
            set unclean.leader.election.enable true  => 2 @2 isr 2 recovering
            ",
        );
    }

    #[test]
    fn another_minimum_ends_eligibility_while_somebody_leads() {
        Lab::with_topic().story(
            "
            set min.insync.replicas 3 => 1 @0 isr 1,2,3
            isr 1                     => 1 @0 isr 1 elr 2,3
            set min.insync.replicas 1 => 1 @0 isr 1
            set min.insync.replicas 2 => 1 @0 isr 1
            fence 1                   => - @1 isr  elr 1
            set min.insync.replicas 1 => - @1 isr  elr 1
            unfence 1                 => 1 @2 isr 1
            ",
        );
    }
}
