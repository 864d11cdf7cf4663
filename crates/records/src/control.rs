//! Control records: what brokers write into a log beside the data.

use crate::batch::NO_SEQUENCE;
use crate::builder::{BatchBuilder, BuildError};
use crate::record::Record;
use bytes::Bytes;
use klamm_types::{LeaderEpoch, ProducerEpoch, ProducerId};

const KEY_VERSION: i16 = 0;
const MARKER_VERSION: i16 = 0;

/// What a control record says, by its key. Readers skip types they do not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ControlRecordType {
    /// A transaction was aborted.
    Abort,
    /// A transaction was committed.
    Commit,
    /// Anything a later version may write.
    Unknown(i16),
}

impl ControlRecordType {
    /// The type that the key of a control record names; `None` if it is not such a key.
    pub fn from_key(key: &[u8]) -> Option<ControlRecordType> {
        let (_version, rest) = key.split_first_chunk::<2>()?;
        let kind = i16::from_be_bytes(*rest.first_chunk()?);
        Some(match kind {
            0 => ControlRecordType::Abort,
            1 => ControlRecordType::Commit,
            other => ControlRecordType::Unknown(other),
        })
    }

    /// The number in the key.
    pub const fn id(self) -> i16 {
        match self {
            ControlRecordType::Abort => 0,
            ControlRecordType::Commit => 1,
            ControlRecordType::Unknown(id) => id,
        }
    }

    /// The key of a control record of this type.
    pub fn key(self) -> [u8; 4] {
        let ([a, b], [c, d]) = (KEY_VERSION.to_be_bytes(), self.id().to_be_bytes());
        [a, b, c, d]
    }
}

/// The end of a transaction in one partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndTransactionMarker {
    /// Whether the transaction was committed; aborted otherwise.
    pub committed: bool,
    /// Epoch of the coordinator that decided.
    pub coordinator_epoch: i32,
}

impl EndTransactionMarker {
    /// The marker that the record of a control batch holds; `None` if it holds something else.
    pub fn from_record(record: &Record) -> Option<EndTransactionMarker> {
        let committed = match ControlRecordType::from_key(record.key.as_deref()?)? {
            ControlRecordType::Commit => true,
            ControlRecordType::Abort => false,
            ControlRecordType::Unknown(_) => return None,
        };
        let (_version, rest) = record.value.as_deref()?.split_first_chunk::<2>()?;
        let coordinator_epoch = i32::from_be_bytes(*rest.first_chunk()?);
        Some(EndTransactionMarker {
            committed,
            coordinator_epoch,
        })
    }

    /// A control batch of this one marker, its timestamp in ms.
    ///
    /// # Errors
    /// None in practice; the batch is far from any limit.
    pub fn batch(
        self,
        base_offset: i64,
        leader_epoch: LeaderEpoch,
        producer_id: ProducerId,
        producer_epoch: ProducerEpoch,
        timestamp: i64,
    ) -> Result<Bytes, BuildError> {
        let kind = if self.committed {
            ControlRecordType::Commit
        } else {
            ControlRecordType::Abort
        };
        let mut value = [0; 6];
        value[..2].copy_from_slice(&MARKER_VERSION.to_be_bytes());
        value[2..].copy_from_slice(&self.coordinator_epoch.to_be_bytes());
        let mut builder = BatchBuilder::new(base_offset)
            .leader_epoch(leader_epoch)
            .producer(producer_id, producer_epoch, NO_SEQUENCE)
            .transactional(true)
            .control(true);
        builder.append(timestamp, Some(&kind.key()), Some(&value), &[]);
        builder.build()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Records;

    #[test]
    fn markers_round_trip() {
        for committed in [true, false] {
            let marker = EndTransactionMarker {
                committed,
                coordinator_epoch: 12,
            };
            let batch = marker
                .batch(7, LeaderEpoch(2), ProducerId(5), ProducerEpoch(1), 1_000)
                .unwrap();
            let (header, mut records) = Records::of_batch(&batch, 0).unwrap();
            assert!(header.is_control && header.is_transactional);
            let record = records.next().unwrap().unwrap();
            assert_eq!(record.value.as_deref(), Some(&[0, 0, 0, 0, 0, 12][..]));
            assert_eq!(EndTransactionMarker::from_record(&record), Some(marker));
        }
    }

    #[test]
    fn unknown_types_are_kept_apart() {
        let kind = ControlRecordType::from_key(&[0, 0, 0, 9]);
        assert_eq!(kind, Some(ControlRecordType::Unknown(9)));
        assert_eq!(ControlRecordType::from_key(&[0, 0, 0]), None);
    }
}
