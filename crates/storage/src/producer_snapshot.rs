//! Producer states as a file, named after the first offset that they do not cover.
//!
//! ```text
//! version int16 = 1, crc uint32 (CRC-32C of what follows), count int32, then per producer
//! id int64, epoch int16, last sequence int32, last offset int64, offset delta int32,
//! timestamp int64, coordinator epoch int32, first offset of the open transaction int64
//! ```
//!
//! Only a producer's last batch is in it: after a restart, older ones are not recognised.

use crate::disk;
use crate::log_files::LogFile;
use crate::producer_states::{ProducerState, ProducerStates, SequencedBatch};
use klamm_records::NO_SEQUENCE;
use klamm_types::{ProducerEpoch, ProducerId};
use std::{
    collections::VecDeque,
    io,
    path::{Path, PathBuf},
};

const VERSION: i16 = 1;
const HEADER_SIZE: usize = 10;
const CRC_COVERS_FROM: usize = 6;
const ENTRY_SIZE: usize = 46;
/// Largest snapshot that is read: a few million producers.
const FILE_BYTES_MAX: u64 = 256 << 20;

/// Writes the states as of an offset; the caller makes the file durable.
pub(crate) fn write(dir: &Path, offset: i64, states: &ProducerStates) -> io::Result<PathBuf> {
    let path = LogFile::ProducerSnapshot.path(dir, offset);
    disk::write(&path, &encode(states))?;
    Ok(path)
}

/// Reads the states as of an offset; `None` if the file is missing or damaged.
pub(crate) fn read(dir: &Path, offset: i64) -> io::Result<Option<ProducerStates>> {
    let path = LogFile::ProducerSnapshot.path(dir, offset);
    match disk::read(&path, FILE_BYTES_MAX) {
        Ok(bytes) => Ok(bytes.as_deref().and_then(decode)),
        Err(error) if error.kind() == io::ErrorKind::FileTooLarge => Ok(None),
        Err(error) => Err(error),
    }
}

/// Offsets of the snapshots in a log's folder, ascending.
pub(crate) fn offsets(dir: &Path) -> io::Result<Vec<i64>> {
    let names = disk::file_names(dir)?;
    let parsed = names.iter().filter_map(|name| LogFile::parse(name));
    Ok(parsed
        .filter(|(kind, _)| *kind == LogFile::ProducerSnapshot)
        .map(|(_, o)| o)
        .collect())
}

fn encode(states: &ProducerStates) -> Vec<u8> {
    let producers = states.iter();
    let mut out = Vec::with_capacity(HEADER_SIZE + producers.len() * ENTRY_SIZE);
    out.extend_from_slice(&VERSION.to_be_bytes());
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&(producers.len() as u32).to_be_bytes());
    for (id, state) in producers {
        let none = SequencedBatch {
            last_sequence: NO_SEQUENCE,
            last_offset: -1,
            offset_delta: 0,
            timestamp: state.last_timestamp,
        };
        let last = state.batches.back().copied().unwrap_or(none);
        out.extend_from_slice(&id.0.to_be_bytes());
        out.extend_from_slice(&state.epoch.0.to_be_bytes());
        out.extend_from_slice(&last.last_sequence.to_be_bytes());
        out.extend_from_slice(&last.last_offset.to_be_bytes());
        out.extend_from_slice(&last.offset_delta.to_be_bytes());
        out.extend_from_slice(&state.last_timestamp.to_be_bytes());
        out.extend_from_slice(&state.coordinator_epoch.to_be_bytes());
        out.extend_from_slice(&state.transaction_first_offset.unwrap_or(-1).to_be_bytes());
    }
    let crc = crc32c::crc32c(&out[CRC_COVERS_FROM..]);
    out[2..CRC_COVERS_FROM].copy_from_slice(&crc.to_be_bytes());
    out
}

fn decode(bytes: &[u8]) -> Option<ProducerStates> {
    let mut fields = Fields(bytes);
    let version = i16::from_be_bytes(fields.take()?);
    let crc = u32::from_be_bytes(fields.take()?);
    if version != VERSION || crc != crc32c::crc32c(fields.0) {
        return None;
    }
    let count = u32::from_be_bytes(fields.take()?) as usize;
    if fields.0.len() != count.checked_mul(ENTRY_SIZE)? {
        return None;
    }
    let mut states = ProducerStates::default();
    for _ in 0..count {
        let (id, state) = decode_entry(&mut fields)?;
        states.insert(id, state);
    }
    Some(states)
}

fn decode_entry(fields: &mut Fields<'_>) -> Option<(ProducerId, ProducerState)> {
    let id = ProducerId(i64::from_be_bytes(fields.take()?));
    let epoch = ProducerEpoch(i16::from_be_bytes(fields.take()?));
    let batch = SequencedBatch {
        last_sequence: i32::from_be_bytes(fields.take()?),
        last_offset: i64::from_be_bytes(fields.take()?),
        offset_delta: i32::from_be_bytes(fields.take()?),
        timestamp: i64::from_be_bytes(fields.take()?),
    };
    let coordinator_epoch = i32::from_be_bytes(fields.take()?);
    let first_offset = i64::from_be_bytes(fields.take()?);
    let has_batch = batch.last_offset >= 0 && batch.last_sequence != NO_SEQUENCE;
    let state = ProducerState {
        epoch,
        batches: has_batch
            .then_some(batch)
            .into_iter()
            .collect::<VecDeque<_>>(),
        last_timestamp: batch.timestamp,
        coordinator_epoch,
        transaction_first_offset: (first_offset >= 0).then_some(first_offset),
    };
    Some((id, state))
}

struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (field, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*field)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn states() -> ProducerStates {
        let mut states = ProducerStates::default();
        let batch = SequencedBatch {
            last_sequence: 9,
            last_offset: 109,
            offset_delta: 4,
            timestamp: 5_000,
        };
        states.insert(
            ProducerId(1_000),
            ProducerState {
                epoch: ProducerEpoch(2),
                batches: [batch].into(),
                last_timestamp: 5_000,
                coordinator_epoch: 3,
                transaction_first_offset: Some(105),
            },
        );
        states.insert(
            ProducerId(1_001),
            ProducerState {
                epoch: ProducerEpoch(0),
                batches: VecDeque::new(),
                last_timestamp: 6_000,
                coordinator_epoch: -1,
                transaction_first_offset: None,
            },
        );
        states
    }

    #[test]
    fn snapshots_round_trip() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(read(dir.path(), 110).unwrap(), None);
        let path = write(dir.path(), 110, &states()).unwrap();
        assert_eq!(path.file_name().unwrap(), "00000000000000000110.snapshot");
        assert_eq!(std::fs::metadata(path).unwrap().len(), (10 + 2 * 46) as u64);
        assert_eq!(read(dir.path(), 110).unwrap(), Some(states()));
        assert_eq!(offsets(dir.path()).unwrap(), [110]);
    }

    #[test]
    fn any_damage_is_noticed() {
        let good = encode(&states());
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 0x10;
            assert_eq!(decode(&bad), None, "{at}");
            assert_eq!(decode(&good[..at]), None, "{at}");
        }
    }
}
