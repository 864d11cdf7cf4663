//! Produce, Fetch and what finds records.

use super::{Scene, VALUES, admin::timeout_ms, to_partition};
use crate::asking::{Asking, assert_code, fresh, now_ms};
use bytes::Bytes;
use klamm_protocol::messages::{
    delete_records_request::{DeleteRecordsPartition, DeleteRecordsRequest, DeleteRecordsTopic},
    fetch_request::{FetchPartition, FetchRequest, FetchTopic},
    init_producer_id_request::InitProducerIdRequest,
    list_offsets_request::{ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic},
    list_offsets_response::ListOffsetsPartitionResponse,
    metadata_request::{MetadataRequest, MetadataRequestTopic},
    metadata_response::MetadataResponse,
    offset_for_leader_epoch_request::{
        OffsetForLeaderEpochRequest, OffsetForLeaderPartition, OffsetForLeaderTopic,
    },
};
use klamm_records::{Records, split_batches};
use klamm_types::{ErrorCode, Uuid};

/// More than there is.
const BYTES_MAX: i32 = 1 << 20;

pub(super) fn produce(scene: &Scene, version: i16) {
    let mut request = to_partition(&scene.topic, 1);
    if version >= 13 {
        request.topic_data[0].topic_id = scene.topic_id;
    }
    let mut leader = scene.leader(1);
    for acks in [-1, 1] {
        request.acks = acks;
        let answer = leader.ask(&request, version);
        let topic = &answer.responses[0];
        match version {
            ..13 => assert_eq!(topic.name, scene.topic),
            13.. => assert_eq!(topic.topic_id, scene.topic_id),
        }
        let partition = &topic.partition_responses[0];
        assert_code("produce", partition.error_code, ErrorCode::None);
        assert_eq!(partition.index, 1);
        assert_eq!(partition.base_offset % 3, 0, "three records a batch");
        assert_eq!(partition.log_append_time_ms, -1);
        let log_start = if version >= 5 { 0 } else { -1 };
        assert_eq!(partition.log_start_offset, log_start);
    }
}

/// A request for one partition from `offset` on.
pub(super) fn fetch_request(topic: &str, topic_id: Uuid, offset: i64) -> FetchRequest {
    FetchRequest {
        max_wait_ms: 1000,
        min_bytes: 1,
        max_bytes: BYTES_MAX,
        topics: vec![FetchTopic {
            topic: topic.to_owned(),
            topic_id,
            partitions: vec![FetchPartition {
                partition: 0,
                fetch_offset: offset,
                partition_max_bytes: BYTES_MAX,
                ..Default::default()
            }],
        }],
        ..Default::default()
    }
}

pub(super) fn fetch(scene: &Scene, version: i16) {
    let mut request = fetch_request(&scene.topic, scene.topic_id, 0);
    for isolation_level in [0, 1] {
        request.isolation_level = isolation_level;
        let answer = scene.leader(0).ask(&request, version);
        assert_code("fetch", answer.error_code, ErrorCode::None);
        let topic = &answer.responses[0];
        match version {
            ..13 => assert_eq!(topic.topic, scene.topic),
            13.. => assert_eq!(topic.topic_id, scene.topic_id),
        }
        let partition = &topic.partitions[0];
        assert_code("partition", partition.error_code, ErrorCode::None);
        assert_eq!(
            (partition.partition_index, partition.high_watermark),
            (0, 3)
        );
        assert_eq!(partition.last_stable_offset, 3);
        let log_start = if version >= 5 { 0 } else { -1 };
        assert_eq!(partition.log_start_offset, log_start);
        assert_eq!(values(partition.records.clone()), VALUES);
    }
}

/// The values of all records in fetched batches.
pub(super) fn values(batches: Option<Bytes>) -> Vec<String> {
    let mut values = Vec::new();
    for batch in split_batches(batches.unwrap_or_default()) {
        let (_, batch) = batch.unwrap();
        let (_, records) = Records::of_batch(&batch, 1 << 20).unwrap();
        for record in records {
            let value = record.unwrap().value.unwrap_or_default();
            values.push(String::from_utf8(value.to_vec()).unwrap());
        }
    }
    values
}

/// A lookup in partition 0.
pub(crate) fn offset_request(topic: &str, timestamp: i64) -> ListOffsetsRequest {
    ListOffsetsRequest {
        replica_id: -1,
        topics: vec![ListOffsetsTopic {
            name: topic.to_owned(),
            partitions: vec![ListOffsetsPartition {
                timestamp,
                ..Default::default()
            }],
        }],
        ..Default::default()
    }
}

pub(super) fn list_offsets(scene: &Scene, version: i16) {
    let mut leader = scene.leader(0);
    let mut look_up = |timestamp| -> ListOffsetsPartitionResponse {
        let answer = leader.ask(&offset_request(&scene.topic, timestamp), version);
        let partition = answer.topics[0].partitions[0].clone();
        assert_code("list offsets", partition.error_code, ErrorCode::None);
        partition
    };
    let leader_epoch = if version >= 4 { 0 } else { -1 };
    for (timestamp, first_version, offset) in [(-1, 1, 3), (-2, 1, 0), (1, 1, 0), (-4, 8, 0)] {
        if version < first_version {
            continue;
        }
        let found = look_up(timestamp);
        assert_eq!(found.offset, offset, "timestamp {timestamp}");
        assert_eq!(found.leader_epoch, leader_epoch, "timestamp {timestamp}");
    }
    if version >= 7 {
        let latest = look_up(-3);
        assert!(
            (0..3).contains(&latest.offset) && latest.timestamp > 0,
            "{latest:?}"
        );
    }
    let nothing = look_up(now_ms() + 3_600_000);
    assert_eq!((nothing.offset, nothing.timestamp), (-1, -1));
    for (timestamp, first_version) in [(-5, 9), (-6, 11)] {
        if version >= first_version {
            assert_eq!(look_up(timestamp).offset, -1, "nothing is tiered");
        }
    }
}

/// Deletes the records of a partition below an offset.
pub(crate) fn deletion_request(topic: &str, offset: i64) -> DeleteRecordsRequest {
    DeleteRecordsRequest {
        topics: vec![DeleteRecordsTopic {
            name: topic.to_owned(),
            partitions: vec![DeleteRecordsPartition {
                partition_index: 0,
                offset,
            }],
        }],
        timeout_ms: timeout_ms(),
    }
}

/// The scene's records stay: everything below the first one goes.
pub(super) fn delete_records(scene: &Scene, version: i16) {
    let request = deletion_request(&scene.topic, 0);
    let answer = scene.leader(0).ask(&request, version);
    assert_eq!(answer.topics[0].name, scene.topic);
    let partition = &answer.topics[0].partitions[0];
    assert_code("delete records", partition.error_code, ErrorCode::None);
    assert_eq!((partition.partition_index, partition.low_watermark), (0, 0));
}

pub(super) fn metadata(scene: &Scene, version: i16) {
    let mut broker = Asking::any(scene.cluster);
    let named = MetadataRequestTopic {
        name: Some(scene.topic.clone()),
        ..Default::default()
    };
    let request = MetadataRequest {
        topics: Some(vec![named]),
        ..Default::default()
    };
    check_metadata(scene, version, &broker.ask(&request, version));
    let all = MetadataRequest {
        topics: if version == 0 { Some(vec![]) } else { None },
        ..Default::default()
    };
    let all = broker.ask(&all, version);
    let mut names = all.topics.iter().filter_map(|topic| topic.name.as_ref());
    assert!(names.any(|name| *name == scene.topic), "all topics");
    if version >= 1 {
        let nothing = broker.ask(&MetadataRequest::default(), version);
        assert!(nothing.topics.is_empty() && !nothing.brokers.is_empty());
    }
    if version >= 12 {
        let by_id = MetadataRequest {
            topics: Some(vec![MetadataRequestTopic {
                topic_id: scene.topic_id,
                name: None,
            }]),
            include_topic_authorized_operations: true,
            ..Default::default()
        };
        check_metadata(scene, version, &broker.ask(&by_id, version));
    }
}

fn check_metadata(scene: &Scene, version: i16, answer: &MetadataResponse) {
    assert_code("metadata", answer.error_code, ErrorCode::None);
    assert_eq!(answer.brokers.len(), scene.cluster.broker_ids().len());
    assert_eq!(answer.cluster_id.is_some(), version >= 2);
    assert_eq!(answer.controller_id >= 1, version >= 1);
    assert_eq!(answer.topics.len(), 1);
    let topic = &answer.topics[0];
    assert_code("topic", topic.error_code, ErrorCode::None);
    assert_eq!(topic.name.as_ref(), Some(&scene.topic));
    let id = if version >= 10 {
        scene.topic_id
    } else {
        Uuid::ZERO
    };
    assert_eq!(topic.topic_id, id);
    assert_eq!(topic.partitions.len(), 2);
    for partition in &topic.partitions {
        assert_code("partition", partition.error_code, ErrorCode::None);
        assert!(partition.leader_id >= 1);
        assert_eq!(partition.replica_nodes.len(), 3);
        // On a busy machine one may be late at any time.
        assert!(partition.isr_nodes.contains(&partition.leader_id));
        let replicas = &partition.replica_nodes;
        assert!(partition.isr_nodes.iter().all(|id| replicas.contains(id)));
        assert!(partition.offline_replicas.is_empty());
        assert_eq!(partition.leader_epoch >= 0, version >= 7);
    }
}

/// Where `epoch` ends in partition 0.
pub(super) fn epoch_request(topic: &str, current: i32, epoch: i32) -> OffsetForLeaderEpochRequest {
    OffsetForLeaderEpochRequest {
        replica_id: -1,
        topics: vec![OffsetForLeaderTopic {
            topic: topic.to_owned(),
            partitions: vec![OffsetForLeaderPartition {
                partition: 0,
                current_leader_epoch: current,
                leader_epoch: epoch,
            }],
        }],
    }
}

pub(super) fn offset_for_leader_epoch(scene: &Scene, version: i16) {
    for (epoch, expected) in [(0, (0, 3)), (1, (-1, -1))] {
        let answer = scene
            .leader(0)
            .ask(&epoch_request(&scene.topic, -1, epoch), version);
        let partition = &answer.topics[0].partitions[0];
        assert_code("epoch", partition.error_code, ErrorCode::None);
        assert_eq!((partition.leader_epoch, partition.end_offset), expected);
    }
}

pub(super) fn init_producer_id(scene: &Scene, version: i16) {
    let request = InitProducerIdRequest {
        transactional_id: None,
        transaction_timeout_ms: 60_000,
        ..Default::default()
    };
    let answer = Asking::any(scene.cluster).ask(&request, version);
    assert_code("init producer id", answer.error_code, ErrorCode::None);
    assert!(answer.producer_id >= 0);
    assert_eq!(answer.producer_epoch, 0);
}

/// A topic of its own for a test that changes it.
pub(super) fn new_topic(scene: &Scene, name: &str) -> String {
    let name = fresh(name);
    scene.cluster.create_topic(&name, 1);
    name
}
