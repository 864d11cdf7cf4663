//! The vocabulary of Klamm: ids, epochs and error codes.
//!
//! A newtype stands here for every number that could be mistaken for another. Offsets are
//! plain `i64` everywhere, named `…_offset`; sizes carry their unit in the name. Types that
//! belong to one interface live beside that interface, not here.

mod error_code;
mod ids;
mod uuid;

pub use error_code::ErrorCode;
pub use ids::{
    BrokerEpoch, BrokerId, LeaderEpoch, PartitionEpoch, ProducerEpoch, ProducerId, TopicPartition,
};
pub use uuid::{ParseUuidError, Uuid};
