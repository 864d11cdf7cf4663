//! Compaction against a model: what each key says last stays, whatever happens in between.

use crate::fixture::*;
use klamm_records::{
    BatchBuilder, Compression, ControlRecordType, EndTransactionMarker, Records, verify_crc,
};
use klamm_storage::{
    CompactionLimits, CompactionStats, Log, LogConfig, LogReader, OpenFiles, OpenOptions,
    ProducerState,
};
use klamm_types::{LeaderEpoch, ProducerEpoch, ProducerId};
use proptest::prelude::*;
use std::{
    collections::BTreeMap,
    path::Path,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

const RETENTION_MS: i64 = 1_000;

const CONFIG: LogConfig = LogConfig {
    compact: true,
    delete_retention_ms: RETENTION_MS,
    ..SMALL
};

const LIMITS: CompactionLimits = CompactionLimits {
    map_bytes: 1 << 20,
    map_load_factor: 0.9,
    io_bytes: 700,
};

/// Producers of this id and above write in transactions.
const TRANSACTIONAL_FROM: i64 = 3;

type Content = (i64, String, Option<String>);

#[derive(Clone, Debug)]
enum Step {
    /// Keys with or without values, by a producer (0: none).
    Append {
        producer: i64,
        records: Vec<(u8, bool)>,
        codec: usize,
    },
    EndTransaction {
        producer: i64,
        commit: bool,
    },
    Compact {
        later_ms: i64,
        keys_max: u64,
        from_checkpoint: bool,
    },
    Reopen {
        clean: bool,
        snapshots: bool,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let record = (0..6u8, prop::bool::weighted(0.8));
    let records = prop::collection::vec(record, 1..6);
    prop_oneof![
        10 => (0..5i64, records, 0..Compression::ALL.len())
            .prop_map(|(producer, records, codec)| Step::Append { producer, records, codec }),
        4 => (TRANSACTIONAL_FROM..5, any::<bool>())
            .prop_map(|(producer, commit)| Step::EndTransaction { producer, commit }),
        3 => (0..800i64, prop_oneof![Just(u64::MAX), 1..8u64], any::<bool>())
            .prop_map(|(later_ms, keys_max, from_checkpoint)|
                Step::Compact { later_ms, keys_max, from_checkpoint }),
        1 => (any::<bool>(), any::<bool>())
            .prop_map(|(clean, snapshots)| Step::Reopen { clean, snapshots }),
    ]
}

#[derive(Default)]
struct Model {
    now_ms: i64,
    /// Every record of data ever appended, with its fate: committed, aborted, or still open.
    records: Vec<(Content, Option<bool>)>,
    /// Base offsets of their batches.
    batches: Vec<i64>,
    /// Open transactions: producer → indexes of records.
    open: BTreeMap<i64, Vec<usize>>,
    sequences: BTreeMap<i64, i32>,
    /// Where the last compaction ended.
    checkpoint: Option<i64>,
    /// Tombstone's offset → when it was first compacted.
    tombstones: BTreeMap<i64, i64>,
}

impl Model {
    fn append(&mut self, log: &mut Log, producer: i64, records: &[(u8, bool)], codec: usize) {
        let base_offset = log.log_end_offset();
        let is_transactional = producer >= TRANSACTIONAL_FROM;
        let mut builder = BatchBuilder::new(base_offset)
            .leader_epoch(LeaderEpoch(0))
            .compression(Compression::ALL[codec])
            .transactional(is_transactional);
        if producer > 0 {
            let sequence = self.sequences.entry(producer).or_default();
            builder = builder.producer(ProducerId(producer), ProducerEpoch(0), *sequence);
            *sequence += records.len() as i32;
        }
        for ((key, has_value), offset) in records.iter().zip(base_offset..) {
            let key = format!("key {key}");
            let value = has_value.then(|| format!("value of {offset:030}"));
            let (k, v) = (key.as_bytes(), value.as_ref().map(String::as_bytes));
            builder.append(self.now_ms + offset % 3, Some(k), v, &[(b"h", None)]);
            let fate = (!is_transactional).then_some(true);
            if is_transactional {
                let indexes = self.open.entry(producer).or_default();
                indexes.push(self.records.len());
            }
            self.records.push(((offset, key, value), fate));
            self.batches.push(base_offset);
        }
        log.append(&builder.build().unwrap()).unwrap();
    }

    fn end_transaction(&mut self, log: &mut Log, producer: i64, committed: bool) {
        let Some(indexes) = self.open.remove(&producer) else {
            return;
        };
        for index in indexes {
            self.records[index].1 = Some(committed);
        }
        let marker = EndTransactionMarker {
            committed,
            coordinator_epoch: 0,
        };
        let (id, epoch) = (ProducerId(producer), ProducerEpoch(0));
        let batch = marker.batch(log.log_end_offset(), LeaderEpoch(0), id, epoch, self.now_ms);
        log.append(&batch.unwrap()).unwrap();
    }

    fn compact(&mut self, log: &mut Log, keys_max: u64, from_checkpoint: bool) {
        let limits = CompactionLimits {
            map_bytes: keys_max.saturating_mul(24).min(LIMITS.map_bytes),
            ..LIMITS
        };
        let checkpoint = self.checkpoint.filter(|_| from_checkpoint);
        let Some((end_offset, _)) = compact(log, checkpoint, self.now_ms, limits) else {
            return;
        };
        let end_offset = end_offset.max(self.checkpoint.unwrap_or(0));
        self.checkpoint = Some(end_offset);
        // The horizon is the batch's, and set once.
        for (((offset, _, value), _), base_offset) in self.records.iter().zip(&self.batches) {
            if *base_offset < end_offset && value.is_none() {
                self.tombstones.entry(*offset).or_insert(self.now_ms);
            }
        }
        self.check_compacted(log, end_offset);
    }

    /// Whether a record says nothing any more by what comes before `end_offset`.
    fn is_superseded(&self, content: &Content, end_offset: i64) -> bool {
        self.records.iter().any(|(later, fate)| {
            *fate == Some(true)
                && later.1 == content.1
                && later.0 > content.0
                && later.0 < end_offset
        })
    }

    fn check_compacted(&self, log: &Log, end_offset: i64) {
        let left = contents(log);
        for (content, fate) in &self.records {
            let is_left = left.contains(content);
            let (offset, value) = (content.0, &content.2);
            let first_compacted = self.tombstones.get(&offset);
            let may_be_gone = first_compacted.is_some_and(|at| self.now_ms >= at + RETENTION_MS);
            if offset >= end_offset {
                // What was aborted may go at any time.
                assert!(
                    is_left || *fate == Some(false),
                    "{content:?} lies behind the end {end_offset}"
                );
            } else if *fate == Some(false) || self.is_superseded(content, end_offset) {
                assert!(!is_left, "{content:?} says nothing any more, {end_offset}");
            } else if value.is_some() || !may_be_gone {
                assert!(is_left, "{content:?} is gone");
            }
        }
    }

    /// What the log says to a reader of committed records is what the model says.
    fn check(&self, log: &Log) {
        let mut model = BTreeMap::new();
        for ((_, key, value), fate) in &self.records {
            if *fate == Some(true) {
                model.insert(key.clone(), value.clone());
            }
        }
        model.retain(|_, value| value.is_some());
        assert_eq!(committed(log), model);
        let known: Vec<_> = self.records.iter().map(|(content, _)| content).collect();
        for content in contents(log) {
            assert!(known.contains(&&content), "{content:?} was never written");
        }
    }
}

/// Compacts what can be compacted; where it ended.
fn compact(
    log: &mut Log,
    checkpoint: Option<i64>,
    now_ms: i64,
    limits: CompactionLimits,
) -> Option<(i64, CompactionStats)> {
    let (reader, config) = (log.reader(), *log.config());
    let end = log.log_end_offset();
    let undecided = reader.first_undecided_offset(end).unwrap_or(end);
    let cleanable = reader.cleanable(&config, checkpoint, undecided, now_ms);
    let cleanable = cleanable.unwrap()?;
    let compaction = log.compaction(&cleanable, limits, now_ms);
    let mut rewriting = compaction.map_keys(&mut |_| true).unwrap();
    while let Some(replacement) = rewriting.next_replacement(&mut |_| true).unwrap() {
        assert!(log.install(replacement).unwrap());
    }
    Some((rewriting.end_offset(), rewriting.stats()))
}

/// All records of data in a log; its batches are whole and in order.
fn contents(log: &Log) -> Vec<Content> {
    let mut found = Vec::new();
    let mut next_offset = log.log_start_offset();
    let bytes = bytes::Bytes::from(read_all(&log.reader()));
    for batch in klamm_records::split_batches(bytes) {
        let (header, batch) = batch.unwrap();
        assert!(verify_crc(&batch));
        assert!(header.base_offset >= next_offset);
        next_offset = header.next_offset();
        if header.is_control {
            continue;
        }
        let (_, records) = Records::of_batch(&batch, 1 << 20).unwrap();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let mut last_offset = header.base_offset - 1;
        for record in records.map(Result::unwrap) {
            let offset = record.offset(&header);
            assert!(last_offset < offset && offset < next_offset);
            last_offset = offset;
            let key = text(record.key.as_deref().unwrap());
            found.push((offset, key, record.value.as_deref().map(text)));
        }
    }
    assert_eq!(next_offset, log.log_end_offset());
    found
}

/// The transactions in a log of which data is left, as far as they have a marker:
/// (producer, marker's offset, whether it was committed). Data without a marker is open.
struct Transactions {
    data: Vec<(i64, i64, bool)>,
    markers: BTreeMap<i64, Vec<(i64, bool)>>,
}

impl Transactions {
    fn of(log: &Log) -> Transactions {
        let (mut data, mut markers) = (Vec::new(), BTreeMap::new());
        let bytes = bytes::Bytes::from(read_all(&log.reader()));
        for batch in klamm_records::split_batches(bytes) {
            let (header, batch) = batch.unwrap();
            let producer = header.producer_id.0;
            if !header.is_control {
                data.push((header.base_offset, producer, header.is_transactional));
                continue;
            }
            let (_, mut records) = Records::of_batch(&batch, 1 << 20).unwrap();
            if let Some(record) = records.next() {
                let kind = ControlRecordType::from_key(&record.unwrap().key.unwrap());
                let committed = kind == Some(ControlRecordType::Commit);
                let markers: &mut Vec<_> = markers.entry(producer).or_default();
                markers.push((header.base_offset, committed));
            }
        }
        Transactions { data, markers }
    }

    /// The marker of the transaction that a batch belongs to.
    fn marker(&self, producer: i64, offset: i64) -> Option<(i64, bool)> {
        let markers = self.markers.get(&producer)?;
        markers.iter().find(|(marker, _)| *marker > offset).copied()
    }

    fn is_committed(&self, offset: i64) -> bool {
        let at = self.data.partition_point(|batch| batch.0 <= offset) - 1;
        let (_, producer, is_transactional) = self.data[at];
        !is_transactional || self.marker(producer, offset).is_some_and(|(_, c)| c)
    }

    /// What the transaction index must name, and may name.
    fn check_index(&self, log: &Log) {
        let end = log.log_end_offset();
        let named = log.reader().aborted_transactions(0, end).unwrap();
        let named: Vec<_> = named
            .iter()
            .map(|t| (t.producer_id.0, t.last_offset))
            .collect();
        for (offset, producer, is_transactional) in &self.data {
            let marker = self
                .marker(*producer, *offset)
                .filter(|_| *is_transactional);
            if let Some((marker, false)) = marker {
                assert!(
                    named.contains(&(*producer, marker)),
                    "{producer} at {offset}"
                );
            }
        }
        for (producer, marker) in named {
            let is_there = self.markers[&producer].contains(&(marker, false));
            assert!(is_there, "{producer} has no marker at {marker}");
        }
    }
}

/// The last value of each key, aborted and open transactions left out.
fn committed(log: &Log) -> BTreeMap<String, Option<String>> {
    let transactions = Transactions::of(log);
    transactions.check_index(log);
    let mut last = BTreeMap::new();
    for (offset, key, value) in contents(log) {
        if transactions.is_committed(offset) {
            last.insert(key, value);
        }
    }
    last.retain(|_, value| value.is_some());
    last
}

fn reopen(mut log: Log, dir: &Path, clean: bool, snapshots: bool) -> Log {
    let known = log.producers().clone();
    let before = read_all(&log.reader());
    let recovery_point = log.flusher().flush().unwrap();
    if clean {
        log.close().unwrap();
    }
    drop(log);
    if !snapshots {
        for name in files(dir, ".snapshot") {
            std::fs::remove_file(dir.join(name)).unwrap();
        }
    }
    let options = OpenOptions {
        clean_shutdown: clean,
        // The oldest there may be: the segments lie one behind another all the same.
        recovery_point: recovery_point / 3,
        log_start_offset: 0,
    };
    let (log, report) = Log::open(dir, CONFIG, options).unwrap();
    assert_eq!((report.bytes_truncated, report.segments_removed), (0, 0));
    assert_eq!(read_all(&log.reader()), before);
    for (id, state) in known.iter() {
        let found = log.producers().get(id).unwrap();
        // Timestamps may be those of markers and of records that went.
        let last = |state: &ProducerState| {
            let batch = state.batches.back()?;
            Some((batch.last_sequence, batch.last_offset, batch.offset_delta))
        };
        assert_eq!(last(found), last(state));
        assert_eq!(found.epoch, state.epoch);
        assert_eq!(
            found.transaction_first_offset,
            state.transaction_first_offset
        );
    }
    log
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn the_last_value_of_each_key_stays(steps in prop::collection::vec(step(), 1..120)) {
        let dir = temp_dir();
        let mut log = Log::open(dir.path(), CONFIG, CLEAN).unwrap().0;
        let mut model = Model { now_ms: 10_000, ..Model::default() };
        for step in steps {
            match step {
                Step::Append { producer, records, codec } => {
                    model.append(&mut log, producer, &records, codec);
                }
                Step::EndTransaction { producer, commit } => {
                    model.end_transaction(&mut log, producer, commit);
                }
                Step::Compact { later_ms, keys_max, from_checkpoint } => {
                    model.now_ms += later_ms;
                    model.compact(&mut log, keys_max, from_checkpoint);
                }
                Step::Reopen { clean, snapshots } => {
                    log = reopen(log, dir.path(), clean, snapshots);
                }
            }
            model.check(&log);
        }
        model.compact(&mut log, u64::MAX, false);
        let once = contents(&log);
        model.compact(&mut log, u64::MAX, false);
        prop_assert_eq!(contents(&log), once);
    }
}

fn keyed(base_offset: i64, timestamp: i64, records: &[(&str, Option<&str>)]) -> Vec<u8> {
    let mut builder = BatchBuilder::new(base_offset).leader_epoch(LeaderEpoch(0));
    for (key, value) in records {
        let value = value.map(str::as_bytes);
        builder.append(timestamp, Some(key.as_bytes()), value, &[]);
    }
    builder.build().unwrap().to_vec()
}

/// Appends batches until what was there before is in sealed segments.
fn seal(log: &mut Log) {
    let end = log.log_end_offset();
    while files(log.dir(), ".log").last().unwrap().as_str() <= &format!("{end:020}")[..] {
        let batch = keyed(log.log_end_offset(), 1, &[("filler", Some("x"))]);
        log.append(&batch).unwrap();
    }
}

#[test]
fn a_tombstone_stays_until_its_horizon_and_then_goes() {
    let dir = temp_dir();
    let mut log = Log::open(dir.path(), CONFIG, CLEAN).unwrap().0;
    log.append(&keyed(0, 5, &[("a", Some("1")), ("b", Some("1"))]))
        .unwrap();
    log.append(&keyed(2, 6, &[("a", None)])).unwrap();
    seal(&mut log);
    let keys = |log: &Log| -> Vec<(i64, String)> {
        let all = contents(log).into_iter();
        let found = all.filter(|(_, key, _)| key != "filler");
        found.map(|(offset, key, _)| (offset, key)).collect()
    };
    let both = vec![(1, "b".to_owned()), (2, "a".to_owned())];
    for (now_ms, expected) in [
        (50_000, &both[..]),
        (50_999, &both),
        (51_000, &both[..1]),
        (90_000, &both[..1]),
    ] {
        compact(&mut log, None, now_ms, LIMITS).unwrap();
        assert_eq!(keys(&log), expected, "{now_ms}");
    }
}

/// A batch carries one horizon, and a round may end in its midst: what comes after the end stays,
/// or the value before a tombstone would be back.
#[test]
fn a_tombstone_behind_the_end_of_a_round_stays_whatever_its_horizon() {
    let dir = temp_dir();
    let mut log = Log::open(dir.path(), CONFIG, CLEAN).unwrap().0;
    let records = [("a", Some("1")), ("b", Some("1")), ("a", None)];
    log.append(&keyed(0, 5, &records)).unwrap();
    seal(&mut log);
    let one_key = CompactionLimits {
        map_bytes: 0,
        ..LIMITS
    };
    for now_ms in [50_000, 60_000] {
        assert_eq!(compact(&mut log, None, now_ms, one_key).unwrap().0, 1);
        let left = contents(&log);
        let offsets: Vec<_> = left.iter().map(|record| record.0).take(3).collect();
        assert_eq!(offsets, [0, 1, 2]);
    }
    compact(&mut log, None, 60_000, LIMITS).unwrap();
    assert_eq!(contents(&log)[0].0, 1, "then both go at once");
}

/// An aborted transaction that is over must not be taken for what its producer commits later.
#[test]
fn a_producer_may_commit_after_it_aborted() {
    let dir = temp_dir();
    let mut log = Log::open(dir.path(), CONFIG, CLEAN).unwrap().0;
    let mut model = Model::default();
    let producer = TRANSACTIONAL_FROM;
    model.append(&mut log, producer, &[(1, true)], 0);
    model.end_transaction(&mut log, producer, false);
    seal(&mut log);
    // The aborted batch stays, emptied: it is the producer's last.
    let (checkpoint, _) = compact(&mut log, None, 1_000, LIMITS).unwrap();
    assert_eq!(log.reader().aborted_transactions(0, 2).unwrap().len(), 1);
    model.append(&mut log, 0, &[(2, true)], 0);
    let first = log.log_end_offset() - 1;
    model.append(&mut log, producer, &[(2, true)], 0);
    model.end_transaction(&mut log, producer, true);
    seal(&mut log);
    compact(&mut log, Some(checkpoint), 1_000, LIMITS).unwrap();
    let left: Vec<_> = contents(&log).into_iter().map(|record| record.0).collect();
    assert!(
        !left.contains(&first) && left.contains(&(first + 1)),
        "{left:?}"
    );
}

#[test]
fn batches_of_which_nothing_goes_stay_byte_for_byte() {
    let dir = temp_dir();
    let mut log = Log::open(dir.path(), CONFIG, CLEAN).unwrap().0;
    for i in 0..60 {
        let key = format!("key {i}");
        let batch = keyed(log.log_end_offset(), i, &[(&key, Some("value"))]);
        log.append(&batch).unwrap();
    }
    let before = read_all(&log.reader());
    let (_, stats) = compact(&mut log, None, 10, LIMITS).unwrap();
    assert!(stats.keys > 30);
    assert_eq!(stats.bytes_before, stats.bytes_after);
    assert_eq!(read_all(&log.reader()), before);
}

#[test]
fn segments_shrink_into_few_and_indexes_find_everything() {
    let dir = temp_dir();
    let mut log = Log::open(dir.path(), CONFIG, CLEAN).unwrap().0;
    for i in 0..400 {
        let key = format!("key {}", i % 50);
        let batch = keyed(log.log_end_offset(), 1_000 + i, &[(&key, Some("value"))]);
        log.append(&batch).unwrap();
    }
    let segments = files(dir.path(), ".log").len();
    let mut checkpoint = None;
    // Merging what has shrunk takes further rounds.
    for _ in 0..3 {
        let (end, _) = compact(&mut log, None, 10_000, LIMITS).unwrap();
        assert!(checkpoint.is_none_or(|before| before == end));
        checkpoint = Some(end);
    }
    assert!(files(dir.path(), ".log").len() < segments / 2);
    log.flusher().purge_removed(0, true).unwrap();
    for suffix in [".cleaned", ".swap", ".deleted"] {
        assert_eq!(files(dir.path(), suffix), Vec::<String>::new());
    }
    let reader = log.reader();
    let left = contents(&log);
    for (offset, _, _) in &left {
        let read = reader.read(*offset, 1, i64::MAX, true).unwrap();
        assert_eq!(read.base_offset, *offset);
        let found = reader.offset_for_timestamp(1_000 + offset).unwrap();
        assert_eq!(found.map(|found| found.offset), Some(*offset));
    }
    // From an offset that is gone, reading goes on with the next one there is.
    let gone = (0..400).find(|offset| !left.iter().any(|(o, _, _)| o == offset));
    let read = reader.read(gone.unwrap(), 1, i64::MAX, true).unwrap();
    assert!(read.next_offset > gone.unwrap());
}

#[test]
fn a_stopped_compaction_leaves_the_log_as_it_was() {
    let dir = temp_dir();
    let mut log = Log::open(dir.path(), CONFIG, CLEAN).unwrap().0;
    fill(&mut log, 0, 80);
    let before = read_all(&log.reader());
    let now_ms = 1_000_000;
    let cleanable = log.reader().cleanable(&CONFIG, None, i64::MAX, now_ms);
    let cleanable = cleanable.unwrap().unwrap();
    for steps in 0.. {
        let mut left = steps;
        let mut go_on = |_| {
            left -= 1;
            left >= 0
        };
        let compaction = log.compaction(&cleanable, LIMITS, now_ms);
        let done = compaction
            .map_keys(&mut go_on)
            .and_then(|mut rewriting| {
                while rewriting.next_replacement(&mut go_on)?.is_some() {}
                Ok(())
            })
            .is_ok();
        assert_eq!(read_all(&log.reader()), before);
        assert_eq!(files(dir.path(), ".cleaned"), Vec::<String>::new());
        if done {
            assert!(steps > 10);
            break;
        }
    }
}

#[test]
fn a_replacement_of_segments_that_are_gone_is_dropped() {
    let dir = temp_dir();
    let mut log = Log::open(dir.path(), CONFIG, CLEAN).unwrap().0;
    fill(&mut log, 0, 80);
    let now_ms = 1_000_000;
    let cleanable = log.reader().cleanable(&CONFIG, None, i64::MAX, now_ms);
    let compaction = log.compaction(&cleanable.unwrap().unwrap(), LIMITS, now_ms);
    let mut rewriting = compaction.map_keys(&mut |_| true).unwrap();
    let replacement = rewriting.next_replacement(&mut |_| true).unwrap().unwrap();
    log.truncate_to(3).unwrap();
    let before = read_all(&log.reader());
    assert!(!log.install(replacement).unwrap());
    assert_eq!(read_all(&log.reader()), before);
    let next = rewriting.next_replacement(&mut |_| true).map(|_| ());
    assert!(matches!(next, Err(klamm_storage::CompactionError::Stopped)));
    assert_eq!(files(dir.path(), ".cleaned"), Vec::<String>::new());
}

/// Its sources are there as they were, but not the records for which it leaves theirs out.
#[test]
fn a_replacement_is_dropped_if_later_segments_were_truncated() {
    let dir = temp_dir();
    let mut log = Log::open(dir.path(), CONFIG, CLEAN).unwrap().0;
    fill(&mut log, 0, 80);
    let cleanable = log.reader().cleanable(&CONFIG, None, i64::MAX, 1_000_000);
    let compaction = log.compaction(&cleanable.unwrap().unwrap(), LIMITS, 1_000_000);
    let mut rewriting = compaction.map_keys(&mut |_| true).unwrap();
    let first = rewriting.next_replacement(&mut |_| true).unwrap().unwrap();
    log.truncate_to(80).unwrap();
    // The segment that was cut is sealed again, of other batches.
    fill(&mut log, 1, 40);
    let before = read_all(&log.reader());
    assert!(!log.install(first).unwrap());
    let next = rewriting.next_replacement(&mut |_| true).map(|_| ());
    assert!(matches!(next, Err(klamm_storage::CompactionError::Stopped)));
    assert_eq!(read_all(&log.reader()), before);
}

#[test]
fn a_damaged_batch_stops_a_compaction() {
    let dir = temp_dir();
    let mut log = Log::open(dir.path(), CONFIG, CLEAN).unwrap().0;
    fill(&mut log, 0, 80);
    let path = dir.path().join("00000000000000000000.log");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[300] ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    let cleanable = log.reader().cleanable(&CONFIG, None, i64::MAX, 10);
    let compaction = log.compaction(&cleanable.unwrap().unwrap(), LIMITS, 10);
    let Err(klamm_storage::CompactionError::Read(error)) = compaction.map_keys(&mut |_| true)
    else {
        panic!("the damage went unnoticed");
    };
    assert!(error.to_string().contains("is damaged at byte"), "{error}");
}

/// Readers open files by their names while these change owners all the time.
#[test]
fn readers_beside_compactions_miss_nothing() {
    const KEYS: [&str; 5] = ["a", "b", "c", "d", "e"];
    let dir = temp_dir();
    let files = OpenFiles::new(1);
    let (mut log, _) = Log::open_sharing(dir.path(), CONFIG, CLEAN, &files).unwrap();
    let reader = log.reader();
    // Offset of each key's last record.
    let written = Mutex::new([-1; KEYS.len()]);
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        for bytes_max in [1, 600, 1 << 20] {
            let (reader, written, done) = (reader.clone(), &written, &done);
            scope.spawn(move || {
                while !done.load(Ordering::Acquire) {
                    let expected = *written.lock().unwrap();
                    let seen = last_offsets(&reader, bytes_max, KEYS.len());
                    for (key, (seen, expected)) in seen.iter().zip(expected).enumerate() {
                        assert!(*seen >= expected, "{} at {seen}, not {expected}", KEYS[key]);
                    }
                }
            });
        }
        for round in 0..60 {
            for i in 0..25 {
                let (offset, key) = (log.log_end_offset(), (round * 7 + i) % KEYS.len());
                let batch = keyed(offset, 1_000 + offset, &[(KEYS[key], Some("value"))]);
                log.append(&batch).unwrap();
                written.lock().unwrap()[key] = offset;
            }
            compact(&mut log, None, 1_000, LIMITS);
        }
        done.store(true, Ordering::Release);
    });
}

/// Reads a log from its start; the last offset of each key, which are the letters from "a" on.
fn last_offsets(reader: &LogReader, bytes_max: usize, keys: usize) -> Vec<i64> {
    let mut last = vec![-1; keys];
    let mut offset = 0;
    while offset < reader.log_end_offset() {
        let read = reader.read(offset, bytes_max, i64::MAX, true).unwrap();
        for batch in klamm_records::split_batches(read.records) {
            let (header, batch) = batch.unwrap();
            assert!(header.next_offset() > offset && verify_crc(&batch));
            offset = header.next_offset();
            let (_, records) = Records::of_batch(&batch, 1 << 20).unwrap();
            for record in records.map(Result::unwrap) {
                let key = usize::from(record.key.as_ref().unwrap()[0] - b'a');
                last[key] = record.offset(&header);
            }
        }
    }
    last
}
