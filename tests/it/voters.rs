//! Controllers come and go while records flow.

use std::fs;

use klamm_protocol::messages::describe_quorum_request::{
    DescribeQuorumRequest, PartitionData, TopicData,
};
use klamm_protocol::messages::describe_quorum_response as described;
use klamm_tests::Cluster;
use klamm_types::{ErrorCode, Uuid};

use crate::lab::{PATIENCE, client, connection, create_topic, eventually, try_connection};
use crate::quorum::create;
use crate::traffic::Traffic;

#[tokio::test(flavor = "multi_thread")]
async fn three_controllers_become_five_and_outlive_two_of_the_first() {
    let cluster = Cluster::builder(3)
        .separate_controllers(3)
        .joining_nodes(2)
        .property("controller.quorum.auto.join.enable", "true")
        .start();
    let client = client(&cluster);
    create_topic(&cluster, "flows", 3, &[]).await;
    let traffic = Traffic::start(client.clone(), "flows", 3);
    traffic.flows().await;
    for id in [7, 8] {
        cluster.restart(id);
        until(&cluster, &format!("{id} votes"), |quorum| {
            quorum
                .current_voters
                .iter()
                .any(|voter| voter.replica_id == id)
        })
        .await;
        traffic.flows().await;
    }
    cluster.wait_ready();

    // Two of the first three, the active one if it is among them: a majority of the old voters.
    let active = cluster.active_controller();
    let mut first: Vec<i32> = (4..=6).collect();
    first.sort_by_key(|id| *id != active);
    cluster.kill9_all(&first[..2]);
    traffic.flows().await;
    create_topic(&cluster, "decided-by-the-rest", 1, &[]).await;
    cluster.restart_all(&first[..2]);
    cluster.wait_ready();
    traffic.finish(&client).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_lost_its_folders_is_a_voter_again() {
    let cluster = Cluster::start(3);
    let client = client(&cluster);
    create_topic(&cluster, "flows", 3, &[]).await;
    let traffic = Traffic::start(client.clone(), "flows", 3);
    traffic.flows().await;
    let lost = cluster.active_controller();
    let before = directory_of(&cluster, lost).await;

    cluster.kill9(lost);
    traffic.flows().await;
    fs::remove_dir_all(cluster.data_dir(lost).unwrap()).unwrap();
    cluster.restart(lost);
    until(&cluster, "its new folder votes", |quorum| {
        let voter = quorum
            .current_voters
            .iter()
            .find(|voter| voter.replica_id == lost);
        voter.is_some_and(|voter| voter.replica_directory_id != before)
    })
    .await;
    cluster.wait_in_sync(&["flows"]);

    // The others need its vote to go on without a third one.
    let third = (1..=3).find(|id| *id != lost).unwrap();
    cluster.kill9(third);
    cluster.wait_ready();
    let through = connection(&cluster, lost).await;
    let code = create(&through, "decided-with-its-vote", 2, PATIENCE).await;
    assert_eq!(code, ErrorCode::None);
    cluster.restart(third);
    traffic.finish(&client).await;
}

/// The folder with which a controller votes.
pub(crate) async fn directory_of(cluster: &Cluster, id: i32) -> Uuid {
    let known = |quorum: &described::PartitionData| {
        let voter = quorum
            .current_voters
            .iter()
            .find(|voter| voter.replica_id == id)?;
        Some(voter.replica_directory_id).filter(|id| !id.is_zero())
    };
    let quorum = until(cluster, "its folder is known", |quorum| {
        known(quorum).is_some()
    })
    .await;
    known(&quorum).unwrap()
}

/// Waits until the quorum looks like that, to some broker.
pub(crate) async fn until(
    cluster: &Cluster,
    what: &str,
    wanted: impl Fn(&described::PartitionData) -> bool,
) -> described::PartitionData {
    eventually(what, async || describe(cluster).await.filter(&wanted)).await
}

async fn describe(cluster: &Cluster) -> Option<described::PartitionData> {
    let request = DescribeQuorumRequest {
        topics: vec![TopicData {
            topic_name: "__cluster_metadata".to_owned(),
            partitions: vec![PartitionData::default()],
        }],
    };
    for id in cluster.broker_ids() {
        let Ok(connection) = try_connection(cluster, id).await else {
            continue;
        };
        let Ok(answer) = connection.request_within(&request, 2, PATIENCE).await else {
            continue;
        };
        if let Some(topic) = answer.topics.into_iter().next() {
            return topic.partitions.into_iter().next();
        }
    }
    None
}
