//! Compacted topics: keys collapse on every replica, and what each key says last stays.

use std::collections::BTreeMap;
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use klamm_client::{Client, ConsumedRecord, Producer, ProducerOptions, ProducerRecord};
use klamm_records::{Records, split_batches};
use klamm_tests::{Cluster, wait_until};

use crate::lab::{PATIENCE, client, create_topic, eventually, read_all, text};
use crate::replicas::{bytes, folder};

const KEYS: usize = 20;
const VALUE_SIZE: usize = 200;
const NODES: [i32; 3] = [1, 2, 3];
/// Between two records of a writer that slow compaction keeps up with.
const WRITE_INTERVAL: Duration = Duration::from_millis(25);

/// Segments far smaller than users may ask for, compacted as soon as there is one more.
const CONFIGS: [(&str, &str); 3] = [
    ("cleanup.policy", "compact"),
    ("internal.segment.bytes", "20000"),
    ("min.cleanable.dirty.ratio", "0.01"),
];

/// What was acknowledged: key → (offset, value) of its last record.
type Model = BTreeMap<String, (i64, String)>;

/// Writes every key once a round; nobody else writes to the topic.
async fn write(client: &Client, topic: &str, round: usize, model: &mut Model) {
    let producer = Producer::new(client.clone(), ProducerOptions::default());
    for number in round * KEYS..(round + 1) * KEYS {
        write_one(&producer, topic, number, model).await;
    }
}

/// Writes the record of that number, to each key in turn, and waits until the model has it.
async fn write_one(producer: &Producer, topic: &str, number: usize, model: &mut Model) {
    let key = format!("key-{}", number % KEYS);
    let value = format!("{number}-{:x<VALUE_SIZE$}", "");
    let record = ProducerRecord::new(topic, Some(key.clone()), value.clone());
    let delivery = producer.send(record).await.expect("queue a record");
    let delivered = delivery.await.expect("a record is acknowledged");
    model.insert(key, (delivered.offset, value));
}

fn last_values(records: &[ConsumedRecord]) -> Model {
    let by_offset: BTreeMap<i64, &ConsumedRecord> = records
        .iter()
        .map(|record| (record.offset, record))
        .collect();
    let mut last = Model::new();
    for (offset, record) in by_offset {
        let key = record.key.clone().expect("every record has a key");
        let key = String::from_utf8(key.to_vec()).expect("keys here are text");
        last.insert(key, (offset, text(record)));
    }
    last
}

/// What the replica of a node that is down says of each key.
fn on_disk(cluster: &Cluster, id: i32, topic: &str) -> Model {
    let mut last = Model::new();
    for batch in split_batches(bytes(cluster, id, topic, 0).into()) {
        let (header, batch) = batch.expect("whole batches");
        let (_, records) = Records::of_batch(&batch, 1 << 20).expect("records");
        for record in records {
            let record = record.expect("a record");
            let text = |bytes: Option<Bytes>| {
                String::from_utf8(bytes.unwrap_or_default().to_vec()).expect("text")
            };
            let offset = record.offset(&header);
            last.insert(text(record.key), (offset, text(record.value)));
        }
    }
    last
}

/// Waits until the logs of all nodes hold less than `bytes_max`.
fn wait_compacted(cluster: &Cluster, topic: &str, bytes_max: usize) {
    wait_until("all replicas are compacted", PATIENCE, || {
        let sizes = NODES.map(|id| bytes(cluster, id, topic, 0).len());
        if sizes.iter().all(|&size| size < bytes_max) {
            return Ok(Some(()));
        }
        Err(std::io::Error::other(format!("{sizes:?} bytes")))
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_collapse_to_their_last_value() {
    let cluster = Cluster::builder(3)
        .property("log.cleaner.backoff.ms", "50")
        .start();
    let client = client(&cluster);
    create_topic(&cluster, "compacted", 1, &CONFIGS).await;
    let mut model = Model::new();
    for round in 0..40 {
        write(&client, "compacted", round, &mut model).await;
    }
    // All keys take some 6 KB, the active segment 20 KB at most, and one more may wait.
    wait_compacted(&cluster, "compacted", 60_000);
    let read = read_all(&client, "compacted").await;
    assert!(
        read.len() < 40 * KEYS / 2,
        "{} records are left",
        read.len()
    );
    assert_eq!(last_values(&read), model);

    for id in NODES {
        assert!(cluster.stop(id).success());
        let data = cluster.data_dir(id).expect("a node on this machine");
        let checkpoint = fs::read_to_string(data.join("cleaner-offset-checkpoint"));
        let checkpoint = checkpoint.expect("read a checkpoint");
        assert!(checkpoint.contains("compacted 0 "), "{checkpoint}");
        assert_eq!(on_disk(&cluster, id, "compacted"), model, "node {id}");
        if id == 3 {
            // Another disk: the node copies what the others have compacted.
            fs::remove_dir_all(data).expect("empty a folder");
        }
        cluster.restart(id);
        cluster.wait_ready();
        cluster.wait_in_sync(&["compacted"]);
    }
    assert_eq!(last_values(&read_all(&client, "compacted").await), model);
    assert!(cluster.stop(3).success());
    assert_eq!(on_disk(&cluster, 3, "compacted"), model, "on the new disk");
}

/// Compaction is slowed down to take longer than the last write before a kill, so that the nodes die in its midst.
#[tokio::test(flavor = "multi_thread")]
async fn a_kill_in_the_midst_of_a_compaction_loses_nothing() {
    let cluster = Cluster::builder(3)
        .property("log.cleaner.backoff.ms", "50")
        .property("log.cleaner.io.max.bytes.per.second", "10000")
        .property("log.cleaner.io.buffer.size", "8192")
        .start();
    let client = client(&cluster);
    create_topic(&cluster, "killed", 1, &CONFIGS).await;
    let mut model = Model::new();
    let producer = Producer::new(client.clone(), ProducerOptions::default());
    let mut numbers = 0..;
    for kill in 0..3 {
        let is_seen = AtomicBool::new(false);
        let writing = async {
            // Each record is waited for, also the last before the kill: the model has all that was taken.
            while !is_seen.load(Ordering::SeqCst) {
                let number = numbers.next().expect("numbers do not end");
                write_one(&producer, "killed", number, &mut model).await;
                tokio::time::sleep(WRITE_INTERVAL).await;
            }
        };
        let looking = async {
            let is_cleaning = || NODES.iter().any(|&id| is_cleaning(&cluster, id));
            eventually("a compaction is seen", async || is_cleaning().then_some(())).await;
            is_seen.store(true, Ordering::SeqCst);
        };
        tokio::join!(writing, looking);
        cluster.kill9_all(&NODES);
        cluster.restart_all(&NODES);
        cluster.wait_ready();
        cluster.wait_in_sync(&["killed"]);
        let read = read_all(&client, "killed").await;
        assert_eq!(last_values(&read), model, "after kill {kill}");
    }
    wait_compacted(&cluster, "killed", 60_000);
    let read = read_all(&client, "killed").await;
    assert_eq!(last_values(&read), model);
}

/// Whether a compaction writes a segment, or has left one behind.
fn is_cleaning(cluster: &Cluster, id: i32) -> bool {
    // A node may hear late that it has the topic.
    let Ok(entries) = fs::read_dir(folder(cluster, id, "killed", 0)) else {
        return false;
    };
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    names.into_iter().any(|name| name.ends_with(".log.cleaned"))
}
