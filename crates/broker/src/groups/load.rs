//! Loading a shard from its partition's log.

use crate::partition::Partition;
use bytes::Bytes;
use klamm_coordinator::{GroupConfig, GroupShard, Replayed};
use klamm_records::{
    BatchError, BatchHeader, DECOMPRESSED_BYTES_MAX_DEFAULT, EndTransactionMarker, Record,
    RecordError, Records, RecordsError, split_batches,
};
use klamm_types::{ErrorCode, LeaderEpoch, ProducerId};
use std::collections::BTreeMap;
use tracing::warn;

/// Why a shard was not loaded.
#[derive(Debug, thiserror::Error)]
pub(super) enum LoadError {
    #[error("leadership has gone")]
    Resigned,
    #[error("cannot read the log at offset {offset}: {error}")]
    Read { offset: i64, error: ErrorCode },
    #[error("a batch at offset {offset} or behind is damaged: {reason}")]
    Batch { offset: i64, reason: BatchError },
    #[error("the records of the batch at offset {offset} cannot be read: {reason}")]
    Records { offset: i64, reason: RecordsError },
    #[error("a record of the batch at offset {offset} is damaged: {reason}")]
    Record { offset: i64, reason: RecordError },
    #[error("the log has nothing at offset {offset}, before its end {end_offset}")]
    Gap { offset: i64, end_offset: i64 },
}

/// A shard that has seen the whole log.
pub(super) struct Loaded {
    pub(super) shard: GroupShard,
    /// Where the log ended. What is below must be committed before anybody is told of it.
    pub(super) end_offset: i64,
}

/// Replays the whole log of `partition` into a new shard. Blocks on the disk.
pub(super) fn load(
    partition: &Partition,
    leader_epoch: LeaderEpoch,
    config: GroupConfig,
    bytes_max: usize,
) -> Result<Loaded, LoadError> {
    let end_offset = partition.log_end_offset();
    let mut offset = partition.log_start_offset();
    let mut replay = Replay::new(config);
    while offset < end_offset {
        if partition.leader_epoch_if_leader() != Some(leader_epoch) {
            return Err(LoadError::Resigned);
        }
        let batches = partition
            .read_log(offset, bytes_max, end_offset)
            .map_err(|error| LoadError::Read { offset, error })?;
        let next_offset = replay.batches(offset, batches)?;
        if next_offset <= offset {
            return Err(LoadError::Gap { offset, end_offset });
        }
        offset = next_offset;
    }
    Ok(Loaded {
        shard: replay.finish(),
        end_offset,
    })
}

/// A record's key and value.
type Entry = (Bytes, Option<Bytes>);

/// A shard as it fills.
struct Replay {
    shard: GroupShard,
    /// Records of transactions that have not ended yet.
    undecided: BTreeMap<ProducerId, Vec<Entry>>,
    /// How many records of each type were left out, because they are of no use here.
    ignored: BTreeMap<i16, u64>,
}

impl Replay {
    fn new(config: GroupConfig) -> Replay {
        Replay {
            shard: GroupShard::new(config),
            undecided: BTreeMap::new(),
            ignored: BTreeMap::new(),
        }
    }

    /// Replays batches; returns the offset behind the last of them.
    fn batches(&mut self, start_offset: i64, batches: Bytes) -> Result<i64, LoadError> {
        let mut offset = start_offset;
        for batch in split_batches(batches) {
            let (header, batch) = match batch {
                Ok(batch) => batch,
                // The read ended within a batch: it comes with the next one.
                Err(BatchError::Truncated { .. }) if offset > start_offset => break,
                Err(reason) => return Err(LoadError::Batch { offset, reason }),
            };
            self.batch(&header, &batch)?;
            offset = header.next_offset();
        }
        Ok(offset)
    }

    fn batch(&mut self, header: &BatchHeader, batch: &Bytes) -> Result<(), LoadError> {
        let offset = header.base_offset;
        let (_, records) = Records::of_batch(batch, DECOMPRESSED_BYTES_MAX_DEFAULT)
            .map_err(|reason| LoadError::Records { offset, reason })?;
        for record in records {
            let record = record.map_err(|reason| LoadError::Record { offset, reason })?;
            self.record(header, record);
        }
        Ok(())
    }

    fn record(&mut self, header: &BatchHeader, record: Record) {
        if header.is_control {
            let ended = self.undecided.remove(&header.producer_id);
            let is_committed =
                EndTransactionMarker::from_record(&record).is_some_and(|marker| marker.committed);
            for (key, value) in ended.into_iter().flatten().filter(|_| is_committed) {
                self.replay(&key, value.as_ref());
            }
            return;
        }
        let Some(key) = record.key else {
            return;
        };
        if header.is_transactional {
            let undecided = self.undecided.entry(header.producer_id).or_default();
            // Copies: a transaction that never ends must not keep what was read with it.
            let value = record.value.as_deref().map(Bytes::copy_from_slice);
            undecided.push((Bytes::copy_from_slice(&key), value));
        } else {
            self.replay(&key, record.value.as_ref());
        }
    }

    fn replay(&mut self, key: &Bytes, value: Option<&Bytes>) {
        match self.shard.replay(key, value) {
            Ok(Replayed::Applied) => {}
            Ok(Replayed::Ignored { record_type }) => {
                *self.ignored.entry(record_type).or_default() += 1;
            }
            Err(error) => warn!(%error, "left out a malformed record of a group"),
        }
    }

    fn finish(self) -> GroupShard {
        for (record_type, count) in self.ignored {
            warn!(
                record_type,
                count, "left out records of groups of a kind that is not served"
            );
        }
        self.shard
    }
}
