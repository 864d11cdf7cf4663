//! What is in a log: batches and their records.

use bytes::Bytes;
use klamm_records::{Records, split_batches, verify_crc};
use std::{collections::BTreeMap, fs, path::Path};

use crate::fixture::files;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Batch {
    pub(super) base: i64,
    pub(super) next: i64,
    pub(super) epoch: i32,
    pub(super) producer: i64,
    pub(super) last_sequence: i32,
    pub(super) max_timestamp: i64,
    /// Until when compaction keeps its tombstones.
    pub(super) horizon: Option<i64>,
    pub(super) records: Vec<Record>,
    pub(super) bytes: Bytes,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) offset: i64,
    pub(super) timestamp: i64,
    pub(super) key: Bytes,
    pub(super) value: Option<Bytes>,
}

/// Batches, one by one, each of them whole.
pub(super) fn split(bytes: Bytes) -> Vec<Batch> {
    split_batches(bytes)
        .map(|batch| {
            let (header, bytes) = batch.unwrap();
            assert!(verify_crc(&bytes));
            let records = Records::of_batch(&bytes, 1 << 20).unwrap().1;
            let records = records.map(Result::unwrap).map(|record| Record {
                offset: record.offset(&header),
                timestamp: record.timestamp(&header),
                key: record.key.unwrap(),
                value: record.value,
            });
            Batch {
                base: header.base_offset,
                next: header.next_offset(),
                epoch: header.partition_leader_epoch.0,
                producer: header.producer_id.0.max(0),
                last_sequence: header.last_sequence(),
                max_timestamp: header.max_timestamp,
                horizon: header.has_delete_horizon.then_some(header.base_timestamp),
                records: records.collect(),
                bytes,
            }
        })
        .collect()
}

/// What the segments of a log hold, also below its start.
pub(super) fn on_disk(dir: &Path) -> Vec<Batch> {
    let names = files(dir, ".log").into_iter();
    let all: Vec<u8> = names
        .flat_map(|name| fs::read(dir.join(name)).unwrap())
        .collect();
    split(all.into())
}

/// Base offsets of the segments.
pub(super) fn segment_starts(dir: &Path) -> Vec<i64> {
    let names = files(dir, ".log").into_iter();
    names.map(|name| name[..20].parse().unwrap()).collect()
}

pub(super) fn records(batches: &[Batch], from: i64) -> impl Iterator<Item = &Record> {
    let all = batches.iter().flat_map(|batch| &batch.records);
    all.filter(move |record| record.offset >= from)
}

/// What the keys stand for between two offsets.
pub(super) fn latest(batches: &[Batch], from: i64, to: i64) -> BTreeMap<&Bytes, &Bytes> {
    let mut latest = BTreeMap::new();
    for record in records(batches, from).take_while(|record| record.offset < to) {
        match &record.value {
            Some(value) => latest.insert(&record.key, value),
            None => latest.remove(&record.key),
        };
    }
    latest
}
