//! Appending, reading, rolling, truncating.

use crate::fixture::*;
use klamm_records::BatchHeader;
use klamm_storage::{
    Log, LogConfig, OpenOptions, ReadError, StorageError, TimestampOffset, Verdict,
};
use klamm_types::LeaderEpoch;

#[test]
fn appends_are_read_back_from_any_offset() {
    let dir = temp_dir();
    let mut log = open_new(dir.path());
    fill(&mut log, 0, 40);
    assert!(files(dir.path(), ".log").len() > 3);
    let reader = log.reader();
    assert_eq!(
        base_offsets(&read_all(&reader)),
        (0..40).map(|i| 2 * i).collect::<Vec<_>>()
    );
    for offset in 0..80 {
        let read = reader.read(offset, 1, i64::MAX, true).unwrap();
        let expected = offset - offset % 2;
        assert_eq!(
            (read.base_offset, read.next_offset),
            (expected, expected + 2)
        );
        assert_eq!(&read.records[..], batch(expected, 0, 2));
    }
}

#[test]
fn limits_of_a_read_are_kept() {
    let dir = temp_dir();
    let mut log = open_new(dir.path());
    fill(&mut log, 0, 4);
    let reader = log.reader();
    let size = batch(0, 0, 2).len();
    let count = |offset, bytes_max, offset_max, at_least_one| {
        let read = reader
            .read(offset, bytes_max, offset_max, at_least_one)
            .unwrap();
        base_offsets(&read.records).len()
    };
    assert_eq!(count(0, 2 * size, i64::MAX, false), 2);
    assert_eq!(count(0, 3 * size - 1, i64::MAX, false), 2);
    assert_eq!(count(0, size - 1, i64::MAX, false), 0);
    assert_eq!(count(0, size - 1, i64::MAX, true), 1);
    assert_eq!(count(0, 1 << 20, 4, false), 2);
    assert_eq!(count(0, 1 << 20, 5, false), 2);
    assert_eq!(count(0, 1 << 20, 1, true), 0);
    assert_eq!(count(6, 1 << 20, 3, true), 0);
    assert_eq!(count(8, 1 << 20, i64::MAX, true), 0);
    for offset in [-1, 9] {
        let error = reader.read(offset, 1, i64::MAX, true).unwrap_err();
        assert!(
            matches!(
                error,
                ReadError::OffsetOutOfRange {
                    log_end_offset: 8,
                    ..
                }
            ),
            "{error}"
        );
    }
}

#[test]
fn one_append_may_span_segments() {
    let dir = temp_dir();
    let mut log = open_new(dir.path());
    let batches: Vec<_> = (0..30).map(|i| batch(2 * i, i as i32 / 10, 2)).collect();
    let all = batches.concat();
    let appended = log.append(&all).unwrap();
    assert_eq!((appended.base_offset, appended.last_offset), (0, 59));
    assert_eq!(appended.log_end_offset, 60);
    assert_eq!(appended.max_timestamp, 1_000 + 580 + 1);
    assert_eq!(read_all(&log.reader()), all);
    let epochs = log.epochs();
    let starts: Vec<_> = epochs
        .entries()
        .iter()
        .map(|&(e, start)| (e.0, start))
        .collect();
    assert_eq!(starts, [(0, 0), (1, 20), (2, 40)]);
}

#[test]
fn what_does_not_follow_is_refused_and_changes_nothing() {
    let dir = temp_dir();
    let mut log = open_new(dir.path());
    fill(&mut log, 0, 2);
    let gap = [batch(10, 0, 2), batch(11, 0, 1)].concat();
    for bad in [batch(3, 0, 1), gap] {
        let error = log.append(&bad).unwrap_err();
        assert!(
            matches!(error, StorageError::AppendOffset { .. }),
            "{error}"
        );
    }
    let torn = &batch(4, 0, 1)[..70];
    assert!(matches!(
        log.append(torn).unwrap_err(),
        StorageError::InvalidBatch(_)
    ));
    assert_eq!(log.log_end_offset(), 4);
    log.append(&batch(10, 0, 1)).unwrap();
    assert_eq!(
        log.reader().read(4, 1, i64::MAX, true).unwrap().base_offset,
        10
    );
    let nothing = log.append(&[]).unwrap();
    assert_eq!((nothing.base_offset, nothing.log_end_offset), (11, 11));
}

#[test]
fn offsets_far_apart_get_their_own_segments() {
    let dir = temp_dir();
    let mut log = open_new(dir.path());
    let far = i64::from(i32::MAX) * 2;
    log.append(&batch(far, 0, 1)).unwrap();
    log.append(&batch(far * 2, 0, 1)).unwrap();
    let expected = [far, far * 2].map(|offset| format!("{offset:020}.log"));
    assert_eq!(files(dir.path(), ".log"), expected);
    assert_eq!(base_offsets(&read_all(&log.reader())), [far, far * 2]);
}

#[test]
fn an_empty_segment_stays_until_its_successor_is_there() {
    let dir = temp_dir();
    let mut log = open_new(dir.path());
    let far = i64::from(i32::MAX) * 2;
    std::fs::create_dir(dir.path().join(format!("{far:020}.log"))).unwrap();
    log.append(&batch(far, 0, 1)).unwrap_err();
    assert!(dir.path().join(format!("{:020}.log", 0)).exists());
}

#[test]
fn age_rolls_a_segment() {
    let dir = temp_dir();
    let config = LogConfig {
        segment_ms: 100,
        ..LogConfig::default()
    };
    let (mut log, _) = Log::open(dir.path(), config, CLEAN).unwrap();
    for (offset, timestamp) in [(0, 1_000), (1, 1_100), (2, 1_101), (3, 1_000)] {
        log.append(&batch_of(offset, 0, 1, timestamp)).unwrap();
    }
    assert_eq!(files(dir.path(), ".log").len(), 2);
    log.close().unwrap();
    let (mut log, _) = Log::open(dir.path(), config, CLEAN).unwrap();
    log.append(&batch_of(4, 0, 1, 1_201)).unwrap();
    assert_eq!(files(dir.path(), ".log").len(), 2);
    log.append(&batch_of(5, 0, 1, 1_202)).unwrap();
    assert_eq!(files(dir.path(), ".log").len(), 3);
}

#[test]
fn a_full_index_rolls_a_segment() {
    let dir = temp_dir();
    let config = LogConfig {
        segment_index_bytes: 36,
        index_interval_bytes: 0,
        ..SMALL
    };
    let (mut log, _) = Log::open(dir.path(), config, CLEAN).unwrap();
    fill(&mut log, 0, 10);
    for name in files(dir.path(), "index") {
        assert!(
            std::fs::metadata(dir.path().join(&name)).unwrap().len() <= 36,
            "{name}"
        );
    }
    assert!(files(dir.path(), ".log").len() > 3);
    assert_eq!(
        read_all(&log.reader()).len(),
        (0..10).map(|i| batch(2 * i, 0, 2).len()).sum()
    );
}

#[test]
fn truncation_cuts_at_batches() {
    for to in 0..=40 {
        let dir = temp_dir();
        let mut log = open_new(dir.path());
        fill(&mut log, 0, 10);
        fill(&mut log, 1, 10);
        log.flusher().flush().unwrap();
        let end = log.truncate_to(to).unwrap();
        assert_eq!(end, to - to % 2);
        assert_eq!(log.log_end_offset(), end);
        assert_eq!(log.flusher().flushed_offset(), end);
        assert_eq!(base_offsets(&read_all(&log.reader())).len() as i64, end / 2);
        let latest = log.latest_epoch().map(|epoch| epoch.0);
        assert_eq!(
            latest,
            [None, Some(0), Some(1)][usize::from(end > 0) + usize::from(end > 20)]
        );
        fill(&mut log, 2, 3);
        let expected = (0..end / 2 + 3).map(|i| 2 * i).collect::<Vec<_>>();
        let bytes = read_all(&log.reader());
        assert_eq!(base_offsets(&bytes), expected);
        drop(log);
        assert_eq!(read_all(&open(dir.path(), CRASHED).0.reader()), bytes);
    }
}

#[test]
fn a_log_may_start_anywhere() {
    let dir = temp_dir();
    let (mut log, _) = open(
        dir.path(),
        OpenOptions {
            log_start_offset: 500,
            ..CLEAN
        },
    );
    assert_eq!((log.log_start_offset(), log.log_end_offset()), (500, 500));
    fill(&mut log, 0, 10);
    log.truncate_fully_and_start_at(100).unwrap();
    assert_eq!(files(dir.path(), ".log"), [format!("{:020}.log", 100)]);
    assert_eq!((log.log_start_offset(), log.log_end_offset()), (100, 100));
    assert_eq!(log.latest_epoch(), None);
    fill(&mut log, 3, 1);
    assert_eq!(base_offsets(&read_all(&log.reader())), [100]);
    log.truncate_to(50).unwrap();
    assert_eq!((log.log_start_offset(), log.log_end_offset()), (50, 50));
}

#[test]
fn a_log_that_lost_its_start_begins_anew_there() {
    let dir = temp_dir();
    let mut log = open_new(dir.path());
    fill(&mut log, 0, 3);
    drop(log);
    let (log, _) = open(
        dir.path(),
        OpenOptions {
            log_start_offset: 9,
            ..CRASHED
        },
    );
    assert_eq!((log.log_start_offset(), log.log_end_offset()), (9, 9));
}

#[test]
fn advancing_the_start_removes_whole_segments() {
    let dir = temp_dir();
    let mut log = open_new(dir.path());
    fill(&mut log, 0, 20);
    fill(&mut log, 1, 20);
    let before = files(dir.path(), ".log");
    log.advance_start_offset(45).unwrap();
    let after = files(dir.path(), ".log");
    assert!(after.len() < before.len());
    assert!(after[0] <= format!("{:020}.log", 45) && after[1] > format!("{:020}.log", 45));
    let reader = log.reader();
    assert!(reader.read(44, 1, i64::MAX, true).is_err());
    assert_eq!(reader.read(45, 1, i64::MAX, true).unwrap().base_offset, 44);
    assert_eq!(log.epochs().entries(), [(LeaderEpoch(1), 45)]);
    log.advance_start_offset(10).unwrap();
    assert_eq!(log.log_start_offset(), 45);
    assert!(log.advance_start_offset(81).is_err());
    log.advance_start_offset(80).unwrap();
    assert_eq!(files(dir.path(), ".log").len(), 1);
    assert_eq!(files(dir.path(), "index").len(), 2);
    fill(&mut log, 1, 1);
    assert_eq!(base_offsets(&read_all(&reader)), [80]);
}

#[test]
fn epochs_without_records_are_kept_while_the_log_is_open() {
    let dir = temp_dir();
    let mut log = open_new(dir.path());
    fill(&mut log, 2, 1);
    log.assign_epoch(LeaderEpoch(4), 2);
    log.assign_epoch(LeaderEpoch(3), 2);
    let end = log.end_offset_for_epoch(LeaderEpoch(3));
    assert_eq!((end.epoch, end.end_offset), (LeaderEpoch(2), 2));
    assert_eq!(log.reader().latest_epoch(), Some(LeaderEpoch(4)));
    fill(&mut log, 4, 1);
    log.close().unwrap();
    let (log, _) = open(dir.path(), CLEAN);
    assert_eq!(
        log.epochs().entries(),
        [(LeaderEpoch(2), 0), (LeaderEpoch(4), 2)]
    );
}

#[test]
fn records_are_found_by_timestamp() {
    let dir = temp_dir();
    let mut log = open_new(dir.path());
    // Two records a batch, 7 ms apart, with a step back every fifth batch.
    let mut timestamps = Vec::new();
    for i in 0..60i64 {
        let timestamp = 1_000 + 20 * i - if i % 5 == 4 { 100 } else { 0 };
        timestamps.extend([timestamp, timestamp + 1]);
        log.append(&batch_of(2 * i, 0, 2, timestamp)).unwrap();
    }
    let check = |log: &Log| {
        let reader = log.reader();
        for target in 900..2_300 {
            let expected = timestamps.iter().position(|&t| t >= target);
            let expected = expected.map(|i| TimestampOffset {
                timestamp: timestamps[i],
                offset: i as i64,
                leader_epoch: LeaderEpoch(0),
            });
            assert_eq!(
                reader.offset_for_timestamp(target).unwrap(),
                expected,
                "{target}"
            );
        }
        let newest = reader.offset_of_max_timestamp().unwrap().unwrap();
        let max = *timestamps.iter().max().unwrap();
        assert_eq!(newest.timestamp, max);
        let first = timestamps.iter().position(|&t| t == max).unwrap();
        assert_eq!(newest.offset, first as i64);
    };
    check(&log);
    log.close().unwrap();
    check(&open(dir.path(), CLEAN).0);
    check(&open(dir.path(), CRASHED).0);
}

#[test]
fn equal_timestamps_find_the_first() {
    let dir = temp_dir();
    let mut log = open_new(dir.path());
    for i in 0..30 {
        log.append(&batch_of(i, 0, 1, 5_000)).unwrap();
    }
    let reader = log.reader();
    assert_eq!(
        reader.offset_for_timestamp(5_000).unwrap().unwrap().offset,
        0
    );
    assert_eq!(reader.offset_of_max_timestamp().unwrap().unwrap().offset, 0);
    log.advance_start_offset(7).unwrap();
    assert_eq!(reader.offset_for_timestamp(1).unwrap().unwrap().offset, 7);
}

#[test]
fn producers_survive_restarts_and_roll_back() {
    let dir = temp_dir();
    let mut log = open_new(dir.path());
    for i in 0..40 {
        log.append(&sequenced(i, 7 + i % 2, i as i32 / 2)).unwrap();
    }
    let again = BatchHeader::parse(&sequenced(0, 7, 19)).unwrap();
    let next = BatchHeader::parse(&sequenced(0, 7, 20)).unwrap();
    let check = |log: &Log| {
        let duplicate = Verdict::Duplicate {
            base_offset: 38,
            last_offset: 38,
            timestamp: 1_000,
        };
        assert_eq!(log.producers().check(&again), duplicate);
        assert_eq!(log.producers().check(&next), Verdict::Append);
    };
    check(&log);
    drop(log);
    let (mut log, _) = open(dir.path(), CRASHED);
    check(&log);
    log.close().unwrap();
    let (mut log, _) = open(dir.path(), CLEAN);
    check(&log);
    log.truncate_to(38).unwrap();
    assert_eq!(log.producers().check(&again), Verdict::Append);
    log.truncate_to(0).unwrap();
    assert!(log.producers().is_empty());
}

#[test]
fn a_failed_write_poisons_the_log_for_good() {
    let parent = temp_dir();
    let dir = parent.path().join("log");
    let mut log = open_new(&dir);
    fill(&mut log, 0, 1);
    std::fs::rename(&dir, parent.path().join("away")).unwrap();
    let error = loop {
        // The first roll finds no folder.
        if let Err(error) = log.append(&batch(log.log_end_offset(), 0, 2)) {
            break error;
        }
    };
    assert!(matches!(error, StorageError::Io { .. }), "{error}");
    let end = log.log_end_offset();
    std::fs::rename(parent.path().join("away"), &dir).unwrap();
    let again = log.append(&batch(end, 0, 2)).unwrap_err();
    let StorageError::Poisoned(reason) = again else {
        panic!("{again}")
    };
    assert_eq!(*reason, *error.to_string());
    assert!(matches!(
        log.flusher().flush(),
        Err(StorageError::Poisoned(_))
    ));
    assert!(matches!(log.truncate_to(0), Err(StorageError::Poisoned(_))));
    assert_eq!(
        log.reader().read(0, 1, i64::MAX, true).unwrap().base_offset,
        0
    );
}

#[test]
fn a_log_that_nothing_changed_is_closed_without_a_write() {
    let dir = temp_dir();
    let mut log = open_new(dir.path());
    fill(&mut log, 1, 20);
    log.close().unwrap();
    let state = |dir: &std::path::Path| {
        let mut files: Vec<_> = std::fs::read_dir(dir)
            .unwrap()
            .map(|entry| {
                let entry = entry.unwrap();
                let metadata = entry.metadata().unwrap();
                (
                    entry.file_name(),
                    metadata.len(),
                    metadata.modified().unwrap(),
                )
            })
            .collect();
        files.sort();
        files
    };
    let before = state(dir.path());
    let mut log = open_new(dir.path());
    log.assign_epoch(LeaderEpoch(7), log.log_end_offset());
    log.close().unwrap();
    assert_eq!(state(dir.path()), before);
    // The epoch counts once something was appended in it.
    let mut log = open_new(dir.path());
    assert_eq!(log.latest_epoch(), Some(LeaderEpoch(1)));
    log.assign_epoch(LeaderEpoch(7), log.log_end_offset());
    fill(&mut log, 7, 1);
    log.close().unwrap();
    assert_eq!(open_new(dir.path()).latest_epoch(), Some(LeaderEpoch(7)));
}

#[test]
fn the_latest_snapshot_but_one_serves_until_the_recovery_point_passes_the_latest() {
    let dir = temp_dir();
    let mut log = Log::open(dir.path(), LogConfig::DEFAULT, CLEAN).unwrap().0;
    let append = |log: &mut Log, count: i64| {
        for _ in 0..count {
            let offset = log.log_end_offset();
            log.append(&sequenced(offset, 7, offset as i32)).unwrap();
        }
        assert!(log.bytes_since_snapshot() > 0);
        log.snapshot_producers().unwrap();
        assert_eq!(log.bytes_since_snapshot(), 0);
    };
    append(&mut log, 3);
    append(&mut log, 2);
    let recovery_point = log.flusher().flush().unwrap();
    append(&mut log, 4);
    let producers = log.producers().clone();
    drop(log);
    assert_eq!(files(dir.path(), ".snapshot").len(), 2);
    let options = OpenOptions {
        recovery_point,
        ..CRASHED
    };
    let (log, _) = Log::open(dir.path(), LogConfig::DEFAULT, options).unwrap();
    let snapshots = files(dir.path(), ".snapshot");
    assert_eq!(snapshots.len(), 1, "{snapshots:?}");
    assert!(snapshots[0].ends_with("05.snapshot"), "{snapshots:?}");
    let last = |states: &klamm_storage::ProducerStates| {
        states
            .get(klamm_types::ProducerId(7))
            .map(|state| state.batches.back().copied())
    };
    assert_eq!(last(log.producers()), last(&producers));
}
