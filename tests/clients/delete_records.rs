//! Apache Kafka's tool that deletes records.

use std::io::Write;

use tempfile::NamedTempFile;

use crate::foreign::Client;
use crate::kafka_tools::{GET_OFFSETS, assert_contains, fill, tool};
use crate::{shared_cluster, unique};

const DELETE_RECORDS: &str = "org.apache.kafka.tools.DeleteRecordsCommand";

#[test]
fn records_are_deleted_up_to_an_offset() {
    if !Client::Java.is_here() {
        return;
    }
    let cluster = shared_cluster();
    let _logs = cluster.logs_on_panic();
    let topic = unique("tools-deletion");
    cluster.create_topic(&topic, 1);
    fill(cluster, &topic, 10, 100);
    let delete = |offset: i64| {
        let json = format!(
            r#"{{"partitions": [{{"topic": "{topic}", "partition": 0, "offset": {offset}}}], "version": 1}}"#
        );
        let mut file = NamedTempFile::new().unwrap();
        file.write_all(json.as_bytes()).unwrap();
        let path = file.path().display().to_string();
        tool(cluster, DELETE_RECORDS, &["--offset-json-file", &path]).text()
    };
    let partition = format!("partition: {topic}-0");
    assert_contains(&delete(4), &[&partition, "low_watermark: 4"]);
    let earliest = ["--topic", &topic, "--time", "earliest"];
    let offsets = tool(cluster, GET_OFFSETS, &earliest).text();
    assert_eq!(offsets.trim(), format!("{topic}:0:4"));
    assert_contains(&delete(11), &[&partition, "OffsetOutOfRangeException"]);
    assert_contains(&delete(-1), &[&partition, "low_watermark: 10"]);
}
