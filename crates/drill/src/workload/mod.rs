//! What clients do during a drill: write unique values at a fixed rate, and read them.
//!
//! Everything goes to the [`Journal`] as it happens: an operation before its client is asked, its outcome after the
//! answer. Sends are due by the clock, whether or not the cluster keeps up; as many may be without an answer as become
//! due until they are given up, so that a partition that stands still does not hold up the others. That is bounded at
//! last, and those that wait for a place keep the time at which they were due.

mod final_read;
mod group_reader;
mod reader;
mod writer;

pub use final_read::{FinalRead, final_read};

use crate::{
    history::{Action, Key, Kind, Operation, PartitionName, Process, Processes},
    journal::Journal,
};
use klamm_client::{Client, ClientOptions, ConnectionOptions, ConsumedRecord, ConsumerOptions};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{sync::watch, task::JoinSet};

/// Sends of all producers without an answer: some hundred megabytes, in the client above all.
const OUTSTANDING_MAX: u64 = 1 << 20;

/// Sends of one producer without an answer, however few become due.
const OUTSTANDING_MIN: u64 = 64;

/// A send may be given up so much later than it should be.
const GIVE_UP_SLACK: Duration = Duration::from_secs(10);

/// A consumer rests after each poll, so that the history has fewer polls with more in them.
const REST: Duration = Duration::from_millis(20);

/// How long a broker may keep an answer back. Idle consumers poll as often.
const POLL_WAIT: Duration = Duration::from_millis(500);

/// How long a client waits for a connection or an answer before it tries another node: clients of a drill are to find
/// out what the cluster can do, not to wait for it.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a node's host may acknowledge nothing before its connection is made anew. After a cut it would be late by as much
/// again as that lasted, which is not the cluster's doing. Long enough for others to lead by then.
const UNACKED_MAX: Duration = Duration::from_secs(2);

/// How a workload looks.
#[derive(Debug, Clone)]
pub struct WorkloadOptions {
    /// Where the cluster is, by comma.
    pub bootstrap: String,
    /// The partitions it writes and reads.
    pub keys: Arc<[PartitionName]>,
    /// Producers.
    pub producers: u32,
    /// Sends a second over all producers; at least 1.
    pub sends_per_second: u32,
    /// Consumers of all partitions.
    pub consumers: u32,
    /// Members of a consumer group.
    pub group_members: u32,
    /// How long a send is tried.
    pub delivery_timeout: Duration,
}

impl WorkloadOptions {
    /// A client with the time-outs of drills.
    pub fn client(&self, name: &str) -> Client {
        drill_client(&self.bootstrap, name)
    }

    /// Sends of one producer without an answer.
    fn outstanding_max(&self) -> usize {
        let producers = u64::from(self.producers.max(1));
        let tried = self.delivery_timeout.saturating_add(GIVE_UP_SLACK);
        let due = u64::from(self.sends_per_second).saturating_mul(tried.as_secs());
        let most = (OUTSTANDING_MAX / producers).max(OUTSTANDING_MIN);
        let own = due.div_ceil(producers).clamp(OUTSTANDING_MIN, most);
        usize::try_from(own).unwrap_or(usize::MAX)
    }

    fn writer_slots(&self) -> usize {
        self.outstanding_max()
            .saturating_mul(self.producers as usize)
    }

    fn key_of(&self, record: &ConsumedRecord) -> Option<Key> {
        let same = |name: &PartitionName| {
            (&*record.topic, record.partition) == (&*name.topic, name.partition)
        };
        let place = self.keys.iter().position(same)?;
        u32::try_from(place).ok().map(Key)
    }

    fn all_keys(&self) -> Vec<Key> {
        (0..).map(Key).take(self.keys.len()).collect()
    }
}

/// A client with the time-outs of drills.
pub fn drill_client(bootstrap: &str, name: &str) -> Client {
    let connection = ConnectionOptions {
        client_id: format!("klamm-drill-{name}").into(),
        connect_timeout: CONNECT_TIMEOUT,
        request_timeout: REQUEST_TIMEOUT,
        unacked_max: Some(UNACKED_MAX),
        ..ConnectionOptions::default()
    };
    let options = ClientOptions {
        connection,
        ..ClientOptions::default()
    };
    Client::from_list(bootstrap, options)
}

fn reading() -> ConsumerOptions {
    ConsumerOptions {
        wait_max: POLL_WAIT,
        read_committed: true,
        ..ConsumerOptions::default()
    }
}

/// What all clients of a workload share.
#[derive(Debug, Clone)]
struct Stage {
    options: Arc<WorkloadOptions>,
    journal: Arc<Journal>,
    processes: Arc<Mutex<Processes>>,
}

impl Stage {
    fn process(&self, slot: usize) -> Process {
        let processes = self
            .processes
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        Process::Client(processes.current(slot).unwrap_or(u32::MAX))
    }

    fn retire(&self, slot: usize) {
        let mut processes = self
            .processes
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        processes.retire(slot);
    }

    fn record(&self, slot: usize, kind: Kind, action: Action) {
        let operation = Operation::new(self.process(slot), kind, action, 0);
        self.journal.record(operation);
    }
}

/// What a poll brought, as histories have it: for each partition the offsets and values in their order.
fn polled(options: &WorkloadOptions, records: &[ConsumedRecord]) -> Vec<(Key, Vec<(i64, u64)>)> {
    let mut partitions: BTreeMap<Key, Vec<(i64, u64)>> = BTreeMap::new();
    for record in records {
        if let Some(key) = options.key_of(record) {
            let pair = (record.offset, value_of(record));
            partitions.entry(key).or_default().push(pair);
        }
    }
    partitions.into_iter().collect()
}

/// The value of a record. What no producer of a drill has written becomes a value that none ever writes.
fn value_of(record: &ConsumedRecord) -> u64 {
    let text = record
        .value
        .as_deref()
        .and_then(|value| std::str::from_utf8(value).ok());
    let value = text.and_then(|text| text.parse().ok());
    value
        .filter(|value| *value <= crate::history::VALUE_MAX)
        .unwrap_or(crate::history::VALUE_MAX)
}

/// Clients at work.
#[derive(Debug)]
pub struct Workload {
    stage: Stage,
    writers: JoinSet<()>,
    readers: JoinSet<()>,
    writing: watch::Sender<bool>,
    reading: watch::Sender<bool>,
    paused: watch::Sender<bool>,
}

impl Workload {
    /// Starts all clients.
    pub fn start(options: WorkloadOptions, journal: Arc<Journal>) -> Workload {
        let writer_slots = options.writer_slots();
        let reader_slots = (options.consumers + options.group_members) as usize;
        // The final read has a slot of its own.
        let slots = u32::try_from(writer_slots + reader_slots + 1).unwrap_or(u32::MAX);
        let options = Arc::new(options);
        let stage = Stage {
            options: options.clone(),
            journal,
            processes: Arc::new(Mutex::new(Processes::new(slots))),
        };
        let (writing, go_on_writing) = watch::channel(true);
        let (reading, go_on_reading) = watch::channel(true);
        let (paused, is_paused) = watch::channel(false);
        let mut writers = JoinSet::new();
        for number in 0..options.producers {
            let writer = writer::Writer::new(stage.clone(), number);
            writers.spawn(writer.run(go_on_writing.clone()));
        }
        let mut readers = JoinSet::new();
        for (slot, member) in (writer_slots..).zip(0..options.consumers + options.group_members) {
            let control = reader::Control {
                go_on: go_on_reading.clone(),
                is_paused: is_paused.clone(),
            };
            if member < options.consumers {
                readers.spawn(reader::read(stage.clone(), slot, control));
            } else {
                readers.spawn(group_reader::read(stage.clone(), slot, control));
            }
        }
        Workload {
            stage,
            writers,
            readers,
            writing,
            reading,
            paused,
        }
    }

    /// Whether consumers rest until told otherwise, as if their processes stood still.
    pub fn pause_consumers(&self, pause: bool) {
        self.paused.send_replace(pause);
    }

    /// Ends sending and waits until every send was answered or given up.
    pub async fn stop_writing(&mut self) {
        self.writing.send_replace(false);
        while self.writers.join_next().await.is_some() {}
    }

    /// Ends reading.
    pub async fn stop_reading(&mut self) {
        self.reading.send_replace(false);
        self.paused.send_replace(false);
        while self.readers.join_next().await.is_some() {}
    }

    /// The slot of the final read.
    fn last_slot(&self) -> usize {
        let options = &self.stage.options;
        options.writer_slots() + (options.consumers + options.group_members) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::VALUE_MAX;

    fn record(partition: i32, offset: i64, value: &str) -> ConsumedRecord {
        ConsumedRecord {
            topic: "t".into(),
            partition,
            offset,
            timestamp_ms: -1,
            key: None,
            value: Some(value.to_owned().into()),
            headers: Vec::new(),
        }
    }

    #[test]
    fn everything_that_becomes_due_while_a_partition_stands_still_has_a_place() {
        let outstanding = |producers, sends_per_second, seconds| {
            let options = WorkloadOptions {
                bootstrap: String::new(),
                keys: Arc::new([]),
                producers,
                sends_per_second,
                consumers: 0,
                group_members: 0,
                delivery_timeout: Duration::from_secs(seconds),
            };
            options.outstanding_max()
        };
        assert_eq!(outstanding(2, 500, 60), 250 * 70);
        assert_eq!(outstanding(3, 100, 0), 334, "rounded up");
        assert_eq!(outstanding(100, 1, 1), 64);
        assert_eq!(outstanding(1, 100_000, 3600), 1 << 20);
    }

    #[test]
    fn polls_are_told_by_partition_and_what_nobody_wrote_is_no_value_of_a_drill() {
        let name = |partition| PartitionName {
            topic: "t".to_owned(),
            partition,
        };
        let options = WorkloadOptions {
            bootstrap: String::new(),
            keys: [name(0), name(1)].into(),
            producers: 1,
            sends_per_second: 1,
            consumers: 1,
            group_members: 0,
            delivery_timeout: Duration::ZERO,
        };
        let read = [
            record(1, 5, "70"),
            record(0, 9, "8"),
            record(1, 6, "no number"),
            record(1, 7, "18446744073709551615"),
            record(7, 0, "1"),
        ];
        let expected = [
            (Key(0), vec![(9, 8)]),
            (Key(1), vec![(5, 70), (6, VALUE_MAX), (7, VALUE_MAX)]),
        ];
        assert_eq!(polled(&options, &read), expected);
        assert_eq!(options.all_keys(), [Key(0), Key(1)]);
    }
}
