//! Bits that flip on the disk of one of three nodes: nothing acknowledged is lost, nothing bad is served, and the node
//! heals.
//!
//! `KLAMM_DAMAGE_RUNS`: how many runs, `KLAMM_DAMAGE_SEED`: the seed of the first.

use std::fs;
use std::path::{Path, PathBuf};

use klamm_client::{Client, Connection};
use klamm_records::{Records, split_batches};
use klamm_tests::{Cluster, wait_until};
use klamm_types::ErrorCode;

use crate::closest_replica::{BY_NAME, fetch};
use crate::lab::{
    PATIENCE, client, connection, create_topic, eventually, numbered, produce, read_all, values_of,
};
use crate::replicas::{folder, segments, wait_identical};

/// How long a node may take until it serves the next records again.
const SERVED_WAIT_MS: i32 = 30_000;
const NODES: [i32; 3] = [1, 2, 3];
const PARTITIONS: i32 = 2;
/// The smallest segments there are, and an index entry for nearly every batch.
const CONFIGS: [(&str, &str); 2] = [
    ("segment.bytes", "1048576"),
    ("index.interval.bytes", "100"),
];

/// xorshift64*: a run is told by its seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % limit
    }

    fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[usize::try_from(self.below(of.len() as u64)).unwrap()]
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_files_of_one_replica_cost_nothing() {
    let number = |name: &str| std::env::var(name).ok()?.parse::<u64>().ok();
    let runs = number("KLAMM_DAMAGE_RUNS").unwrap_or(2);
    let first = number("KLAMM_DAMAGE_SEED").unwrap_or(1);
    let cluster = Cluster::builder(3)
        .property("klamm.log.scrub.bytes.per.second", "1000000000")
        .start();
    let client = client(&cluster);
    for seed in first..first + runs {
        run(&cluster, &client, seed).await;
    }
}

async fn run(cluster: &Cluster, client: &Client, seed: u64) {
    let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let topic = format!("damaged-{seed}");
    create_topic(cluster, &topic, PARTITIONS, &CONFIGS).await;
    let mut values = Vec::new();
    for partition in 0..PARTITIONS {
        let sent = sized(&mut dice, &format!("{seed}-{partition}"), 40);
        produce(client, &topic, partition, &sent).await;
        values.push(sent);
    }
    let victim = *dice.pick(&NODES);
    let is_killed = dice.below(2) == 0;
    if is_killed {
        cluster.kill9(victim);
    } else {
        assert!(cluster.stop(victim).success());
    }
    let count = 1 + dice.below(3);
    let mut story = format!("seed {seed}, node {victim}, killed {is_killed}");
    for _ in 0..count {
        let partition = i32::try_from(dice.below(2)).unwrap();
        let files = files(cluster, victim, &topic, partition);
        let file = dice.pick(&files).clone();
        story += &format!("\n  {}: {}", file.display(), damage(&mut dice, &file));
    }
    eprintln!("{story}");
    if dice.below(2) == 0 {
        for partition in 0..PARTITIONS {
            let sent = sized(&mut dice, &format!("{seed}-{partition}-meanwhile"), 4);
            produce(client, &topic, partition, &sent).await;
            values[partition as usize].extend(sent);
        }
    }
    cluster.restart(victim);
    cluster.wait_ready();
    // The others stop in turn, so that the damaged replica leads as soon as it may.
    for other in NODES.into_iter().filter(|&id| id != victim) {
        cluster.wait_in_sync(&[&topic]);
        assert!(cluster.stop(other).success(), "{story}");
        check(cluster, client, &topic, &values, &story).await;
        cluster.restart(other);
        cluster.wait_ready();
    }
    cluster.wait_in_sync(&[&topic]);
    check(cluster, client, &topic, &values, &story).await;
    for partition in 0..PARTITIONS {
        wait_identical(cluster, &topic, partition);
    }
}

/// Everything that was acknowledged is read, in order, and nothing else.
async fn check(
    _cluster: &Cluster,
    client: &Client,
    topic: &str,
    values: &[Vec<String>],
    story: &str,
) {
    let what = format!("{topic} is read as it was written: {story}");
    eventually(&what, || async {
        let read = read_all(client, topic).await;
        for record in &read {
            let value = String::from_utf8(record.value.clone()?.to_vec()).expect("text");
            let ours = &values[record.partition as usize];
            let at = usize::try_from(record.offset).unwrap();
            assert!(
                ours.get(at) == Some(&value),
                "offset {at} served wrongly: {story}"
            );
        }
        let is_all = |partition: &i32| values_of(&read, *partition) == values[*partition as usize];
        (0..PARTITIONS)
            .all(|partition| is_all(&partition))
            .then_some(())
    })
    .await;
}

/// Values of various sizes, one to sixty kilobytes.
fn sized(dice: &mut Dice, prefix: &str, count: usize) -> Vec<String> {
    let pad = |value: &String| {
        let size = usize::try_from(1_000 + dice.below(60_000)).unwrap();
        format!("{value:-<size$}")
    };
    numbered(prefix, count).iter().map(pad).collect()
}

/// What can be damaged: the files of a replica, and those of its log directory.
fn files(cluster: &Cluster, id: i32, topic: &str, partition: i32) -> Vec<PathBuf> {
    let folder = folder(cluster, id, topic, partition);
    let logs = segments(&folder);
    let mut files: Vec<PathBuf> = fs::read_dir(&folder)
        .expect("list a partition's folder")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| {
            path.file_name()
                .is_some_and(|name| name != "partition.metadata")
        })
        .collect();
    // Most of what there is is batches.
    files.extend(logs.clone());
    files.extend(logs);
    let data = cluster.data_dir(id).expect("a node on this machine");
    for name in ["recovery-point", "replication", "log-start"] {
        files.push(data.join(format!("{name}-offset-checkpoint")));
    }
    files.retain(|path| path.metadata().is_ok_and(|metadata| metadata.len() > 0));
    files.sort();
    files
}

/// Damages a file; what was done.
fn damage(dice: &mut Dice, path: &Path) -> String {
    let mut bytes = fs::read(path).expect("read a file");
    let size = bytes.len() as u64;
    let at = dice.below(size.max(1));
    let index = usize::try_from(at).unwrap();
    let done = match dice.below(6) {
        0 => {
            bytes.truncate(index);
            format!("cut to {at} of {size} bytes")
        }
        1 => {
            let count = usize::try_from(1 + dice.below(5_000)).unwrap();
            let end = bytes.len().min(index + count);
            bytes[index..end].fill(0);
            format!("{} zeros at {at} of {size}", end - index)
        }
        2 if path.extension().is_some_and(|extension| extension != "log") => {
            fs::remove_file(path).expect("remove a file");
            return "removed".to_owned();
        }
        _ => {
            let bit = dice.below(8);
            bytes[index] ^= 1 << bit;
            format!("bit {bit} of byte {at} of {size}")
        }
    };
    fs::write(path, bytes).expect("write a file");
    done
}

/// The only replica there is: what is damaged is told and refused, the rest is served.
#[tokio::test(flavor = "multi_thread")]
async fn without_another_replica_the_rest_is_served() {
    let cluster = Cluster::builder(1).start();
    let client = client(&cluster);
    create_topic(&cluster, "alone", 1, &CONFIGS).await;
    let values = sized(&mut Dice(7), "alone", 40);
    produce(&client, "alone", 0, &values).await;
    cluster.kill9(1);
    let log = segments(&folder(&cluster, 1, "alone", 0)).remove(0);
    let mut bytes = fs::read(&log).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&log, bytes).unwrap();
    cluster.restart(1);
    cluster.wait_ready();
    wait_until("the node says what is lost", PATIENCE, || {
        Ok(cluster
            .log(1)
            .contains("no other replica can lead")
            .then_some(()))
    });
    let [first, next] = lost_offsets(&cluster.log(1));
    assert!((1..10).contains(&(next - first)), "{first} to {next}");
    let node = connection(&cluster, 1).await;
    for (offset, end) in [(0, first), (next, values.len())] {
        assert_eq!(served(&node, offset, end).await, values[offset..end]);
    }
    for offset in first..next {
        let answer = fetch(&node, "alone", BY_NAME, "", offset as i64, 0).await;
        let told = ErrorCode::from(answer.error_code);
        assert_eq!(told, ErrorCode::CorruptMessage, "offset {offset}");
        assert!(answer.records.unwrap_or_default().is_empty());
    }
}

/// The offsets that a node says are lost: the first, and that behind the last.
fn lost_offsets(log: &str) -> [usize; 2] {
    let line = log.lines().find(|line| line.contains("are lost unless"));
    let line = line.expect("the node has said so");
    ["first_offset=", "next_offset="].map(|field| {
        let (_, rest) = line.split_once(field).expect("an offset");
        let digits = rest.split(|c: char| !c.is_ascii_digit()).next();
        digits.and_then(|digits| digits.parse().ok()).expect(line)
    })
}

/// The values that a node serves from `offset` up to `end`.
async fn served(node: &Connection, offset: usize, end: usize) -> Vec<String> {
    let mut values = Vec::new();
    while offset + values.len() < end {
        let next = offset + values.len();
        // What was there before a crash is served once the log is synced.
        let answer = fetch(node, "alone", BY_NAME, "", next as i64, SERVED_WAIT_MS).await;
        let told = ErrorCode::from(answer.error_code);
        assert_eq!(told, ErrorCode::None, "offset {next}");
        let before = values.len();
        for batch in split_batches(answer.records.unwrap_or_default()) {
            let (_, batch) = batch.expect("whole batches");
            let (_, records) = Records::of_batch(&batch, 1 << 20).expect("records");
            let texts = records.map(|record| record.expect("a record").value.expect("a value"));
            values.extend(texts.map(|value| String::from_utf8(value.to_vec()).expect("text")));
        }
        assert!(values.len() > before, "nothing is served at offset {next}");
    }
    values
}
