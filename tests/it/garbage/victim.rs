//! A node under attack, and a well-behaved client of it.

use crate::asking::{Asking, PATIENCE, batch, fresh};
use klamm_protocol::messages::{
    fetch_request::{FetchPartition, FetchRequest, FetchTopic},
    produce_request::{PartitionProduceData, ProduceRequest, TopicProduceData},
};
use klamm_tests::{Cluster, wait_until};
use std::{
    fs,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

/// All attacks together may not make the node larger than this, in KiB: a decompressed batch or
/// two, and what an allocator keeps.
const GROWTH_KIB_MAX: u64 = 256 * 1024;

/// Records that the client must have written and read back after each attack began.
const RECORDS: u64 = 3;

/// Between two records, so that the client leaves the machine to others.
const INTERVAL: Duration = Duration::from_millis(20);

pub(super) struct Victim {
    cluster: Cluster,
    topic: String,
    pid: u32,
    before_kib: u64,
    client: Client,
}

impl Victim {
    pub(super) fn start() -> Victim {
        let cluster = Cluster::builder(1).start();
        let (topic, own) = (fresh("attacked"), fresh("good"));
        cluster.create_topic(&topic, 1);
        cluster.create_topic(&own, 1);
        let pid = cluster.pid(1).unwrap();
        let client = Client::start(Asking::leader(&cluster, &own, 0), own);
        client.wait_for(client.records() + RECORDS);
        Victim {
            before_kib: memory_kib(pid, "VmHWM"),
            cluster,
            topic,
            pid,
            client,
        }
    }

    pub(super) fn broker(&self) -> SocketAddr {
        self.cluster.broker_address(1)
    }

    pub(super) fn controller(&self) -> SocketAddr {
        self.cluster.controller_address(1)
    }

    /// A topic to do harm to.
    pub(super) fn topic(&self) -> &str {
        &self.topic
    }

    /// Attacks, and checks that nothing came of it.
    pub(super) fn attack(&self, name: &str, attack: impl FnOnce()) {
        let records = self.client.records();
        attack();
        self.client.wait_for(records + RECORDS);
        assert!(self.cluster.is_running(1), "{name}: the node is gone");
        let grown = memory_kib(self.pid, "VmHWM").saturating_sub(self.before_kib);
        assert!(
            grown <= GROWTH_KIB_MAX,
            "{name}: the node has grown by {grown} KiB"
        );
    }

    /// The last look: the process is the first one, has never panicked, and stops when told to.
    pub(super) fn survived(self) {
        self.client.stop();
        assert_eq!(self.cluster.pid(1), Some(self.pid));
        let log = self.cluster.log(1);
        for word in ["panicked", "ERROR"] {
            let lines: Vec<&str> = log.lines().filter(|line| line.contains(word)).collect();
            assert!(lines.is_empty(), "{lines:?}");
        }
        assert!(self.cluster.stop(1).success());
    }
}

/// A line of `/proc/PID/status` in KiB.
fn memory_kib(pid: u32, field: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("the process is there");
    let line = status.lines().find(|line| line.starts_with(field)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Writes a record, reads it back, and again, over one connection that is never to break.
struct Client {
    records: Arc<AtomicU64>,
    stops: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Client {
    fn start(connection: Asking, topic: String) -> Client {
        let records = Arc::new(AtomicU64::new(0));
        let stops = Arc::new(AtomicBool::new(false));
        let (counted, told) = (Arc::clone(&records), Arc::clone(&stops));
        let thread = thread::spawn(move || write_and_read(connection, &topic, &counted, &told));
        Client {
            records,
            stops,
            thread,
        }
    }

    fn records(&self) -> u64 {
        self.records.load(Ordering::Relaxed)
    }

    fn wait_for(&self, records: u64) {
        wait_until("the well-behaved client goes on", PATIENCE, || {
            assert!(
                !self.thread.is_finished(),
                "the well-behaved client has failed"
            );
            Ok((self.records() >= records).then_some(()))
        });
    }

    fn stop(self) {
        self.stops.store(true, Ordering::Relaxed);
        self.thread
            .join()
            .expect("the well-behaved client never fails");
    }
}

fn write_and_read(mut node: Asking, topic: &str, records: &AtomicU64, stops: &AtomicBool) {
    for offset in 0_i64.. {
        if stops.load(Ordering::Relaxed) {
            break;
        }
        let request = ProduceRequest {
            acks: -1,
            timeout_ms: 60_000,
            topic_data: vec![TopicProduceData {
                name: topic.to_owned(),
                partition_data: vec![PartitionProduceData {
                    index: 0,
                    records: Some(batch(&["good"])),
                }],
                ..Default::default()
            }],
            ..Default::default()
        };
        let answer = node.ask(&request, 9);
        let written = &answer.responses[0].partition_responses[0];
        assert_eq!((written.error_code, written.base_offset), (0, offset));
        let request = FetchRequest {
            max_wait_ms: 60_000,
            min_bytes: 1,
            topics: vec![FetchTopic {
                topic: topic.to_owned(),
                partitions: vec![FetchPartition {
                    fetch_offset: offset,
                    partition_max_bytes: 1 << 20,
                    ..Default::default()
                }],
                ..Default::default()
            }],
            ..Default::default()
        };
        let answer = node.ask(&request, 11);
        let read = &answer.responses[0].partitions[0];
        assert_eq!((read.error_code, read.high_watermark), (0, offset + 1));
        assert!(
            read.records
                .as_ref()
                .is_some_and(|records| !records.is_empty())
        );
        records.fetch_add(1, Ordering::Relaxed);
        thread::sleep(INTERVAL);
    }
}
