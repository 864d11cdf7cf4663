//! The old end of logs: DeleteRecords, retention, and what of it survives.

use std::time::Duration;

use klamm_client::{Admin, NewTopic};
use klamm_tests::{Cluster, wait_until};
use klamm_types::ErrorCode;

use crate::asking::{Asking, assert_code};
use crate::lab::{PATIENCE, client, create_topic, numbered, produce, read_all, values_of};
use crate::replicas::{folder, segments};
use crate::versions::{deletion_request, offset_request};

const SEGMENT_BYTES: (&str, &str) = ("segment.bytes", "1048576");

/// A cluster that looks at its logs all the time.
fn tidy_cluster(delete_delay_ms: &str) -> Cluster {
    Cluster::builder(3)
        .property("log.initial.task.delay.ms", "0")
        .property("log.retention.check.interval.ms", "100")
        .property("log.segment.delete.delay.ms", delete_delay_ms)
        .start()
}

/// Values of which five fill a segment.
fn large(prefix: &str, count: usize) -> Vec<String> {
    let pad = |value: &String| format!("{value}-{}", "x".repeat(200_000));
    numbered(prefix, count).iter().map(pad).collect()
}

/// Deletes the records of partition 0 below an offset: error code and low watermark.
fn delete(cluster: &Cluster, topic: &str, offset: i64, patience: Duration) -> (ErrorCode, i64) {
    let mut request = deletion_request(topic, offset);
    request.timeout_ms = i32::try_from(patience.as_millis()).unwrap();
    let answer = Asking::leader(cluster, topic, 0).ask(&request, 2);
    let partition = &answer.topics[0].partitions[0];
    (
        ErrorCode::from(partition.error_code),
        partition.low_watermark,
    )
}

fn earliest(cluster: &Cluster, topic: &str) -> i64 {
    let answer = Asking::leader(cluster, topic, 0).ask(&offset_request(topic, -2), 5);
    let partition = &answer.topics[0].partitions[0];
    assert_code("earliest", partition.error_code, ErrorCode::None);
    partition.offset
}

/// The base offset of a replica's second segment, if it has one.
fn second_segment(cluster: &Cluster, id: i32, topic: &str) -> Option<i64> {
    let segments = segments(&folder(cluster, id, topic, 0));
    let name = segments.get(1)?.file_stem()?.to_str()?;
    Some(name.parse().unwrap())
}

fn wait_until_segments_are_gone(cluster: &Cluster, topic: &str, log_start: i64) {
    for id in cluster.broker_ids() {
        let what = format!("node {id} has removed what lies below {log_start}");
        wait_until(&what, PATIENCE, || {
            let second = second_segment(cluster, id, topic);
            Ok(second.is_none_or(|second| second > log_start).then_some(()))
        });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn deleted_records_are_gone_on_every_replica_for_good() {
    let cluster = tidy_cluster("60000");
    let client = client(&cluster);
    create_topic(&cluster, "trimmed", 1, &[SEGMENT_BYTES]).await;
    let values = large("value", 20);
    produce(&client, "trimmed", 0, &values).await;

    assert_eq!(
        delete(&cluster, "trimmed", 12, PATIENCE),
        (ErrorCode::None, 12)
    );
    assert_eq!(earliest(&cluster, "trimmed"), 12);
    // A smaller offset changes nothing.
    assert_eq!(
        delete(&cluster, "trimmed", 3, PATIENCE),
        (ErrorCode::None, 12)
    );
    let read = read_all(&client, "trimmed").await;
    assert_eq!(values_of(&read, 0), values[12..]);
    wait_until_segments_are_gone(&cluster, "trimmed", 12);

    // The next leader starts there as well.
    let leader = cluster.leader("trimmed", 0);
    cluster.kill9(leader);
    wait_until("another node leads", PATIENCE, || {
        Ok((cluster.leader("trimmed", 0) != leader).then_some(()))
    });
    assert_eq!(earliest(&cluster, "trimmed"), 12);
    // A replica that is down is not waited for.
    assert_eq!(
        delete(&cluster, "trimmed", 14, PATIENCE),
        (ErrorCode::None, 14)
    );
    cluster.restart(leader);
    cluster.wait_in_sync(&["trimmed"]);
    assert_eq!(
        delete(&cluster, "trimmed", -1, PATIENCE),
        (ErrorCode::None, 20)
    );
    produce(&client, "trimmed", 0, &values[..3]).await;

    // Everything is as it was when all come back at once: segments went, so the log start was
    // recorded before.
    wait_until_segments_are_gone(&cluster, "trimmed", 20);
    cluster.kill9_all(&cluster.broker_ids());
    cluster.restart_all(&cluster.broker_ids());
    cluster.wait_ready();
    cluster.wait_in_sync(&["trimmed"]);
    assert_eq!(earliest(&cluster, "trimmed"), 20);
    let read = read_all(&crate::lab::client(&cluster), "trimmed").await;
    assert_eq!(values_of(&read, 0), values[..3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_hangs_holds_deletion_up_until_time_is_up_or_it_is_given_up() {
    let cluster = tidy_cluster("60000");
    let client = client(&cluster);
    create_topic(&cluster, "waiting", 1, &[]).await;
    produce(&client, "waiting", 0, &numbered("value", 5)).await;
    let leader = cluster.leader("waiting", 0);
    let mut others = cluster.broker_ids();
    others.retain(|&id| id != leader && id != cluster.active_controller());
    cluster.pause(others[0]);
    let short = Duration::from_millis(100);
    let (error, low_watermark) = delete(&cluster, "waiting", 3, short);
    assert_eq!((error, low_watermark), (ErrorCode::RequestTimedOut, 0));
    assert_eq!(
        delete(&cluster, "waiting", 3, PATIENCE),
        (ErrorCode::None, 3)
    );
    cluster.resume(others[0]);
    cluster.wait_in_sync(&["waiting"]);
    assert_eq!(
        delete(&cluster, "waiting", 4, PATIENCE),
        (ErrorCode::None, 4)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn records_of_compacted_and_internal_topics_are_not_deleted() {
    let cluster = crate::lab::shared_cluster();
    let _logs = cluster.logs_on_panic();
    for (policy, expected) in [
        ("compact", ErrorCode::PolicyViolation),
        ("compact,delete", ErrorCode::None),
        ("delete", ErrorCode::None),
    ] {
        let topic = format!("deletion-{}", policy.replace(',', "-"));
        create_topic(cluster, &topic, 1, &[("cleanup.policy", policy)]).await;
        let (error, _) = delete(cluster, &topic, -1, PATIENCE);
        assert_eq!(error, expected, "{policy}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn retention_deletes_what_is_too_old_or_too_much() {
    let cluster = tidy_cluster("500");
    let client = client(&cluster);
    create_topic(
        &cluster,
        "old",
        1,
        &[SEGMENT_BYTES, ("retention.ms", "1000")],
    )
    .await;
    let two_segments = ("retention.bytes", "2200000");
    create_topic(&cluster, "much", 1, &[SEGMENT_BYTES, two_segments]).await;
    create_topic(&cluster, "kept", 1, &[SEGMENT_BYTES]).await;
    let values = large("value", 22);
    for topic in ["much", "kept", "old"] {
        produce(&client, topic, 0, &values).await;
    }
    // All of it is older than a second soon, the active segment too.
    for id in cluster.broker_ids() {
        let what = format!("node {id} has deleted the old records and their files");
        wait_until(&what, PATIENCE, || {
            let folder = folder(&cluster, id, "old", 0);
            let names = std::fs::read_dir(folder)?.map(|entry| entry.unwrap().file_name());
            let names: Vec<String> = names.map(|name| name.into_string().unwrap()).collect();
            let deleted = names
                .iter()
                .filter(|name| name.ends_with(".deleted"))
                .count();
            let first = names.iter().filter(|name| name.ends_with(".log")).min();
            let is_empty = first.is_some_and(|name| name.starts_with("00000000000000000022"));
            Ok((is_empty && deleted == 0).then_some(()))
        });
    }
    assert_eq!(earliest(&cluster, "old"), 22);
    produce(&client, "old", 0, &numbered("new", 1)).await;
    // Five to a segment, two in the last one: as many segments go as leave the limit's bytes.
    wait_until("the log has its size", PATIENCE, || {
        Ok((earliest(&cluster, "much") == 10).then_some(()))
    });
    wait_until_segments_are_gone(&cluster, "much", 10);
    let read = read_all(&client, "much").await;
    assert_eq!(values_of(&read, 0), values[10..]);
    let read = read_all(&client, "kept").await;
    assert_eq!(values_of(&read, 0), values);
}

#[tokio::test(flavor = "multi_thread")]
async fn folders_of_deleted_topics_stay_a_while() {
    let cluster = tidy_cluster("3600000");
    let admin = Admin::new(client(&cluster));
    let topic = NewTopic::new("doomed").partitions(1).replication_factor(3);
    admin.create_topic(&topic).await.unwrap();
    cluster.wait_in_sync(&["doomed"]);
    admin.delete_topic("doomed").await.unwrap();
    let doomed = |id| {
        let entries = std::fs::read_dir(cluster.data_dir(id).unwrap()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names
            .filter(|name| name.starts_with("doomed-0.") && name.ends_with("-delete"))
            .count()
    };
    for id in cluster.broker_ids() {
        wait_until(&format!("node {id} renames the folder"), PATIENCE, || {
            Ok((doomed(id) == 1).then_some(()))
        });
    }
    // The next start does not wait.
    cluster.stop(1);
    assert_eq!(doomed(1), 1);
    cluster.restart(1);
    wait_until("the folder is gone", PATIENCE, || {
        Ok((doomed(1) == 0).then_some(()))
    });
}
