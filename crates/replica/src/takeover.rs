//! Whether a replica that was elected leads, and from which high watermark on.

/// What an elected replica does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takeover {
    /// It leads; its high watermark starts here.
    Lead {
        /// Not above the log's end.
        high_watermark: i64,
    },
    /// It does not: its log has lost what was committed, and followers would truncate to it.
    Refuse,
}

/// How far the log of an elected replica must reach: what the quorum knows to be committed
/// (`quorum_floor`), and what the replica itself has once recorded as committed (`recorded`). An
/// unclean election has given that up.
pub fn committed_floor(quorum_floor: i64, recorded: i64, is_recovering: bool) -> i64 {
    if is_recovering {
        quorum_floor
    } else {
        quorum_floor.max(recorded)
    }
}

/// Decides for a log that ends at `log_end_offset`, of a replica that knew `high_watermark` as a
/// follower.
///
/// Nobody else will ever have what the only one of all `replicas` has lost, so that one leads.
pub fn take_over(
    log_end_offset: i64,
    high_watermark: i64,
    floor: i64,
    replicas: usize,
) -> Takeover {
    if log_end_offset < floor && replicas > 1 {
        return Takeover::Refuse;
    }
    Takeover::Lead {
        high_watermark: high_watermark.max(floor.min(log_end_offset)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_larger_of_what_is_known_to_be_committed_counts() {
        assert_eq!(committed_floor(5, 7, false), 7);
        assert_eq!(committed_floor(7, 5, false), 7);
        assert_eq!(committed_floor(0, 7, true), 0, "given up");
    }

    #[test]
    fn a_log_that_has_lost_its_end_is_led_from_by_the_only_replica_alone() {
        let lead = |high_watermark| Takeover::Lead { high_watermark };
        // (log end, high watermark, floor, replicas)
        let table = [
            ((9, 4, 0, 3), lead(4)),
            ((9, 4, 6, 3), lead(6)),
            ((9, 4, 9, 3), lead(9)),
            ((9, 4, 10, 3), Takeover::Refuse),
            ((9, 4, 10, 1), lead(9)),
        ];
        for ((end, high_watermark, floor, replicas), expected) in table {
            let decided = take_over(end, high_watermark, floor, replicas);
            assert_eq!(
                decided, expected,
                "{end} {high_watermark} {floor} {replicas}"
            );
        }
    }
}
