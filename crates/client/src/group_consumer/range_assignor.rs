//! How the leader of a group shares out partitions: Kafka's "range" strategy.

use std::collections::{BTreeMap, BTreeSet};

/// Partitions of one member: topic → indexes.
pub(super) type Share = BTreeMap<String, Vec<i32>>;

/// Gives each member that wants a topic a contiguous range of its partitions; the first members in the order of
/// their ids get one more if they do not divide evenly. Partitions are counted from zero.
pub(super) fn assign(
    members: &BTreeMap<String, BTreeSet<String>>,
    partition_counts: &BTreeMap<String, i32>,
) -> BTreeMap<String, Share> {
    let mut shares: BTreeMap<String, Share> = members
        .keys()
        .map(|member| (member.clone(), Share::new()))
        .collect();
    for (topic, count) in partition_counts {
        let wanting: Vec<&String> = members
            .iter()
            .filter(|(_, topics)| topics.contains(topic))
            .map(|(member, _)| member)
            .collect();
        let mut next = 0;
        for (place, member) in (0..).zip(&wanting) {
            let (each, extra) = divide(*count, wanting.len());
            let size = each + i32::from(place < extra);
            let share = shares.get_mut(*member).filter(|_| size > 0);
            if let Some(share) = share {
                share.insert(topic.clone(), (next..next + size).collect());
            }
            next += size;
        }
    }
    shares
}

fn divide(count: i32, members: usize) -> (i32, i32) {
    let members = i32::try_from(members).unwrap_or(i32::MAX).max(1);
    (count / members, count % members)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(
        members: &[(&str, &[&str])],
        counts: &[(&str, i32)],
        expected: &[(&str, &str, &[i32])],
    ) {
        let members = members
            .iter()
            .map(|(id, topics)| {
                (
                    id.to_string(),
                    topics.iter().map(ToString::to_string).collect(),
                )
            })
            .collect();
        let counts = counts
            .iter()
            .map(|(topic, count)| (topic.to_string(), *count))
            .collect();
        let shares = assign(&members, &counts);
        assert_eq!(shares.len(), members.len(), "everybody gets an answer");
        let flat: Vec<(&str, &str, &[i32])> = shares
            .iter()
            .flat_map(|(id, share)| share.iter().map(move |(t, p)| (&id[..], &t[..], &p[..])))
            .collect();
        assert_eq!(flat, expected);
    }

    #[test]
    fn ranges_are_contiguous_and_the_first_members_get_more() {
        check(
            &[("a", &["t"]), ("b", &["t"])],
            &[("t", 5)],
            &[("a", "t", &[0, 1, 2]), ("b", "t", &[3, 4])],
        );
    }

    #[test]
    fn members_get_nothing_of_topics_they_do_not_want_or_that_are_too_small() {
        check(
            &[("a", &["t"]), ("b", &["t", "u"]), ("c", &["t"])],
            &[("t", 2), ("u", 1)],
            &[("a", "t", &[0]), ("b", "t", &[1]), ("b", "u", &[0])],
        );
    }
}
