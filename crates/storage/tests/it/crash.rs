//! What is left of a log after a crash.

use crate::fixture::*;
use klamm_storage::{Log, LogConfig, OpenOptions};
use klamm_types::LeaderEpoch;
use std::fs::{self, OpenOptions as FileOptions};

/// A log of several segments, all of it flushed, not closed. Its bytes.
fn crashed_log(dir: &std::path::Path, batches: usize) -> Vec<u8> {
    let mut log = open_new(dir);
    fill(&mut log, 0, batches / 2);
    fill(&mut log, 1, batches - batches / 2);
    log.flusher().flush().unwrap();
    read_all(&log.reader())
}

fn cut_file(path: &std::path::Path, size: u64) {
    FileOptions::new()
        .write(true)
        .open(path)
        .unwrap()
        .set_len(size)
        .unwrap();
}

#[test]
fn a_torn_tail_is_cut_at_the_last_whole_batch() {
    let source = temp_dir();
    let all = crashed_log(source.path(), 16);
    let last = files(source.path(), ".log").pop().unwrap();
    let size = fs::metadata(source.path().join(&last)).unwrap().len();
    let batch_size = batch(0, 0, 2).len();
    for cut in 0..size {
        let dir = temp_dir();
        copy(source.path(), dir.path());
        cut_file(&dir.path().join(&last), cut);
        let (mut log, report) = open(dir.path(), CRASHED);
        let bytes = read_all(&log.reader());
        let before = all.len() - size as usize;
        assert!(all.starts_with(&bytes), "{cut}");
        assert_eq!(
            bytes.len(),
            before + cut as usize / batch_size * batch_size,
            "{cut}"
        );
        assert_eq!(report.bytes_truncated, cut % batch_size as u64, "{cut}");
        assert_eq!(log.log_end_offset() as usize, bytes.len() / batch_size * 2);
        fill(&mut log, 2, 1);
        assert_eq!(read_all(&log.reader()).len(), bytes.len() + batch_size);
    }
}

#[test]
fn a_tail_torn_in_spite_of_a_clean_stop_is_cut_too() {
    let source = temp_dir();
    let mut log = open_new(source.path());
    fill(&mut log, 0, 16);
    let all = read_all(&log.reader());
    log.close().unwrap();
    let last = files(source.path(), ".log").pop().unwrap();
    let size = fs::metadata(source.path().join(&last)).unwrap().len();
    let batch_size = batch(0, 0, 2).len();
    for cut in 0..size {
        let dir = temp_dir();
        copy(source.path(), dir.path());
        cut_file(&dir.path().join(&last), cut);
        let (mut log, report) = open(dir.path(), CLEAN);
        let bytes = read_all(&log.reader());
        let expected = all.len() - size as usize + cut as usize / batch_size * batch_size;
        assert!(all.starts_with(&bytes), "{cut}");
        assert_eq!(bytes.len(), expected, "{cut}");
        assert_eq!(report.bytes_truncated, cut % batch_size as u64, "{cut}");
        assert_eq!(log.log_end_offset() as usize, bytes.len() / batch_size * 2);
        let mut batches = (0..log.log_end_offset()).step_by(2);
        let finds_times = batches.all(|offset| {
            let found = log.reader().offset_for_timestamp(1_000 + 10 * offset);
            found.unwrap().unwrap().offset == offset
        });
        assert!(finds_times, "{cut}");
        fill(&mut log, 2, 1);
        assert_eq!(read_all(&log.reader()).len(), bytes.len() + batch_size);
    }
}

#[test]
fn damage_behind_the_recovery_point_cuts_the_log_there() {
    let source = temp_dir();
    let all = crashed_log(source.path(), 30);
    let logs = files(source.path(), ".log");
    let batch_size = batch(0, 0, 2).len();
    let per_segment = 1_000 / batch_size;
    for at in (0..per_segment * batch_size).step_by(11) {
        // The checksum does not cover a batch's offset and epoch.
        let within = at % batch_size;
        if within < 8 || (12..16).contains(&within) {
            continue;
        }
        let dir = temp_dir();
        copy(source.path(), dir.path());
        let path = dir.path().join(&logs[1]);
        let mut bytes = fs::read(&path).unwrap();
        bytes[at] ^= 0x40;
        fs::write(&path, bytes).unwrap();
        let (log, report) = open(dir.path(), CRASHED);
        let kept = (per_segment + at / batch_size) * batch_size;
        assert_eq!(read_all(&log.reader()), all[..kept], "{at}");
        assert_eq!(report.bytes_truncated as usize, all.len() - kept, "{at}");
        assert_eq!(report.segments_removed, logs.len() - 2);
        assert_eq!(files(dir.path(), ".log").len(), 2);
        assert_eq!(files(dir.path(), "index").len(), 4);
    }
}

#[test]
fn damage_before_the_recovery_point_costs_one_batch() {
    let source = temp_dir();
    let all = crashed_log(source.path(), 30);
    let name = &files(source.path(), ".log")[1];
    for index in ["index", "timeindex"] {
        fs::remove_file(source.path().join(name).with_extension(index)).unwrap();
    }
    let batch_size = batch(0, 0, 2).len();
    let per_segment = 1_000 / batch_size;
    let first = 2 * per_segment as i64;
    // Without entries in its index, all of a segment is checked.
    let config = LogConfig {
        index_interval_bytes: 10_000,
        ..SMALL
    };
    for batch in 0..per_segment {
        for recovery_point in (first + 2..=2 * first).step_by(2) {
            let dir = temp_dir();
            copy(source.path(), dir.path());
            let path = dir.path().join(name);
            let mut bytes = fs::read(&path).unwrap();
            // The length, the checksum, or a record.
            let within = [10, 18, batch_size - 1][(batch + recovery_point as usize / 2) % 3];
            bytes[batch * batch_size + within] ^= 4;
            fs::write(&path, bytes).unwrap();
            let options = OpenOptions {
                recovery_point,
                ..CRASHED
            };
            let (log, _) = Log::open(dir.path(), config, options).unwrap();
            let what = format!("batch {batch}, byte {within}, {recovery_point}");
            let lost = first + 2 * batch as i64;
            let at = (per_segment + batch) * batch_size;
            if lost >= recovery_point {
                assert_eq!(read_all(&log.reader()), all[..at], "{what}");
                continue;
            }
            assert_eq!(log.log_end_offset(), 60, "{what}");
            let damage = log.reader().damage();
            assert_eq!(damage.len(), 1, "{what}: {damage:?}");
            let offsets = (damage[0].first_offset, damage[0].next_offset);
            assert_eq!(offsets, (lost, lost + 2), "{what}");
            let behind = read_from(&log.reader(), lost + 2);
            assert_eq!(behind, all[at + batch_size..], "{what}");
        }
    }
}

#[test]
fn only_what_lies_behind_the_recovery_point_is_checked() {
    let dir = temp_dir();
    let all = crashed_log(dir.path(), 40);
    let batch_size = batch(0, 0, 2).len() as u64;
    for recovery_point in [0, 1, 20, 39, 64, 78, 80, 1_000] {
        let (log, report) = open(
            dir.path(),
            OpenOptions {
                recovery_point,
                ..CRASHED
            },
        );
        assert_eq!(read_all(&log.reader()), all, "{recovery_point}");
        let behind = (all.len() as u64).saturating_sub(recovery_point as u64 / 2 * batch_size);
        let slack = 3 * batch_size;
        assert!(
            report.bytes_checked >= behind,
            "{recovery_point}: {report:?}"
        );
        assert!(
            report.bytes_checked <= behind + slack,
            "{recovery_point}: {report:?}"
        );
        assert_eq!(log.flusher().flushed_offset(), (recovery_point).min(80));
    }
    let (mut log, _) = open(dir.path(), CRASHED);
    log.close().unwrap();
    let (log, report) = open(dir.path(), CLEAN);
    assert_eq!((report, read_all(&log.reader())), (Default::default(), all));
}

#[test]
fn leftovers_and_orphans_go() {
    let dir = temp_dir();
    let all = crashed_log(dir.path(), 10);
    let leftovers = [
        "00000000000000000000.log.deleted",
        "00000000000000000002.index.cleaned",
        "00000000000000000002.log.swap",
        "leader-epoch-checkpoint.tmp",
        "00000000000000000777.index",
        "00000000000000000777.timeindex",
    ];
    for name in leftovers {
        fs::write(dir.path().join(name), b"x").unwrap();
    }
    let (log, _) = open(dir.path(), CRASHED);
    assert_eq!(read_all(&log.reader()), all);
    for name in leftovers {
        assert!(!dir.path().join(name).exists(), "{name}");
    }
}

#[test]
fn segments_that_overlap_are_not_believed() {
    let dir = temp_dir();
    let all = crashed_log(dir.path(), 4);
    // A segment that a truncation removed, but whose removal a power failure undid.
    fs::write(dir.path().join(format!("{:020}.log", 6)), batch(6, 0, 2)).unwrap();
    let (mut log, report) = open(dir.path(), CRASHED);
    assert_eq!(report.segments_removed, 1);
    assert_eq!(read_all(&log.reader()), all);
    fill(&mut log, 1, 1);
}

#[test]
fn a_gap_behind_the_recovery_point_cuts_the_log() {
    let source = temp_dir();
    let all = crashed_log(source.path(), 30);
    let batch_size = batch(0, 0, 2).len();
    let per_segment = 1_000 / batch_size;
    let end = 2 * per_segment as i64;
    for (recovery_point, is_cut) in [(0, true), (end - 2, true), (end, false)] {
        let dir = temp_dir();
        copy(source.path(), dir.path());
        // The first segment loses its last batch, as a whole.
        let first = dir.path().join(&files(dir.path(), ".log")[0]);
        cut_file(&first, ((per_segment - 1) * batch_size) as u64);
        let options = OpenOptions {
            recovery_point,
            ..CRASHED
        };
        let (log, report) = open(dir.path(), options);
        let reader = log.reader();
        if is_cut {
            let bytes = read_all(&reader);
            assert_eq!(bytes, all[..(per_segment - 1) * batch_size], "{report:?}");
        } else {
            // It was flushed once, and the index knows.
            let lost: Vec<_> = reader
                .damage()
                .iter()
                .map(|range| range.first_offset..range.next_offset)
                .collect();
            assert_eq!(lost, vec![end - 2..end]);
            let behind = read_from(&reader, end);
            assert_eq!(behind, all[per_segment * batch_size..], "{report:?}");
        }
    }
}

#[test]
fn a_compacted_log_outlives_the_loss_of_its_recovery_point() {
    let source = temp_dir();
    let all = crashed_log(source.path(), 30);
    let batch_size = batch(0, 0, 2).len();
    let first = source.path().join(&files(source.path(), ".log")[0]);
    cut_file(&first, batch_size as u64);
    for index in ["index", "timeindex"] {
        fs::remove_file(first.with_extension(index)).unwrap();
    }
    let config = LogConfig {
        compact: true,
        ..SMALL
    };
    for (recovery_point, is_cut) in [(0, false), (1, true)] {
        let dir = temp_dir();
        copy(source.path(), dir.path());
        let options = OpenOptions {
            recovery_point,
            ..CRASHED
        };
        let (log, _) = Log::open(dir.path(), config, options).unwrap();
        let bytes = read_all(&log.reader());
        assert_eq!(bytes.len() == batch_size, is_cut, "{recovery_point}");
        assert!(is_cut || bytes.ends_with(&all[20 * batch_size..]));
    }
}

#[test]
fn an_epoch_whose_first_batches_were_compacted_away_begins_where_it_did() {
    let source = temp_dir();
    let mut log = open_new(source.path());
    fill(&mut log, 0, 3);
    log.assign_epoch(LeaderEpoch(1), 6);
    // As if the batches at 6 to 12 had gone.
    log.append(&batch(12, 1, 2)).unwrap();
    log.assign_epoch(LeaderEpoch(2), 14);
    fill(&mut log, 2, 3);
    let epochs = log.epochs();
    assert_eq!(epochs.entries()[1], (LeaderEpoch(1), 6));
    log.flusher().flush().unwrap();
    for recovery_point in 0..=log.log_end_offset() {
        let dir = temp_dir();
        copy(source.path(), dir.path());
        let options = OpenOptions {
            recovery_point,
            ..CRASHED
        };
        assert_eq!(
            open(dir.path(), options).0.epochs(),
            epochs,
            "{recovery_point}"
        );
    }
    // What the file says of an offset within the batches of another epoch is not believed.
    let stale = "0\n3\n0 0\n1 4\n2 14\n";
    fs::write(source.path().join("leader-epoch-checkpoint"), stale).unwrap();
    let (log, _) = open(source.path(), CRASHED);
    assert_eq!(log.epochs().entries()[1], (LeaderEpoch(1), 12));
}

#[test]
fn a_tail_damaged_in_spite_of_a_clean_stop_is_cut() {
    let dir = temp_dir();
    let mut log = open_new(dir.path());
    fill(&mut log, 0, 4);
    let all = read_all(&log.reader());
    log.close().unwrap();
    let last = files(dir.path(), ".log").pop().unwrap();
    let path = dir.path().join(last);
    cut_file(&path, fs::metadata(&path).unwrap().len() - 1);
    let (log, report) = open(dir.path(), CLEAN);
    assert_eq!(report.segments_checked, 1);
    let batch_size = batch(0, 0, 2).len();
    assert_eq!(read_all(&log.reader()), all[..all.len() - batch_size]);
}
