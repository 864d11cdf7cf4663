//! Clusters, clients and requests that the tests share.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use bytes::Bytes;
use klamm_client::{
    Acks, Admin, Client, ClientError, ClientOptions, Connection, ConnectionOptions, ConsumedRecord,
    Consumer, ConsumerOptions, NewTopic, PartitionView, Producer, ProducerOptions, ProducerRecord,
    StartOffset,
};
use klamm_protocol::messages::produce_request::{
    PartitionProduceData, ProduceRequest, TopicProduceData,
};
use klamm_protocol::messages::produce_response::PartitionProduceResponse;
use klamm_records::BatchBuilder;
use klamm_tests::Cluster;
use klamm_types::ErrorCode;

use crate::asking::now_ms;

/// Far beyond what anything takes here, even on a machine that is busy with something else.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);
/// Between two looks of [`eventually`].
const POLL_INTERVAL: Duration = Duration::from_millis(20);
/// The last version of Produce that names topics instead of giving their ids.
const PRODUCE_BY_NAME: i16 = 12;

/// The cluster of all tests that kill nobody.
pub(crate) fn shared_cluster() -> &'static Cluster {
    static SHARED: OnceLock<Cluster> = OnceLock::new();
    SHARED.get_or_init(|| Cluster::builder(3).start())
}

/// A client of the cluster that tries everything again for as long as a test waits.
pub(crate) fn client(cluster: &Cluster) -> Client {
    let options = ClientOptions {
        connection: ConnectionOptions {
            // A frozen node answers nothing: what was asked of it must be asked elsewhere soon.
            request_timeout: Duration::from_secs(3),
            ..ConnectionOptions::default()
        },
        deadline: PATIENCE,
        ..ClientOptions::default()
    };
    Client::from_list(&cluster.bootstrap(), options)
}

/// A connection to one node that runs, for requests that must not go anywhere else.
pub(crate) async fn connection(cluster: &Cluster, id: i32) -> Connection {
    let connected = try_connection(cluster, id).await;
    connected.expect("connect to a node that runs")
}

/// A connection to one node that may be down.
pub(crate) async fn try_connection(cluster: &Cluster, id: i32) -> Result<Connection, ClientError> {
    let address = cluster.broker_address(id).to_string();
    Connection::connect(&address, ConnectionOptions::default()).await
}

/// Creates a topic on as many brokers as there are, three at most, and waits until all replicas are in sync.
pub(crate) async fn create_topic(
    cluster: &Cluster,
    name: &str,
    partitions: i32,
    configs: &[(&str, &str)],
) {
    let replicas = i16::try_from(cluster.broker_ids().len().min(3)).unwrap();
    let mut topic = NewTopic::new(name)
        .partitions(partitions)
        .replication_factor(replicas);
    for (key, value) in configs {
        topic = topic.config(*key, *value);
    }
    let created = Admin::new(client(cluster)).create_topic(&topic).await;
    match created {
        // By an attempt whose answer was lost: names of topics are of one test each.
        Err(error) if error.code() == Some(ErrorCode::TopicAlreadyExists) => {}
        created => drop(created.expect("create a topic")),
    }
    cluster.wait_in_sync(&[name]);
}

/// Looks again and again until there is something to see.
///
/// # Panics
/// After [`PATIENCE`], naming what was waited for.
pub(crate) async fn eventually<T, F: Future<Output = Option<T>>>(
    what: &str,
    mut look: impl FnMut() -> F,
) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(
            Instant::now() < deadline,
            "waited {PATIENCE:?} in vain until {what}"
        );
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

/// Waits until the partition looks as the predicate wants it, and returns how it looks then.
pub(crate) async fn partition_where(
    client: &Client,
    topic: &str,
    partition: i32,
    what: &str,
    is_it: impl Fn(&PartitionView) -> bool,
) -> PartitionView {
    eventually(&format!("{topic}-{partition} {what}"), || async {
        let view = client.refresh(Some(&[topic])).await.ok()?;
        let found = view.partition(topic, partition)?;
        is_it(found).then(|| found.clone())
    })
    .await
}

/// A batch of records with these values, without a producer's identity.
pub(crate) fn batch(values: &[String]) -> Bytes {
    let mut builder = BatchBuilder::new(0);
    for value in values {
        builder.append(now_ms(), None, Some(value.as_bytes()), &[]);
    }
    builder.build().expect("build a batch")
}

/// Sends one batch to one node, whoever leads the partition; its answer, if one comes within `patience`, half of which
/// the node may wait for its replicas.
pub(crate) async fn produce_to(
    connection: &Connection,
    topic: &str,
    partition: i32,
    acks: Acks,
    values: &[String],
    patience: Duration,
) -> Result<PartitionProduceResponse, ClientError> {
    let request = ProduceRequest {
        acks: acks.code(),
        timeout_ms: i32::try_from(patience.as_millis() / 2).unwrap(),
        topic_data: vec![TopicProduceData {
            name: topic.to_owned(),
            partition_data: vec![PartitionProduceData {
                index: partition,
                records: Some(batch(values)),
            }],
            ..TopicProduceData::default()
        }],
        ..ProduceRequest::default()
    };
    let answer = connection.request_within(&request, PRODUCE_BY_NAME, patience);
    let mut topics = answer.await?.responses;
    Ok(topics.remove(0).partition_responses.remove(0))
}

/// Sends one batch to the leader and returns the error code of its answer. A node that does not know yet that it leads,
/// or what, is asked again, as every client would.
pub(crate) async fn produce_code(
    cluster: &Cluster,
    topic: &str,
    acks: Acks,
    value: &str,
) -> ErrorCode {
    let values = &[value.to_owned()];
    eventually("the leader answers", || async move {
        let leader = connection(cluster, cluster.leader(topic, 0)).await;
        let answer = produce_to(&leader, topic, 0, acks, values, PATIENCE).await;
        let code = ErrorCode::from(answer.expect("the leader answers").error_code);
        let knows = !matches!(
            code,
            ErrorCode::NotLeaderOrFollower | ErrorCode::UnknownTopicOrPartition
        );
        knows.then_some(code)
    })
    .await
}

/// Writes each value in a batch of its own and waits until all replicas in sync have it.
pub(crate) async fn produce(client: &Client, topic: &str, partition: i32, values: &[String]) {
    let producer = Producer::new(client.clone(), ProducerOptions::default());
    for value in values {
        let record = ProducerRecord {
            partition: Some(partition),
            ..ProducerRecord::new(topic, None::<Bytes>, value.clone())
        };
        let delivery = producer.send(record).await.expect("queue a record");
        delivery.await.expect("a record is acknowledged");
    }
}

/// Everything in the topic up to the high watermarks that were there when the reading began.
pub(crate) async fn read_all(client: &Client, topic: &str) -> Vec<ConsumedRecord> {
    let options = ConsumerOptions {
        wait_max: Duration::from_millis(50),
        ..ConsumerOptions::default()
    };
    let mut consumer = Consumer::new(client.clone(), options);
    let assigned = consumer.assign_topic(topic, StartOffset::Earliest).await;
    assigned.expect("find the partitions");
    let mut records = Vec::new();
    while !consumer.at_end() {
        records.extend(consumer.poll().await.expect("read"));
    }
    records
}

/// The values of one partition of what was read, in order of offsets.
pub(crate) fn values_of(records: &[ConsumedRecord], partition: i32) -> Vec<String> {
    let ours = records.iter().filter(|r| r.partition == partition);
    let by_offset: BTreeMap<i64, &ConsumedRecord> = ours.map(|r| (r.offset, r)).collect();
    by_offset.values().map(|record| text(record)).collect()
}

/// The value of a record as text.
pub(crate) fn text(record: &ConsumedRecord) -> String {
    let value = record.value.clone().unwrap_or_default();
    String::from_utf8(value.to_vec()).expect("values here are text")
}

/// `count` different values.
pub(crate) fn numbered(prefix: &str, count: usize) -> Vec<String> {
    (0..count).map(|i| format!("{prefix}-{i}")).collect()
}
