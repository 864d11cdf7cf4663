//! Transactions as a log knows them: what is undecided, what was aborted.

use crate::fixture::*;
use klamm_storage::{AbortedTransaction, Log, OpenOptions};
use klamm_types::ProducerId;
use std::fs;

/// Appends a transactional batch of one record; its offset.
fn send(log: &mut Log, producer: i64, sequence: i32) -> i64 {
    let offset = log.log_end_offset();
    log.append(&transactional(offset, producer, sequence))
        .unwrap();
    offset
}

/// Appends the end of a transaction; its offset.
fn end(log: &mut Log, producer: i64, committed: bool) -> i64 {
    let offset = log.log_end_offset();
    log.append(&marker(offset, producer, committed)).unwrap();
    offset
}

fn aborted(log: &Log) -> Vec<AbortedTransaction> {
    let reader = log.reader();
    let start = reader.log_start_offset();
    reader.aborted_transactions(start, i64::MAX).unwrap()
}

/// A log of some segments with transactions of three producers, one of them open at its end.
fn make(log: &mut Log) -> Vec<AbortedTransaction> {
    let mut expected = Vec::new();
    for round in 0..20 {
        let first = send(log, 1, 2 * round);
        let other = send(log, 2, round);
        send(log, 1, 2 * round + 1);
        let last = end(log, 1, round % 3 == 0);
        if round % 3 != 0 {
            expected.push(AbortedTransaction {
                producer_id: ProducerId(1),
                first_offset: first,
                last_offset: last,
                last_stable_offset: other,
            });
        }
        let last = end(log, 2, round % 4 != 0);
        if round % 4 == 0 {
            expected.push(AbortedTransaction {
                producer_id: ProducerId(2),
                first_offset: other,
                last_offset: last,
                last_stable_offset: last + 1,
            });
        }
        // An end without a beginning (rule 55).
        end(log, 2, false);
    }
    send(log, 3, 0);
    fill(log, 0, 4);
    expected
}

#[test]
fn the_first_undecided_offset_follows_the_markers_below_the_high_watermark() {
    let dir = temp_dir();
    let mut log = open_new(dir.path());
    let reader = log.reader();
    assert_eq!(reader.first_undecided_offset(0), None);
    fill(&mut log, 0, 1);
    let a = send(&mut log, 1, 0);
    let b = send(&mut log, 2, 0);
    assert_eq!(reader.first_undecided_offset(log.log_end_offset()), Some(a));
    let end_a = end(&mut log, 1, true);
    assert_eq!(reader.first_undecided_offset(end_a), Some(a));
    assert_eq!(reader.first_undecided_offset(end_a + 1), Some(b));
    let end_b = end(&mut log, 2, false);
    assert_eq!(reader.first_undecided_offset(end_b), Some(b));
    // An end without a beginning moves nothing (rule 55).
    end(&mut log, 1, false);
    assert_eq!(reader.first_undecided_offset(end_b), Some(b));
    assert_eq!(reader.first_undecided_offset(end_b + 1), None);
}

#[test]
fn deleted_records_are_not_undecided() {
    let dir = temp_dir();
    let mut log = open_new(dir.path());
    send(&mut log, 1, 0);
    fill(&mut log, 0, 3);
    log.advance_start_offset(5).unwrap();
    assert_eq!(log.reader().first_undecided_offset(7), Some(5));
}

#[test]
fn aborted_transactions_are_found_across_segments() {
    let dir = temp_dir();
    let mut log = open_new(dir.path());
    let expected = make(&mut log);
    assert!(files(dir.path(), ".txnindex").len() > 3);
    assert_eq!(aborted(&log), expected);
    let reader = log.reader();
    for from in 0..log.log_end_offset() {
        for to in [from, from + 1, from + 9, from + 50] {
            let found = reader.aborted_transactions(from, to).unwrap();
            let needed: Vec<_> = expected
                .iter()
                .filter(|t| t.last_offset >= from && t.first_offset < to)
                .copied()
                .collect();
            assert_eq!(found, needed, "{from}..{to}");
        }
    }
}

#[test]
fn only_segments_with_aborted_transactions_have_the_file() {
    let dir = temp_dir();
    let mut log = open_new(dir.path());
    send(&mut log, 1, 0);
    end(&mut log, 1, true);
    fill(&mut log, 0, 20);
    assert_eq!(files(dir.path(), ".txnindex").len(), 0);
    send(&mut log, 1, 1);
    end(&mut log, 1, false);
    let names = files(dir.path(), ".txnindex");
    assert_eq!(names.len(), 1);
    let size = fs::metadata(dir.path().join(&names[0])).unwrap().len();
    assert_eq!(size, 34);
    log.advance_start_offset(log.log_end_offset()).unwrap();
    fill(&mut log, 0, 20);
    log.advance_start_offset(log.log_end_offset()).unwrap();
    assert_eq!(files(dir.path(), ".txnindex").len(), 0);
}

#[test]
fn reopening_gives_the_same_transactions() {
    let source = temp_dir();
    let mut log = open_new(source.path());
    let expected = make(&mut log);
    let end_offset = log.log_end_offset();
    let undecided = log.reader().first_undecided_offset(end_offset);
    assert!(undecided.is_some());
    log.flusher().flush().unwrap();
    let crashed = temp_dir();
    copy(source.path(), crashed.path());
    log.close().unwrap();
    let mut options = vec![(source.path(), CLEAN)];
    for recovery_point in [0, 1, 33, 60, 61, end_offset - 5, end_offset] {
        let unclean = OpenOptions {
            recovery_point,
            ..CRASHED
        };
        options.push((crashed.path(), unclean));
    }
    for (dir, options) in options {
        for suffix in ["", ".txnindex", ".snapshot"] {
            if !suffix.is_empty() && options.recovery_point > 0 {
                continue; // what is synced is there
            }
            let copied = temp_dir();
            copy(dir, copied.path());
            if !options.clean_shutdown {
                for name in files(copied.path(), suffix)
                    .iter()
                    .filter(|_| !suffix.is_empty())
                {
                    fs::remove_file(copied.path().join(name)).unwrap();
                }
            }
            let (log, _) = open(copied.path(), options);
            assert_eq!(aborted(&log), expected, "{options:?} without {suffix}");
            let found = log.reader().first_undecided_offset(end_offset);
            assert_eq!(found, undecided, "{options:?} without {suffix}");
        }
    }
}

#[test]
fn truncation_takes_transactions_back() {
    let source = temp_dir();
    let mut log = open_new(source.path());
    let all = make(&mut log);
    log.flusher().flush().unwrap();
    for to in (0..log.log_end_offset()).rev() {
        let dir = temp_dir();
        copy(source.path(), dir.path());
        let (mut log, _) = open(dir.path(), CRASHED);
        log.truncate_to(to).unwrap();
        let expected: Vec<_> = all.iter().filter(|t| t.last_offset < to).copied().collect();
        assert_eq!(aborted(&log), expected, "cut at {to}");
        let undecided = log.reader().first_undecided_offset(to);
        log.close().unwrap();
        let (log, _) = open(dir.path(), CLEAN);
        assert_eq!(aborted(&log), expected, "cut at {to}, reopened");
        assert_eq!(log.reader().first_undecided_offset(to), undecided);
    }
}

#[test]
fn a_snapshot_of_what_was_cut_off_is_not_believed_after_a_crash() {
    let dir = temp_dir();
    let mut log = open_new(dir.path());
    fill(&mut log, 0, 2);
    log.flusher().flush().unwrap();
    for sequence in 0..4 {
        send(&mut log, 1, sequence);
    }
    log.snapshot_producers().unwrap();
    let stale = files(dir.path(), ".snapshot");
    let kept = fs::read(dir.path().join(&stale[0])).unwrap();
    log.truncate_to(4).unwrap();
    // Its removal does not survive the crash, the batches that came instead do.
    fill(&mut log, 1, 5);
    fs::write(dir.path().join(&stale[0]), kept).unwrap();
    drop(log);
    let unclean = OpenOptions {
        recovery_point: 4,
        ..CRASHED
    };
    let (log, _) = open(dir.path(), unclean);
    assert_eq!(log.log_end_offset(), 14);
    assert!(!files(dir.path(), ".snapshot").contains(&stale[0]));
    assert!(log.producers().is_empty());
    assert_eq!(log.reader().first_undecided_offset(14), None);
}

#[test]
fn truncation_takes_back_what_forgotten_producers_left() {
    let dir = temp_dir();
    let mut log = open_new(dir.path());
    for sequence in 0..10 {
        send(&mut log, 1, sequence);
        end(&mut log, 1, false);
    }
    log.snapshot_producers().unwrap();
    log.expire_producers(i64::MAX, 1);
    assert!(log.producers().is_empty());
    log.truncate_to(3).unwrap();
    assert_eq!(aborted(&log).len(), 1);
    assert_eq!(files(dir.path(), ".snapshot").len(), 0);
    fill(&mut log, 1, 10);
    log.close().unwrap();
    let (log, _) = open(dir.path(), CLEAN);
    assert_eq!(aborted(&log).len(), 1);
    assert!(log.producers().is_empty());
}
