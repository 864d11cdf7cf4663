//! The only code that changes an image.

use crate::{
    ApplyError, Broker, Controller, Delta, Image, Partition, ReplayError, Topic,
    broker::listeners,
    image::ConfigResource,
    proto::{self, record::Kind},
    topic::topic_partition,
    wire::{uuid_from_bytes, uuids_from_bytes},
};
use klamm_types::{BrokerEpoch, BrokerId, TopicPartition};
use std::{collections::btree_map::Entry, sync::Arc};

impl Image {
    /// Replays one record.
    ///
    /// # Errors
    /// The record does not fit; the image stays as it was.
    pub fn replay(&mut self, record: &proto::Record) -> Result<(), ReplayError> {
        self.replay_into(record, &mut Delta::default())
    }

    /// Applies a batch, whole or not at all, and tells what it touched.
    ///
    /// # Errors
    /// The batch was decided on another image, or a record does not fit; the image stays as
    /// it was.
    pub fn apply(&mut self, batch: &proto::RecordBatch) -> Result<Delta, ApplyError> {
        self.apply_records(batch.base_offset, &batch.records)
    }

    /// [`Image::apply`] for records whose first has the offset `base_offset`.
    ///
    /// # Errors
    /// As [`Image::apply`].
    pub fn apply_records(
        &mut self,
        base_offset: i64,
        records: &[proto::Record],
    ) -> Result<Delta, ApplyError> {
        if base_offset != self.offset {
            let offset = self.offset;
            return Err(ApplyError::StaleBase {
                base_offset,
                offset,
            });
        }
        let mut delta = Delta::new(self.clone());
        for (index, record) in records.iter().enumerate() {
            if let Err(error) = self.replay_into(record, &mut delta) {
                *self = delta.before;
                return Err(ApplyError::Replay { index, error });
            }
        }
        Ok(delta)
    }

    fn replay_into(
        &mut self,
        record: &proto::Record,
        delta: &mut Delta,
    ) -> Result<(), ReplayError> {
        match record.kind.as_ref().ok_or(ReplayError::UnknownKind)? {
            Kind::Cluster(record) => self.cluster(record),
            Kind::RegisterBroker(record) => self.register_broker(record, delta),
            Kind::BrokerChange(record) => self.broker_change(record, delta),
            Kind::UnregisterBroker(record) => self.unregister_broker(record, delta),
            Kind::Topic(record) => self.new_topic(record, delta),
            Kind::Partition(record) => self.new_partition(record, delta),
            Kind::PartitionChange(record) => self.partition_change(record, delta),
            Kind::RemoveTopic(record) => self.remove_topic(record, delta),
            Kind::Config(record) => self.config(record, delta),
            Kind::ProducerIds(record) => self.producer_ids(record),
            Kind::HighWatermarkFloor(record) => self.high_watermark_floor(record, delta),
            Kind::FeatureLevel(record) => {
                self.feature_level(record, delta);
                Ok(())
            }
            Kind::RegisterController(record) => self.register_controller(record, delta),
            Kind::UnregisterController(record) => {
                let id = BrokerId(record.controller_id);
                Arc::make_mut(&mut self.controllers).remove(&id);
                delta.changed_controllers.insert(id);
                Ok(())
            }
        }?;
        self.offset += 1;
        Ok(())
    }

    fn cluster(&mut self, record: &proto::ClusterRecord) -> Result<(), ReplayError> {
        match &self.cluster_id {
            Some(id) if **id != *record.cluster_id => Err(ReplayError::ClusterIdExists {
                existing: id.to_string(),
            }),
            _ => {
                self.cluster_id = Some(record.cluster_id.as_str().into());
                Ok(())
            }
        }
    }

    fn register_broker(
        &mut self,
        record: &proto::RegisterBrokerRecord,
        delta: &mut Delta,
    ) -> Result<(), ReplayError> {
        let id = BrokerId(record.broker_id);
        if id.is_none() {
            return Err(ReplayError::BadNumber {
                field: "broker_id",
                value: i64::from(id.0),
            });
        }
        let epoch = BrokerEpoch(record.broker_epoch);
        if let Some(registered) = self.broker(id).map(|broker| broker.epoch)
            && epoch < registered
        {
            return Err(ReplayError::Fell {
                field: "broker_epoch",
                from: registered.0,
                to: epoch.0,
            });
        }
        let broker = Broker {
            epoch,
            incarnation_id: uuid_from_bytes(&record.incarnation_id, "incarnation_id")?,
            listeners: listeners(&record.listeners)?,
            rack: record.rack.clone(),
            fenced: record.fenced,
            in_controlled_shutdown: false,
            log_dirs: uuids_from_bytes(&record.log_dirs, "log_dirs")?,
            version: record.version.clone(),
            levels: record.levels.into(),
        };
        Arc::make_mut(&mut self.brokers).insert(id, Arc::new(broker));
        delta.changed_brokers.insert(id);
        Ok(())
    }

    fn broker_change(
        &mut self,
        record: &proto::BrokerChangeRecord,
        delta: &mut Delta,
    ) -> Result<(), ReplayError> {
        let id = self.registration(record.broker_id, record.broker_epoch)?;
        let log_dirs = record.log_dirs.as_ref();
        let log_dirs = log_dirs.map(|dirs| uuids_from_bytes(&dirs.ids, "log_dirs"));
        let log_dirs = log_dirs.transpose()?;
        if let Some(broker) = Arc::make_mut(&mut self.brokers).get_mut(&id) {
            let broker = Arc::make_mut(broker);
            broker.fenced = record.fenced.unwrap_or(broker.fenced);
            broker.in_controlled_shutdown = record
                .in_controlled_shutdown
                .unwrap_or(broker.in_controlled_shutdown);
            if let Some(log_dirs) = log_dirs {
                broker.log_dirs = log_dirs;
            }
        }
        delta.changed_brokers.insert(id);
        Ok(())
    }

    fn unregister_broker(
        &mut self,
        record: &proto::UnregisterBrokerRecord,
        delta: &mut Delta,
    ) -> Result<(), ReplayError> {
        let id = self.registration(record.broker_id, record.broker_epoch)?;
        Arc::make_mut(&mut self.brokers).remove(&id);
        delta.changed_brokers.insert(id);
        Ok(())
    }

    /// The broker, if it is registered under that epoch.
    fn registration(&self, id: i32, epoch: i64) -> Result<BrokerId, ReplayError> {
        let id = BrokerId(id);
        let registered = self.broker(id).ok_or(ReplayError::UnknownBroker(id))?.epoch;
        if registered.0 == epoch {
            Ok(id)
        } else {
            Err(ReplayError::StaleBrokerEpoch {
                broker: id,
                epoch: BrokerEpoch(epoch),
                registered,
            })
        }
    }

    fn register_controller(
        &mut self,
        record: &proto::RegisterControllerRecord,
        delta: &mut Delta,
    ) -> Result<(), ReplayError> {
        let id = BrokerId(record.controller_id);
        let controller = Controller {
            listeners: listeners(&record.listeners)?,
            levels: record.levels.into(),
        };
        Arc::make_mut(&mut self.controllers).insert(id, Arc::new(controller));
        delta.changed_controllers.insert(id);
        Ok(())
    }

    fn new_topic(
        &mut self,
        record: &proto::TopicRecord,
        delta: &mut Delta,
    ) -> Result<(), ReplayError> {
        let id = uuid_from_bytes(&record.topic_id, "topic_id")?;
        let name: Arc<str> = record.name.as_str().into();
        if self.topic_ids.contains_key(&name) || self.topics.contains_key(&id) {
            let name = record.name.clone();
            return Err(ReplayError::TopicExists { name, id });
        }
        let topic = Topic {
            id,
            name: name.clone(),
            partitions: Vec::new(),
        };
        Arc::make_mut(&mut self.topic_ids).insert(name, id);
        Arc::make_mut(&mut self.topics).insert(id, Arc::new(topic));
        delta.created_topics.insert(id);
        Ok(())
    }

    fn remove_topic(
        &mut self,
        record: &proto::RemoveTopicRecord,
        delta: &mut Delta,
    ) -> Result<(), ReplayError> {
        let id = uuid_from_bytes(&record.topic_id, "topic_id")?;
        let topic = self.topics.get(&id).ok_or(ReplayError::UnknownTopic(id))?;
        let name = topic.name.clone();
        let resource = ConfigResource::Topic(name.to_string());
        if self.configs.contains_key(&resource) {
            Arc::make_mut(&mut self.configs).remove(&resource);
            delta.changed_configs.insert(resource);
        }
        Arc::make_mut(&mut self.topic_ids).remove(&name);
        Arc::make_mut(&mut self.topics).remove(&id);
        delta.topic_removed(id, name);
        Ok(())
    }

    fn new_partition(
        &mut self,
        record: &proto::PartitionRecord,
        delta: &mut Delta,
    ) -> Result<(), ReplayError> {
        let tp = topic_partition(&record.topic_id, record.partition)?;
        let partition = Partition::from_record(record)?;
        check(tp, &partition)?;
        let topic = self
            .topics
            .get(&tp.topic_id)
            .ok_or(ReplayError::UnknownTopic(tp.topic_id))?;
        let count = topic.partitions.len();
        if usize::try_from(tp.partition) != Ok(count) {
            return Err(ReplayError::PartitionOutOfOrder {
                partition: tp,
                count,
            });
        }
        if let Some(topic) = Arc::make_mut(&mut self.topics).get_mut(&tp.topic_id) {
            Arc::make_mut(topic).partitions.push(Arc::new(partition));
        }
        delta.changed_partitions.insert(tp);
        Ok(())
    }

    fn partition_change(
        &mut self,
        record: &proto::PartitionChangeRecord,
        delta: &mut Delta,
    ) -> Result<(), ReplayError> {
        let tp = topic_partition(&record.topic_id, record.partition)?;
        let old = self
            .partition(tp)
            .ok_or(ReplayError::UnknownPartition(tp))?;
        let new = old.changed(record)?;
        check(tp, &new)?;
        // An unclean election gives up what the floor vouched for.
        let is_unclean =
            record.leader_recovery_state == Some(proto::LeaderRecoveryState::Recovering as i32);
        if !is_unclean {
            floor_grows(old.high_watermark_floor, new.high_watermark_floor)?;
        }
        self.replace_partition(tp, new);
        delta.raised_floors.remove(&tp);
        delta.changed_partitions.insert(tp);
        Ok(())
    }

    fn high_watermark_floor(
        &mut self,
        record: &proto::HighWatermarkFloorRecord,
        delta: &mut Delta,
    ) -> Result<(), ReplayError> {
        let tp = topic_partition(&record.topic_id, record.partition)?;
        let old = self
            .partition(tp)
            .ok_or(ReplayError::UnknownPartition(tp))?;
        floor_grows(old.high_watermark_floor, record.floor)?;
        let new = Partition {
            high_watermark_floor: record.floor,
            ..old.clone()
        };
        self.replace_partition(tp, new);
        if !delta.changed_partitions.contains(&tp) {
            delta.raised_floors.insert(tp);
        }
        Ok(())
    }

    fn replace_partition(&mut self, tp: TopicPartition, new: Partition) {
        let topics = Arc::make_mut(&mut self.topics);
        if let Some(topic) = topics.get_mut(&tp.topic_id)
            && let Ok(index) = usize::try_from(tp.partition)
            && let Some(partition) = Arc::make_mut(topic).partitions.get_mut(index)
        {
            *partition = Arc::new(new);
        }
    }

    fn config(
        &mut self,
        record: &proto::ConfigRecord,
        delta: &mut Delta,
    ) -> Result<(), ReplayError> {
        let resource = ConfigResource::parse(record.resource_type, &record.resource_name).ok_or(
            ReplayError::BadNumber {
                field: "resource_type",
                value: i64::from(record.resource_type),
            },
        )?;
        delta.changed_configs.insert(resource.clone());
        match (
            Arc::make_mut(&mut self.configs).entry(resource),
            &record.value,
        ) {
            (entry, Some(value)) => {
                Arc::make_mut(entry.or_default()).insert(record.name.clone(), value.clone());
            }
            (Entry::Occupied(mut entry), None) => {
                Arc::make_mut(entry.get_mut()).remove(&record.name);
                // An image does not remember that something had once been set.
                if entry.get().is_empty() {
                    entry.remove();
                }
            }
            (Entry::Vacant(_), None) => {}
        }
        Ok(())
    }

    fn producer_ids(&mut self, record: &proto::ProducerIdsRecord) -> Result<(), ReplayError> {
        let (from, to) = (self.next_producer_id, record.next_producer_id);
        if to < from {
            let field = "next_producer_id";
            return Err(ReplayError::Fell { field, from, to });
        }
        self.next_producer_id = to;
        Ok(())
    }

    fn feature_level(&mut self, record: &proto::FeatureLevelRecord, delta: &mut Delta) {
        let features = Arc::make_mut(&mut self.features);
        if record.level == 0 {
            features.remove(&record.name);
        } else {
            features.insert(record.name.clone(), record.level);
        }
        delta.changed_features.insert(record.name.clone());
    }
}

fn check(id: TopicPartition, partition: &Partition) -> Result<(), ReplayError> {
    match partition.contradiction() {
        Some(reason) => Err(ReplayError::InvalidPartition {
            partition: id,
            reason,
        }),
        None => Ok(()),
    }
}

fn floor_grows(from: i64, to: i64) -> Result<(), ReplayError> {
    if to < from {
        let field = "high_watermark_floor";
        return Err(ReplayError::Fell { field, from, to });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use klamm_types::{LeaderEpoch, PartitionEpoch, Uuid};

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
}
