//! What a follower learns of its leader's state, and what fetches of other epochs are told.

use klamm_types::{ErrorCode, LeaderEpoch};

/// The high watermark of a follower whose log ends at `log_end_offset` and follows on from the
/// leader's: nothing that it does not have counts as committed here, and it never goes back.
pub fn follower_high_watermark(own: i64, leaders: i64, log_end_offset: i64) -> i64 {
    own.max(leaders.min(log_end_offset))
}

/// Compares the epoch that a client or follower believes in with the one that this replica knows
/// (rule 67); who does not say is not checked.
///
/// # Errors
/// FENCED_LEADER_EPOCH for an earlier epoch, UNKNOWN_LEADER_EPOCH for a later one.
pub fn check_leader_epoch(asked: LeaderEpoch, known: LeaderEpoch) -> Result<(), ErrorCode> {
    if asked.is_none() || asked == known {
        Ok(())
    } else if asked < known {
        Err(ErrorCode::FencedLeaderEpoch)
    } else {
        Err(ErrorCode::UnknownLeaderEpoch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_follower_knows_as_committed_what_it_has() {
        assert_eq!(follower_high_watermark(3, 9, 7), 7);
        assert_eq!(follower_high_watermark(3, 5, 7), 5);
        assert_eq!(follower_high_watermark(5, 3, 7), 5);
    }

    #[test]
    fn other_epochs_are_told_apart() {
        let check = |asked| check_leader_epoch(LeaderEpoch(asked), LeaderEpoch(4));
        assert_eq!(check(-1), Ok(()));
        assert_eq!(check(3), Err(ErrorCode::FencedLeaderEpoch));
        assert_eq!(check(4), Ok(()));
        assert_eq!(check(5), Err(ErrorCode::UnknownLeaderEpoch));
    }
}
