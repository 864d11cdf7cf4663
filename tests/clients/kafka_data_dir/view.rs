//! What our storage reads in a log, in the terms of the dump.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use klamm_records::{BatchHeader, Batches, EndTransactionMarker, Records, TimestampType};
use klamm_storage::{AbortedTransaction, Log, LogReader};

use super::dump::{Aborted, Batch, Folder, Live, LiveProducer, Producer, Record, hex};

/// More than any batch of the test holds.
const BATCH_BYTES_MAX: usize = 1 << 24;
/// Timestamps that are looked up, spread over those there are.
const TIMES_MAX: usize = 200;

/// All that can be read in a log.
pub(crate) struct View<'a> {
    log: &'a Log,
    reader: LogReader,
    /// Whether transaction indexes were read, and not made anew.
    trusts_indexes: bool,
    /// Their places are not known here.
    batches: Vec<Batch>,
    records: Vec<Record>,
    aborted: Vec<AbortedTransaction>,
}

impl<'a> View<'a> {
    pub(crate) fn of(log: &'a Log, trusts_indexes: bool) -> Self {
        let reader = log.reader();
        let start = reader.log_start_offset();
        let mut view = Self {
            log,
            trusts_indexes,
            aborted: reader.aborted_transactions(start, i64::MAX).unwrap(),
            reader,
            batches: Vec::new(),
            records: Vec::new(),
        };
        let mut offset = start;
        while offset < log.log_end_offset() {
            let read = view.reader.read(offset, 10_000, i64::MAX, true).unwrap();
            assert!(read.next_offset > offset);
            offset = read.next_offset;
            let mut at = 0;
            for batch in Batches::new(&read.records) {
                let size = batch.unwrap().1.len();
                view.add(&read.records.slice(at..at + size));
                at += size;
            }
        }
        view
    }

    fn add(&mut self, batch: &bytes::Bytes) {
        assert!(klamm_records::verify_crc(batch));
        let (header, records) = Records::of_batch(batch, BATCH_BYTES_MAX).unwrap();
        self.batches.push(in_terms_of_the_dump(&header));
        for record in records {
            let record = record.unwrap();
            let headers = record.headers.iter().map(|header| {
                let name = std::str::from_utf8(&header.key).unwrap();
                format!("{name}={}", hex(header.value.as_deref()))
            });
            self.records.push(Record {
                offset: record.offset(&header),
                timestamp: record.timestamp(&header),
                key: hex(record.key.as_deref()),
                value: hex(record.value.as_deref()),
                headers: headers.collect(),
            });
        }
    }

    /// Compares everything.
    pub(crate) fn check(&self, expected: &Folder, live: Option<&Live>, what: &str) {
        let start = self.reader.log_start_offset();
        assert_eq!(
            self.log.log_end_offset(),
            expected.end_offset(),
            "{what}: end"
        );
        self.check_batches(expected, start, what);
        self.check_places(expected, start, what);
        self.check_times(expected, start, what);
        let entries = self.log.epochs().entries().to_vec();
        let epochs: Vec<_> = entries
            .iter()
            .map(|(epoch, start)| (epoch.get(), *start))
            .collect();
        assert_eq!(epochs, expected.epochs, "{what}: epochs");
        self.check_aborted(expected, what);
        if let Some(live) = live {
            self.check_live(live, what);
        }
    }

    fn check_aborted(&self, expected: &Folder, what: &str) {
        let aborted: Vec<_> = self
            .aborted
            .iter()
            .map(aborted_in_terms_of_the_dump)
            .collect();
        let is_left = |entry: &&Aborted| {
            let mut data = expected.batches.iter().filter(|batch| !batch.is_control);
            data.any(|batch| batch.producer_id == entry.producer_id && batch.is_in(entry))
        };
        if self.trusts_indexes || !expected.is_compacted() {
            assert_eq!(aborted, expected.aborted, "{what}: aborted transactions");
        } else {
            // The cleaner leaves entries of which no batch is left; batches do not tell of these.
            let ends = |aborted: &mut dyn Iterator<Item = &Aborted>| -> Vec<_> {
                aborted
                    .map(|entry| (entry.producer_id, entry.last_offset))
                    .collect()
            };
            let left = ends(&mut expected.aborted.iter().filter(is_left));
            assert_eq!(
                ends(&mut aborted.iter()),
                left,
                "{what}: aborted transactions"
            );
        }
    }

    fn check_batches(&self, expected: &Folder, start: i64, what: &str) {
        let batches = expected
            .batches
            .iter()
            .filter(|batch| batch.last_offset >= start);
        let batches: Vec<_> = batches
            .map(|batch| Batch {
                segment: 0,
                position: 0,
                ..batch.clone()
            })
            .collect();
        let first = batches.first().map_or(0, |batch| batch.base_offset);
        assert_eq!(
            self.batches.len(),
            batches.len(),
            "{what}: count of batches"
        );
        for (ours, theirs) in self.batches.iter().zip(&batches) {
            assert_eq!(ours, theirs, "{what}: a batch");
        }
        let records: Vec<_> = expected
            .records
            .iter()
            .filter(|r| r.offset >= first)
            .collect();
        assert_eq!(
            self.records.len(),
            records.len(),
            "{what}: count of records"
        );
        for (ours, theirs) in self.records.iter().zip(records) {
            assert_eq!(ours, theirs, "{what}: a record");
        }
    }

    /// Each offset is found, by whatever index there is.
    fn check_places(&self, expected: &Folder, start: i64, what: &str) {
        for offset in start..expected.end_offset() {
            let read = self.reader.read(offset, 1, i64::MAX, true).unwrap();
            let batch = expected
                .batches
                .iter()
                .find(|batch| batch.last_offset >= offset);
            assert_eq!(
                read.base_offset,
                batch.unwrap().base_offset,
                "{what}: offset {offset}"
            );
        }
    }

    /// Each timestamp is found, by whatever index there is.
    fn check_times(&self, expected: &Folder, start: i64, what: &str) {
        let times: BTreeSet<_> = expected
            .records
            .iter()
            .map(|record| record.timestamp)
            .collect();
        let step = times.len().div_ceil(TIMES_MAX).max(1);
        for time in times
            .iter()
            .step_by(step)
            .flat_map(|&time| [time, time + 1])
        {
            let mut records = expected
                .records
                .iter()
                .filter(|record| record.offset >= start);
            let record = records.find(|record| record.timestamp >= time);
            let found = self.reader.offset_for_timestamp(time).unwrap();
            let found = found.map(|found| (found.offset, found.timestamp));
            let record = record.map(|record| (record.offset, record.timestamp));
            assert_eq!(found, record, "{what}: time {time}");
        }
    }

    /// Compares with what the broker said.
    fn check_live(&self, live: &Live, what: &str) {
        assert_eq!(self.reader.log_start_offset(), live.start, "{what}: start");
        assert_eq!(self.log.log_end_offset(), live.end, "{what}: end");
        let undecided = self.reader.first_undecided_offset(live.end);
        let stable = undecided.unwrap_or(live.end);
        assert_eq!(stable, live.stable, "{what}: last stable offset");
        assert_eq!(
            live_producers(self.log),
            live.producers,
            "{what}: producers"
        );
        let committed = self.committed(stable);
        assert_eq!(committed, live.committed, "{what}: committed records");
    }

    /// What a consumer of committed records sees, as clients work it out.
    fn committed(&self, stable: i64) -> Vec<i64> {
        let mut seen = Vec::new();
        let mut pending = self.aborted.clone();
        pending.sort_by_key(|aborted| aborted.first_offset);
        pending.reverse();
        let mut aborting = BTreeSet::new();
        for batch in self
            .batches
            .iter()
            .filter(|batch| batch.last_offset < stable)
        {
            while let Some(next) = pending.pop_if(|next| next.first_offset <= batch.last_offset) {
                aborting.insert(next.producer_id.0);
            }
            let in_batch =
                |record: &&Record| (batch.base_offset..=batch.last_offset).contains(&record.offset);
            if batch.is_control {
                let read = self
                    .reader
                    .read(batch.base_offset, 1, i64::MAX, true)
                    .unwrap();
                let record = Records::of_batch(&read.records, BATCH_BYTES_MAX)
                    .unwrap()
                    .1
                    .next();
                let marker =
                    record.and_then(|record| EndTransactionMarker::from_record(&record.unwrap()));
                if marker.is_some_and(|marker| !marker.committed) {
                    aborting.remove(&batch.producer_id);
                }
            } else if !(batch.is_transactional && aborting.contains(&batch.producer_id)) {
                let start = self.reader.log_start_offset();
                let records = self
                    .records
                    .iter()
                    .filter(in_batch)
                    .map(|record| record.offset);
                seen.extend(records.filter(|&offset| offset >= start));
            }
        }
        seen
    }
}

/// The producers, as a snapshot has them.
pub(crate) fn snapshot_of(log: &Log) -> BTreeMap<i64, Producer> {
    let producers = log.producers().iter().map(|(id, state)| {
        let last = state.batches.back();
        let producer = Producer {
            epoch: state.epoch.0,
            last_sequence: last.map_or(-1, |batch| batch.last_sequence),
            last_offset: last.map_or(-1, |batch| batch.last_offset),
            offset_delta: last.map_or(0, |batch| batch.offset_delta),
            timestamp: state.last_timestamp,
            coordinator_epoch: state.coordinator_epoch,
            transaction_first_offset: state.transaction_first_offset.unwrap_or(-1),
        };
        (id.0, producer)
    });
    producers.collect()
}

fn live_producers(log: &Log) -> BTreeMap<i64, LiveProducer> {
    let producers = snapshot_of(log).into_iter().map(|(id, producer)| {
        let live = LiveProducer {
            epoch: producer.epoch.into(),
            last_sequence: producer.last_sequence,
            last_timestamp: producer.timestamp,
            coordinator_epoch: producer.coordinator_epoch,
            transaction_first_offset: producer.transaction_first_offset,
        };
        (id, live)
    });
    producers.collect()
}

/// (offset, position) of the entries of an offset index.
pub(crate) fn read_offset_index(path: &Path, base_offset: i64) -> Vec<(i64, u64)> {
    let bytes = fs::read(path).unwrap();
    let entries = bytes.as_chunks::<4>().0.as_chunks::<2>().0.iter();
    let decode = |[offset, position]: &[[u8; 4]; 2]| {
        let offset = base_offset + i64::from(u32::from_be_bytes(*offset));
        (offset, u32::from_be_bytes(*position).into())
    };
    entries.map(decode).collect()
}

/// (timestamp, offset) of the entries of a time index.
pub(crate) fn read_time_index(path: &Path, base_offset: i64) -> Vec<(i64, i64)> {
    let bytes = fs::read(path).unwrap();
    let entries = bytes.as_chunks::<12>().0.iter();
    let decode = |entry: &[u8; 12]| {
        let (timestamp, offset) = entry.split_first_chunk::<8>().unwrap();
        let offset = u32::from_be_bytes(*offset.first_chunk().unwrap());
        (
            i64::from_be_bytes(*timestamp),
            base_offset + i64::from(offset),
        )
    };
    entries.map(decode).collect()
}

fn aborted_in_terms_of_the_dump(aborted: &AbortedTransaction) -> Aborted {
    Aborted {
        producer_id: aborted.producer_id.0,
        first_offset: aborted.first_offset,
        last_offset: aborted.last_offset,
        last_stable_offset: aborted.last_stable_offset,
    }
}

fn in_terms_of_the_dump(header: &BatchHeader) -> Batch {
    let timestamp_type = match header.timestamp_type {
        TimestampType::CreateTime => "CreateTime",
        TimestampType::LogAppendTime => "LogAppendTime",
    };
    Batch {
        segment: 0,
        position: 0,
        size: header.batch_size(),
        base_offset: header.base_offset,
        last_offset: header.last_offset(),
        leader_epoch: header.partition_leader_epoch.get(),
        crc: header.crc,
        codec: format!("{:?}", header.compression).to_lowercase(),
        timestamp_type: timestamp_type.to_owned(),
        is_transactional: header.is_transactional,
        is_control: header.is_control,
        delete_horizon: if header.has_delete_horizon {
            header.base_timestamp
        } else {
            -1
        },
        max_timestamp: header.max_timestamp,
        producer_id: header.producer_id.0,
        producer_epoch: header.producer_epoch.0,
        base_sequence: header.base_sequence,
        last_sequence: header.last_sequence(),
        count: header.records_count,
    }
}
