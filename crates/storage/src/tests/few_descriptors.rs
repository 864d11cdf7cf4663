//! A log in a process that has run out of descriptors, at any of the files it opens.

use super::fixture::*;
use crate::{Interruption, Log, LogConfig, OpenFiles, disk_trace, disk_trace::Change};
use klamm_types::LeaderEpoch;
use std::path::Path;

/// A segment holds three batches, each but the first indexed.
const TINY: LogConfig = LogConfig {
    segment_bytes: 400,
    index_interval_bytes: 1,
    ..SMALL
};

/// A log that closes every file that it may close.
fn filled(dir: &Path) -> Log {
    let files = OpenFiles::new(1);
    let opened = Log::open_after(Interruption::Machine, dir, TINY, CRASHED, &files);
    let mut log = opened.unwrap().0;
    fill(&mut log, 0, 4);
    log.flusher().flush().unwrap();
    log
}

#[test]
fn the_next_flush_makes_up_for_one_that_could_not_open_a_file() {
    let flush = |after| {
        let dir = temp_dir();
        let mut log = filled(dir.path());
        fill(&mut log, 1, 6);
        disk_trace::start();
        disk_trace::refuse_open(after);
        let flushed = log.flusher().flush();
        let is_undisturbed = disk_trace::were_opens_granted();
        if !is_undisturbed {
            let error = flushed.unwrap_err();
            assert!(error.is_storage_full(), "{after}: {error}");
        }
        assert_eq!(log.flusher().flush().unwrap(), 20, "{after}");
        let changes = disk_trace::stop();
        let is_dir = |change: &Change| matches!(change, Change::SyncDir { .. });
        assert!(changes.iter().any(is_dir), "{after}");
        (
            is_undisturbed,
            disk_trace::synced_files(dir.path(), &changes),
        )
    };
    let (_, expected) = flush(usize::MAX);
    assert!(expected.len() > 6, "{expected:?}");
    let disturbed = (0..)
        .map(flush)
        .take_while(|(is_undisturbed, _)| !is_undisturbed);
    let mut count = 0;
    for (after, (_, synced)) in disturbed.enumerate() {
        assert_eq!(synced, expected, "{after}");
        count += 1;
    }
    assert!(count > 6, "{count}");
}

#[test]
fn an_append_that_could_not_open_a_file_is_undone() {
    for after in 0.. {
        let dir = temp_dir();
        let mut log = filled(dir.path());
        let batches: Vec<u8> = (0..6).flat_map(|i| batch(8 + 2 * i, 1, 2)).collect();
        disk_trace::refuse_open(after);
        let result = log.append(&batches);
        if disk_trace::were_opens_granted() {
            assert!(after > 3);
            return;
        }
        let error = result.unwrap_err();
        assert!(error.is_storage_full(), "{after}: {error}");
        assert_eq!(
            (log.log_end_offset(), log.latest_epoch()),
            (8, Some(LeaderEpoch(0)))
        );
        log.append(&batches).unwrap();
        let expected = read_all(&log.reader());
        drop(log);
        let (log, report) = Log::open(dir.path(), TINY, CRASHED).unwrap();
        assert_eq!(report.bytes_truncated, 0, "{after}: {report:?}");
        assert_eq!(read_all(&log.reader()), expected, "{after}");
    }
}
