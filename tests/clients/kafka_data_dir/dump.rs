//! What `KafkaLogDump` and `KafkaDataDir` print.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::str::{FromStr, SplitWhitespace};

/// What Kafka's classes read in the folder of a partition.
#[derive(Debug, Default)]
pub(crate) struct Folder {
    pub(crate) name: String,
    pub(crate) batches: Vec<Batch>,
    pub(crate) records: Vec<Record>,
    pub(crate) index: Vec<IndexEntry>,
    /// (segment, timestamp, offset).
    pub(crate) time_index: Vec<(i64, i64, i64)>,
    pub(crate) aborted: Vec<Aborted>,
    /// Offset of the snapshot → producer → its state.
    pub(crate) producers: BTreeMap<i64, BTreeMap<i64, Producer>>,
    /// (epoch, start offset).
    pub(crate) epochs: Vec<(i32, i64)>,
}

/// The header of a batch, and where it lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Batch {
    pub(crate) segment: i64,
    pub(crate) position: u64,
    pub(crate) size: usize,
    pub(crate) base_offset: i64,
    pub(crate) last_offset: i64,
    pub(crate) leader_epoch: i32,
    pub(crate) crc: u32,
    pub(crate) codec: String,
    pub(crate) timestamp_type: String,
    pub(crate) is_transactional: bool,
    pub(crate) is_control: bool,
    pub(crate) delete_horizon: i64,
    pub(crate) max_timestamp: i64,
    pub(crate) producer_id: i64,
    pub(crate) producer_epoch: i16,
    pub(crate) base_sequence: i32,
    pub(crate) last_sequence: i32,
    pub(crate) count: i32,
}

/// A record; bytes as [`hex`] has them, headers as NAME=VALUE.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) offset: i64,
    pub(crate) timestamp: i64,
    pub(crate) key: String,
    pub(crate) value: String,
    pub(crate) headers: Vec<String>,
}

/// An entry of an offset index.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct IndexEntry {
    pub(crate) segment: i64,
    pub(crate) offset: i64,
    pub(crate) position: u64,
}

/// An entry of a transaction index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Aborted {
    pub(crate) producer_id: i64,
    pub(crate) first_offset: i64,
    pub(crate) last_offset: i64,
    pub(crate) last_stable_offset: i64,
}

/// A producer in a snapshot.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Producer {
    pub(crate) epoch: i16,
    pub(crate) last_sequence: i32,
    pub(crate) last_offset: i64,
    pub(crate) offset_delta: i32,
    pub(crate) timestamp: i64,
    pub(crate) coordinator_epoch: i32,
    pub(crate) transaction_first_offset: i64,
}

/// What the running broker said of a partition.
#[derive(Debug, Default)]
pub(crate) struct Live {
    pub(crate) start: i64,
    pub(crate) end: i64,
    pub(crate) stable: i64,
    pub(crate) producers: BTreeMap<i64, LiveProducer>,
    /// Offsets that a consumer of committed records saw.
    pub(crate) committed: Vec<i64>,
}

/// What the running broker said of a producer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct LiveProducer {
    pub(crate) epoch: i32,
    pub(crate) last_sequence: i32,
    pub(crate) last_timestamp: i64,
    pub(crate) coordinator_epoch: i32,
    pub(crate) transaction_first_offset: i64,
}

impl Batch {
    /// Whether it lies within a transaction.
    pub(crate) fn is_in(&self, transaction: &Aborted) -> bool {
        (transaction.first_offset..transaction.last_offset).contains(&self.base_offset)
    }
}

impl Folder {
    /// Whether the cleaner may have removed records.
    pub(crate) fn is_compacted(&self) -> bool {
        self.name == "compacted-0"
    }

    /// The offset after the last batch; 0 without one.
    pub(crate) fn end_offset(&self) -> i64 {
        self.batches.last().map_or(0, |batch| batch.last_offset + 1)
    }

    /// Base offsets of the segments that have batches.
    pub(crate) fn segments(&self) -> Vec<i64> {
        let segments: BTreeSet<_> = self.batches.iter().map(|batch| batch.segment).collect();
        segments.into_iter().collect()
    }

    pub(crate) fn producers_at(&self, offset: i64) -> &BTreeMap<i64, Producer> {
        static NONE: BTreeMap<i64, Producer> = BTreeMap::new();
        self.producers.get(&offset).unwrap_or(&NONE)
    }

    /// (offset, position) of the entries of a segment.
    pub(crate) fn index_of(&self, segment: i64) -> Vec<(i64, u64)> {
        let entries = self.index.iter().filter(|entry| entry.segment == segment);
        entries
            .map(|entry| (entry.offset, entry.position))
            .collect()
    }

    /// (timestamp, offset) of the entries of a segment.
    pub(crate) fn time_index_of(&self, segment: i64) -> Vec<(i64, i64)> {
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

/// The dump of one folder.
pub(crate) fn parse_folder(output: &str) -> Folder {
    let mut dumps = parse(&format!("dump .\n{output}"));
    let folders = dumps.pop_first().expect("a dump").1;
    folders.into_values().next().expect("a folder")
}

/// The dumps in an output, by their path and the names of the folders.
pub(crate) fn parse(output: &str) -> BTreeMap<PathBuf, BTreeMap<String, Folder>> {
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
pub(crate) fn parse_live(output: &str) -> BTreeMap<String, Live> {
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
pub(crate) fn hex(bytes: Option<&[u8]>) -> String {
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
