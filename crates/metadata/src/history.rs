//! Random but valid logs, for tests.

use crate::{Image, broker_numbers, proto, uuid_bytes};
use klamm_types::{BrokerId, Uuid};
use proptest::prelude::*;

/// Two numbers and a text from which a record is made that fits the image.
type Choice = (u8, u16, String);

/// Logs of up to `length_max` records.
pub(crate) fn logs(length_max: usize) -> impl Strategy<Value = Vec<proto::Record>> {
    let choice = (any::<u8>(), any::<u16>(), "[a-z.]{1,6}");
    prop::collection::vec(choice, 0..length_max).prop_map(|choices| {
        let mut image = Image::new();
        let mut log = Vec::new();
        for choice in choices {
            if let Some(record) = record(&image, choice) {
                image.replay(&record).unwrap();
                log.push(record);
            }
        }
        log
    })
}

/// A record of the kind that the choice wants, unless the image has nothing for it.
fn record(image: &Image, (kind, pick, text): Choice) -> Option<proto::Record> {
    let number = i32::from(pick % 8);
    let topic = || {
        let count = image.topic_count().max(1);
        image.topics().nth(usize::from(pick) % count)
    };
    let record = match kind % 16 {
        0 => proto::ClusterRecord {
            cluster_id: image.cluster_id().unwrap_or(&text).to_owned(),
        }
        .into(),
        1 | 2 => register_broker(image, number, text).into(),
        3 => {
            let (id, broker) = image.brokers().next()?;
            proto::BrokerChangeRecord {
                broker_id: id.0,
                broker_epoch: broker.epoch.0,
                fenced: (pick & 1 == 0).then_some(pick & 2 == 0),
                in_controlled_shutdown: (pick & 4 == 0).then_some(pick & 8 == 0),
                log_dirs: (pick & 16 == 0).then(|| proto::DirectoryIds {
                    ids: vec![vec![number as u8; 16]],
                }),
            }
            .into()
        }
        4 => {
            let (id, broker) = image.brokers().last()?;
            proto::UnregisterBrokerRecord {
                broker_id: id.0,
                broker_epoch: broker.epoch.0,
            }
            .into()
        }
        5 | 6 if image.topic_id(&text).is_none() => proto::TopicRecord {
            topic_id: fresh_id(image),
            name: text,
        }
        .into(),
        7..10 => new_partition(topic()?.id, topic()?.partitions.len(), number).into(),
        10 | 11 => change(topic()?.id, topic()?.partitions.len(), number)?.into(),
        12 => proto::HighWatermarkFloorRecord {
            topic_id: uuid_bytes(topic()?.id),
            partition: 0,
            floor: topic()?.partition(0)?.high_watermark_floor + i64::from(number),
        }
        .into(),
        13 if pick % 4 == 0 => proto::RemoveTopicRecord {
            topic_id: uuid_bytes(topic()?.id),
        }
        .into(),
        14 => config(image, pick, text).into(),
        15 if pick % 3 == 0 => proto::ProducerIdsRecord {
            broker_id: number,
            broker_epoch: 1,
            next_producer_id: image.next_producer_id() + 1000,
        }
        .into(),
        15 if pick % 3 == 1 => proto::FeatureLevelRecord {
            name: text,
            level: number,
        }
        .into(),
        15 => proto::RegisterControllerRecord {
            controller_id: number,
            levels: None,
            listeners: vec![listener(text)],
        }
        .into(),
        _ => return None,
    };
    Some(record)
}

/// An id that no topic has had before.
fn fresh_id(image: &Image) -> Vec<u8> {
    let mut bytes = vec![3; 16];
    bytes[..8].copy_from_slice(&image.offset().to_be_bytes());
    bytes
}

fn listener(name: String) -> proto::Listener {
    proto::Listener {
        host: format!("{name}.example"),
        name,
        port: 9092,
        security_protocol: 0,
    }
}

fn register_broker(image: &Image, id: i32, text: String) -> proto::RegisterBrokerRecord {
    proto::RegisterBrokerRecord {
        broker_id: id,
        broker_epoch: image.offset(),
        incarnation_id: vec![id as u8; 16],
        rack: (id % 2 == 0).then(|| text.clone()),
        listeners: vec![listener(text)],
        fenced: true,
        log_dirs: vec![vec![5; 16]],
        version: "1".into(),
        levels: (id % 3 == 0).then_some(proto::LevelRange { min: 1, max: 2 }),
    }
}

fn new_partition(topic_id: Uuid, index: usize, first: i32) -> proto::PartitionRecord {
    let replicas = [first, first + 1, first + 2].map(BrokerId);
    proto::PartitionRecord {
        topic_id: uuid_bytes(topic_id),
        partition: index as i32,
        replicas: broker_numbers(&replicas),
        isr: broker_numbers(&replicas[..2]),
        elr: broker_numbers(&replicas[2..]),
        leader: first,
        directories: vec![vec![5; 16]; 3],
        ..Default::default()
    }
}

fn change(topic_id: Uuid, count: usize, pick: i32) -> Option<proto::PartitionChangeRecord> {
    let index = (pick as usize).checked_rem(count)? as i32;
    Some(proto::PartitionChangeRecord {
        topic_id: uuid_bytes(topic_id),
        partition: index,
        isr: (pick == 0).then(proto::BrokerIds::default),
        leader: (pick < 3).then_some(-1),
        bump_leader_epoch: pick == 5,
        leader_recovery_state: (pick > 6).then_some(1),
        directories: (pick == 4).then(|| proto::DirectoryIds {
            ids: vec![vec![6; 16]; 3],
        }),
        ..Default::default()
    })
}

fn config(image: &Image, pick: u16, name: String) -> proto::ConfigRecord {
    let topic = image.topics().next();
    let (resource_type, resource_name) = match (pick % 4, topic) {
        (0, Some(topic)) => (proto::ConfigResourceType::Topic, topic.name.to_string()),
        (1, _) => (proto::ConfigResourceType::Broker, String::new()),
        (2, _) => (proto::ConfigResourceType::Broker, "3".to_owned()),
        _ => (proto::ConfigResourceType::Group, name.clone()),
    };
    proto::ConfigRecord {
        resource_type: resource_type.into(),
        resource_name,
        value: (!pick.is_multiple_of(3)).then(|| name.clone()),
        name: if pick.is_multiple_of(5) {
            "a".into()
        } else {
            name
        },
    }
}
