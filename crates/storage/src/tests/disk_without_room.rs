//! A disk that is full at any write of an operation: nothing is left of the operation, and it
//! succeeds once there is room.

use super::crash_checks::{Appended, split};
use super::fixture::*;
use crate::disk_trace::limit_room;
use crate::{
    AbortedTransaction, LeaderEpochs, Log, LogConfig, OpenFiles, OpenOptions, ProducerState,
    SequencedBatch, StorageError,
};
use klamm_records::set_partition_leader_epoch;
use klamm_types::{LeaderEpoch, ProducerEpoch, ProducerId};
use std::path::Path;

const TINY: LogConfig = LogConfig {
    segment_bytes: 400,
    index_interval_bytes: 1,
    delete: true,
    ..SMALL
};

/// All that a log knows.
#[derive(Debug, PartialEq)]
struct Known {
    batches: Vec<Appended>,
    start: i64,
    end: i64,
    producers: Vec<KnownProducer>,
    epochs: LeaderEpochs,
    aborted: Vec<AbortedTransaction>,
    undecided: Option<i64>,
}

impl Known {
    fn of(log: &Log) -> Known {
        let (reader, end) = (log.reader(), log.log_end_offset());
        Known {
            batches: split(&read_all(&reader)),
            start: log.log_start_offset(),
            end,
            producers: log.producers().iter().map(last_of).collect(),
            epochs: log.epochs(),
            aborted: reader.aborted_transactions(0, end).unwrap(),
            undecided: reader.first_undecided_offset(end),
        }
    }
}

/// A producer's epoch, its last batch and where its transaction began. Of earlier batches,
/// snapshots tell nothing.
type KnownProducer = (
    ProducerId,
    ProducerEpoch,
    Option<SequencedBatch>,
    Option<i64>,
);

fn last_of((id, state): (ProducerId, &ProducerState)) -> KnownProducer {
    let last = state.batches.back().copied();
    (id, state.epoch, last, state.transaction_first_offset)
}

/// Batches of every kind, more than a segment of them; ten offsets.
fn batches(from: i64, round: i32) -> Vec<u8> {
    let mut all = [
        transactional(from, 9, round),
        sequenced(from + 1, 7, 2 * round),
        marker(from + 2, 9, false),
        batch(from + 3, 0, 2),
        sequenced(from + 5, 7, 2 * round + 1),
        transactional(from + 6, 8, round),
        batch(from + 7, 0, 3),
    ];
    for batch in &mut all {
        set_partition_leader_epoch(batch, LeaderEpoch(round));
    }
    all.concat()
}

fn open(dir: &Path, recovery_point: i64, log_start_offset: i64) -> Log {
    let options = OpenOptions {
        clean_shutdown: false,
        recovery_point,
        log_start_offset,
    };
    let files = OpenFiles::new(2);
    let (log, report) = Log::open_sharing(dir, TINY, options, &files).unwrap();
    assert_eq!((report.bytes_truncated, report.segments_removed), (0, 0));
    log
}

/// Does something on a disk that is full after 0, 1, 2, … writes, until it is done with; then
/// the log goes on, and tells the same after a crash.
fn check(act: impl Fn(&mut Log) -> Result<(), StorageError>) {
    for room in 0.. {
        let dir = temp_dir();
        let mut log = open(dir.path(), 0, 0);
        log.append(&batches(0, 0)).unwrap();
        let flushed = log.flusher().flush().unwrap();
        log.append(&batches(10, 1)).unwrap();
        let before = Known::of(&log);
        limit_room(Some(room));
        let acted = act(&mut log);
        let again = acted.is_err().then(|| act(&mut log));
        limit_room(None);
        if let (Err(error), Some(again)) = (&acted, again) {
            assert!(error.is_storage_full(), "{room}: {error}");
            let error = again.unwrap_err();
            assert!(error.is_storage_full(), "{room}: {error}");
            assert_eq!(Known::of(&log), before, "{room}");
            act(&mut log).unwrap();
        }
        let after = Known::of(&log);
        drop(log);
        let mut log = open(dir.path(), flushed, after.start);
        assert_eq!(Known::of(&log), after, "{room}");
        log.append(&batches(after.end, 4)).unwrap();
        log.close().unwrap();
        if acted.is_ok() {
            assert!(room > 0);
            return;
        }
    }
}

#[test]
fn appends() {
    let of_two_epochs = [batches(20, 2), batches(30, 3)].concat();
    check(|log| log.append(&of_two_epochs).map(drop));
}

#[test]
fn flushes() {
    check(|log| log.flusher().flush().map(drop));
}

#[test]
fn snapshots_of_producers() {
    check(Log::snapshot_producers);
}

#[test]
fn closing() {
    check(Log::close);
}
