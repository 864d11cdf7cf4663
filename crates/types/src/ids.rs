//! Ids and epochs.

use crate::Uuid;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Declares a number that must not be mistaken for another.
macro_rules! id {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize,
            Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(pub $inner);

        impl $name {
            /// Kafka's "there is none": −1.
            pub const NONE: $name = $name(-1);

            /// Whether this stands for "there is none": any negative number.
            pub const fn is_none(self) -> bool {
                self.0 < 0
            }

            /// The number as it travels, −1 standing for none.
            pub const fn get(self) -> $inner {
                self.0
            }

            /// `None` where this stands for "there is none".
            pub fn some(self) -> Option<$name> {
                (!self.is_none()).then_some(self)
            }
        }

        impl From<$inner> for $name {
            fn from(value: $inner) -> Self {
                $name(value)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id! {
    /// A node: brokers and controllers share one number space (`node.id`, 0 or more).
    BrokerId(i32)
}
id! {
    /// Counts the leaders of a partition. Bumped on every change of leader.
    LeaderEpoch(i32)
}
id! {
    /// Counts the changes of a partition's state. Bumped on every change, ISR changes included.
    PartitionEpoch(i32)
}
id! {
    /// One registration of a broker: the metadata offset of its registration record (KIP-631).
    BrokerEpoch(i64)
}
id! {
    /// An idempotent or transactional producer (KIP-98).
    ProducerId(i64)
}
id! {
    /// Fences earlier incarnations of the same [`ProducerId`].
    ProducerEpoch(i16)
}

impl LeaderEpoch {
    /// The epoch of the next leader.
    pub const fn next(self) -> LeaderEpoch {
        LeaderEpoch(self.0 + 1)
    }
}

impl PartitionEpoch {
    /// The epoch of the next state.
    pub const fn next(self) -> PartitionEpoch {
        PartitionEpoch(self.0 + 1)
    }
}

/// A partition by the id of its topic: stays unique when a topic is deleted and made again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TopicPartition {
    /// The topic.
    pub topic_id: Uuid,
    /// The index of the partition, 0 or more.
    pub partition: i32,
}

impl fmt::Display for TopicPartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.topic_id, self.partition)
    }
}
