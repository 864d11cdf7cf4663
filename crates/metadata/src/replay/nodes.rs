//! Replays what happens to brokers and controllers.

use crate::{
    Broker, Controller, Delta, Image, ReplayError,
    broker::listeners,
    proto,
    wire::{uuid_from_bytes, uuids_from_bytes},
};
use klamm_types::{BrokerEpoch, BrokerId};
use std::sync::Arc;

impl Image {
    pub(super) fn register_broker(
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

    pub(super) fn broker_change(
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

    pub(super) fn unregister_broker(
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

    pub(super) fn register_controller(
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

    pub(super) fn unregister_controller(
        &mut self,
        record: &proto::UnregisterControllerRecord,
        delta: &mut Delta,
    ) {
        let id = BrokerId(record.controller_id);
        Arc::make_mut(&mut self.controllers).remove(&id);
        delta.changed_controllers.insert(id);
    }
}
