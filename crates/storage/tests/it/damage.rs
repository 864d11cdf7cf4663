//! Bits that flip on disk: what is damaged is never served, and everything else is.

use crate::fixture::*;
use klamm_records::Batches;
use klamm_storage::{Interruption, Log, LogReader, OpenFiles, OpenOptions, ReadError};
use klamm_types::LeaderEpoch;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// A log of several segments, epochs and batch sizes, closed in order or crashed. Its batches.
fn source(dir: &Path, closes: bool) -> Vec<Vec<u8>> {
    let mut log = open_new(dir);
    for epoch in 0..3 {
        for records in 1..=12 {
            let bytes = batch(log.log_end_offset(), epoch, records % 4 + 1);
            log.append(&bytes).unwrap();
        }
    }
    log.flusher().flush().unwrap();
    let all = read_all(&log.reader());
    if closes {
        log.close().unwrap();
    }
    split(&all)
}

fn split(bytes: &[u8]) -> Vec<Vec<u8>> {
    let batches = Batches::new(bytes).map(|batch| batch.unwrap().1.to_vec());
    batches.collect()
}

/// Reads every offset by itself, and returns the batches that are served.
fn served(reader: &LogReader) -> Vec<Vec<u8>> {
    let mut batches: Vec<Vec<u8>> = Vec::new();
    assert!(
        reader.log_end_offset() < 1_000,
        "no such offset was ever written"
    );
    for offset in reader.log_start_offset()..reader.log_end_offset() {
        match reader.read(offset, 1_500, i64::MAX, true) {
            Ok(read) => batches.extend(split(&read.records)),
            Err(ReadError::Damaged { offsets, .. }) => assert!(offsets.contains(&offset)),
            Err(error) => panic!("{offset}: {error}"),
        }
    }
    batches.sort_by_key(|bytes| base_offsets(bytes)[0]);
    batches.dedup();
    batches
}

fn logs(dir: &Path) -> Vec<PathBuf> {
    let names = files(dir, ".log");
    names.iter().map(|name| dir.join(name)).collect()
}

fn reopen(dir: &Path, closed: bool) -> Log {
    let options = OpenOptions {
        clean_shutdown: closed,
        recovery_point: 0,
        log_start_offset: 0,
    };
    let files = OpenFiles::new(OpenFiles::LIMIT_DEFAULT);
    Log::open_after(Interruption::Process, dir, SMALL, options, &files)
        .unwrap()
        .0
}

/// What is served is what was written, but for the batch that byte `at` of segment `segment`
/// lies in, and at most one next to it.
fn check(all: &[Vec<u8>], log: &Log, what: &str) {
    let got = served(&log.reader());
    let missing = all.iter().filter(|batch| !got.contains(batch)).count();
    for batch in &got {
        assert!(
            all.contains(batch),
            "{what}: never written: {:?}",
            base_offsets(batch)
        );
    }
    let damage = log.reader().damage();
    assert!(
        missing <= 1,
        "{what}: {missing} batches are gone: {damage:?}"
    );
    for range in damage {
        let lost = all
            .iter()
            .filter(|batch| range.contains(base_offsets(batch)[0]));
        assert_eq!(lost.count(), 1, "{what}: {range:?}");
    }
}

#[test]
fn one_flipped_bit_costs_one_batch_and_is_never_served() {
    for closed in [true, false] {
        let source_dir = temp_dir();
        let all = source(source_dir.path(), closed);
        for (segment, path) in logs(source_dir.path()).iter().enumerate() {
            let size = fs::metadata(path).unwrap().len() as usize;
            let start = if segment == 1 {
                0
            } else {
                size.saturating_sub(220)
            };
            for at in (start..size).step_by(if closed { 2 } else { 3 }) {
                // The epoch of the very last batch may be a new one, as far as the log can tell;
                // the leader tells.
                let last = all.last().map_or(0, Vec::len);
                let is_last = !closed && segment + 1 == logs(source_dir.path()).len();
                if is_last && at + last >= size && (12..16).contains(&(at + last - size)) {
                    continue;
                }
                let dir = temp_dir();
                copy(source_dir.path(), dir.path());
                let path = &logs(dir.path())[segment];
                let mut bytes = fs::read(path).unwrap();
                let bit = 1 << (at * 7 % 8);
                bytes[at] ^= bit;
                fs::write(path, bytes).unwrap();
                let log = reopen(dir.path(), closed);
                let what = format!("closed {closed}, segment {segment}, byte {at}, bit {bit}");
                check(&all, &log, &what);
            }
        }
    }
}

#[test]
fn a_sealed_segment_that_lost_its_end_says_so() {
    for closed in [true, false] {
        let source_dir = temp_dir();
        let all = source(source_dir.path(), closed);
        let size = fs::metadata(&logs(source_dir.path())[1]).unwrap().len();
        for kept in (0..size).step_by(13) {
            let dir = temp_dir();
            copy(source_dir.path(), dir.path());
            let path = &logs(dir.path())[1];
            let file = fs::OpenOptions::new().write(true).open(path).unwrap();
            file.set_len(kept).unwrap();
            let log = reopen(dir.path(), closed);
            let got = served(&log.reader());
            let lost: Vec<_> = all.iter().filter(|batch| !got.contains(batch)).collect();
            let damage = log.reader().damage();
            assert_eq!(damage.len(), 1, "{kept}: {damage:?}");
            for batch in lost {
                assert!(damage[0].contains(base_offsets(batch)[0]), "{kept}");
            }
        }
    }
}

#[test]
fn what_is_zeroed_is_found_by_the_scrub_and_can_be_cut_away() {
    let dir = temp_dir();
    let all = source(dir.path(), true);
    let path = logs(dir.path())[1].clone();
    let mut bytes = fs::read(&path).unwrap();
    bytes[100..400].fill(0);
    fs::write(&path, bytes).unwrap();
    let mut log = reopen(dir.path(), true);
    let reader = log.reader();
    assert!(reader.damage().is_empty());
    for segment in reader.segment_offsets() {
        let mut next = Some(0);
        while let Some(position) = next {
            next = reader.scrub(segment, position, 100).unwrap().next_position;
        }
    }
    let damage = reader.damage();
    assert_eq!(damage.len(), 1, "{damage:?}");
    let lost = |batch: &&Vec<u8>| damage[0].contains(base_offsets(batch)[0]);
    let expected: Vec<_> = all.iter().filter(|batch| !lost(batch)).cloned().collect();
    assert_eq!(served(&reader), expected);
    let end = log.truncate_to(damage[0].first_offset + 1).unwrap();
    assert_eq!(end, damage[0].first_offset);
    assert!(reader.damage().is_empty());
    fill(&mut log, 3, 5);
    let kept = all.iter().filter(|batch| base_offsets(batch)[0] < end);
    assert_eq!(served(&reader).len(), kept.count() + 5);
}

#[test]
fn a_repaired_segment_is_what_it_was() {
    let dir = temp_dir();
    let all = source(dir.path(), true);
    let path = logs(dir.path())[1].clone();
    let before = fs::read(&path).unwrap();
    for (start, end) in [(0, 10), (100, 400), (before.len() - 5, before.len())] {
        let mut bytes = before.clone();
        bytes[start..end].fill(7);
        fs::write(&path, bytes).unwrap();
        let mut log = reopen(dir.path(), true);
        let reader = log.reader();
        for segment in reader.segment_offsets() {
            reader.scrub(segment, 0, u64::MAX).unwrap();
        }
        let damaged = reader.damage()[0].segment;
        let mut repair = log.repair(damaged).unwrap().unwrap();
        while let Some(missing) = repair.next_missing().unwrap() {
            let at = all.iter().position(|b| base_offsets(b)[0] >= missing.start);
            repair.supply(&all[at.unwrap()]).unwrap();
        }
        let replacement = repair.finish().unwrap();
        assert!(log.install(replacement).unwrap());
        assert!(reader.damage().is_empty());
        assert_eq!(served(&reader), all);
        assert_eq!(fs::read(&path).unwrap(), before);
        assert!(log.repair(damaged).unwrap().is_none());
        log.close().unwrap();
    }
}

#[test]
fn what_does_not_fit_repairs_nothing() {
    let dir = temp_dir();
    let all = source(dir.path(), true);
    let path = logs(dir.path())[1].clone();
    let mut bytes = fs::read(&path).unwrap();
    bytes[100] ^= 1;
    fs::write(&path, bytes).unwrap();
    let log = reopen(dir.path(), true);
    let reader = log.reader();
    for segment in reader.segment_offsets() {
        reader.scrub(segment, 0, u64::MAX).unwrap();
    }
    let damage = reader.damage().remove(0);
    let right = all
        .iter()
        .find(|b| base_offsets(b)[0] == damage.first_offset);
    let mut wrong = right.unwrap().clone();
    *wrong.last_mut().unwrap() ^= 1;
    let before = &all[all.iter().position(|b| Some(b) == right).unwrap() - 1];
    for unfit in [&wrong, before] {
        let mut repair = log.repair(damage.segment).unwrap().unwrap();
        assert!(repair.next_missing().unwrap().is_some());
        assert!(repair.supply(unfit).is_err());
    }
    assert_eq!(files(dir.path(), ".cleaned"), Vec::<String>::new());
    assert_eq!(reader.damage(), vec![damage]);
}

#[test]
fn timestamps_are_found_around_damage() {
    let dir = temp_dir();
    let all = source(dir.path(), true);
    let path = logs(dir.path())[1].clone();
    let mut bytes = fs::read(&path).unwrap();
    let first = base_offsets(&bytes)[0];
    bytes[40] ^= 1;
    fs::write(&path, bytes).unwrap();
    let log = reopen(dir.path(), true);
    let reader = log.reader();
    let (timestamp, last) = (1_000 + 10 * first, base_offsets(all.last().unwrap())[0]);
    let found = reader.offset_for_timestamp(timestamp).unwrap().unwrap();
    assert_eq!(found.offset, reader.damage()[0].next_offset);
    let found = reader.offset_for_timestamp(1_000 + 10 * last).unwrap();
    assert_eq!(found.unwrap().offset, last);
}

#[test]
fn a_batch_within_a_torn_record_is_no_batch_of_the_log() {
    let source = temp_dir();
    let mut log = open_new(source.path());
    fill(&mut log, 0, 2);
    let before = read_all(&log.reader());
    let end = log.log_end_offset();
    let mut builder = klamm_records::BatchBuilder::new(end).leader_epoch(LeaderEpoch(0));
    let value = [batch(end, 0, 1), batch(end + 1, 0, 1)].concat();
    builder.append(2_000, None, Some(&value), &[]);
    builder.append(2_000, None, Some(&[7; 150]), &[]);
    let torn = builder.build().unwrap();
    log.append(&torn).unwrap();
    log.flusher().flush().unwrap();
    drop(log);
    let name = files(source.path(), ".log").pop().unwrap();
    // The very last byte is a zero.
    for lost in 2..150 {
        for is_preallocated in [false, true] {
            let dir = temp_dir();
            copy(source.path(), dir.path());
            let path = dir.path().join(&name);
            let mut bytes = fs::read(&path).unwrap();
            let kept = bytes.len() - lost;
            bytes.truncate(kept);
            if is_preallocated {
                bytes.resize(kept + 1_000, 0);
            }
            fs::write(&path, bytes).unwrap();
            let log = reopen(dir.path(), false);
            assert_eq!(log.log_end_offset(), end, "{lost}, {is_preallocated}");
            assert_eq!(read_all(&log.reader()), before);
            assert_eq!(log.reader().damage(), vec![]);
        }
    }
}

#[test]
fn a_sealed_index_with_a_hole_hides_nothing() {
    let source_dir = temp_dir();
    let all = source(source_dir.path(), true);
    let names = files(source_dir.path(), ".index");
    let index = fs::read(source_dir.path().join(&names[0])).unwrap();
    assert!(index.len() >= 4 * 8, "an entry in the middle");
    for entry in 0..index.len() / 8 {
        let dir = temp_dir();
        copy(source_dir.path(), dir.path());
        let mut bytes = index.clone();
        bytes[entry * 8..(entry + 1) * 8].fill(0);
        fs::write(dir.path().join(&names[0]), bytes).unwrap();
        let log = reopen(dir.path(), true);
        assert_eq!(served(&log.reader()), all, "entry {entry}");
        assert_eq!(log.reader().damage(), vec![]);
    }
}
