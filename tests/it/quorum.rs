//! Controllers down: a minority, and a majority.

use std::time::Duration;

use klamm_client::{Acks, Connection};
use klamm_protocol::messages::create_topics_request::{CreatableTopic, CreateTopicsRequest};
use klamm_tests::Cluster;
use klamm_types::ErrorCode;

use crate::lab::{
    PATIENCE, client, connection, create_topic, numbered, produce, produce_code, read_all,
    values_of,
};
use crate::traffic::Traffic;

/// How long the brokers may try to change metadata while nobody can.
const IN_VAIN: Duration = Duration::from_millis(1500);
/// Beyond what the brokers may take and everything that travels.
const ANSWER_PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread")]
async fn a_minority_of_controllers_is_not_needed() {
    let cluster = Cluster::start(3);
    let client = client(&cluster);
    for (round, id) in [cluster.active_controller(), 1, 2].into_iter().enumerate() {
        cluster.kill9(id);
        // Until the controllers notice, replicas would be put there as well.
        cluster.wait_ready();
        let topic = format!("round-{round}");
        let others: Vec<i32> = cluster
            .broker_ids()
            .into_iter()
            .filter(|&other| other != id)
            .collect();
        let through = connection(&cluster, others[0]).await;
        let code = create(&through, &topic, 2, PATIENCE).await;
        assert_eq!(code, ErrorCode::None, "creating a topic without node {id}");
        let values = numbered("value", 5);
        produce(&client, &topic, 0, &values).await;
        assert_eq!(values_of(&read_all(&client, &topic).await, 0), values);
        cluster.restart(id);
        cluster.wait_ready();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_majority_records_flow_and_metadata_stands_still() {
    let cluster = Cluster::builder(3).separate_controllers(3).start();
    let client = client(&cluster);
    create_topic(&cluster, "flows", 3, &[]).await;
    create_topic(&cluster, "once", 1, &[]).await;
    let traffic = Traffic::start(client.clone(), "flows", 3);
    traffic.flows().await;
    let active = cluster.active_controller();
    let follower = (4..=6).find(|&id| id != active).unwrap();
    cluster.kill9_all(&[active, follower]);

    for id in cluster.broker_ids() {
        let broker = connection(&cluster, id).await;
        let code = create(&broker, "nobody-decides", 3, IN_VAIN).await;
        assert!(code.is_retriable(), "creating a topic answers {code}");
    }
    // Records flow between those who know each other, and newcomers find them.
    traffic.flows().await;
    let newcomer = crate::lab::client(&cluster);
    assert!(!read_all(&newcomer, "flows").await.is_empty());
    assert_eq!(
        produce_code(&cluster, "once", Acks::All, "value").await,
        ErrorCode::None
    );

    cluster.restart_all(&[active, follower]);
    create_topic(&cluster, "somebody-decides", 3, &[]).await;
    traffic.flows().await;
    traffic.finish(&client).await;
}

/// The error code of creating a topic through one broker, which may try for so long.
pub(crate) async fn create(
    through: &Connection,
    topic: &str,
    replicas: i16,
    patience: Duration,
) -> ErrorCode {
    let request = CreateTopicsRequest {
        topics: vec![CreatableTopic {
            name: topic.to_owned(),
            num_partitions: 1,
            replication_factor: replicas,
            ..CreatableTopic::default()
        }],
        timeout_ms: i32::try_from(patience.as_millis()).unwrap(),
        ..CreateTopicsRequest::default()
    };
    let patience = patience + ANSWER_PATIENCE;
    let answer = through.request_within(&request, 7, patience).await;
    let answer = answer.expect("the broker answers, one way or another");
    ErrorCode::from(answer.topics[0].error_code)
}
