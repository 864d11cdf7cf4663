//! What each record does, and which records do not fit.

use super::*;
use klamm_types::{BrokerEpoch, BrokerId, LeaderEpoch, PartitionEpoch, TopicPartition, Uuid};

const ID: [u8; 16] = [2; 16];

fn topic(name: &str, id: u8) -> proto::Record {
    proto::TopicRecord {
        name: name.into(),
        topic_id: vec![id; 16],
    }
    .into()
}

fn partition(index: i32) -> proto::PartitionRecord {
    proto::PartitionRecord {
        topic_id: ID.to_vec(),
        partition: index,
        replicas: vec![1, 2, 3],
        isr: vec![1, 2],
        leader: 1,
        high_watermark_floor: 5,
        ..Default::default()
    }
}

fn change() -> proto::PartitionChangeRecord {
    proto::PartitionChangeRecord {
        topic_id: ID.to_vec(),
        ..Default::default()
    }
}

fn broker(id: i32, epoch: i64) -> proto::RegisterBrokerRecord {
    proto::RegisterBrokerRecord {
        broker_id: id,
        broker_epoch: epoch,
        incarnation_id: vec![1; 16],
        ..Default::default()
    }
}

/// The topic `t` with one partition, and broker 1 of epoch 7.
fn image() -> Image {
    let mut image = Image::new();
    let records = [topic("t", 2), partition(0).into(), broker(1, 7).into()];
    image.apply_records(0, &records).unwrap();
    image
}

fn tp(partition: i32) -> TopicPartition {
    TopicPartition {
        topic_id: Uuid(ID),
        partition,
    }
}

#[test]
fn epochs_count_leaders_and_states() {
    let mut image = image();
    let mut check = |change: proto::PartitionChangeRecord, leader_epoch| {
        let epoch = image.partition(tp(0)).unwrap().partition_epoch;
        image.replay(&change.into()).unwrap();
        let partition = image.partition(tp(0)).unwrap();
        assert_eq!(partition.leader_epoch, LeaderEpoch(leader_epoch));
        assert_eq!(partition.partition_epoch, PartitionEpoch(epoch.0 + 1));
    };
    let leader = |leader| proto::PartitionChangeRecord {
        leader: Some(leader),
        ..change()
    };
    let isr = proto::BrokerIds { ids: vec![2, 1] };
    check(
        proto::PartitionChangeRecord {
            isr: Some(isr),
            ..change()
        },
        0,
    );
    check(leader(1), 0);
    check(leader(2), 1);
    check(leader(-1), 2);
    check(leader(2), 3);
    check(
        proto::PartitionChangeRecord {
            bump_leader_epoch: true,
            ..change()
        },
        4,
    );
}

#[test]
fn records_that_do_not_fit_change_nothing() {
    let ids = |ids: &[i32]| Some(proto::BrokerIds { ids: ids.to_vec() });
    let invalid = |reason| ReplayError::InvalidPartition {
        partition: tp(0),
        reason,
    };
    let other = |record: proto::PartitionRecord| proto::PartitionRecord {
        topic_id: vec![9; 16],
        ..record
    };
    let change_broker = |broker_id, broker_epoch| proto::BrokerChangeRecord {
        broker_id,
        broker_epoch,
        fenced: Some(false),
        ..Default::default()
    };
    let bad_port = proto::Listener {
        port: 65_536,
        ..Default::default()
    };
    let rows: Vec<(proto::Record, ReplayError)> = vec![
        (proto::Record { kind: None }, ReplayError::UnknownKind),
        (
            topic("t", 3),
            ReplayError::TopicExists {
                name: "t".into(),
                id: Uuid([3; 16]),
            },
        ),
        (
            topic("u", 2),
            ReplayError::TopicExists {
                name: "u".into(),
                id: Uuid(ID),
            },
        ),
        (
            proto::RemoveTopicRecord {
                topic_id: vec![2; 15],
            }
            .into(),
            ReplayError::BadId {
                field: "topic_id",
                length: 15,
            },
        ),
        (
            proto::RemoveTopicRecord {
                topic_id: vec![9; 16],
            }
            .into(),
            ReplayError::UnknownTopic(Uuid([9; 16])),
        ),
        (
            partition(2).into(),
            ReplayError::PartitionOutOfOrder {
                partition: tp(2),
                count: 1,
            },
        ),
        (
            partition(0).into(),
            ReplayError::PartitionOutOfOrder {
                partition: tp(0),
                count: 1,
            },
        ),
        (
            other(partition(0)).into(),
            ReplayError::UnknownTopic(Uuid([9; 16])),
        ),
        (
            proto::PartitionChangeRecord {
                partition: 1,
                ..change()
            }
            .into(),
            ReplayError::UnknownPartition(tp(1)),
        ),
        (
            proto::PartitionChangeRecord {
                leader: Some(3),
                ..change()
            }
            .into(),
            invalid("the leader is not in the ISR"),
        ),
        (
            proto::PartitionChangeRecord {
                isr: ids(&[1, 4]),
                ..change()
            }
            .into(),
            invalid("the ISR is no subset of the replicas"),
        ),
        (
            proto::PartitionChangeRecord {
                elr: ids(&[2]),
                ..change()
            }
            .into(),
            invalid("the ELR is no subset of the replicas outside the ISR"),
        ),
        (
            proto::PartitionChangeRecord {
                replicas: ids(&[]),
                ..change()
            }
            .into(),
            invalid("no replicas"),
        ),
        (
            proto::PartitionChangeRecord {
                replicas: ids(&[1, 2, 2]),
                ..change()
            }
            .into(),
            invalid("a replica twice"),
        ),
        (
            proto::PartitionChangeRecord {
                directories: Some(proto::DirectoryIds {
                    ids: vec![vec![5; 16]; 2],
                }),
                ..change()
            }
            .into(),
            invalid("not one directory for each replica"),
        ),
        (
            proto::PartitionChangeRecord {
                leader_recovery_state: Some(2),
                ..change()
            }
            .into(),
            ReplayError::BadNumber {
                field: "leader_recovery_state",
                value: 2,
            },
        ),
        (
            proto::PartitionChangeRecord {
                high_watermark_floor: Some(4),
                ..change()
            }
            .into(),
            ReplayError::Fell {
                field: "high_watermark_floor",
                from: 5,
                to: 4,
            },
        ),
        (
            proto::HighWatermarkFloorRecord {
                topic_id: ID.to_vec(),
                partition: 0,
                floor: 4,
            }
            .into(),
            ReplayError::Fell {
                field: "high_watermark_floor",
                from: 5,
                to: 4,
            },
        ),
        (
            broker(1, 6).into(),
            ReplayError::Fell {
                field: "broker_epoch",
                from: 7,
                to: 6,
            },
        ),
        (
            broker(-1, 8).into(),
            ReplayError::BadNumber {
                field: "broker_id",
                value: -1,
            },
        ),
        (
            proto::RegisterBrokerRecord {
                listeners: vec![bad_port],
                ..broker(1, 8)
            }
            .into(),
            ReplayError::BadNumber {
                field: "port",
                value: 65_536,
            },
        ),
        (
            change_broker(2, 7).into(),
            ReplayError::UnknownBroker(BrokerId(2)),
        ),
        (
            change_broker(1, 6).into(),
            ReplayError::StaleBrokerEpoch {
                broker: BrokerId(1),
                epoch: BrokerEpoch(6),
                registered: BrokerEpoch(7),
            },
        ),
        (
            proto::ConfigRecord {
                resource_type: 4,
                resource_name: "x".into(),
                ..Default::default()
            }
            .into(),
            ReplayError::BadNumber {
                field: "resource_type",
                value: 4,
            },
        ),
    ];
    let before = image();
    for (record, expected) in rows {
        let mut image = before.clone();
        assert_eq!(image.replay(&record), Err(expected), "{record:?}");
        assert_eq!(image, before, "{record:?}");
    }
}

#[test]
fn an_unclean_election_gives_the_floor_up() {
    let mut image = image();
    let record = proto::PartitionChangeRecord {
        leader_recovery_state: Some(1),
        high_watermark_floor: Some(0),
        ..change()
    };
    image.replay(&record.into()).unwrap();
    assert_eq!(image.partition(tp(0)).unwrap().high_watermark_floor, 0);
}

#[test]
fn a_batch_is_applied_whole_or_not_at_all() {
    let before = image();
    let mut image = before.clone();
    let records = [topic("u", 3), topic("u", 4)];
    let error = image.apply_records(3, &records).unwrap_err();
    assert!(matches!(error, ApplyError::Replay { index: 1, .. }));
    assert_eq!(image, before);
    let batch = proto::RecordBatch {
        base_offset: 2,
        timestamp_ms: 0,
        records: vec![topic("u", 3)],
    };
    let stale = ApplyError::StaleBase {
        base_offset: 2,
        offset: 3,
    };
    assert_eq!(image.apply(&batch).unwrap_err(), stale);
    assert_eq!(image, before);
}

#[test]
fn a_change_copies_only_what_it_touches() {
    let mut image = image();
    image.replay(&topic("u", 3)).unwrap();
    let before = image.clone();
    image.replay(&change().into()).unwrap();
    let topic = |image: &Image, id: u8| image.topic(Uuid([id; 16])).unwrap().clone();
    assert!(Arc::ptr_eq(&topic(&image, 3), &topic(&before, 3)));
    assert!(!Arc::ptr_eq(&topic(&image, 2), &topic(&before, 2)));
    assert!(Arc::ptr_eq(&image.topic_ids, &before.topic_ids));
    assert!(Arc::ptr_eq(&image.brokers, &before.brokers));
    assert_eq!(before.partition(tp(0)).unwrap().partition_epoch.0, 0);
}

#[test]
fn the_cluster_id_is_for_ever() {
    let mut image = Image::new();
    let cluster = |id: &str| {
        proto::Record::from(proto::ClusterRecord {
            cluster_id: id.into(),
        })
    };
    image.replay(&cluster("a")).unwrap();
    image.replay(&cluster("a")).unwrap();
    assert!(image.replay(&cluster("b")).is_err());
    assert_eq!(image.cluster_id(), Some("a"));
}
