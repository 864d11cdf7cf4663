//! A log on a disk that is really full. Needs the right to mount a file system.

use crate::fixture::*;
use klamm_records::set_partition_leader_epoch;
use klamm_storage::{Log, LogConfig};
use klamm_types::LeaderEpoch;
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};
use tempfile::TempDir;

/// A file system of 2 MiB in memory, unmounted when dropped.
struct SmallDisk {
    dir: TempDir,
}

impl SmallDisk {
    /// `None`, with a word about it, where this process may not mount.
    fn mount() -> Option<SmallDisk> {
        let dir = tempfile::tempdir().unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=2m", "klamm-test"]);
        let mounted = mount.arg(dir.path()).output();
        if mounted.is_ok_and(|output| output.status.success()) {
            return Some(SmallDisk { dir });
        }
        let is_ci = std::env::var_os("CI").is_some_and(|ci| ci == "true");
        assert!(!is_ci, "a test must mount a file system and may not");
        println!("not run: this process may not mount a file system");
        None
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Takes half of the disk, by a file that has nothing to do with the log.
    fn take_half(&self) -> PathBuf {
        let path = self.path().join("hog");
        fs::write(&path, vec![1; 1 << 20]).unwrap();
        path
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg(self.path()).status();
        assert!(unmounted.is_ok_and(|status| status.success()));
    }
}

/// A file of this kernel's page takes a page: segments of several.
const CONFIG: LogConfig = LogConfig {
    segment_bytes: 20_000,
    delete: true,
    ..SMALL
};

/// Appends until there is no room, each batch once again if it was refused.
fn append_until_full(log: &mut Log) {
    for _ in 0..10_000 {
        let end = log.log_end_offset();
        match log.append(&batch(end, 3, 20)) {
            Ok(appended) => assert_eq!(appended.base_offset, end),
            Err(error) => {
                assert!(error.is_storage_full(), "{error}");
                assert_eq!(log.log_end_offset(), end);
                return;
            }
        }
    }
    panic!("the disk is never full");
}

#[test]
fn a_full_disk_fails_an_append_but_not_the_log() {
    let Some(disk) = SmallDisk::mount() else {
        return;
    };
    let dir = disk.path().join("t-0");
    let hog = disk.take_half();
    let mut log = Log::open(&dir, CONFIG, CLEAN).unwrap().0;
    fill(&mut log, 3, 1);
    assert_eq!(log.flusher().flush().unwrap(), 2);
    append_until_full(&mut log);
    for _ in 0..3 {
        append_until_full(&mut log);
    }
    let end = log.log_end_offset();
    let count = base_offsets(&read_all(&log.reader())).len();
    assert_eq!(count as i64, (end - 2) / 20 + 1);
    assert_eq!(log.flusher().flush().unwrap(), end);

    // A start without room for anything.
    drop(log);
    let (mut log, report) = Log::open(&dir, CONFIG, CRASHED).unwrap();
    assert_eq!(log.log_end_offset(), end, "{report:?}");
    assert_eq!(base_offsets(&read_all(&log.reader())).len(), count);
    append_until_full(&mut log);

    // Retention needs no room.
    log.set_config(LogConfig {
        retention_bytes: 100_000,
        ..CONFIG
    });
    log.retain(0, end).unwrap();
    assert!(log.remove_old_segments().unwrap() > 10);
    log.flusher().purge_removed(0, true).unwrap();
    fill(&mut log, 3, 1);

    // With room again, everything goes on.
    append_until_full(&mut log);
    log.assign_epoch(LeaderEpoch(4), log.log_end_offset());
    let error = log.flusher().flush().unwrap_err();
    assert!(error.is_storage_full(), "{error}");
    fs::remove_file(hog).unwrap();
    assert_eq!(log.flusher().flush().unwrap(), log.log_end_offset());
    fill(&mut log, 4, 100);
    assert_eq!(log.flusher().flush().unwrap(), log.log_end_offset());
    let expected = read_all(&log.reader());
    log.close().unwrap();
    drop(log);
    let (log, report) = Log::open(&dir, CONFIG, CRASHED).unwrap();
    assert_eq!(report.bytes_truncated, 0, "{report:?}");
    assert_eq!(read_all(&log.reader()), expected);
}

/// Not at a roll: in the midst of a segment, where a part of a batch may fit.
#[test]
fn nothing_is_left_of_an_append_that_did_not_fit() {
    let Some(disk) = SmallDisk::mount() else {
        return;
    };
    let dir = disk.path().join("t-0");
    let config = LogConfig {
        segment_bytes: 1 << 30,
        ..CONFIG
    };
    let mut log = Log::open(&dir, config, CLEAN).unwrap().0;
    let mut sequence = 0;
    let mut last_epoch = LeaderEpoch::NONE;
    let error = loop {
        let end = log.log_end_offset();
        let mut batches = sequenced(end, 7, sequence);
        set_partition_leader_epoch(&mut batches, LeaderEpoch(sequence));
        batches.extend(batch(end + 1, sequence, 200));
        match log.append(&batches) {
            Ok(_) => last_epoch = LeaderEpoch(sequence),
            Err(error) => break error,
        }
        sequence += 1;
    };
    assert!(error.is_storage_full(), "{error}");
    let end = log.log_end_offset();
    assert_eq!(end, i64::from(sequence) * 201);
    let (_, producer) = log.producers().iter().next().unwrap();
    let last = producer.batches.back().unwrap();
    assert_eq!(last.last_sequence, sequence - 1);
    assert_eq!(log.latest_epoch(), Some(last_epoch));
    let expected = read_all(&log.reader());
    drop(log);
    let (log, report) = Log::open(&dir, config, CRASHED).unwrap();
    assert_eq!(report.bytes_truncated, 0, "{report:?}");
    assert_eq!(log.log_end_offset(), end);
    assert_eq!(read_all(&log.reader()), expected);
}

/// An offset that does not fit into the first segment has it give way to another, even empty.
#[test]
fn an_empty_log_goes_on_where_a_distant_append_did_not_fit() {
    let Some(disk) = SmallDisk::mount() else {
        return;
    };
    let dir = disk.path().join("t-0");
    let mut log = Log::open(&dir, CONFIG, CLEAN).unwrap().0;
    let hogs = [disk.take_half(), disk.path().join("rest")];
    let rest = fs::File::create(&hogs[1]).unwrap();
    while std::io::Write::write_all(&mut &rest, &[1; 4096]).is_ok() {}
    let error = log.append(&batch(1 << 32, 3, 20)).unwrap_err();
    assert!(error.is_storage_full(), "{error}");
    assert_eq!((log.log_start_offset(), log.log_end_offset()), (0, 0));
    for hog in hogs {
        fs::remove_file(hog).unwrap();
    }
    fill(&mut log, 3, 1);
    assert_eq!(log.flusher().flush().unwrap(), 2);
    let expected = read_all(&log.reader());
    drop(log);
    let (log, report) = Log::open(&dir, CONFIG, CRASHED).unwrap();
    assert_eq!(read_all(&log.reader()), expected, "{report:?}");
}
