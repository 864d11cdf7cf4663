//! Which replicas of a topic are copied with throttling (KIP-73).

use crate::config_value::list_elements;

/// The value of `leader.replication.throttled.replicas` or its counterpart of followers.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum ThrottledReplicas {
    /// None.
    #[default]
    None,
    /// `*`: those of all partitions on all brokers.
    All,
    /// These pairs of a partition and a broker, in ascending order.
    Listed(Vec<(i32, i32)>),
}

impl ThrottledReplicas {
    /// Takes a list that has been validated; elements that are no pair are passed over.
    pub(crate) fn from_list(value: &str) -> ThrottledReplicas {
        if list_elements(value).any(|element| element == "*") {
            return ThrottledReplicas::All;
        }
        let pair = |element: &str| {
            let (partition, broker) = element.split_once(':')?;
            Some((partition.trim().parse().ok()?, broker.trim().parse().ok()?))
        };
        let mut pairs: Vec<(i32, i32)> = list_elements(value).filter_map(pair).collect();
        pairs.sort_unstable();
        match pairs.is_empty() {
            true => ThrottledReplicas::None,
            false => ThrottledReplicas::Listed(pairs),
        }
    }

    /// Whether a broker's replica of a partition is one of them.
    pub fn contains(&self, partition: i32, broker: i32) -> bool {
        match self {
            ThrottledReplicas::None => false,
            ThrottledReplicas::All => true,
            ThrottledReplicas::Listed(pairs) => pairs.binary_search(&(partition, broker)).is_ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_name_pairs_of_partition_and_broker_or_everything() {
        for (value, expected) in [
            ("", [false, false, false]),
            ("*", [true, true, true]),
            ("0:1", [true, false, false]),
            ("1:2, 0:2,0:1", [true, false, true]),
            ("7:7", [false, false, false]),
        ] {
            let throttled = ThrottledReplicas::from_list(value);
            let found = [(0, 1), (1, 1), (1, 2)].map(|(p, b)| throttled.contains(p, b));
            assert_eq!(found, expected, "{value:?}");
        }
    }
}
