//! Settings of topics, by what they make of the files of a partition.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;

use klamm_client::{Admin, Client};
use klamm_tests::{Cluster, wait_until};
use klamm_types::ErrorCode;

use crate::altering::{BROKER, SET, alter};
use crate::asking::{Asking, assert_code};
use crate::lab::{
    PATIENCE, client, create_topic, eventually, numbered, produce, read_all, values_of,
};
use crate::replicas::{bytes, folder, segments};
use crate::versions::deletion_request;

/// Entries of an offset index.
const INDEX_ENTRY_SIZE: usize = 8;

/// Every batch but the first of a segment is indexed, and two of them fill an index.
const SMALL_INDEX: [(&str, &str); 2] =
    [("index.interval.bytes", "0"), ("segment.index.bytes", "24")];

/// Text that codecs find a lot to save in, more the longer they search.
fn prose() -> String {
    let words = [
        "partition",
        "leader",
        "epoch",
        "offset",
        "segment",
        "broker",
        "record",
    ];
    let mut state = 7_u32;
    let mut text = String::new();
    while text.len() < 200_000 {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        text.push_str(words[(state >> 16) as usize % words.len()]);
        text.push(char::from(b'0' + (state >> 24) as u8 % 10));
    }
    text
}

/// Names of the files of a partition that end so.
fn files(folder: &Path, suffix: &str) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("list a partition's folder");
    let names = entries.map(|entry| entry.expect("an entry").file_name());
    let names = names.map(|name| name.into_string().expect("names are text"));
    names.filter(|name| name.ends_with(suffix)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_are_compressed_as_hard_as_the_topic_wants() {
    let cluster = Cluster::start(1);
    let _logs = cluster.logs_on_panic();
    let client = client(&cluster);
    // From the quickest to the one that searches longest.
    let levels = [
        ("gzip", vec!["1", "6", "9"]),
        ("lz4", vec!["9", "1", "12"]),
        ("zstd", vec!["-100", "3", "19"]),
    ];
    for (codec, levels) in levels {
        let mut size_before = usize::MAX;
        for level in levels {
            let size = stored_size(&cluster, &client, codec, level).await;
            assert!(size < size_before, "{codec} {level}: {size} bytes");
            size_before = size;
        }
    }
    let [highest, beyond] = ["12", "17"].map(|level| format!("lz4{level}-0"));
    stored_size(&cluster, &client, "lz4", "17").await;
    let size = |name: &str| {
        let log = segments(&cluster.data_dir(1).expect("a node here").join(name));
        fs::metadata(&log[0]).expect("a segment").len()
    };
    assert!(size(&beyond) <= size(&highest));
}

/// How many bytes a topic makes of the same record, which is read back.
async fn stored_size(cluster: &Cluster, client: &Client, codec: &str, level: &str) -> usize {
    let topic = format!("{codec}{level}");
    let level_name = format!("compression.{codec}.level");
    let configs = [("compression.type", codec), (level_name.as_str(), level)];
    create_topic(cluster, &topic, 1, &configs).await;
    let values = [prose()];
    produce(client, &topic, 0, &values).await;
    assert_eq!(values_of(&read_all(client, &topic).await, 0), values);
    bytes(cluster, 1, &topic, 0).len()
}

#[tokio::test(flavor = "multi_thread")]
async fn indexes_and_segments_are_as_large_as_the_topic_wants() {
    let cluster = Cluster::start(1);
    let _logs = cluster.logs_on_panic();
    let client = client(&cluster);
    let preallocated = [("preallocate", "true"), ("segment.bytes", "2097152")];
    let topics = [
        ("sparse", &[][..]),
        ("dense", &SMALL_INDEX[..1]),
        ("small-index", &SMALL_INDEX[..]),
        ("preallocated", &preallocated[..]),
    ];
    let values = numbered("value", 10);
    for (topic, configs) in topics {
        create_topic(&cluster, topic, 1, configs).await;
        produce(&client, topic, 0, &values).await;
        assert_eq!(values_of(&read_all(&client, topic).await, 0), values);
    }
    let folder = |topic: &str| folder(&cluster, 1, topic, 0);
    let index_size = |topic: &str| {
        let index = folder(topic).join("00000000000000000000.index");
        fs::metadata(index).map_or(0, |file| file.len() as usize)
    };
    assert_eq!(index_size("sparse"), 0);
    assert!(index_size("dense") >= 8 * INDEX_ENTRY_SIZE);
    assert!(segments(&folder("small-index")).len() > 2);
    assert_eq!(segments(&folder("dense")).len(), 1);

    let reserved = |topic: &str| {
        let segment = segments(&folder(topic)).remove(0);
        fs::metadata(segment).expect("a segment").blocks() * 512
    };
    assert!(reserved("dense") < 1 << 20);
    if can_reserve(&cluster.node_dir(1)) {
        assert!(reserved("preallocated") >= 2 << 20);
    }
}

/// Whether the file system can reserve room for a file.
fn can_reserve(dir: &Path) -> bool {
    let mut command = Command::new("fallocate");
    command.args(["--length", "4096"]).arg(dir.join("probe"));
    command.status().is_ok_and(|status| status.success())
}

#[tokio::test(flavor = "multi_thread")]
async fn segments_end_and_go_when_the_topic_wants() {
    let cluster = Cluster::builder(1)
        .property("log.initial.task.delay.ms", "0")
        .property("log.retention.check.interval.ms", "100")
        .start();
    let _logs = cluster.logs_on_panic();
    let client = client(&cluster);
    create_topic(&cluster, "short-lived", 1, &[("segment.ms", "1")]).await;
    create_topic(&cluster, "long-lived", 1, &[]).await;
    eventually("a segment has become too old", || async {
        for topic in ["short-lived", "long-lived"] {
            produce(&client, topic, 0, &numbered("value", 1)).await;
        }
        (segments(&folder(&cluster, 1, "short-lived", 0)).len() > 1).then_some(())
    })
    .await;
    assert_eq!(segments(&folder(&cluster, 1, "long-lived", 0)).len(), 1);

    for (topic, delay_ms) in [("at-once", "0"), ("later", "3600000")] {
        let delay = ("file.delete.delay.ms", delay_ms);
        let configs = [SMALL_INDEX[0], SMALL_INDEX[1], delay];
        create_topic(&cluster, topic, 1, &configs).await;
        produce(&client, topic, 0, &numbered("value", 10)).await;
        let deletion = deletion_request(topic, 10);
        Asking::leader(&cluster, topic, 0).ask(&deletion, 2);
    }
    let folder = |topic: &str| folder(&cluster, 1, topic, 0);
    for (topic, kept) in [("at-once", false), ("later", true)] {
        wait_until(&format!("old segments of {topic} go"), PATIENCE, || {
            let deleted = files(&folder(topic), ".log.deleted").len();
            let is_gone = segments(&folder(topic)).len() == 1;
            Ok((is_gone && (deleted > 0) == kept).then_some(()))
        });
    }

    // The folder of a topic that is gone goes by what is set for all brokers.
    let at_once = [(SET, "log.segment.delete.delay.ms", Some("0"))];
    let answer = alter(&mut Asking::any(&cluster), BROKER, "", &at_once);
    assert_code("alter", answer.error_code, ErrorCode::None);
    let deleted = Admin::new(client.clone()).delete_topic("later").await;
    deleted.expect("delete a topic");
    let data = cluster.data_dir(1).expect("a node on this machine");
    wait_until("the folder is gone", PATIENCE, || {
        let mut entries = fs::read_dir(&data)?;
        let is_left = entries.any(|entry| {
            let name = entry.expect("an entry").file_name();
            name.to_string_lossy().starts_with("later-0")
        });
        Ok((!is_left).then_some(()))
    });
}
