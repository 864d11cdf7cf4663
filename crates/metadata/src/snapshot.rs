//! A whole image as records, and back.

use crate::{
    Broker, Image, Partition, ReplayError, Topic, proto,
    wire::{broker_numbers, uuid_bytes},
};
use klamm_types::{BrokerEpoch, BrokerId};

impl Image {
    /// The image as records that replay into it.
    pub fn to_snapshot(&self) -> proto::Snapshot {
        let mut records = Vec::new();
        if let Some(id) = self.cluster_id() {
            let cluster_id = id.to_owned();
            records.push(proto::ClusterRecord { cluster_id }.into());
        }
        for (name, level) in self.features() {
            let (name, level) = (name.clone(), *level);
            records.push(proto::FeatureLevelRecord { name, level }.into());
        }
        for (id, controller) in self.controllers() {
            let record = proto::RegisterControllerRecord {
                controller_id: id.0,
                listeners: controller.listeners.iter().map(Into::into).collect(),
                levels: controller.levels.into(),
            };
            records.push(record.into());
        }
        for (id, broker) in self.brokers() {
            push_broker(&mut records, id, broker);
        }
        for topic in self.topics() {
            push_topic(&mut records, topic);
        }
        for (resource, configs) in self.all_configs() {
            records.extend(configs.iter().map(|(name, value)| {
                proto::Record::from(proto::ConfigRecord {
                    resource_type: resource.resource_type().into(),
                    resource_name: resource.name(),
                    name: name.clone(),
                    value: Some(value.clone()),
                })
            }));
        }
        if self.next_producer_id > 0 {
            let record = proto::ProducerIdsRecord {
                broker_id: BrokerId::NONE.0,
                broker_epoch: BrokerEpoch::NONE.0,
                next_producer_id: self.next_producer_id,
            };
            records.push(record.into());
        }
        proto::Snapshot {
            offset: self.offset,
            records,
        }
    }

    /// The image of a snapshot.
    ///
    /// # Errors
    /// A record does not fit those before it, or the offset is negative.
    pub fn from_snapshot(snapshot: &proto::Snapshot) -> Result<Image, ReplayError> {
        if snapshot.offset < 0 {
            return Err(ReplayError::BadNumber {
                field: "offset",
                value: snapshot.offset,
            });
        }
        let mut image = Image::new();
        for record in &snapshot.records {
            image.replay(record)?;
        }
        image.offset = snapshot.offset;
        Ok(image)
    }
}

fn push_broker(records: &mut Vec<proto::Record>, id: BrokerId, broker: &Broker) {
    let record = proto::RegisterBrokerRecord {
        broker_id: id.0,
        broker_epoch: broker.epoch.0,
        incarnation_id: uuid_bytes(broker.incarnation_id),
        listeners: broker.listeners.iter().map(Into::into).collect(),
        rack: broker.rack.clone(),
        fenced: broker.fenced,
        log_dirs: broker.log_dirs.iter().copied().map(uuid_bytes).collect(),
        version: broker.version.clone(),
        levels: broker.levels.into(),
    };
    records.push(record.into());
    if broker.in_controlled_shutdown {
        let record = proto::BrokerChangeRecord {
            broker_id: id.0,
            broker_epoch: broker.epoch.0,
            in_controlled_shutdown: Some(true),
            ..Default::default()
        };
        records.push(record.into());
    }
}

fn push_topic(records: &mut Vec<proto::Record>, topic: &Topic) {
    let record = proto::TopicRecord {
        name: topic.name.to_string(),
        topic_id: uuid_bytes(topic.id),
    };
    records.push(record.into());
    for (index, partition) in topic.partitions() {
        records.push(partition.to_record(topic, index).into());
    }
}

impl Partition {
    fn to_record(&self, topic: &Topic, index: i32) -> proto::PartitionRecord {
        proto::PartitionRecord {
            topic_id: uuid_bytes(topic.id),
            partition: index,
            replicas: broker_numbers(&self.replicas),
            isr: broker_numbers(&self.isr),
            elr: broker_numbers(&self.elr),
            last_known_elr: broker_numbers(&self.last_known_elr),
            adding_replicas: broker_numbers(&self.adding_replicas),
            removing_replicas: broker_numbers(&self.removing_replicas),
            leader: self.leader.0,
            leader_epoch: self.leader_epoch.0,
            partition_epoch: self.partition_epoch.0,
            leader_recovery_state: self.recovery_state.into(),
            high_watermark_floor: self.high_watermark_floor,
            directories: self.directories.iter().copied().map(uuid_bytes).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::logs;
    use proptest::prelude::*;
    use prost::Message;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn snapshots_round_trip_through_bytes(log in logs(200)) {
            let mut image = Image::new();
            for record in &log {
                image.replay(record).unwrap();
            }
            let bytes = image.to_snapshot().encode_to_vec();
            let snapshot = proto::Snapshot::decode(bytes.as_slice()).unwrap();
            let loaded = Image::from_snapshot(&snapshot).unwrap();
            prop_assert_eq!(&loaded, &image);
            prop_assert_eq!(loaded.to_snapshot(), snapshot);
        }
    }

    #[test]
    fn a_snapshot_that_does_not_replay_is_refused() {
        let unknown = proto::Record { kind: None };
        let snapshot = |offset, records| proto::Snapshot { offset, records };
        assert!(Image::from_snapshot(&snapshot(1, vec![unknown])).is_err());
        assert!(Image::from_snapshot(&snapshot(-1, vec![])).is_err());
        let empty = Image::from_snapshot(&snapshot(5, vec![])).unwrap();
        assert_eq!(empty.offset(), 5);
    }
}
