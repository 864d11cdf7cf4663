//! Whether a log agrees with the batches that are in it.

use crate::Log;
use klamm_records::{BatchHeader, Batches, EndTransactionMarker, HEADER_SIZE, Records};
use klamm_types::ProducerId;
use std::collections::BTreeMap;

/// A batch as it was appended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Appended {
    pub(super) base_offset: i64,
    pub(super) next_offset: i64,
    pub(super) bytes: Vec<u8>,
}

/// Batches, one by one.
pub(super) fn split(bytes: &[u8]) -> Vec<Appended> {
    Batches::new(bytes)
        .map(|batch| {
            let (header, bytes) = batch.unwrap();
            Appended {
                base_offset: header.base_offset,
                next_offset: header.next_offset(),
                bytes: bytes.to_vec(),
            }
        })
        .collect()
}

fn header(batch: &Appended) -> BatchHeader {
    BatchHeader::parse(&batch.bytes).unwrap()
}

pub(super) fn check_epochs(log: &Log, found: &[Appended]) -> Result<(), String> {
    let epochs = log.epochs();
    for batch in found {
        let at = batch.base_offset.max(log.log_start_offset());
        let (known, expected) = (epochs.epoch_at(at), header(batch).partition_leader_epoch);
        if known != Some(expected) {
            return Err(format!("epoch {known:?} at {at}, not {expected}"));
        }
    }
    match epochs.entries().last() {
        Some(&(epoch, start)) if start >= log.log_end_offset() && start > 0 => {
            Err(format!("epoch {epoch} starts at {start}, behind the end"))
        }
        _ => Ok(()),
    }
}

pub(super) fn check_producers(log: &Log, found: &[Appended]) -> Result<(), String> {
    let mut last: BTreeMap<ProducerId, i32> = BTreeMap::new();
    for batch in found {
        let header = header(batch);
        if header.has_producer_id() && !header.is_control {
            last.insert(header.producer_id, header.last_sequence());
        }
    }
    for (id, sequence) in last {
        let state = log.producers().get(id);
        let known = state.and_then(|state| state.batches.back());
        if known.map(|batch| batch.last_sequence) != Some(sequence) {
            return Err(format!("producer {id} at {known:?}, not {sequence}"));
        }
    }
    for (id, state) in log.producers().iter() {
        let beyond = state
            .batches
            .iter()
            .find(|b| b.last_offset >= log.log_end_offset());
        if let Some(batch) = beyond {
            return Err(format!("producer {id} knows of {batch:?}"));
        }
    }
    Ok(())
}

/// Looks up the largest timestamp of some batches.
pub(super) fn check_times(log: &Log, found: &[Appended]) -> Result<(), String> {
    let reader = log.reader();
    // Compaction leaves batches without records.
    let found: Vec<_> = found
        .iter()
        .filter(|batch| batch.bytes.len() > HEADER_SIZE)
        .collect();
    for batch in found.iter().rev().step_by(found.len() / 8 + 1) {
        let newest = header(batch).max_timestamp;
        let first = found.iter().find(|b| header(b).max_timestamp >= newest);
        let first = first.unwrap_or(batch);
        let at = reader
            .offset_for_timestamp(newest)
            .map_err(|e| e.to_string())?;
        let at = at.map(|found| found.offset);
        let is_right = at.is_some_and(|at| first.base_offset <= at && at < first.next_offset);
        if !is_right {
            return Err(format!(
                "time {newest} at {at:?}, not {}",
                first.base_offset
            ));
        }
    }
    Ok(())
}

/// Whether the log knows which transactions were aborted, and the first that is open.
pub(super) fn check_transactions(log: &Log, found: &[Appended]) -> Result<(), String> {
    if log.log_start_offset() > 0 {
        return Ok(());
    }
    let mut open = BTreeMap::new();
    let mut aborted = Vec::new();
    for batch in found {
        let header = header(batch);
        if header.is_control {
            let (_, mut records) = Records::of_batch(&batch.bytes.clone().into(), 1 << 10).unwrap();
            let record = records.next().unwrap().unwrap();
            let first = open.remove(&header.producer_id);
            match (first, EndTransactionMarker::from_record(&record)) {
                (Some(first), Some(marker)) if !marker.committed => {
                    aborted.push((header.producer_id, first, header.base_offset));
                }
                _ => {}
            }
        } else if header.is_transactional {
            let first = header.base_offset;
            open.entry(header.producer_id).or_insert(first);
        }
    }
    let (reader, end) = (log.reader(), log.log_end_offset());
    let known = reader.aborted_transactions(0, end);
    let known: Vec<_> = known
        .map_err(|error| error.to_string())?
        .iter()
        .map(|t| (t.producer_id, t.first_offset, t.last_offset))
        .collect();
    if known != aborted {
        return Err(format!("knows {known:?} as aborted, not {aborted:?}"));
    }
    let undecided = reader.first_undecided_offset(end);
    match undecided == open.values().min().copied() {
        true => Ok(()),
        false => Err(format!("undecided from {undecided:?} on, not {open:?}")),
    }
}
