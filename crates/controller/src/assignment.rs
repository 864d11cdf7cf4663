//! Who keeps a partition, and how that changes (rule 92).
//!
//! ```text
//! start     replicas = target ++ those to remove
//! complete  once every new replica is in the ISR, as many of the target as min.insync.replicas
//!           says, and all of it where there are fewer than before: replicas = target, and those
//!           to remove leave the ISR as well
//! cancel    replicas = those that are not new
//! ```
//!
//! What was acknowledged is on `min.insync.replicas` replicas at least. No removal leaves it on
//! fewer, but for one that a cancellation asks for.
//!
//! Each step gives an assignment and an ISR; what becomes of the leader is decided in
//! `election.rs`, in the same record.

use klamm_metadata::Partition;
use klamm_types::BrokerId;

/// Who keeps a partition.
///
/// ```text
/// adding ⊆ replicas      removing ⊆ replicas      adding ∩ removing = ∅
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Assignment {
    /// All replicas, the preferred leader first.
    pub(crate) replicas: Vec<BrokerId>,
    /// Those that a reassignment adds.
    pub(crate) adding: Vec<BrokerId>,
    /// Those that go when it ends.
    pub(crate) removing: Vec<BrokerId>,
}

/// An assignment, and the ISR that goes with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reassigned {
    pub(crate) assignment: Assignment,
    pub(crate) isr: Vec<BrokerId>,
}

impl Assignment {
    /// What a partition has.
    pub(crate) fn of(partition: &Partition) -> Assignment {
        Assignment {
            replicas: partition.replicas.clone(),
            adding: partition.adding_replicas.clone(),
            removing: partition.removing_replicas.clone(),
        }
    }

    /// Whether a reassignment is under way.
    pub(crate) fn is_changing(&self) -> bool {
        !self.adding.is_empty() || !self.removing.is_empty()
    }

    /// Who keeps the partition when the reassignment has ended.
    pub(crate) fn target(&self) -> Vec<BrokerId> {
        except(&self.replicas, &self.removing)
    }

    /// The first step towards `target`, which has no broker twice.
    ///
    /// Replicas that an earlier reassignment was adding are not among those to go back to. If they
    /// are not wanted any more they go at once; where fewer than `min_isr` others are in sync, those
    /// that have every committed record go in the end.
    pub(crate) fn toward(partition: &Partition, target: &[BrokerId], min_isr: usize) -> Reassigned {
        let origin = except(&partition.replicas, &partition.adding_replicas);
        let unwanted = except(&partition.adding_replicas, target);
        let old = except(&except(&partition.replicas, &unwanted), target);
        let in_sync = except(&partition.isr, &unwanted);
        let leaving = if is_enough(&in_sync, &[target, &old].concat(), min_isr) {
            unwanted
        } else {
            let lists = [&partition.isr, &partition.elr, &partition.last_known_elr];
            lists
                .iter()
                .fold(unwanted, |left, list| except(&left, list))
        };
        let isr = except(&partition.isr, &leaving);
        let removing = except(&except(&partition.replicas, &leaving), target);
        let assignment = Assignment {
            replicas: [target, &removing].concat(),
            adding: except(target, &origin),
            removing,
        };
        Reassigned { assignment, isr }
    }

    /// Back to where the reassignment began. The ISR may come out empty.
    pub(crate) fn cancelled(partition: &Partition) -> Reassigned {
        let adding = &partition.adding_replicas;
        Reassigned {
            assignment: Assignment {
                replicas: except(&partition.replicas, adding),
                adding: Vec::new(),
                removing: Vec::new(),
            },
            isr: except(&partition.isr, adding),
        }
    }

    /// The end of the reassignment, if the ISR allows it.
    pub(crate) fn completed(&self, isr: &[BrokerId], min_isr: usize) -> Option<Reassigned> {
        let has = |all: &[BrokerId], some: &[BrokerId]| some.iter().all(|id| all.contains(id));
        let (replicas, isr) = (self.target(), except(isr, &self.removing));
        let shrinks = self.adding.len() < self.removing.len();
        let is_done = self.is_changing()
            && is_enough(&isr, &replicas, min_isr)
            && has(&isr, &self.adding)
            && (!shrinks || has(&isr, &replicas));
        is_done.then(|| Reassigned {
            assignment: Assignment {
                replicas,
                adding: Vec::new(),
                removing: Vec::new(),
            },
            isr,
        })
    }
}

/// Whether an ISR is as large as `min.insync.replicas` says; more than there are replicas counts as
/// all of them.
fn is_enough(isr: &[BrokerId], replicas: &[BrokerId], min_isr: usize) -> bool {
    isr.len() >= min_isr.clamp(1, replicas.len().max(1))
}

/// The members of a list that are not in another, in their order.
fn except(list: &[BrokerId], others: &[BrokerId]) -> Vec<BrokerId> {
    let kept = list.iter().copied().filter(|id| !others.contains(id));
    kept.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use klamm_metadata::RecoveryState;
    use klamm_types::{LeaderEpoch, PartitionEpoch};

    fn ids(text: &str) -> Vec<BrokerId> {
        let numbers = text.split(',').filter(|id| !id.is_empty());
        numbers.map(|id| BrokerId(id.parse().unwrap())).collect()
    }

    fn text(ids: &[BrokerId]) -> String {
        let ids: Vec<_> = ids.iter().map(BrokerId::to_string).collect();
        ids.join(",")
    }

    /// `replicas +adding -removing isr`.
    fn partition(state: &str) -> Partition {
        let fields: Vec<_> = state.split(' ').collect();
        let list = |field: usize| ids(fields[field].trim_start_matches(['+', '-']));
        Partition {
            replicas: list(0),
            adding_replicas: list(1),
            removing_replicas: list(2),
            isr: list(3),
            elr: Vec::new(),
            last_known_elr: Vec::new(),
            leader: BrokerId::NONE,
            leader_epoch: LeaderEpoch(0),
            partition_epoch: PartitionEpoch(0),
            recovery_state: RecoveryState::Recovered,
            high_watermark_floor: 0,
            directories: Vec::new(),
        }
    }

    fn describe(reassigned: &Reassigned) -> String {
        let Reassigned { assignment, isr } = reassigned;
        format!(
            "{} +{} -{} {}",
            text(&assignment.replicas),
            text(&assignment.adding),
            text(&assignment.removing),
            text(isr)
        )
    }

    #[test]
    fn a_reassignment_begins_with_the_replicas_of_both_sides() {
        for (before, target, expected) in [
            (
                "1,2,3 + - 1,2,3",
                "4,5,6",
                "4,5,6,1,2,3 +4,5,6 -1,2,3 1,2,3",
            ),
            ("1,2,3 + - 1,2", "3,4", "3,4,1,2 +4 -1,2 1,2"),
            ("1,2,3 + - 1,2,3", "3,2,1", "3,2,1 + - 1,2,3"),
            ("1,2,3 + - 1,2,3", "1", "1,2,3 + -2,3 1,2,3"),
            ("1 + - 1", "1,2", "1,2 +2 - 1"),
            ("1,2 + - 1,2", "1,2", "1,2 + - 1,2"),
            // One that is under way: what it added and is not wanted any more goes at once.
            ("3,4,1,2 +3,4 -1,2 1,2,3", "4,5", "4,5,1,2 +4,5 -1,2 1,2"),
            ("3,4,1,2 +3,4 -1,2 1,2,3", "1,2", "1,2 + - 1,2"),
            ("3,4,1,2 +3,4 -1,2 1,2", "3,4,1,2", "3,4,1,2 +3,4 - 1,2"),
            // Nobody else is in sync.
            ("3,1,2 +3 -1,2 3", "1,4", "1,4,3,2 +4 -3,2 3"),
        ] {
            let reassigned = Assignment::toward(&partition(before), &ids(target), 1);
            assert_eq!(describe(&reassigned), expected, "{before} to {target}");
        }
    }

    #[test]
    fn what_is_not_wanted_any_more_stays_where_too_few_others_are_in_sync() {
        for (min_isr, before, expected) in [
            (1, "3,4,1,2 +3,4 -1,2 1,3", "5,1,2 +5 -1,2 1"),
            // 4 has nothing that counts.
            (2, "3,4,1,2 +3,4 -1,2 1,3", "5,3,1,2 +5 -3,1,2 1,3"),
            (2, "3,4,1,2 +3,4 -1,2 1,2,3", "5,1,2 +5 -1,2 1,2"),
            (9, "3,4,1,2 +3,4 -1,2 1,2,3", "5,3,1,2 +5 -3,1,2 1,2,3"),
        ] {
            let reassigned = Assignment::toward(&partition(before), &ids("5"), min_isr);
            assert_eq!(describe(&reassigned), expected, "{before}, {min_isr}");
        }
        // One replica had been enough; two are wanted now.
        let reassigned = Assignment::toward(&partition("2,1 +2 -1 1,2"), &ids("3,1"), 2);
        assert_eq!(describe(&reassigned), "3,1,2 +3 -2 1,2");
        let mut eligible = partition("3,4,1,2 +3,4 -1,2 1");
        eligible.elr = ids("3");
        let reassigned = Assignment::toward(&eligible, &ids("5"), 2);
        assert_eq!(describe(&reassigned), "5,3,1,2 +5 -3,1,2 1");
    }

    #[test]
    fn a_reassignment_ends_when_the_new_ones_are_in_sync() {
        for (before, isr, expected) in [
            ("1,2,3 + - 1,2,3", "1,2,3", None),
            ("4,1,2,3 +4 -1 1,2,3", "1,2,3", None),
            ("4,1,2,3 +4 -1 1,2,3", "1,4", Some("4,2,3 + - 4")),
            ("4,5,1,2 +4,5 -1,2 1,2", "1,2,4", None),
            ("4,5,1,2 +4,5 -1,2 1,2", "1,4,5", Some("4,5 + - 4,5")),
            ("1,2 +2 - 1", "1", None),
            ("1,2 +2 - 1", "1,2", Some("1,2 + - 1,2")),
            // With fewer than before all must be in sync, or what is left would be too few.
            ("1,2,3 + -3 1,3", "1,3", None),
            ("1,2,3 + -3 1,2", "1,2", Some("1,2 + - 1,2")),
            ("4,2,1,3 +4 -1,3 1,4", "1,4", None),
            ("4,2,1,3 +4 -1,3 1,4", "1,4,2", Some("4,2 + - 4,2")),
            // Nobody who stays is in sync.
            ("1,2 + -2 2", "2", None),
        ] {
            let assignment = Assignment::of(&partition(before));
            let completed = assignment.completed(&ids(isr), 1).as_ref().map(describe);
            assert_eq!(completed.as_deref(), expected, "{before} with {isr}");
        }
    }

    #[test]
    fn a_reassignment_waits_until_enough_of_those_who_stay_are_in_sync() {
        for (min_isr, isr, expected) in [
            (2, "1,2,4,5", Some("4,5,3 + - 4,5")),
            // What 1, 2 and 4 committed would be on 4 and 5 alone.
            (3, "1,2,4,5", None),
            (3, "1,4,5,3", Some("4,5,3 + - 4,5,3")),
            (9, "1,4,5,3", Some("4,5,3 + - 4,5,3")),
        ] {
            let assignment = Assignment::of(&partition("4,5,3,1,2 +4,5 -1,2 1,2,4"));
            let completed = assignment.completed(&ids(isr), min_isr);
            let completed = completed.as_ref().map(describe);
            assert_eq!(completed.as_deref(), expected, "{isr}, {min_isr}");
        }
    }

    #[test]
    fn cancelling_takes_out_the_new_ones() {
        for (before, expected) in [
            ("4,5,1,2 +4,5 -1,2 1,2,4", "1,2 + - 1,2"),
            ("3,4,1,2 +4 -1,2 3", "3,1,2 + - 3"),
            ("4,1 +4 -1 4", "1 + - "),
        ] {
            let cancelled = Assignment::cancelled(&partition(before));
            assert_eq!(describe(&cancelled), expected, "{before}");
        }
    }
}
