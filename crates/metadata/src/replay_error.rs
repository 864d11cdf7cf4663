//! Records that do not fit, and batches that fall away.

use klamm_types::{BrokerEpoch, BrokerId, TopicPartition, Uuid};

/// A record that does not fit the image it is replayed into.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    /// The record is of a kind that this version does not know.
    #[error("a record of a kind that this release does not know")]
    UnknownKind,
    /// An id is not 16 bytes long.
    #[error("{field}: an id of {length} bytes instead of 16")]
    BadId {
        /// The record's field.
        field: &'static str,
        /// How many bytes it has.
        length: usize,
    },
    /// A number is out of its range.
    #[error("{field}: {value} is out of range")]
    BadNumber {
        /// The record's field.
        field: &'static str,
        /// What it says.
        value: i64,
    },
    /// The cluster has another id already.
    #[error("the cluster's id is {existing} already")]
    ClusterIdExists {
        /// The id it has.
        existing: String,
    },
    /// No such broker is registered.
    #[error("broker {0} is not registered")]
    UnknownBroker(BrokerId),
    /// The record is about an earlier or later registration of the broker.
    #[error("broker {broker} has epoch {registered}, not {epoch}")]
    StaleBrokerEpoch {
        /// The broker.
        broker: BrokerId,
        /// The record's epoch.
        epoch: BrokerEpoch,
        /// The image's.
        registered: BrokerEpoch,
    },
    /// There is no such topic.
    #[error("no topic has the id {0}")]
    UnknownTopic(Uuid),
    /// A topic of that name or id exists.
    #[error("topic {name} ({id}) exists already")]
    TopicExists {
        /// The record's name.
        name: String,
        /// The record's id.
        id: Uuid,
    },
    /// There is no such partition.
    #[error("there is no partition {0}")]
    UnknownPartition(TopicPartition),
    /// A new partition does not follow on the last one.
    #[error("partition {partition} does not follow on {count} partitions")]
    PartitionOutOfOrder {
        /// The record's partition.
        partition: TopicPartition,
        /// How many partitions the topic has.
        count: usize,
    },
    /// The partition would break an invariant of [`Partition`](crate::Partition).
    #[error("partition {partition}: {reason}")]
    InvalidPartition {
        /// The partition.
        partition: TopicPartition,
        /// Which invariant.
        reason: &'static str,
    },
    /// A number that only grows would fall.
    #[error("{field}: {to} is below {from}")]
    Fell {
        /// The record's field.
        field: &'static str,
        /// The image's number.
        from: i64,
        /// The record's.
        to: i64,
    },
}

/// A batch that was not applied.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApplyError {
    /// The batch was decided on another image: it falls away.
    #[error("the batch was decided at offset {base_offset}, the image is at {offset}")]
    StaleBase {
        /// The batch's.
        base_offset: i64,
        /// The image's.
        offset: i64,
    },
    /// One of its records cannot be replayed.
    #[error("replay record {index} of the batch: {error}")]
    Replay {
        /// Which record, from 0.
        index: usize,
        /// Why.
        #[source]
        error: ReplayError,
    },
}

impl ApplyError {
    /// Whether a newer release has written what this one does not know: others apply it.
    pub fn is_of_newer_release(&self) -> bool {
        let unknown = ReplayError::UnknownKind;
        matches!(self, ApplyError::Replay { error, .. } if *error == unknown)
    }
}
