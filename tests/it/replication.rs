//! What followers hold, and what is left of deleted topics.

use std::fs;

use bytes::Bytes;
use klamm_client::{Admin, NewTopic, Producer, ProducerOptions, ProducerRecord};
use klamm_records::Compression;
use klamm_tests::{Cluster, wait_until};

use crate::lab::{PATIENCE, client, create_topic, read_all, shared_cluster, text, values_of};
use crate::replicas::wait_identical;

const MANY_PARTITIONS: i32 = 200;

/// All codecs, batches of all sizes, several segments.
#[tokio::test(flavor = "multi_thread")]
async fn followers_hold_what_the_leader_holds() {
    let cluster = shared_cluster();
    let _logs = cluster.logs_on_panic();
    let client = client(cluster);
    create_topic(cluster, "copied", 2, &[("segment.bytes", "1048576")]).await;
    let codecs = [
        Compression::None,
        Compression::Gzip,
        Compression::Snappy,
        Compression::Lz4,
        Compression::Zstd,
    ];
    let mut expected = [Vec::new(), Vec::new()];
    for compression in codecs {
        let options = ProducerOptions {
            compression,
            ..ProducerOptions::default()
        };
        let producer = Producer::new(client.clone(), options);
        let mut deliveries = Vec::new();
        for i in 0..600 {
            let partition = i % 2;
            // Hardly compressible, so that segments fill.
            let value = format!("{compression:?}-{i}-{}", noise(i, 40 * (i % 97)));
            expected[partition].push(value.clone());
            let record = ProducerRecord {
                partition: i32::try_from(partition).ok(),
                headers: vec![(Bytes::from("codec"), Some(Bytes::from(i.to_string())))],
                ..ProducerRecord::new("copied", Some(format!("key-{i}")), value)
            };
            deliveries.push(producer.send(record).await.unwrap());
        }
        for delivery in deliveries {
            delivery.await.unwrap();
        }
    }
    let read = read_all(&client, "copied").await;
    for (partition, expected) in (0..).zip(expected) {
        assert!(values_of(&read, partition) == expected, "values read");
        wait_identical(cluster, "copied", partition);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_topic_leaves_nothing_behind() {
    let cluster = Cluster::builder(3)
        .property("log.segment.delete.delay.ms", "0")
        .start();
    let client = client(&cluster);
    let admin = Admin::new(client.clone());
    create_topic(&cluster, "wide", MANY_PARTITIONS, &[]).await;
    for id in cluster.broker_ids() {
        let what = format!("node {id} has all replicas");
        wait_until(&what, PATIENCE, || {
            Ok((folders_of(&cluster, id, "wide").len() == 200).then_some(()))
        });
    }
    let producer = Producer::new(client.clone(), ProducerOptions::default());
    let mut deliveries = Vec::new();
    for partition in 0..MANY_PARTITIONS {
        let record = ProducerRecord {
            partition: Some(partition),
            ..ProducerRecord::new("wide", None::<Bytes>, format!("value-{partition}"))
        };
        deliveries.push(producer.send(record).await.unwrap());
    }
    for delivery in deliveries {
        delivery.await.unwrap();
    }
    let mut read: Vec<(i32, String)> = read_all(&client, "wide")
        .await
        .iter()
        .map(|record| (record.partition, text(record)))
        .collect();
    read.sort();
    let expected: Vec<(i32, String)> = (0..MANY_PARTITIONS)
        .map(|partition| (partition, format!("value-{partition}")))
        .collect();
    assert_eq!(read, expected);

    admin.delete_topic("wide").await.unwrap();
    for id in cluster.broker_ids() {
        let what = format!("the topic's folders on node {id} are gone");
        wait_until(&what, PATIENCE, || {
            Ok(folders_of(&cluster, id, "wide").is_empty().then_some(()))
        });
    }
    assert!(admin.describe_topics(&["wide"]).await.unwrap().is_empty());

    // The name is free, and nothing of the old topic shows in the new one.
    let again = NewTopic::new("wide").partitions(1).replication_factor(3);
    admin.create_topic(&again).await.unwrap();
    cluster.wait_in_sync(&["wide"]);
    let fresh = crate::lab::client(&cluster);
    assert_eq!(read_all(&fresh, "wide").await, []);
}

/// The folders on a node whose name begins with the topic's, whatever they are about to become.
fn folders_of(cluster: &Cluster, id: i32, topic: &str) -> Vec<String> {
    let entries = fs::read_dir(cluster.data_dir(id).unwrap()).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.starts_with(topic)).collect()
}

/// Text without repetitions, the same for the same seed.
fn noise(seed: usize, length: usize) -> String {
    let mut state = (seed as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let letters = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        char::from(b'0' + (state % 75) as u8)
    });
    letters.take(length).collect()
}
