//! Removing the old end of a log: retention, the log start, and what becomes of the files.

use crate::fixture::*;
use klamm_storage::{Log, LogConfig, OpenOptions, ReadError, Retained};
use std::{
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// Two batches of two records in each segment; the timestamps of offset `n` begin at 1000 + 10 n.
const FOUR_A_SEGMENT: LogConfig = LogConfig {
    segment_bytes: 400,
    delete: true,
    file_delete_delay_ms: 100,
    ..SMALL
};

fn open_with(dir: &Path, config: LogConfig) -> Log {
    Log::open(dir, config, CLEAN).unwrap().0
}

fn segment_starts(dir: &Path) -> Vec<i64> {
    let starts = files(dir, ".log").into_iter();
    starts.map(|name| name[..20].parse().unwrap()).collect()
}

#[test]
fn old_segments_go_once_the_log_start_is_known_to_be_safe() {
    let dir = temp_dir();
    let config = LogConfig {
        retention_ms: 50,
        ..FOUR_A_SEGMENT
    };
    let mut log = open_with(dir.path(), config);
    fill(&mut log, 0, 10);
    assert_eq!(segment_starts(dir.path()), [0, 4, 8, 12, 16]);

    // The newest record of the second segment is stamped 1061, of the third 1101.
    let retained = log.retain(1_112, 20).unwrap();
    assert_eq!(retained.segments, 2);
    assert!(retained.bytes > 400, "{retained:?}");
    assert_eq!(log.log_start_offset(), 8);
    assert_eq!(segment_starts(dir.path()), [0, 4, 8, 12, 16]);
    assert_eq!(log.remove_old_segments().unwrap(), 2);
    assert_eq!(segment_starts(dir.path()), [8, 12, 16]);
    assert_eq!(log.retain(1_112, 20).unwrap(), Retained::default());

    let range = log.reader().read(7, 1, i64::MAX, true).unwrap_err();
    let expected = ReadError::OffsetOutOfRange {
        offset: 7,
        log_start_offset: 8,
        log_end_offset: 20,
    };
    assert_eq!(range.to_string(), expected.to_string());
    assert_eq!(
        base_offsets(&read_all(&log.reader())),
        [8, 10, 12, 14, 16, 18]
    );
}

#[test]
fn a_log_that_is_too_old_as_a_whole_goes_on_empty() {
    let dir = temp_dir();
    let config = LogConfig {
        retention_ms: 50,
        ..FOUR_A_SEGMENT
    };
    let mut log = open_with(dir.path(), config);
    log.append(&sequenced(0, 7, 0)).unwrap();
    // What is not committed stays.
    assert_eq!(log.retain(1 << 40, 0).unwrap().segments, 0);
    assert_eq!(log.retain(1 << 40, 1).unwrap().segments, 1);
    log.remove_old_segments().unwrap();
    assert_eq!(segment_starts(dir.path()), [1]);
    assert_eq!((log.log_start_offset(), log.log_end_offset()), (1, 1));
    // An empty log has nothing to lose.
    assert_eq!(log.retain(1 << 40, 1).unwrap().segments, 0);
    // Its producers are still known.
    assert_eq!(log.producers().iter().count(), 1);
    log.close().unwrap();
    drop(log);
    let mut log = open_with(dir.path(), config);
    assert_eq!((log.log_start_offset(), log.log_end_offset()), (1, 1));
    assert_eq!(log.producers().iter().count(), 1);
    log.append(&sequenced(1, 7, 1)).unwrap();
    assert_eq!(base_offsets(&read_all(&log.reader())), [1]);
}

#[test]
fn size_is_measured_in_bytes_of_all_segments() {
    let dir = temp_dir();
    let mut log = open_with(dir.path(), FOUR_A_SEGMENT);
    fill(&mut log, 0, 10);
    let size = i64::try_from(log.reader().size_bytes()).unwrap();
    let segment = size / 5;
    for (retention_bytes, start) in [
        (size, 0),
        (size - segment + 1, 0),
        (size - segment, 4),
        (0, 20),
    ] {
        log.set_config(LogConfig {
            retention_bytes,
            ..FOUR_A_SEGMENT
        });
        log.retain(0, 20).unwrap();
        log.remove_old_segments().unwrap();
        assert_eq!(log.log_start_offset(), start, "{retention_bytes}");
    }
}

#[test]
fn segments_without_timestamps_are_as_old_as_their_file() {
    let dir = temp_dir();
    let config = LogConfig {
        retention_ms: 3_600_000,
        ..FOUR_A_SEGMENT
    };
    let mut log = open_with(dir.path(), config);
    log.append(&batch_of(0, 0, 1, -1)).unwrap();
    let now = SystemTime::now();
    let ms = |time: SystemTime| time.duration_since(UNIX_EPOCH).unwrap().as_millis() as i64;
    assert_eq!(log.retain(ms(now), 1).unwrap().segments, 0);
    let later = now + Duration::from_secs(3_700);
    assert_eq!(log.retain(ms(later), 1).unwrap().segments, 1);
}

#[test]
fn a_raised_log_start_takes_the_segments_below_it_whatever_the_policy() {
    let dir = temp_dir();
    let config = LogConfig {
        delete: false,
        compact: true,
        ..FOUR_A_SEGMENT
    };
    let mut log = open_with(dir.path(), config);
    fill(&mut log, 0, 10);
    log.raise_start_offset(11).unwrap();
    assert_eq!(segment_starts(dir.path()), [0, 4, 8, 12, 16]);
    assert!(log.raise_start_offset(21).is_err());
    log.raise_start_offset(3).unwrap();
    assert_eq!(log.log_start_offset(), 11);
    assert_eq!(log.retain(0, 20).unwrap().segments, 2);
    assert_eq!(log.log_start_offset(), 11);
    log.remove_old_segments().unwrap();
    assert_eq!(segment_starts(dir.path()), [8, 12, 16]);

    // Everything: the active segment stays, though nothing in it can be read.
    log.raise_start_offset(20).unwrap();
    log.retain(0, 20).unwrap();
    log.remove_old_segments().unwrap();
    assert_eq!(segment_starts(dir.path()), [16]);
    assert_eq!((log.log_start_offset(), log.log_end_offset()), (20, 20));
    log.close().unwrap();
    drop(log);
    let options = OpenOptions {
        log_start_offset: 20,
        ..CLEAN
    };
    let (mut log, _) = Log::open(dir.path(), config, options).unwrap();
    assert_eq!((log.log_start_offset(), log.log_end_offset()), (20, 20));
    fill(&mut log, 0, 1);
    assert_eq!(base_offsets(&read_all(&log.reader())), [20]);
}

#[test]
fn removed_files_are_unlinked_when_they_are_due() {
    let dir = temp_dir();
    let mut log = open_with(dir.path(), FOUR_A_SEGMENT);
    fill(&mut log, 0, 10);
    let flusher = log.flusher();
    log.advance_start_offset(9).unwrap();
    // Two segments of three files each and the snapshot of the second.
    assert_eq!(files(dir.path(), ".deleted").len(), 7);
    assert_eq!(files(dir.path(), ".snapshot").len(), 3);
    assert_eq!(flusher.purge_removed(1_000, false).unwrap(), 0);
    assert_eq!(flusher.purge_removed(1_099, false).unwrap(), 0);
    assert_eq!(files(dir.path(), ".deleted").len(), 7);
    assert_eq!(flusher.purge_removed(1_100, false).unwrap(), 7);
    assert_eq!(files(dir.path(), ".deleted"), [""; 0]);

    // In need of space, at once.
    log.advance_start_offset(13).unwrap();
    assert_eq!(flusher.purge_removed(1_100, true).unwrap(), 4);
    assert_eq!(files(dir.path(), ".deleted"), [""; 0]);

    // What a crash leaves behind goes with the next start.
    log.truncate_to(14).unwrap();
    assert!(!files(dir.path(), ".deleted").is_empty());
    log.close().unwrap();
    drop(log);
    let log = open_with(dir.path(), FOUR_A_SEGMENT);
    assert_eq!(files(dir.path(), ".deleted"), [""; 0]);
    assert_eq!(log.log_end_offset(), 14);
}

#[test]
fn without_a_delay_files_are_unlinked_at_once() {
    let dir = temp_dir();
    let config = LogConfig {
        file_delete_delay_ms: 0,
        ..FOUR_A_SEGMENT
    };
    let mut log = open_with(dir.path(), config);
    fill(&mut log, 0, 10);
    log.advance_start_offset(9).unwrap();
    assert_eq!(files(dir.path(), ".deleted"), [""; 0]);
    assert_eq!(segment_starts(dir.path()), [8, 12, 16]);
}

#[test]
fn a_flush_does_not_mind_that_an_unsynced_segment_was_removed() {
    let dir = temp_dir();
    let mut log = open_with(dir.path(), FOUR_A_SEGMENT);
    fill(&mut log, 0, 10);
    drop(log);
    let config = LogConfig {
        file_delete_delay_ms: 0,
        ..FOUR_A_SEGMENT
    };
    // After a crash nothing counts as synced, and no file is open.
    let (mut log, _) = Log::open(dir.path(), config, CRASHED).unwrap();
    log.advance_start_offset(20).unwrap();
    assert_eq!(log.flusher().flush().unwrap(), 20);
}
