//! One writer, readers and a flusher at the same time.

use crate::fixture::*;
use klamm_records::{Batches, verify_crc};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

const BATCHES: i64 = 2_000;

#[test]
fn readers_and_flushers_run_beside_the_writer() {
    let dir = temp_dir();
    let mut log = open_new(dir.path());
    let (reader, flusher) = (log.reader(), log.flusher());
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        for bytes_max in [1, 700, 1 << 20] {
            let reader = reader.clone();
            scope.spawn(move || {
                let mut offset = 0;
                while offset < 2 * BATCHES {
                    let read = reader.read(offset, bytes_max, i64::MAX, true).unwrap();
                    for batch in Batches::new(&read.records) {
                        let (header, bytes) = batch.unwrap();
                        assert!(verify_crc(bytes));
                        assert_eq!(header.base_offset, offset);
                        offset = header.next_offset();
                    }
                    assert_eq!(read.next_offset, offset);
                    thread::yield_now();
                }
            });
        }
        scope.spawn(|| {
            let mut flushed = 0;
            while !done.load(Ordering::Acquire) {
                let end = reader.log_end_offset();
                let now = flusher.flush().unwrap();
                assert!(now >= end && now >= flushed);
                flushed = now;
            }
        });
        for i in 0..BATCHES {
            log.append(&batch(2 * i, 0, 2)).unwrap();
        }
        done.store(true, Ordering::Release);
    });
    assert_eq!(flusher.flush().unwrap(), 2 * BATCHES);
    assert!(!flusher.is_dirty());
}

#[test]
fn readers_below_a_truncation_notice_nothing() {
    let dir = temp_dir();
    let mut log = open_new(dir.path());
    fill(&mut log, 0, 20);
    let (reader, flusher) = (log.reader(), log.flusher());
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Acquire) {
                for offset in 0..40 {
                    let read = reader.read(offset, 1 << 20, 40, true).unwrap();
                    assert_eq!(read.base_offset, offset - offset % 2);
                    for batch in Batches::new(&read.records) {
                        assert!(verify_crc(batch.unwrap().1));
                    }
                }
            }
        });
        scope.spawn(|| {
            while !done.load(Ordering::Acquire) {
                assert!(flusher.flush().unwrap() >= 40);
            }
        });
        for round in 1..100 {
            fill(&mut log, round, 1 + round as usize % 9);
            log.truncate_to(40).unwrap();
        }
        done.store(true, Ordering::Release);
    });
    assert_eq!(log.log_end_offset(), 40);
}
