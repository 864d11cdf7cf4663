//! What `KafkaLogDump` and `KafkaDataDir` print.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::str::{FromStr, SplitWhitespace};

/// What Kafka's classes read in the folder of a partition.
#[derive(Debug, Default)]
pub(super) struct Folder {
    pub(super) name: String,
    pub(super) batches: Vec<Batch>,
    pub(super) records: Vec<Record>,
    pub(super) index: Vec<IndexEntry>,
    /// (segment, timestamp, offset).
    pub(super) time_index: Vec<(i64, i64, i64)>,
    pub(super) aborted: Vec<Aborted>,
    /// Offset of the snapshot → producer → its state.
    pub(super) producers: BTreeMap<i64, BTreeMap<i64, Producer>>,
    /// (epoch, start offset).
    pub(super) epochs: Vec<(i32, i64)>,
}

/// The header of a batch, and where it lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Batch {
    pub(super) segment: i64,
    pub(super) position: u64,
    pub(super) size: usize,
    pub(super) base_offset: i64,
    pub(super) last_offset: i64,
    pub(super) leader_epoch: i32,
    pub(super) crc: u32,
    pub(super) codec: String,
    pub(super) timestamp_type: String,
    pub(super) is_transactional: bool,
    pub(super) is_control: bool,
    pub(super) delete_horizon: i64,
    pub(super) max_timestamp: i64,
    pub(super) producer_id: i64,
    pub(super) producer_epoch: i16,
    pub(super) base_sequence: i32,
    pub(super) last_sequence: i32,
    pub(super) count: i32,
}

/// A record; bytes as [`hex`] has them, headers as NAME=VALUE.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) offset: i64,
    pub(super) timestamp: i64,
    pub(super) key: String,
    pub(super) value: String,
    pub(super) headers: Vec<String>,
}

/// An entry of an offset index.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct IndexEntry {
    pub(super) segment: i64,
    pub(super) offset: i64,
    pub(super) position: u64,
}

/// An entry of a transaction index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Aborted {
    pub(super) producer_id: i64,
    pub(super) first_offset: i64,
    pub(super) last_offset: i64,
    pub(super) last_stable_offset: i64,
}

/// A producer in a snapshot.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Producer {
    pub(super) epoch: i16,
    pub(super) last_sequence: i32,
    pub(super) last_offset: i64,
    pub(super) offset_delta: i32,
    pub(super) timestamp: i64,
    pub(super) coordinator_epoch: i32,
    pub(super) transaction_first_offset: i64,
}

/// What the running broker said of a partition.
#[derive(Debug, Default)]
pub(super) struct Live {
    pub(super) start: i64,
    pub(super) end: i64,
    pub(super) stable: i64,
    pub(super) producers: BTreeMap<i64, LiveProducer>,
    /// Offsets that a consumer of committed records saw.
    pub(super) committed: Vec<i64>,
}

/// What the running broker said of a producer.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct LiveProducer {
    pub(super) epoch: i32,
    pub(super) last_sequence: i32,
    pub(super) last_timestamp: i64,
    pub(super) coordinator_epoch: i32,
    pub(super) transaction_first_offset: i64,
}

impl Folder {
    /// The offset after the last batch; 0 without one.
    pub(super) fn end_offset(&self) -> i64 {
        self.batches.last().map_or(0, |batch| batch.last_offset + 1)
    }

    /// Base offsets of the segments that have batches.
    pub(super) fn segments(&self) -> Vec<i64> {
        let segments: BTreeSet<_> = self.batches.iter().map(|batch| batch.segment).collect();
        segments.into_iter().collect()
    }

    pub(super) fn producers_at(&self, offset: i64) -> &BTreeMap<i64, Producer> {
        static NONE: BTreeMap<i64, Producer> = BTreeMap::new();
        self.producers.get(&offset).unwrap_or(&NONE)
    }

    /// (offset, position) of the entries of a segment.
    pub(super) fn index_of(&self, segment: i64) -> Vec<(i64, u64)> {
        let entries = self.index.iter().filter(|entry| entry.segment == segment);
        entries
            .map(|entry| (entry.offset, entry.position))
            .collect()
    }

    /// (timestamp, offset) of the entries of a segment.
    pub(super) fn time_index_of(&self, segment: i64) -> Vec<(i64, i64)> {
        let entries = self.time_index.iter().filter(|entry| entry.0 == segment);
        entries.map(|entry| (entry.1, entry.2)).collect()
    }

    fn add(&mut self, kind: &str, fields: &mut Fields<'_>) {
        match kind {
            "batch" => self.batches.push(batch(fields)),
            "record" => self.records.push(record(fields)),
            "index" => self.index.push(IndexEntry {
                segment: fields.next(),
                offset: fields.next(),
                position: fields.next(),
            }),
            "timeindex" => {
                let entry = (fields.next(), fields.next(), fields.next());
                self.time_index.push(entry);
            }
            "aborted" => {
                let _segment: i64 = fields.next();
                self.aborted.push(Aborted {
                    producer_id: fields.next(),
                    first_offset: fields.next(),
                    last_offset: fields.next(),
                    last_stable_offset: fields.next(),
                });
            }
            "producer" => {
                let (snapshot, id) = (fields.next(), fields.next());
                let snapshot = self.producers.entry(snapshot).or_default();
                snapshot.insert(id, producer(fields));
            }
            "epoch" => self.epochs.push((fields.next(), fields.next())),
            _ => panic!("a line of kind {kind}"),
        }
    }
}

/// The dumps in an output, by their path and the names of the folders.
pub(super) fn parse(output: &str) -> BTreeMap<PathBuf, BTreeMap<String, Folder>> {
    let mut dumps = BTreeMap::new();
    let mut current: Option<(PathBuf, String)> = None;
    for line in output.lines() {
        let mut fields = Fields::of(line);
        let kind: String = fields.next();
        match (kind.as_str(), &mut current) {
            ("dump", current) => *current = Some((fields.next(), String::new())),
            ("folder", Some((dump, folder))) => {
                *folder = fields.next();
                let folders: &mut BTreeMap<_, _> = dumps.entry(dump.clone()).or_default();
                let name = folder.clone();
                let empty = Folder {
                    name,
                    ..Folder::default()
                };
                folders.insert(folder.clone(), empty);
            }
            (kind, Some((dump, folder))) => {
                let folders = dumps.get_mut(dump).expect("a folder");
                folders
                    .get_mut(folder)
                    .expect("a folder")
                    .add(kind, &mut fields);
            }
            (_, None) => {}
        }
    }
    dumps
}

/// What the running broker said, by the names of the partitions.
pub(super) fn parse_live(output: &str) -> BTreeMap<String, Live> {
    let mut lives: BTreeMap<String, Live> = BTreeMap::new();
    for line in output.lines() {
        let mut fields = Fields::of(line);
        let kind: String = fields.next();
        if !["live", "committed", "live-producer"].contains(&kind.as_str()) {
            continue;
        }
        let live = lives.entry(fields.next()).or_default();
        match kind.as_str() {
            "live" => {
                (live.start, live.end, live.stable) = (fields.next(), fields.next(), fields.next());
            }
            "committed" => live.committed = fields.rest(),
            _ => {
                let id = fields.next();
                let producer = LiveProducer {
                    epoch: fields.next(),
                    last_sequence: fields.next(),
                    last_timestamp: fields.next(),
                    coordinator_epoch: fields.next(),
                    transaction_first_offset: fields.next(),
                };
                live.producers.insert(id, producer);
            }
        }
    }
    lives
}

/// Bytes as the dump has them.
pub(super) fn hex(bytes: Option<&[u8]>) -> String {
    match bytes {
        None => "-".to_owned(),
        Some([]) => ".".to_owned(),
        Some(bytes) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
    }
}

fn batch(fields: &mut Fields<'_>) -> Batch {
    Batch {
        segment: fields.next(),
        position: fields.next(),
        size: fields.next(),
        base_offset: fields.next(),
        last_offset: fields.next(),
        leader_epoch: fields.next(),
        crc: fields.next(),
        codec: fields.next(),
        timestamp_type: fields.next(),
        is_transactional: fields.next(),
        is_control: fields.next(),
        delete_horizon: fields.next(),
        max_timestamp: fields.next(),
        producer_id: fields.next(),
        producer_epoch: fields.next(),
        base_sequence: fields.next(),
        last_sequence: fields.next(),
        count: fields.next(),
    }
}

fn record(fields: &mut Fields<'_>) -> Record {
    Record {
        offset: fields.next(),
        timestamp: fields.next(),
        key: fields.next(),
        value: fields.next(),
        headers: fields.rest(),
    }
}

fn producer(fields: &mut Fields<'_>) -> Producer {
    Producer {
        epoch: fields.next(),
        last_sequence: fields.next(),
        last_offset: fields.next(),
        offset_delta: fields.next(),
        timestamp: fields.next(),
        coordinator_epoch: fields.next(),
        transaction_first_offset: fields.next(),
    }
}

/// The fields of a line.
struct Fields<'a> {
    line: &'a str,
    left: SplitWhitespace<'a>,
}

impl<'a> Fields<'a> {
    fn of(line: &'a str) -> Self {
        let left = line.split_whitespace();
        Self { line, left }
    }

    fn next<T: FromStr>(&mut self) -> T {
        let field = self.left.next().and_then(|field| field.parse().ok());
        field.unwrap_or_else(|| panic!("a line that is not as expected: {}", self.line))
    }

    fn rest<T: FromStr>(&mut self) -> Vec<T> {
        let mut rest = Vec::new();
        while self.left.clone().next().is_some() {
            rest.push(self.next());
        }
        rest
    }
}
