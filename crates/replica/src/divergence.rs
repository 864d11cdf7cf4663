//! Where a follower's log parts from its leader's, and how far it is cut back.

use klamm_types::LeaderEpoch;

/// The end of an epoch in some log: the first offset that does not belong to it or to an
/// earlier one. `epoch` is the largest one known that is not above the one asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EpochEnd {
    /// The epoch that the offset belongs to; [`LeaderEpoch::NONE`] if none is known.
    pub epoch: LeaderEpoch,
    /// Its end offset, −1 if none is known.
    pub end_offset: i64,
}

impl EpochEnd {
    /// No epoch at or below the one asked for is known.
    pub const UNKNOWN: EpochEnd = EpochEnd {
        epoch: LeaderEpoch::NONE,
        end_offset: -1,
    };
}

/// What a leader tells a follower that asks for `fetch_offset` and says that the record before
/// it is of `last_fetched_epoch` (KIP-595, rule 68): `Some` if the leader's log does not hold
/// that record. `leader` is the end of `last_fetched_epoch` in the leader's log.
pub fn diverging_epoch(
    leader: EpochEnd,
    last_fetched_epoch: LeaderEpoch,
    fetch_offset: i64,
) -> Option<EpochEnd> {
    let diverges = leader.epoch < last_fetched_epoch || leader.end_offset < fetch_offset;
    diverges.then_some(leader)
}

/// The offset that a follower truncates its log to when the leader answers that `leader` is the
/// end of the follower's last epoch there.
///
/// `local` is the end, in the follower's log, of the epoch that the leader named. A follower
/// that does not know that epoch cuts back to the end of the epoch before it and asks again:
/// each round drops at least one epoch, so the logs meet after as many rounds as they differ in
/// epochs.
pub fn truncation_offset(
    leader: EpochEnd,
    local: EpochEnd,
    log_end_offset: i64,
    high_watermark: i64,
) -> i64 {
    if leader.end_offset < 0 {
        // The leader knows nothing of our epochs: only what was committed is sure.
        return high_watermark.min(log_end_offset);
    }
    if local.end_offset < 0 {
        return leader.end_offset.min(log_end_offset);
    }
    if local.epoch != leader.epoch {
        return local.end_offset.min(log_end_offset);
    }
    local.end_offset.min(leader.end_offset).min(log_end_offset)
}

/// What a follower does when the leader answers OFFSET_OUT_OF_RANGE (rule 79).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutOfRange {
    /// The leader's log ends before ours: cut ours back to its end.
    TruncateTo(i64),
    /// The leader has deleted what we would need next: start anew at its start.
    StartAnewAt(i64),
    /// The ranges overlap by now: go on from our end.
    Retry,
}

/// Decides on [`OutOfRange`] from the leader's present range and the follower's log end.
pub fn out_of_range(
    leader_start_offset: i64,
    leader_end_offset: i64,
    log_end_offset: i64,
) -> OutOfRange {
    if leader_end_offset < log_end_offset {
        OutOfRange::TruncateTo(leader_end_offset)
    } else if leader_start_offset > log_end_offset {
        OutOfRange::StartAnewAt(leader_start_offset)
    } else {
        OutOfRange::Retry
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(epoch: i32, end_offset: i64) -> EpochEnd {
        EpochEnd {
            epoch: LeaderEpoch(epoch),
            end_offset,
        }
    }

    #[test]
    fn a_follower_that_is_a_prefix_does_not_diverge() {
        assert_eq!(diverging_epoch(end(4, 10), LeaderEpoch(4), 10), None);
        assert_eq!(diverging_epoch(end(4, 10), LeaderEpoch(4), 3), None);
    }

    #[test]
    fn a_longer_epoch_or_an_unknown_epoch_diverges() {
        assert_eq!(
            diverging_epoch(end(4, 10), LeaderEpoch(4), 11),
            Some(end(4, 10))
        );
        assert_eq!(
            diverging_epoch(end(3, 10), LeaderEpoch(4), 8),
            Some(end(3, 10))
        );
        assert_eq!(
            diverging_epoch(EpochEnd::UNKNOWN, LeaderEpoch(4), 8),
            Some(EpochEnd::UNKNOWN)
        );
    }

    #[test]
    fn truncation_meets_the_leader() {
        // Both know the epoch: the shorter one decides.
        assert_eq!(truncation_offset(end(4, 10), end(4, 15), 15, 5), 10);
        assert_eq!(truncation_offset(end(4, 15), end(4, 12), 20, 5), 12);
        // We do not know the leader's epoch: drop everything after the one before it.
        assert_eq!(truncation_offset(end(3, 10), end(2, 7), 15, 5), 7);
        // The leader knows none of ours: only the committed part is sure.
        assert_eq!(truncation_offset(EpochEnd::UNKNOWN, end(2, 7), 15, 5), 5);
        // We know none at all.
        assert_eq!(truncation_offset(end(3, 10), EpochEnd::UNKNOWN, 15, 0), 10);
    }

    #[test]
    fn out_of_range_cuts_back_or_starts_anew() {
        assert_eq!(out_of_range(0, 10, 12), OutOfRange::TruncateTo(10));
        assert_eq!(out_of_range(20, 30, 12), OutOfRange::StartAnewAt(20));
        assert_eq!(out_of_range(5, 30, 12), OutOfRange::Retry);
    }
}
