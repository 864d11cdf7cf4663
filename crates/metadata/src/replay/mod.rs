//! The only code that changes an image.

mod nodes;
mod topics;

use crate::{
    ApplyError, Delta, Image, ReplayError,
    image::ConfigResource,
    proto::{self, record::Kind},
};
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
                self.unregister_controller(record, delta);
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

#[cfg(test)]
mod tests;
