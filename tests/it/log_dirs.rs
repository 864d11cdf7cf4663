//! Several log directories: what goes where, and one that fails while the node goes on.
//!
//! A directory fails by being renamed: what is open stays open, as with a disk that begins to die, but the next file
//! that is created there cannot be.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use klamm_client::{Acks, Client};
use klamm_protocol::messages::alter_replica_log_dirs_request::{
    AlterReplicaLogDir, AlterReplicaLogDirTopic, AlterReplicaLogDirsRequest,
};
use klamm_protocol::messages::alter_replica_log_dirs_response::AlterReplicaLogDirsResponse;
use klamm_protocol::messages::describe_log_dirs_request::DescribeLogDirsRequest;
use klamm_protocol::messages::describe_log_dirs_response::{
    DescribeLogDirsResponse, DescribeLogDirsResult,
};
use klamm_tests::Cluster;
use klamm_types::ErrorCode;

use crate::lab::{
    PATIENCE, client, connection, create_topic, eventually, numbered, partition_where, produce,
    produce_to, read_all, values_of,
};
use crate::replicas::wait_identical;
use crate::traffic::Traffic;

const PARTITIONS: i32 = 6;

/// Two directories on each node, whose failure shows at the next checkpoint.
fn start(nodes: i32) -> Cluster {
    Cluster::builder(nodes)
        .log_dirs(2)
        .property("replica.high.watermark.checkpoint.interval.ms", "200")
        .start()
}

/// The partitions of a topic in a log directory.
fn partitions_in(dir: &Path, topic: &str) -> Vec<i32> {
    let entries = fs::read_dir(dir).expect("list a log directory");
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let indexes = names.filter_map(|name| {
        let (found, index) = name.rsplit_once('-')?;
        index.parse().ok().filter(|_| found == topic)
    });
    let mut indexes: Vec<i32> = indexes.collect();
    indexes.sort_unstable();
    indexes
}

async fn describe(cluster: &Cluster, id: i32) -> BTreeMap<PathBuf, DescribeLogDirsResult> {
    let request = DescribeLogDirsRequest { topics: None };
    let answer = connection(cluster, id).await.request(&request, 5).await;
    let answer: DescribeLogDirsResponse = answer.expect("a node describes its log directories");
    assert_eq!(answer.error_code, 0);
    let results = answer.results.into_iter();
    results
        .map(|result| (PathBuf::from(&result.log_dir), result))
        .collect()
}

fn away(dir: &Path) -> PathBuf {
    dir.with_extension("away")
}

/// Takes a directory away from a node, for good until [`bring_back`].
fn take_away(dir: &Path) {
    fs::rename(dir, away(dir)).expect("rename a log directory");
    // Something that no directory can be made of when the node starts.
    fs::write(dir, "a broken disk").expect("write a file");
}

fn bring_back(dir: &Path) {
    fs::remove_file(dir).expect("remove a file");
    fs::rename(away(dir), dir).expect("rename a log directory");
}

/// Some partition that `id` leads and whose replica it keeps in `dir`.
async fn led_from(client: &Client, topic: &str, id: i32, dir: &Path) -> Option<i32> {
    let view = client.refresh(Some(&[topic])).await.ok()?;
    let here = partitions_in(dir, topic);
    let leads = |index: &i32| {
        let partition = view.partition(topic, *index);
        partition.is_some_and(|partition| partition.leader == id)
    };
    here.into_iter().find(leads)
}

#[tokio::test(flavor = "multi_thread")]
async fn new_replicas_go_where_the_fewest_are() {
    let cluster = start(3);
    let client = client(&cluster);
    create_topic(&cluster, "spread", PARTITIONS, &[]).await;
    let values = numbered("v", 5);
    produce(&client, "spread", 0, &values).await;
    for id in cluster.broker_ids() {
        let mut all = Vec::new();
        let described = describe(&cluster, id).await;
        for dir in cluster.data_dirs(id) {
            let here = partitions_in(&dir, "spread");
            assert_eq!(here.len(), 3, "{dir:?} of node {id} has {here:?}");
            let result = &described[&dir];
            assert_eq!(result.error_code, 0);
            assert!(result.usable_bytes > 0 && result.total_bytes >= result.usable_bytes);
            let topics = &result.topics;
            let told = topics.iter().flat_map(|topic| &topic.partitions);
            let told: Vec<i32> = told.clone().map(|p| p.partition_index).collect();
            assert_eq!(told, here, "what node {id} says of {dir:?}");
            for partition in topics.iter().flat_map(|topic| &topic.partitions) {
                let has_records = partition.partition_index == 0;
                assert_eq!(partition.partition_size > 0, has_records, "{partition:?}");
                assert!(!partition.is_future_key);
            }
            all.extend(here);
        }
        all.sort_unstable();
        assert_eq!(all, (0..PARTITIONS).collect::<Vec<_>>());
    }
    assert_eq!(values_of(&read_all(&client, "spread").await, 0), values);
}

/// What lives in the directory is led elsewhere, the rest goes on, and after a restart with the directory all is well.
#[tokio::test(flavor = "multi_thread")]
async fn a_directory_that_fails_under_load_costs_nothing_else() {
    let cluster = start(3);
    let client = client(&cluster);
    create_topic(&cluster, "load", PARTITIONS, &[]).await;
    let traffic = Traffic::start(client.clone(), "load", PARTITIONS);
    traffic.flows().await;
    let (victim, dir, lost) = somebody_leads_from_the_second(&cluster, &client, "load").await;
    let here = partitions_in(&dir, "load");
    let others = partitions_in(&cluster.data_dirs(victim)[0], "load");
    take_away(&dir);
    let is_led_elsewhere = |p: &klamm_client::PartitionView| {
        p.leader >= 0 && p.leader != victim && !p.isr.contains(&victim)
    };
    for &index in &here {
        partition_where(&client, "load", index, "is led elsewhere", is_led_elsewhere).await;
    }
    traffic.flows().await;
    assert!(cluster.is_running(victim), "the node goes on");
    for &index in &others {
        let has_it = |p: &klamm_client::PartitionView| p.isr.contains(&victim);
        partition_where(&client, "load", index, "keeps the node", has_it).await;
    }
    let described = describe(&cluster, victim).await;
    let storage_error = ErrorCode::KafkaStorageError.code();
    assert_eq!(described[&dir].error_code, storage_error);
    assert!(described[&dir].topics.is_empty());
    assert_eq!(described[&cluster.data_dirs(victim)[0]].error_code, 0);
    let connection = connection(&cluster, victim).await;
    let values = ["x".to_owned()];
    let refused = produce_to(&connection, "load", lost, Acks::All, &values, PATIENCE);
    assert_eq!(refused.await.unwrap().error_code, storage_error);

    // It starts without the directory as well, and makes nothing anew that may come back.
    assert!(cluster.stop(victim).success());
    cluster.restart(victim);
    cluster.wait_ready();
    for &index in &others {
        let has_it = |p: &klamm_client::PartitionView| p.isr.contains(&victim);
        partition_where(&client, "load", index, "has the node back", has_it).await;
    }
    assert_eq!(partitions_in(&cluster.data_dirs(victim)[0], "load"), others);
    traffic.flows().await;

    assert!(cluster.stop(victim).success());
    bring_back(&dir);
    cluster.restart(victim);
    cluster.wait_ready();
    cluster.wait_in_sync(&["load"]);
    traffic.flows().await;
    traffic.finish(&client).await;
    assert_eq!(partitions_in(&dir, "load"), here);
    for index in 0..PARTITIONS {
        wait_identical(&cluster, "load", index);
    }
}

async fn somebody_leads_from_the_second(
    cluster: &Cluster,
    client: &Client,
    topic: &str,
) -> (i32, PathBuf, i32) {
    eventually("a node leads from its second directory", || async {
        for id in cluster.broker_ids() {
            let dir = cluster.data_dirs(id).remove(1);
            if let Some(partition) = led_from(client, topic, id, &dir).await {
                return Some((id, dir, partition));
            }
        }
        None
    })
    .await
}

/// Without the directory of the metadata log the process could not go on.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_stops_without_the_directory_of_the_metadata_log() {
    let cluster = start(1);
    let client = client(&cluster);
    create_topic(&cluster, "first", 2, &[]).await;
    let values = numbered("v", 5);
    produce(&client, "first", 0, &values).await;
    let dir = cluster.data_dirs(1).remove(0);
    take_away(&dir);
    assert!(!cluster.wait_stopped(1).success());
    let log = cluster.log(1);
    assert!(log.contains("metadata log"), "{log}");
    bring_back(&dir);
    cluster.restart(1);
    cluster.wait_ready();
    assert_eq!(values_of(&read_all(&client, "first").await, 0), values);
}

/// An empty directory in the place of a lost one: what was there is copied from the others.
#[tokio::test(flavor = "multi_thread")]
async fn a_directory_that_is_replaced_is_filled_again() {
    let cluster = start(3);
    let client = client(&cluster);
    create_topic(&cluster, "replaced", PARTITIONS, &[]).await;
    let traffic = Traffic::start(client.clone(), "replaced", PARTITIONS);
    traffic.flows().await;
    let dir = cluster.data_dirs(2).remove(1);
    cluster.kill9(2);
    fs::remove_dir_all(&dir).expect("remove a log directory");
    traffic.flows().await;
    cluster.restart(2);
    cluster.wait_ready();
    cluster.wait_in_sync(&["replaced"]);
    assert_eq!(partitions_in(&dir, "replaced").len(), 3);
    traffic.flows().await;
    traffic.finish(&client).await;
    for partition in 0..PARTITIONS {
        wait_identical(&cluster, "replaced", partition);
    }
}

async fn alter(
    cluster: &Cluster,
    id: i32,
    topic: &str,
    partitions: &[i32],
    path: &Path,
) -> Vec<ErrorCode> {
    let request = AlterReplicaLogDirsRequest {
        dirs: vec![AlterReplicaLogDir {
            path: path.display().to_string(),
            topics: vec![AlterReplicaLogDirTopic {
                name: topic.to_owned(),
                partitions: partitions.to_vec(),
            }],
        }],
    };
    let answer = connection(cluster, id).await.request(&request, 2).await;
    let answer: AlterReplicaLogDirsResponse = answer.expect("a node moves replicas");
    let topic = &answer.results[0];
    let codes = topic.partitions.iter().map(|p| p.error_code.into());
    codes.collect()
}

/// Waits until a topic's replicas on a node are in this directory, and nothing is on its way any more.
async fn wait_moved(cluster: &Cluster, id: i32, topic: &str, dir: &Path, expected: &[i32]) {
    eventually("the replicas have moved", || async {
        let described = describe(cluster, id).await;
        let all = described.values().flat_map(|result| &result.topics);
        let is_moving = all
            .flat_map(|topic| &topic.partitions)
            .any(|p| p.is_future_key);
        (!is_moving && partitions_in(dir, topic) == expected).then_some(())
    })
    .await;
}

/// Leaders and followers change their directory under load, nobody notices, and the metadata knows it.
#[tokio::test(flavor = "multi_thread")]
async fn replicas_move_between_directories_while_they_serve() {
    let cluster = start(3);
    let client = client(&cluster);
    create_topic(
        &cluster,
        "moving",
        PARTITIONS,
        &[("segment.bytes", "1048576")],
    )
    .await;
    let traffic = Traffic::start(client.clone(), "moving", PARTITIONS);
    traffic.flows().await;
    let dirs = cluster.data_dirs(2);
    let everything: Vec<i32> = (0..PARTITIONS).collect();
    let done = vec![ErrorCode::None; everything.len()];
    for target in [1, 0, 1] {
        let codes = alter(&cluster, 2, "moving", &everything, &dirs[target]).await;
        assert_eq!(codes, done);
        traffic.flows().await;
        wait_moved(&cluster, 2, "moving", &dirs[target], &everything).await;
        assert_eq!(partitions_in(&dirs[1 - target], "moving"), []);
        traffic.flows().await;
    }
    cluster.wait_in_sync(&["moving"]);
    // What fails now is where everything is: the controller has to know.
    take_away(&dirs[1]);
    for index in everything.clone() {
        let is_out = |p: &klamm_client::PartitionView| p.leader != 2 && !p.isr.contains(&2);
        partition_where(&client, "moving", index, "is led elsewhere", is_out).await;
    }
    traffic.flows().await;
    cluster.kill9(2);
    bring_back(&dirs[1]);
    cluster.restart(2);
    cluster.wait_ready();
    cluster.wait_in_sync(&["moving"]);
    traffic.finish(&client).await;
    assert_eq!(partitions_in(&dirs[1], "moving"), everything);
    for index in everything {
        wait_identical(&cluster, "moving", index);
    }
}

/// Killed at any time: each replica is in one directory afterwards, with all its records, and the move is not forgotten.
#[tokio::test(flavor = "multi_thread")]
async fn a_move_survives_the_death_of_the_node() {
    let cluster = start(1);
    let client = client(&cluster);
    create_topic(&cluster, "killed", PARTITIONS, &[]).await;
    let traffic = Traffic::start(client.clone(), "killed", PARTITIONS);
    traffic.flows().await;
    let dirs = cluster.data_dirs(1);
    let everything: Vec<i32> = (0..PARTITIONS).collect();
    for round in 0..4 {
        let target = &dirs[1 - round % 2];
        alter(&cluster, 1, "killed", &everything, target).await;
        tokio::time::sleep(Duration::from_millis(7 * round as u64)).await;
        cluster.kill9(1);
        cluster.restart(1);
        cluster.wait_ready();
        traffic.flows().await;
        // Moves go on meanwhile, and for a moment a replica has a folder in both.
        eventually("each replica is in one directory", || async {
            let [first, second] = [&dirs[0], &dirs[1]].map(|dir| partitions_in(dir, "killed"));
            let mut all = [first, second].concat();
            all.sort_unstable();
            (all == everything).then_some(())
        })
        .await;
    }
    alter(&cluster, 1, "killed", &everything, &dirs[0]).await;
    wait_moved(&cluster, 1, "killed", &dirs[0], &everything).await;
    traffic.flows().await;
    traffic.finish(&client).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn moves_are_refused_as_kafka_refuses_them() {
    let cluster = start(1);
    create_topic(&cluster, "refused", 1, &[]).await;
    let dirs = cluster.data_dirs(1);
    let nowhere = Path::new("/nowhere");
    let check = async |topic: &str, partition: i32, path: &Path, expected: ErrorCode| {
        let codes = alter(&cluster, 1, topic, &[partition], path).await;
        assert_eq!(codes, [expected], "{topic}-{partition} to {path:?}");
    };
    check("refused", 0, nowhere, ErrorCode::LogDirNotFound).await;
    check("refused", 0, Path::new("data"), ErrorCode::LogDirNotFound).await;
    let unknown = ErrorCode::UnknownTopicOrPartition;
    check("refused", 7, &dirs[1], unknown).await;
    // The directory is remembered for the replica to be made.
    check("later", 0, &dirs[1], unknown).await;
    check("later", 1, &dirs[1], unknown).await;
    create_topic(&cluster, "later", 2, &[]).await;
    eventually("the replicas are made where they belong", || async {
        (partitions_in(&dirs[1], "later") == [0, 1]).then_some(())
    })
    .await;
    take_away(&dirs[1]);
    eventually("the directory is offline", || async {
        let described = describe(&cluster, 1).await;
        (described[&dirs[1]].error_code != 0).then_some(())
    })
    .await;
    check("refused", 0, &dirs[1], ErrorCode::KafkaStorageError).await;
    check("later", 0, &dirs[0], ErrorCode::KafkaStorageError).await;
}
