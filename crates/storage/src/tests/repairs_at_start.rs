//! What a start repairs beside the batches, and whether it lasts.

use super::fixture::*;
use crate::{OpenOptions, disk_trace};
use std::fs;

#[test]
fn indexes_made_anew_are_durable_before_the_next_clean_stop_vouches_for_them() {
    for crashed in [false, true] {
        let dir = temp_dir();
        let mut log = open_new(dir.path());
        fill(&mut log, 0, 40);
        log.close().unwrap();
        let options = OpenOptions {
            clean_shutdown: !crashed,
            recovery_point: log.log_end_offset(),
            log_start_offset: 0,
        };
        let last = log.active.segment().base_offset();
        drop(log);
        let lost = [0, last].map(|base| format!("{base:020}.index"));
        for name in &lost {
            fs::remove_file(dir.path().join(name)).unwrap();
        }
        disk_trace::start();
        let (mut log, report) = open(dir.path(), options);
        assert_eq!(report.indexes_rebuilt, 2, "{report:?}");
        log.close().unwrap();
        let synced = disk_trace::synced_files(dir.path(), &disk_trace::stop());
        for name in &lost {
            assert!(synced.contains(name), "{name}: {synced:?}");
        }
    }
}

#[test]
fn snapshots_behind_the_recovery_point_do_not_crowd_out_older_ones() {
    let dir = temp_dir();
    let mut log = open_new(dir.path());
    let mut recovery_point = 0;
    for sequence in 0..6 {
        let end = log.log_end_offset();
        log.append(&sequenced(end, 7, sequence)).unwrap();
        log.snapshot_producers().unwrap();
        if sequence == 2 {
            recovery_point = log.flusher().flush().unwrap();
        }
        if sequence == 3 {
            // As if removals of the folder were not on disk yet.
            fs::copy(snapshot(dir.path(), 3), dir.path().join("kept")).unwrap();
        }
    }
    drop(log);
    fs::rename(dir.path().join("kept"), snapshot(dir.path(), 3)).unwrap();
    let options = OpenOptions {
        clean_shutdown: false,
        recovery_point,
        log_start_offset: 0,
    };
    let (log, _) = open(dir.path(), options);
    assert!(snapshot(dir.path(), recovery_point).exists());
    assert_eq!(log.producers().iter().count(), 1);
}

fn snapshot(dir: &std::path::Path, offset: i64) -> std::path::PathBuf {
    dir.join(format!("{offset:020}.snapshot"))
}
