//! Between the numbers and bytes of records and the types of images.

use crate::{ReplayError, proto};
use klamm_types::{BrokerId, Uuid};

/// The id that `bytes` are; `field` names them in the error.
///
/// # Errors
/// [`ReplayError::BadId`] unless there are exactly 16 bytes.
pub fn uuid_from_bytes(bytes: &[u8], field: &'static str) -> Result<Uuid, ReplayError> {
    let length = bytes.len();
    Uuid::from_slice(bytes).ok_or(ReplayError::BadId { field, length })
}

/// The bytes of an id as records carry them.
pub fn uuid_bytes(id: Uuid) -> Vec<u8> {
    id.as_bytes().to_vec()
}

/// Broker ids out of the numbers of a record.
pub fn broker_ids(numbers: &[i32]) -> Vec<BrokerId> {
    numbers.iter().copied().map(BrokerId).collect()
}

/// The numbers of broker ids, for a record.
pub fn broker_numbers(ids: &[BrokerId]) -> Vec<i32> {
    ids.iter().map(|id| id.0).collect()
}

/// Every id of a list.
pub(crate) fn uuids_from_bytes(
    list: &[Vec<u8>],
    field: &'static str,
) -> Result<Vec<Uuid>, ReplayError> {
    list.iter()
        .map(|bytes| uuid_from_bytes(bytes, field))
        .collect()
}

impl From<&[BrokerId]> for proto::BrokerIds {
    fn from(ids: &[BrokerId]) -> Self {
        proto::BrokerIds {
            ids: broker_numbers(ids),
        }
    }
}

impl From<&[Uuid]> for proto::DirectoryIds {
    fn from(ids: &[Uuid]) -> Self {
        proto::DirectoryIds {
            ids: ids.iter().copied().map(uuid_bytes).collect(),
        }
    }
}

/// Wraps each kind of record, so that a record is written `record.into()`.
macro_rules! record_from {
    ($($variant:ident($kind:ident),)*) => {
        $(impl From<proto::$kind> for proto::Record {
            fn from(record: proto::$kind) -> Self {
                proto::Record { kind: Some(proto::record::Kind::$variant(record)) }
            }
        })*
    };
}

record_from! {
    Cluster(ClusterRecord),
    RegisterBroker(RegisterBrokerRecord),
    BrokerChange(BrokerChangeRecord),
    UnregisterBroker(UnregisterBrokerRecord),
    Topic(TopicRecord),
    Partition(PartitionRecord),
    PartitionChange(PartitionChangeRecord),
    RemoveTopic(RemoveTopicRecord),
    Config(ConfigRecord),
    ProducerIds(ProducerIdsRecord),
    HighWatermarkFloor(HighWatermarkFloorRecord),
    FeatureLevel(FeatureLevelRecord),
    RegisterController(RegisterControllerRecord),
    UnregisterController(UnregisterControllerRecord),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_sixteen_bytes() {
        let id = Uuid([7; 16]);
        assert_eq!(uuid_from_bytes(&uuid_bytes(id), "id"), Ok(id));
        for length in [0, 15, 17] {
            let error = ReplayError::BadId {
                field: "id",
                length,
            };
            assert_eq!(uuid_from_bytes(&vec![7; length], "id"), Err(error));
        }
    }
}
