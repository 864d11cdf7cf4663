//! Replays what happens to topics and their partitions.

use crate::{
    Delta, Image, Partition, ReplayError, Topic, image::ConfigResource, proto,
    topic::topic_partition, wire::uuid_from_bytes,
};
use klamm_types::TopicPartition;
use std::sync::Arc;

impl Image {
    pub(super) fn new_topic(
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

    pub(super) fn remove_topic(
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

    pub(super) fn new_partition(
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

    pub(super) fn partition_change(
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

    pub(super) fn high_watermark_floor(
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
