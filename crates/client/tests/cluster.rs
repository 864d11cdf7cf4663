//! Clients against clusters in trouble.

#![allow(clippy::unwrap_used, reason = "tests")]

mod scripted_broker;

use bytes::{Bytes, BytesMut};
use klamm_client::{
    Acks, Admin, Client, ClientError, ClientOptions, ConnectionOptions, Consumer, ConsumerOptions,
    Delivered, NewTopic, Producer, ProducerOptions, ProducerRecord, StartOffset, partition_of_key,
};
use klamm_protocol::{
    ApiKey,
    messages::{
        AnyRequest, AnyResponse,
        create_topics_response::{CreatableTopicResult, CreateTopicsResponse},
        delete_topics_response::{DeletableTopicResult, DeleteTopicsResponse},
        fetch_response::{FetchResponse, FetchableTopicResponse, PartitionData},
        init_producer_id_response::InitProducerIdResponse,
        list_offsets_response::{
            ListOffsetsPartitionResponse, ListOffsetsResponse, ListOffsetsTopicResponse,
        },
        produce_response::{PartitionProduceResponse, ProduceResponse, TopicProduceResponse},
    },
};
use klamm_records::{BatchBuilder, BatchHeader, Records};
use klamm_types::ErrorCode;
use scripted_broker::{Call, Reply, ScriptedBroker, TOPIC_ID, metadata, metadata_in_epoch};
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicI32, AtomicUsize, Ordering},
    },
    time::Duration,
};

fn client(broker: &ScriptedBroker) -> Client {
    client_of_patience(broker, Duration::from_secs(10))
}

fn client_of_patience(broker: &ScriptedBroker, request_timeout: Duration) -> Client {
    let connection = ConnectionOptions {
        request_timeout,
        ..Default::default()
    };
    let options = ClientOptions {
        connection,
        ..ClientOptions::default()
    };
    Client::new([broker.address.to_string()], options)
}

/// A cluster of one broker with one topic.
async fn alone(
    leaders: &'static [i32],
    script: impl Fn(&Call) -> Reply + Send + Sync + 'static,
) -> ScriptedBroker {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    ScriptedBroker::over(listener, move |call| match call.request {
        AnyRequest::Metadata(_) => metadata(&[(1, address)], leaders).into(),
        AnyRequest::ApiVersions(_) => Reply::Silence,
        _ => script(call),
    })
}

/// A cluster of brokers 1 and 2; the script is told which of them is asked, and who the members are.
async fn two_brokers(
    script: impl Fn(i32, &[(i32, SocketAddr)], &Call) -> Reply + Send + Sync + 'static,
) -> [ScriptedBroker; 2] {
    let listeners = [
        tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap(),
        tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap(),
    ];
    let addresses = listeners.each_ref().map(|l| l.local_addr().unwrap());
    let members = [(1, addresses[0]), (2, addresses[1])];
    let script = Arc::new(script);
    let mut id = 0;
    listeners.map(|listener| {
        id += 1;
        let (own_id, script) = (id, script.clone());
        ScriptedBroker::over(listener, move |call| match call.request {
            AnyRequest::ApiVersions(_) => Reply::Silence,
            AnyRequest::InitProducerId(_) => identity(7).into(),
            _ => script(own_id, &members, call),
        })
    })
}

fn produced(call: &Call, code: ErrorCode, base_offset: i64) -> AnyResponse {
    let AnyRequest::Produce(request) = &call.request else {
        panic!("unexpected {call:?}");
    };
    let topic = &request.topic_data[0];
    AnyResponse::Produce(Box::new(ProduceResponse {
        responses: vec![TopicProduceResponse {
            name: topic.name.clone(),
            topic_id: topic.topic_id,
            partition_responses: vec![PartitionProduceResponse {
                index: topic.partition_data[0].index,
                error_code: code.code(),
                base_offset,
                ..PartitionProduceResponse::default()
            }],
        }],
        ..ProduceResponse::default()
    }))
}

fn identity(producer_id: i64) -> AnyResponse {
    AnyResponse::InitProducerId(Box::new(InitProducerIdResponse {
        producer_id,
        ..InitProducerIdResponse::default()
    }))
}

/// The batch of a produce request.
fn batch(call: &Call) -> (BatchHeader, Vec<Bytes>) {
    let AnyRequest::Produce(request) = &call.request else {
        panic!("unexpected {call:?}");
    };
    let records = request.topic_data[0].partition_data[0]
        .records
        .clone()
        .unwrap();
    let (header, records) = Records::of_batch(&records, 1 << 20).unwrap();
    (
        header,
        records
            .map(|record| record.unwrap().value.unwrap())
            .collect(),
    )
}

fn record(value: &str) -> ProducerRecord {
    ProducerRecord {
        partition: Some(0),
        ..ProducerRecord::new("t", None::<Bytes>, value.to_owned())
    }
}

#[tokio::test]
async fn records_follow_the_leader() {
    let leader = AtomicI32::new(1);
    let brokers = two_brokers(move |own_id, members, call| match call.request {
        AnyRequest::Metadata(_) => metadata(members, &[leader.load(Ordering::SeqCst)]).into(),
        // The first request moves the leader away.
        _ if own_id == 1 => {
            leader.store(2, Ordering::SeqCst);
            produced(call, ErrorCode::NotLeaderOrFollower, -1).into()
        }
        _ => produced(call, ErrorCode::None, 40).into(),
    })
    .await;
    let producer = Producer::new(client(&brokers[0]), ProducerOptions::default());
    let delivery = producer.send(record("a")).await.unwrap();
    assert_eq!(
        delivery.await,
        Ok(Delivered {
            partition: 0,
            offset: 40
        })
    );
    let (first, second) = (
        brokers[0].calls(ApiKey::Produce),
        brokers[1].calls(ApiKey::Produce),
    );
    assert_eq!((first.len(), second.len()), (1, 1));
    assert_eq!(
        batch(&first[0]),
        batch(&second[0]),
        "repeated as it was, sequence number included"
    );
}

#[tokio::test]
async fn records_that_come_while_a_request_is_in_flight_share_the_next_batch() {
    let broker = alone(&[1], |call| match call.request {
        AnyRequest::InitProducerId(_) => identity(7).into(),
        _ => produced(
            call,
            ErrorCode::None,
            i64::from(batch(call).0.base_sequence),
        )
        .into(),
    })
    .await;
    let producer = Producer::new(client(&broker), ProducerOptions::default());
    let mut deliveries = Vec::new();
    for i in 0..50 {
        deliveries.push(producer.send(record(&i.to_string())).await.unwrap());
    }
    producer.flush().await;
    for (i, delivery) in (0..).zip(deliveries) {
        assert_eq!(
            delivery.await,
            Ok(Delivered {
                partition: 0,
                offset: i
            })
        );
    }
    let batches: Vec<_> = broker.calls(ApiKey::Produce).iter().map(batch).collect();
    assert!(batches.len() < 50, "{} batches", batches.len());
    let mut next_sequence = 0;
    for (header, values) in &batches {
        assert_eq!(
            (header.producer_id.get(), header.base_sequence),
            (7, next_sequence)
        );
        next_sequence += values.len() as i32;
    }
    let values: Vec<Bytes> = batches.into_iter().flat_map(|(_, values)| values).collect();
    let expected: Vec<String> = (0..50).map(|i| i.to_string()).collect();
    assert_eq!(values, expected);
}

#[tokio::test]
async fn after_a_failure_a_new_epoch_begins_anew() {
    let broker = alone(&[1], |call| match &call.request {
        AnyRequest::InitProducerId(_) => identity(7).into(),
        _ if batch(call).1[0] == "bad" => produced(call, ErrorCode::InvalidRecord, -1).into(),
        _ => produced(call, ErrorCode::None, 0).into(),
    })
    .await;
    let producer = Producer::new(client(&broker), ProducerOptions::default());
    for (value, expected) in [
        ("good", None),
        ("bad", Some(ErrorCode::InvalidRecord)),
        ("good", None),
    ] {
        let outcome = producer.send(record(value)).await.unwrap().await;
        assert_eq!(outcome.err().and_then(|error| error.code()), expected);
    }
    assert_eq!(stamps(&broker), [(7, 0, 0), (7, 0, 1), (7, 1, 0)]);
}

/// Producer id, epoch and sequence number of all batches that a broker got.
fn stamps(broker: &ScriptedBroker) -> Vec<(i64, i16, i32)> {
    let stamp = |header: BatchHeader| {
        let (id, epoch) = (header.producer_id.get(), header.producer_epoch.get());
        (id, epoch, header.base_sequence)
    };
    let calls = broker.calls(ApiKey::Produce);
    calls.iter().map(|call| stamp(batch(call).0)).collect()
}

#[tokio::test]
async fn batches_follow_each_other_without_waiting_and_are_repeated_in_order() {
    let attempts = AtomicUsize::new(0);
    let broker = alone(&[1], move |call| match &call.request {
        AnyRequest::InitProducerId(_) => identity(7).into(),
        // The first goes alone; then five are on their way when the connection breaks.
        _ => match attempts.fetch_add(1, Ordering::SeqCst) {
            1..5 => Reply::Silence,
            5 => Reply::Close,
            _ => produced(
                call,
                ErrorCode::None,
                i64::from(batch(call).0.base_sequence),
            )
            .into(),
        },
    })
    .await;
    let options = ProducerOptions {
        // Each record is a batch.
        batch_bytes_max: 1,
        ..ProducerOptions::default()
    };
    let producer = Producer::new(client(&broker), options);
    let mut deliveries = Vec::new();
    for i in 0..8 {
        deliveries.push(producer.send(record(&i.to_string())).await.unwrap());
    }
    for (i, delivery) in (0..).zip(deliveries) {
        let (partition, offset) = (0, i);
        assert_eq!(delivery.await, Ok(Delivered { partition, offset }));
    }
    let sequences: Vec<i32> = stamps(&broker).iter().map(|(_, _, s)| *s).collect();
    assert_eq!(sequences, [0, 1, 2, 3, 4, 5, 1, 2, 3, 4, 5, 6, 7]);
}

/// The batches of a full window and those that wait for a place in it.
#[tokio::test]
async fn records_are_given_up_in_time_however_many_wait_behind_each_other() {
    let broker = alone(&[1], |call| match &call.request {
        AnyRequest::InitProducerId(_) => identity(7).into(),
        _ => Reply::Silence,
    })
    .await;
    let connection = ConnectionOptions {
        request_timeout: Duration::from_secs(600),
        ..Default::default()
    };
    let options = ClientOptions {
        connection,
        ..ClientOptions::default()
    };
    let client = Client::new([broker.address.to_string()], options);
    let options = ProducerOptions {
        // Each record is a batch.
        batch_bytes_max: 1,
        delivery_timeout: Duration::from_millis(200),
        ..ProducerOptions::default()
    };
    let producer = Producer::new(client, options);
    let mut deliveries = Vec::new();
    for i in 0..12 {
        deliveries.push(producer.send(record(&i.to_string())).await.unwrap());
    }
    let patience = Duration::from_secs(60);
    let flushed = tokio::time::timeout(patience, producer.flush()).await;
    assert_eq!(flushed, Ok(()), "long before the request times out");
    for delivery in deliveries {
        assert!(matches!(delivery.await, Err(ClientError::Timeout { .. })));
    }
}

#[tokio::test]
async fn a_silent_leader_is_left_when_another_one_is_known() {
    let leader = AtomicI32::new(1);
    let brokers = two_brokers(move |own_id, members, call| match call.request {
        AnyRequest::Metadata(_) => {
            let now = leader.load(Ordering::SeqCst);
            metadata_in_epoch(members, &[now], 4 + now).into()
        }
        // It takes the batch, freezes, and somebody else is elected.
        _ if own_id == 1 => {
            leader.store(2, Ordering::SeqCst);
            Reply::Silence
        }
        _ => produced(call, ErrorCode::None, 40).into(),
    })
    .await;
    // It does not time out while anybody waits here, so that this cannot be what helps.
    let client = client_of_patience(&brokers[0], Duration::from_secs(300));
    let producer = Producer::new(client, ProducerOptions::default());
    let delivery = producer.send(record("a")).await.unwrap();
    let patience = Duration::from_secs(60);
    let delivered = tokio::time::timeout(patience, delivery).await;
    let expected = Delivered {
        partition: 0,
        offset: 40,
    };
    assert_eq!(delivered, Ok(Ok(expected)), "before the request times out");
    assert_eq!(stamps(&brokers[0]), stamps(&brokers[1]));
}

#[tokio::test]
async fn equal_keys_share_a_partition_and_wrong_partitions_are_refused() {
    let broker = alone(&[1, 1, 1], |call| produced(call, ErrorCode::None, 0).into()).await;
    let options = ProducerOptions {
        idempotent: false,
        acks: Acks::Leader,
        ..Default::default()
    };
    let producer = Producer::new(client(&broker), options);
    for key in ["a", "b", "a"] {
        let record = ProducerRecord::new("t", Some(key), "v");
        let delivered = producer.send(record).await.unwrap().await.unwrap();
        assert_eq!(
            delivered.partition as usize,
            partition_of_key(key.as_bytes(), 3)
        );
    }
    let wrong = ProducerRecord {
        partition: Some(3),
        ..record("v")
    };
    let error = producer.send(wrong).await.unwrap_err();
    assert_eq!(
        error,
        ClientError::UnknownPartition {
            topic: "t".into(),
            partition: 3
        }
    );
}

#[tokio::test]
async fn nobody_answers_to_acks_0() {
    let broker = alone(&[1], |_| Reply::Silence).await;
    let options = ProducerOptions {
        acks: Acks::None,
        ..ProducerOptions::default()
    };
    let producer = Producer::new(client(&broker), options);
    let delivery = producer.send(record("v")).await.unwrap();
    assert_eq!(
        delivery.await,
        Ok(Delivered {
            partition: 0,
            offset: -1
        })
    );
}

fn batch_at(offset: i64, values: &[&str]) -> Bytes {
    let mut builder = BatchBuilder::new(offset);
    values
        .iter()
        .for_each(|value| builder.append(0, None, Some(value.as_bytes()), &[]));
    builder.build().unwrap()
}

fn offsets(offset: i64) -> AnyResponse {
    AnyResponse::ListOffsets(Box::new(ListOffsetsResponse {
        topics: vec![ListOffsetsTopicResponse {
            name: "t".to_owned(),
            partitions: vec![ListOffsetsPartitionResponse {
                offset,
                ..ListOffsetsPartitionResponse::default()
            }],
        }],
        ..ListOffsetsResponse::default()
    }))
}

fn fetched(error: ErrorCode, end: i64, records: &[Bytes]) -> AnyResponse {
    let mut bytes = BytesMut::new();
    records
        .iter()
        .for_each(|batch| bytes.extend_from_slice(batch));
    AnyResponse::Fetch(Box::new(FetchResponse {
        responses: vec![FetchableTopicResponse {
            topic_id: TOPIC_ID,
            partitions: vec![PartitionData {
                error_code: error.code(),
                high_watermark: end,
                records: Some(bytes.freeze()),
                ..PartitionData::default()
            }],
            ..FetchableTopicResponse::default()
        }],
        ..FetchResponse::default()
    }))
}

/// The offset that a fetch asks for.
fn fetch_offset(call: &Call) -> i64 {
    let AnyRequest::Fetch(request) = &call.request else {
        panic!("unexpected {call:?}");
    };
    let partition = &request.topics[0].partitions[0];
    assert_eq!(partition.current_leader_epoch, 5);
    partition.fetch_offset
}

async fn read_all(consumer: &mut Consumer) -> Vec<String> {
    let mut values = Vec::new();
    while !consumer.at_end() {
        for record in consumer.poll().await.unwrap() {
            let value = record.value.unwrap();
            values.push(format!(
                "{}:{}",
                record.offset,
                std::str::from_utf8(&value).unwrap()
            ));
        }
    }
    values
}

#[tokio::test]
async fn reading_goes_from_batch_to_batch() {
    let broker = alone(&[1], |call| match call.request {
        AnyRequest::ListOffsets(_) => offsets(10).into(),
        _ => match fetch_offset(call) {
            10 => fetched(
                ErrorCode::None,
                14,
                &[batch_at(10, &["a"]), batch_at(11, &["b"])],
            ),
            12 => fetched(ErrorCode::None, 14, &[batch_at(12, &["c", "d"])]),
            other => panic!("fetch at {other}"),
        }
        .into(),
    })
    .await;
    let mut consumer = Consumer::new(client(&broker), ConsumerOptions::default());
    consumer
        .assign_topic("t", StartOffset::Earliest)
        .await
        .unwrap();
    assert_eq!(
        read_all(&mut consumer).await,
        ["10:a", "11:b", "12:c", "13:d"]
    );
    let position = &consumer.positions()[0];
    assert_eq!((position.offset, position.end), (Some(14), Some(14)));
}

#[tokio::test]
async fn reading_survives_errors_that_pass() {
    let attempts = AtomicUsize::new(0);
    let broker = alone(&[1], move |call| {
        assert_eq!(fetch_offset(call), 3);
        match attempts.fetch_add(1, Ordering::SeqCst) {
            0 => fetched(ErrorCode::NotLeaderOrFollower, -1, &[]).into(),
            1 => Reply::Close,
            2 => fetched(ErrorCode::FencedLeaderEpoch, -1, &[]).into(),
            _ => fetched(ErrorCode::None, 4, &[batch_at(3, &["x"])]).into(),
        }
    })
    .await;
    let mut consumer = Consumer::new(client(&broker), ConsumerOptions::default());
    consumer.assign("t", 0, StartOffset::At(3));
    assert_eq!(read_all(&mut consumer).await, ["3:x"]);
}

#[tokio::test]
async fn positions_out_of_range_begin_anew_only_where_a_rule_says_where() {
    let broker = alone(&[1], |call| match call.request {
        AnyRequest::ListOffsets(_) => offsets(20).into(),
        _ if fetch_offset(call) < 20 => fetched(ErrorCode::OffsetOutOfRange, -1, &[]).into(),
        _ => fetched(ErrorCode::None, 21, &[batch_at(20, &["x"])]).into(),
    })
    .await;
    let mut consumer = Consumer::new(client(&broker), ConsumerOptions::default());
    consumer.assign("t", 0, StartOffset::At(3));
    let error = consumer.poll().await.unwrap_err();
    assert_eq!(error.code(), Some(ErrorCode::OffsetOutOfRange));
    consumer.assign("t", 0, StartOffset::Earliest);
    assert_eq!(read_all(&mut consumer).await, ["20:x"]);
}

#[tokio::test]
async fn a_consumer_of_nothing_says_so() {
    let broker = alone(&[1], |_| Reply::Silence).await;
    let mut consumer = Consumer::new(client(&broker), ConsumerOptions::default());
    assert_eq!(
        consumer.poll().await,
        Err(ClientError::Usage("no partition is assigned"))
    );
}

#[tokio::test]
async fn topics_are_made_despite_a_change_of_controller() {
    let attempts = AtomicUsize::new(0);
    let broker = alone(&[1], move |_| {
        let error = match attempts.fetch_add(1, Ordering::SeqCst) {
            0 => ErrorCode::NotController,
            1 => ErrorCode::None,
            _ => ErrorCode::TopicAlreadyExists,
        };
        AnyResponse::CreateTopics(Box::new(CreateTopicsResponse {
            topics: vec![CreatableTopicResult {
                name: "new".to_owned(),
                topic_id: TOPIC_ID,
                error_code: error.code(),
                error_message: Some("as scripted".to_owned()),
                ..CreatableTopicResult::default()
            }],
            ..CreateTopicsResponse::default()
        }))
        .into()
    })
    .await;
    let admin = Admin::new(client(&broker));
    let topic = NewTopic::new("new")
        .partitions(3)
        .config("retention.ms", "1");
    assert_eq!(admin.create_topic(&topic).await, Ok(TOPIC_ID));
    let error = admin.create_topic(&topic).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "create topic: TOPIC_ALREADY_EXISTS (as scripted)"
    );
}

#[tokio::test]
async fn deleting_what_does_not_exist_fails_unless_an_answer_was_lost() {
    let attempts = AtomicUsize::new(0);
    let broker = alone(&[1], move |_| {
        if attempts.fetch_add(1, Ordering::SeqCst) == 1 {
            return Reply::Close;
        }
        AnyResponse::DeleteTopics(Box::new(DeleteTopicsResponse {
            responses: vec![DeletableTopicResult {
                name: Some("t".to_owned()),
                error_code: ErrorCode::UnknownTopicOrPartition.code(),
                ..DeletableTopicResult::default()
            }],
            ..DeleteTopicsResponse::default()
        }))
        .into()
    })
    .await;
    let admin = Admin::new(client(&broker));
    let error = admin.delete_topic("t").await.unwrap_err();
    assert_eq!(error.code(), Some(ErrorCode::UnknownTopicOrPartition));
    assert_eq!(admin.delete_topic("t").await, Ok(()));
}

#[tokio::test]
async fn the_last_error_is_reported_at_the_deadline() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    drop(listener);
    let deadline = Duration::from_secs(1);
    let client = Client::from_list(
        &address,
        ClientOptions {
            deadline,
            ..Default::default()
        },
    );
    let error = client.partitions("t").await.unwrap_err();
    assert!(matches!(error, ClientError::Connect { .. }), "{error}");
}
