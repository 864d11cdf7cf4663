//! A replica that is closer to a consumer than the leader (KIP-392, rule 66).

use crate::partition::Partition;
use klamm_metadata::Image;
use klamm_replica::Leader;
use klamm_types::BrokerId;
use std::cmp::Reverse;

/// A replica that a consumer could be sent to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Candidate<'a> {
    id: BrokerId,
    rack: Option<&'a str>,
    log_end_offset: i64,
    last_caught_up_ms: i64,
}

/// The replica in the consumer's rack that it had better read `fetch_offset` from, if this broker
/// leads the partition and is in another rack itself.
pub(super) fn preferred_replica(
    image: &Image,
    listener: &str,
    rack: &str,
    partition: &Partition,
    fetch_offset: i64,
) -> Option<BrokerId> {
    let leader_rack = image.broker(partition.broker_id())?.rack.as_deref();
    partition.with_leader(|leader| {
        let candidates = candidates(image, listener, leader, fetch_offset);
        closest(rack, leader_rack, candidates)
    })?
}

/// Members of the ISR that have the offset, and can be reached where the consumer comes from.
fn candidates<'a>(
    image: &'a Image,
    listener: &str,
    leader: &Leader,
    fetch_offset: i64,
) -> impl Iterator<Item = Candidate<'a>> {
    leader.followers().filter_map(move |(id, follower)| {
        let broker = image.broker(id).filter(|broker| broker.is_active())?;
        let has_offset =
            (follower.log_start_offset..=follower.log_end_offset).contains(&fetch_offset);
        let is_in_sync = leader.isr().committed().contains(&id);
        let is_one = has_offset && is_in_sync && broker.listener(listener).is_some();
        is_one.then_some(Candidate {
            id,
            rack: broker.rack.as_deref(),
            log_end_offset: follower.log_end_offset,
            last_caught_up_ms: follower.last_caught_up_ms,
        })
    })
}

/// The one in the rack that has most, the one caught up last of those; `None`: the leader.
fn closest<'a>(
    rack: &str,
    leader_rack: Option<&str>,
    candidates: impl Iterator<Item = Candidate<'a>>,
) -> Option<BrokerId> {
    if leader_rack == Some(rack) {
        return None;
    }
    candidates
        .filter(|candidate| candidate.rack == Some(rack))
        .max_by_key(|c| (c.log_end_offset, c.last_caught_up_ms, Reverse(c.id)))
        .map(|candidate| candidate.id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(id: i32, rack: &str, end: i64, caught_up_ms: i64) -> Candidate<'_> {
        Candidate {
            id: BrokerId(id),
            rack: Some(rack).filter(|rack| !rack.is_empty()),
            log_end_offset: end,
            last_caught_up_ms: caught_up_ms,
        }
    }

    #[test]
    fn the_fullest_replica_of_the_rack_is_preferred_unless_the_leader_is_there() {
        let replicas = [
            candidate(2, "a", 10, 5),
            candidate(3, "b", 8, 7),
            candidate(4, "b", 9, 1),
            candidate(5, "c", 9, 1),
            candidate(6, "c", 9, 2),
            candidate(7, "d", 9, 2),
            candidate(8, "d", 9, 2),
            candidate(9, "", 10, 9),
        ];
        for (rack, leader_rack, expected) in [
            ("a", None, Some(2)),
            ("a", Some("a"), None),
            ("a", Some("b"), Some(2)),
            ("b", Some("a"), Some(4)),
            ("c", Some("a"), Some(6)),
            ("d", Some("a"), Some(7)),
            ("e", Some("a"), None),
        ] {
            let found = closest(rack, leader_rack, replicas.into_iter());
            assert_eq!(found, expected.map(BrokerId), "{rack} {leader_rack:?}");
        }
    }
}
