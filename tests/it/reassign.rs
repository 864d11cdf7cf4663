//! Partitions that move to other brokers while records are written.

use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

use klamm_protocol::messages::alter_partition_reassignments_request::{
    AlterPartitionReassignmentsRequest, ReassignablePartition, ReassignableTopic,
};
use klamm_protocol::messages::elect_leaders_request::ElectLeadersRequest;
use klamm_protocol::messages::list_partition_reassignments_request::ListPartitionReassignmentsRequest;
use klamm_protocol::messages::unregister_broker_request::UnregisterBrokerRequest;
use klamm_tests::{Cluster, wait_until};
use klamm_types::ErrorCode;

use crate::asking::{Asking, assert_code};
use crate::lab::{PATIENCE, client, create_topic};
use crate::replicas::bytes;
use crate::traffic::Traffic;

const TOPIC: &str = "moved";
/// What a node says that stops before others lead what it led.
const LATE_HANDOVER: &str = "did not take leadership over in time";
/// The only controller, which no test here kills.
const CONTROLLER: i32 = 6;

/// Who is to keep which partition; none: what is under way is cancelled.
type Plan = BTreeMap<i32, Option<Vec<i32>>>;

/// Brokers 1 to 3 of five, the others not started yet, and a topic under load.
async fn growing(partitions: i32) -> (Cluster, Traffic) {
    let cluster = Cluster::builder(5)
        .separate_controllers(1)
        .property("log.segment.delete.delay.ms", "0")
        .create();
    cluster.restart_all(&[1, 2, 3, CONTROLLER]);
    cluster.wait_ready();
    create_topic(&cluster, TOPIC, partitions, &[]).await;
    let traffic = Traffic::start(client(&cluster), TOPIC, partitions);
    traffic.flows().await;
    (cluster, traffic)
}

/// Asks for reassignments; the codes by partition.
fn reassign(cluster: &Cluster, plan: &Plan) -> Vec<ErrorCode> {
    let partition = |(index, replicas): (&i32, &Option<Vec<i32>>)| ReassignablePartition {
        partition_index: *index,
        replicas: replicas.clone(),
    };
    let request = AlterPartitionReassignmentsRequest {
        topics: vec![ReassignableTopic {
            name: TOPIC.to_owned(),
            partitions: plan.iter().map(partition).collect(),
        }],
        ..Default::default()
    };
    let answer = Asking::any(cluster).ask(&request, 1);
    assert_code("the request", answer.error_code, ErrorCode::None);
    let partitions = answer.responses.iter().flat_map(|topic| &topic.partitions);
    partitions.map(|p| ErrorCode::from(p.error_code)).collect()
}

/// Moves partitions and waits until they are where they are to be, in sync, and nothing is under way.
fn move_to(cluster: &Cluster, plan: &Plan) {
    let codes = reassign(cluster, plan);
    assert!(codes.iter().all(|code| code.is_none()), "{codes:?}");
    wait_until("the reassignments have ended", PATIENCE, || {
        Ok(under_way(cluster).is_empty().then_some(()))
    });
    // From the broker that said so: the first.
    let view = cluster.view(&[TOPIC]).unwrap();
    for partition in &view.partitions {
        if let Some(target) = &plan[&partition.partition] {
            assert_eq!(&partition.replicas, target, "{partition:?}");
            assert!(partition.replicas.contains(&partition.leader));
        }
    }
    cluster.wait_in_sync(&[TOPIC]);
}

/// What is being reassigned: adding and removing replicas by partition.
fn under_way(cluster: &Cluster) -> BTreeMap<i32, (Vec<i32>, Vec<i32>)> {
    let answer = Asking::any(cluster).ask(&ListPartitionReassignmentsRequest::default(), 0);
    let partitions = answer.topics.into_iter().flat_map(|topic| topic.partitions);
    partitions
        .map(|p| {
            let (adding, mut removing) = (p.adding_replicas, p.removing_replicas);
            removing.sort_unstable();
            (p.partition_index, (adding, removing))
        })
        .collect()
}

/// Three neighbours of a ring of brokers for each partition.
fn ring(partitions: i32, brokers: &[i32]) -> Plan {
    let mut ring = brokers.iter().copied().cycle();
    (0..partitions)
        .map(|partition| {
            ring.next();
            (partition, Some(ring.clone().take(3).collect()))
        })
        .collect()
}

/// Waits until every broker has the replicas of the plan and no others, and all of a partition are equal.
fn wait_for_files(cluster: &Cluster, plan: &Plan, brokers: &[i32]) {
    for (partition, replicas) in plan {
        let replicas = replicas.as_ref().unwrap();
        let what = format!("the files of {TOPIC}-{partition} are those of {replicas:?}");
        wait_until(&what, PATIENCE, || {
            let name = format!("{TOPIC}-{partition}");
            let has = |id: &i32| {
                let entries = fs::read_dir(cluster.data_dir(*id).unwrap()).unwrap();
                let mut names = entries.map(|entry| entry.unwrap().file_name());
                names.any(|found| {
                    let found = found.to_string_lossy();
                    found == name || found.starts_with(&format!("{name}."))
                })
            };
            let others = brokers.iter().filter(|id| !replicas.contains(id));
            let logs: Vec<_> = (replicas.iter())
                .map(|id| bytes(cluster, *id, TOPIC, *partition))
                .collect();
            let are_equal = !logs[0].is_empty() && logs.windows(2).all(|two| two[0] == two[1]);
            Ok((are_equal && !others.clone().any(has)).then_some(()))
        });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_grows_and_replaces_a_dead_broker_under_load() {
    const PARTITIONS: i32 = 30;
    let (cluster, traffic) = growing(PARTITIONS).await;
    cluster.restart_all(&[4, 5]);
    cluster.wait_ready();
    let grown = ring(PARTITIONS, &[1, 2, 3, 4, 5]);
    move_to(&cluster, &grown);
    traffic.flows().await;

    // 5 never comes back.
    cluster.kill9(5);
    traffic.flows().await;
    let forget = UnregisterBrokerRequest { broker_id: 5 };
    let forgotten = Asking::any(&cluster).ask(&forget, 0);
    assert_code("5 is forgotten", forgotten.error_code, ErrorCode::None);
    let again = Asking::any(&cluster).ask(&forget, 0);
    let unknown = ErrorCode::BrokerIdNotRegistered;
    assert_code("5 is not known any more", again.error_code, unknown);
    let replaced: Plan = (grown.into_iter())
        .map(|(partition, replicas)| {
            let replicas = replicas.unwrap();
            let other = (1..=4).find(|id| !replicas.contains(id)).unwrap();
            let replaced = replicas.iter().map(|id| if *id == 5 { other } else { *id });
            (partition, Some(replaced.collect()))
        })
        .collect();
    move_to(&cluster, &replaced);
    traffic.flows().await;
    traffic.finish(&client(&cluster)).await;
    wait_for_files(&cluster, &replaced, &[1, 2, 3, 4]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_under_way_can_be_seen_and_cancelled() {
    const PARTITIONS: i32 = 3;
    let (cluster, traffic) = growing(PARTITIONS).await;
    cluster.restart_all(&[4, 5]);
    cluster.wait_ready();
    // Registered and dead: whoever waits for them waits for ever.
    cluster.kill9_all(&[4, 5]);
    let plan: Plan = (0..PARTITIONS).map(|p| (p, Some(vec![1, 4, 5]))).collect();
    let codes = reassign(&cluster, &plan);
    assert!(codes.iter().all(|code| code.is_none()), "{codes:?}");
    let seen = under_way(&cluster);
    assert_eq!(seen.len(), 3);
    for (adding, removing) in seen.values() {
        assert_eq!((&adding[..], &removing[..]), (&[4, 5][..], &[2, 3][..]));
    }
    traffic.flows().await;
    let cancel: Plan = (0..PARTITIONS).map(|p| (p, None)).collect();
    let codes = reassign(&cluster, &cancel);
    assert!(codes.iter().all(|code| code.is_none()), "{codes:?}");
    assert!(under_way(&cluster).is_empty());
    assert_eq!(
        reassign(&cluster, &cancel),
        [ErrorCode::NoReassignmentInProgress; 3]
    );
    cluster.wait_in_sync(&[TOPIC]);
    traffic.flows().await;
    traffic.finish(&client(&cluster)).await;
    let kept = (0..PARTITIONS).map(|p| (p, Some(vec![1, 2, 3]))).collect();
    wait_for_files(&cluster, &kept, &[1, 2, 3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn leadership_goes_back_when_it_is_asked_for_and_by_itself() {
    let cluster = Cluster::builder(3)
        .property("leader.imbalance.check.interval.seconds", "1")
        .start();
    create_topic(&cluster, TOPIC, 6, &[]).await;
    let traffic = Traffic::start(client(&cluster), TOPIC, 6);
    let led_by = |id: i32| {
        let view = cluster.view(&[TOPIC]).unwrap();
        view.partitions.iter().filter(|p| p.leader == id).count()
    };
    let wait_led = |what: &str, count: usize| {
        wait_until(what, PATIENCE, || Ok((led_by(2) == count).then_some(())));
    };
    wait_led("2 leads a third of six partitions", 2);
    assert!(cluster.stop(2).success());
    wait_led("2 leads nothing while it is down", 0);
    traffic.flows().await;
    cluster.restart(2);
    cluster.wait_in_sync(&[TOPIC]);
    wait_led("2 leads what it led by itself", 2);
    // Nothing is left to do.
    let request = ElectLeadersRequest {
        election_type: 0,
        topic_partitions: None,
        timeout_ms: 60_000,
    };
    let answer = Asking::any(&cluster).ask(&request, 2);
    assert_code("the election", answer.error_code, ErrorCode::None);
    let told = answer.replica_election_results.iter();
    assert_eq!(told.flat_map(|topic| &topic.partition_result).count(), 0);
    traffic.finish(&client(&cluster)).await;
}

/// A clean stop hands everything over before it: clients are redirected, and nothing is lost.
#[tokio::test(flavor = "multi_thread")]
async fn a_rolling_restart_under_load_loses_nothing() {
    let cluster = Cluster::builder(3).start();
    create_topic(&cluster, TOPIC, 6, &[]).await;
    let traffic = Traffic::start(client(&cluster), TOPIC, 6);
    for id in cluster.broker_ids() {
        traffic.flows().await;
        let begin = Instant::now();
        cluster.stop(id);
        let view = cluster.view(&[TOPIC]).unwrap();
        let is_handed_over = |leader: i32| leader >= 0 && leader != id;
        let mut partitions = view.partitions.iter();
        // A node does not wait for ever to be relieved, and on a busy machine it may not be in time: then it says so.
        let is_late = cluster.log(id).contains(LATE_HANDOVER);
        let are_handed_over = partitions.all(|p| is_handed_over(p.leader));
        assert!(is_late || are_handed_over, "{view:?}");
        cluster.restart(id);
        cluster.wait_ready();
        cluster.wait_in_sync(&[TOPIC]);
        traffic.flows().await;
        eprintln!(
            "restart of node {id}: longest gap {:?}",
            traffic.longest_gap(begin)
        );
    }
    traffic.finish(&client(&cluster)).await;
}

/// Not a promise that a busy machine could keep: told, not asserted.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes a minute and measures"]
async fn a_hundred_partitions_move_under_load() {
    const PARTITIONS: i32 = 100;
    let (cluster, traffic) = growing(PARTITIONS).await;
    cluster.restart_all(&[4, 5]);
    cluster.wait_ready();
    let begin = Instant::now();
    tokio::time::sleep(Duration::from_secs(10)).await;
    let gap = traffic.longest_gap(begin);
    eprintln!("before anything moves: longest gap {gap:?}");
    for brokers in [&[1, 2, 3, 4, 5][..], &[5, 4, 3, 2, 1], &[1, 2, 3]] {
        let plan = ring(PARTITIONS, brokers);
        let begin = Instant::now();
        move_to(&cluster, &plan);
        let taken = begin.elapsed();
        traffic.flows().await;
        let gap = traffic.longest_gap(begin);
        eprintln!("{PARTITIONS} partitions moved to {brokers:?} in {taken:?}, longest gap {gap:?}");
    }
    traffic.finish(&client(&cluster)).await;
    wait_for_files(&cluster, &ring(PARTITIONS, &[1, 2, 3]), &[1, 2, 3, 4, 5]);
}
