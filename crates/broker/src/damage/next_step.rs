//! What a broker does next about a partition that it cannot vouch for.

use klamm_metadata::Partition;
use klamm_types::{BrokerId, LeaderEpoch};

/// The next step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NextStep {
    /// Others count on this replica: they are told not to.
    Resign,
    /// Get from the leader what is missing.
    Heal(BrokerId, LeaderEpoch),
    /// Nobody leads.
    Wait,
    /// There is nothing to do.
    Nothing,
}

/// Decides. `is_damaged`: the log has damage. `has_refused`: the replica was to lead and did not,
/// since its log ends before what was committed.
pub(super) fn next_step(
    me: BrokerId,
    partition: &Partition,
    is_damaged: bool,
    has_refused: bool,
) -> NextStep {
    let is_leader = partition.leader == me;
    let has_refused = has_refused && is_leader;
    if !is_damaged && !has_refused {
        return NextStep::Nothing;
    }
    if is_leader || partition.isr.contains(&me) || partition.elr.contains(&me) {
        return NextStep::Resign;
    }
    match partition.leader.some() {
        Some(leader) => NextStep::Heal(leader, partition.leader_epoch),
        None => NextStep::Wait,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use klamm_metadata::RecoveryState;
    use klamm_types::PartitionEpoch;

    const ME: BrokerId = BrokerId(1);

    fn partition(leader: i32, isr: &[i32], elr: &[i32]) -> Partition {
        let ids = |ids: &[i32]| ids.iter().copied().map(BrokerId).collect::<Vec<_>>();
        Partition {
            replicas: ids(&[1, 2, 3]),
            isr: ids(isr),
            elr: ids(elr),
            leader: BrokerId(leader),
            leader_epoch: LeaderEpoch(7),
            partition_epoch: PartitionEpoch(9),
            last_known_elr: Vec::new(),
            adding_replicas: Vec::new(),
            removing_replicas: Vec::new(),
            recovery_state: RecoveryState::Recovered,
            high_watermark_floor: 0,
            directories: Vec::new(),
        }
    }

    #[test]
    fn first_others_stop_counting_on_it_then_it_heals() {
        let heal = NextStep::Heal(BrokerId(2), LeaderEpoch(7));
        for (leader, isr, elr, is_damaged, has_refused, expected) in [
            (1, &[1, 2][..], &[][..], true, false, NextStep::Resign),
            (1, &[1, 2], &[], false, true, NextStep::Resign),
            (1, &[1, 2], &[], false, false, NextStep::Nothing),
            (2, &[1, 2], &[], false, true, NextStep::Nothing),
            (2, &[1, 2], &[], true, false, NextStep::Resign),
            (2, &[2], &[1], true, false, NextStep::Resign),
            (2, &[2, 3], &[], true, false, heal),
            (2, &[2, 3], &[], false, false, NextStep::Nothing),
            (-1, &[], &[2], true, false, NextStep::Wait),
        ] {
            let partition = partition(leader, isr, elr);
            let step = next_step(ME, &partition, is_damaged, has_refused);
            assert_eq!(step, expected, "{partition:?} {is_damaged} {has_refused}");
        }
    }
}
