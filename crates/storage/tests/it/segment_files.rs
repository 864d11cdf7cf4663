//! Which files segments have, how large, and how many of them are open.

use crate::fixture::*;
use klamm_storage::{Log, LogConfig, OpenFiles};
use std::{fs, os::unix::fs::MetadataExt, path::Path};

/// Bytes that a file takes on disk.
fn allocated(dir: &Path, name: &str) -> u64 {
    fs::metadata(dir.join(name)).unwrap().blocks() * 512
}

#[test]
fn many_segments_of_many_logs_share_few_open_files() {
    let files = OpenFiles::new(10);
    let dirs: Vec<_> = (0..4).map(|_| temp_dir()).collect();
    let open = |dir: &tempfile::TempDir, options| {
        let opened = Log::open_sharing(dir.path(), SMALL, options, &files);
        opened.unwrap().0
    };
    let mut logs: Vec<_> = dirs.iter().map(|dir| open(dir, CLEAN)).collect();
    for _ in 0..10 {
        for log in &mut logs {
            fill(log, 0, 10);
        }
        // What is dirty stays open: files of segments and indexes that are not synced.
        for log in &logs {
            log.flusher().flush().unwrap();
        }
    }
    for log in &mut logs {
        log.close().unwrap();
    }
    let expected: Vec<_> = logs.iter().map(|log| read_all(&log.reader())).collect();
    for log in &logs {
        for time in (0..3_000).step_by(200) {
            log.reader().offset_for_timestamp(time).unwrap();
        }
    }
    assert_eq!(files.count(), 10);
    drop(logs);
    assert_eq!(files.count(), 0);
    for (dir, expected) in dirs.iter().zip(expected) {
        assert!(self::files(dir.path(), ".log").len() > 10);
        assert_eq!(read_all(&open(dir, CLEAN).reader()), expected);
        assert!(files.count() <= 10);
    }
}

#[test]
fn an_empty_log_is_found_without_opening_its_file() {
    let files = OpenFiles::new(10);
    let dir = temp_dir();
    open_new(dir.path()).close().unwrap();
    let (mut log, _) = Log::open_sharing(dir.path(), SMALL, CLEAN, &files).unwrap();
    assert_eq!(files.count(), 0);
    fill(&mut log, 0, 1);
    assert_eq!(files.count(), 1);
}

#[test]
fn an_empty_log_has_no_index_files() {
    let dir = temp_dir();
    let mut log = open_new(dir.path());
    log.close().unwrap();
    drop(log);
    let mut log = open(dir.path(), CLEAN).0;
    assert_eq!(files(dir.path(), ".log").len(), 1);
    assert_eq!(files(dir.path(), "index"), [""; 0]);
    fill(&mut log, 0, 1);
    assert_eq!(files(dir.path(), "index"), [""; 0]);
    log.close().unwrap();
    // Kafka's tools want both of them beside batches.
    assert_eq!(files(dir.path(), "index").len(), 2);
    let (log, report) = open(dir.path(), CLEAN);
    assert_eq!(report, Default::default());
    assert_eq!(log.log_end_offset(), 2);
}

#[test]
fn preallocated_segments_take_their_room_at_once_and_give_the_rest_back() {
    let config = LogConfig {
        segment_bytes: 1 << 20,
        preallocate: true,
        ..SMALL
    };
    let dir = temp_dir();
    let open = |options| Log::open(dir.path(), config, options).unwrap();
    let (mut log, _) = open(CLEAN);
    let first = &files(dir.path(), ".log")[0];
    assert_eq!(allocated(dir.path(), first), 0);
    fill(&mut log, 0, 3);
    let size = fs::metadata(dir.path().join(first)).unwrap().len();
    assert_eq!(size as usize, 3 * batch(0, 0, 2).len());
    let all = read_all(&log.reader());
    if allocated(dir.path(), first) < 1 << 20 {
        return; // the file system cannot reserve room
    }
    drop(log);
    let (mut log, report) = open(CRASHED);
    assert_eq!(report.bytes_truncated, 0);
    assert_eq!(read_all(&log.reader()), all);
    fill(&mut log, 1, 1);
    log.close().unwrap();
    assert!(allocated(dir.path(), first) < 1 << 20);
}

#[test]
fn a_tail_of_zeros_is_cut() {
    // As a broker leaves it that preallocates by size.
    let source = temp_dir();
    let mut log = open_new(source.path());
    fill(&mut log, 0, 10);
    log.flusher().flush().unwrap();
    let all = read_all(&log.reader());
    log.close().unwrap();
    for options in [CLEAN, CRASHED] {
        let dir = temp_dir();
        copy(source.path(), dir.path());
        let last = dir.path().join(files(dir.path(), ".log").last().unwrap());
        let file = fs::OpenOptions::new().write(true).open(&last).unwrap();
        let size = file.metadata().unwrap().len();
        file.set_len(size + 5_000).unwrap();
        let (mut log, report) = open(dir.path(), options);
        assert_eq!(report.bytes_truncated, 5_000);
        assert_eq!(read_all(&log.reader()), all);
        fill(&mut log, 1, 1);
        assert_eq!(
            read_all(&log.reader()).len(),
            all.len() + batch(0, 0, 2).len()
        );
    }
}

#[test]
fn segments_without_timestamps_are_rolled_by_the_clock() {
    let config = LogConfig {
        segment_ms: 1_000,
        segment_bytes: 1 << 20,
        ..SMALL
    };
    let dir = temp_dir();
    let (mut log, _) = Log::open(dir.path(), config, CLEAN).unwrap();
    for (now_ms, segments) in [
        (50_000, 1),
        (51_000, 1),
        (51_001, 2),
        (52_001, 2),
        (52_002, 3),
    ] {
        let batch = batch_of(log.log_end_offset(), 0, 1, -1);
        log.append_at(&batch, now_ms).unwrap();
        assert_eq!(files(dir.path(), ".log").len(), segments, "{now_ms}");
    }
}
