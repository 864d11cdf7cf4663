//! Logs that are flushed with one sync of their file system.

use super::fixture::*;
use crate::{
    FileSystem, LeaderEpochs, Log, LogFlusher, disk_trace, disk_trace::Change, flush_together,
};
use std::path::Path;

/// Three logs that were flushed, and appended to since.
fn dirty_logs(root: &Path) -> Vec<Log> {
    let open = |i: i32| {
        let mut log = Log::open(&root.join(format!("t-{i}")), SMALL, CLEAN)
            .unwrap()
            .0;
        fill(&mut log, 0, 1);
        log.flusher().flush().unwrap();
        fill(&mut log, 0, 2);
        log
    };
    (0..3).map(open).collect()
}

fn flushers(logs: &[Log]) -> Vec<LogFlusher> {
    logs.iter().map(Log::flusher).collect()
}

fn count(changes: &[Change], is_it: fn(&Change) -> bool) -> usize {
    changes.iter().filter(|change| is_it(change)).count()
}

fn is_sync_all(change: &Change) -> bool {
    matches!(change, Change::SyncAll)
}

fn is_sync_file(change: &Change) -> bool {
    matches!(change, Change::SyncFile { .. })
}

#[test]
fn one_sync_serves_all_logs() {
    let root = temp_dir();
    let logs = dirty_logs(root.path());
    disk_trace::start();
    let flushed = flush_together(&flushers(&logs), &FileSystem::any(root.path()));
    let changes = disk_trace::stop();
    for (log, flushed) in logs.iter().zip(flushed) {
        assert_eq!(flushed.unwrap(), log.log_end_offset());
        assert!(!log.flusher().is_dirty());
    }
    assert_eq!(count(&changes, is_sync_all), 1);
    assert_eq!(count(&changes, is_sync_file), 0);
}

/// New folders, names, small files and leader epochs cost one sync more, however many logs there are.
#[test]
fn two_syncs_serve_new_logs() {
    let root = temp_dir();
    let open = |i: i32| {
        let dir = root.path().join(format!("t-{i}"));
        let mut log = Log::open(&dir, SMALL, CLEAN).unwrap().0;
        fill(&mut log, i, 2);
        log
    };
    let logs: Vec<_> = (0..3).map(open).collect();
    let file_system = FileSystem::any(root.path());
    disk_trace::start();
    let flushed = flush_together(&flushers(&logs), &file_system);
    let changes = disk_trace::stop();
    for (log, flushed) in logs.iter().zip(flushed) {
        assert_eq!(flushed.unwrap(), log.log_end_offset());
        let epochs = LeaderEpochs::read(log.dir()).unwrap();
        assert_eq!(epochs, Some(log.epochs()));
    }
    assert_eq!(count(&changes, is_sync_all), 2);
    let is_sync =
        |change: &Change| matches!(change, Change::SyncFile { .. } | Change::SyncDir { .. });
    assert_eq!(count(&changes, is_sync), 0);
}

#[test]
fn where_the_file_system_cannot_be_synced_each_log_is() {
    let root = temp_dir();
    let logs = dirty_logs(root.path());
    disk_trace::start();
    let flushed = flush_together(&flushers(&logs), &FileSystem::failing(root.path()));
    let changes = disk_trace::stop();
    for (log, flushed) in logs.iter().zip(flushed) {
        assert_eq!(flushed.unwrap(), log.log_end_offset());
    }
    assert_eq!(count(&changes, is_sync_all), 0);
    assert_eq!(count(&changes, is_sync_file), logs.len());
}

/// The failure may have been that of a log that was not among those that heard of it.
#[test]
fn after_a_failure_each_log_tells_of_its_own_files() {
    let root = temp_dir();
    let mut logs = dirty_logs(root.path());
    let failing = FileSystem::failing(root.path());
    flush_together(&flushers(&logs[..1]), &failing);
    fill(&mut logs[0], 0, 1);
    disk_trace::start();
    let flushed = flush_together(&flushers(&logs), &failing.mended(root.path()));
    let changes = disk_trace::stop();
    for (log, flushed) in logs.iter().zip(flushed) {
        assert_eq!(flushed.unwrap(), log.log_end_offset());
    }
    assert_eq!(count(&changes, is_sync_all), 0);
    assert_eq!(count(&changes, is_sync_file), logs.len());
}

#[test]
fn a_log_that_cannot_be_flushed_does_not_hold_up_the_others() {
    let root = temp_dir();
    let logs = dirty_logs(root.path());
    let before = logs[1].flusher().flushed_offset();
    logs[1].abandon();
    let flushed = flush_together(&flushers(&logs), &FileSystem::any(root.path()));
    let flushed: Vec<_> = flushed.into_iter().map(Result::unwrap).collect();
    let ends = [logs[0].log_end_offset(), before, logs[2].log_end_offset()];
    assert_eq!(flushed, ends);
}
