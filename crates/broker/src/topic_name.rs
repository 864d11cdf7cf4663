//! Names of topics: which are allowed, and which are the broker's own.

/// Offsets and memberships of groups.
pub(crate) const CONSUMER_OFFSETS: &str = "__consumer_offsets";

/// The metadata of the cluster. Only DescribeQuorum speaks of it as of a topic.
pub(crate) const CLUSTER_METADATA: &str = "__cluster_metadata";

/// Topics that the coordinators write; clients may only read them.
const INTERNAL: [&str; 3] = [
    CONSUMER_OFFSETS,
    "__transaction_state",
    "__share_group_state",
];

/// The longest name: with its partition's number it must fit a file name.
const NAME_BYTES_MAX: usize = 249;

/// Whether the topic belongs to a coordinator.
pub(crate) fn is_internal(name: &str) -> bool {
    INTERNAL.contains(&name)
}

/// Whether a topic may have this name (rule 22).
pub(crate) fn is_valid(name: &str) -> bool {
    let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    !name.is_empty()
        && name.len() <= NAME_BYTES_MAX
        && !matches!(name, "." | "..")
        && name.bytes().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked_as_kafka_checks_them() {
        let longest = "x".repeat(NAME_BYTES_MAX);
        for good in ["a", "A-1_b.c", "...", CONSUMER_OFFSETS, &longest] {
            assert!(is_valid(good), "{good}");
        }
        let too_long = "x".repeat(NAME_BYTES_MAX + 1);
        for bad in ["", ".", "..", "a b", "a/b", "ä", "a\0", &too_long] {
            assert!(!is_valid(bad), "{bad}");
        }
    }
}
