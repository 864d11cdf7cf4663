//! The first records of a cluster, and its controllers.

use crate::{Context, Decision, Refusal, topic_settings::MIN_INSYNC_REPLICAS};
use klamm_metadata::{
    Controller, Image, Listener,
    feature_level::{KLAMM_VERSION, LevelRange, VOTERS_LEVEL},
    proto,
};
use klamm_types::{BrokerId, ErrorCode};
use std::collections::BTreeMap;

/// Gives a new cluster its id and features, and any cluster the minimum of in-sync replicas that
/// holds for all brokers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InitCluster {
    /// The id, unless the cluster has one.
    pub cluster_id: String,
    /// Finalized feature levels.
    pub features: BTreeMap<String, i32>,
}

/// A controller's endpoints (KIP-919).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegisterController {
    /// The controller.
    pub controller_id: BrokerId,
    /// Where it can be reached.
    pub listeners: Vec<Listener>,
    /// The feature levels it supports.
    pub levels: LevelRange,
}

pub(crate) fn init(
    image: &Image,
    request: &InitCluster,
    ctx: &Context,
) -> Decision<Result<(), Refusal>> {
    let mut records = Vec::new();
    if image.cluster_id().is_none() {
        let cluster_id = request.cluster_id.clone();
        records.push(proto::ClusterRecord { cluster_id }.into());
        records.extend(request.features.iter().map(|(name, level)| {
            let (name, level) = (name.clone(), *level);
            proto::Record::from(proto::FeatureLevelRecord { name, level })
        }));
    }
    // One minimum for all brokers, whatever their files say: who is eligible to lead depends on
    // it (KIP-966).
    if image.broker_config(None, MIN_INSYNC_REPLICAS).is_none() {
        let record = proto::ConfigRecord {
            resource_type: proto::ConfigResourceType::Broker.into(),
            resource_name: String::new(),
            name: MIN_INSYNC_REPLICAS.to_owned(),
            value: Some(ctx.settings.min_insync_replicas.to_string()),
        };
        records.push(record.into());
    }
    Decision {
        records,
        response: Ok(()),
    }
}

pub(crate) fn register_controller(
    image: &Image,
    request: &RegisterController,
) -> Decision<Result<(), Refusal>> {
    let id = request.controller_id;
    if let Err(refusal) = check_levels(image, "controller", id, request.levels) {
        return Decision::refused(refusal);
    }
    let is_same =
        |known: &Controller| known.listeners == request.listeners && known.levels == request.levels;
    if image.controller(id).is_some_and(is_same) {
        return Decision::unchanged(Ok(()));
    }
    let record = proto::RegisterControllerRecord {
        controller_id: request.controller_id.0,
        listeners: request.listeners.iter().map(Into::into).collect(),
        levels: request.levels.into(),
    };
    Decision {
        records: vec![record.into()],
        response: Ok(()),
    }
}

/// Forgets a controller that has left. Below the level that this came with, it stays known.
pub(crate) fn unregister_controller(image: &Image, id: BrokerId) -> Decision<Result<(), Refusal>> {
    if image.controller(id).is_none() || image.level() < VOTERS_LEVEL {
        return Decision::unchanged(Ok(()));
    }
    let controller_id = id.0;
    Decision {
        records: vec![proto::UnregisterControllerRecord { controller_id }.into()],
        response: Ok(()),
    }
}

/// Refuses a node that cannot read what the others may write.
///
/// # Errors
/// UNSUPPORTED_VERSION.
pub fn check_levels(
    image: &Image,
    what: &str,
    id: BrokerId,
    levels: LevelRange,
) -> Result<(), Refusal> {
    let level = image.level();
    if levels.contains(level) {
        return Ok(());
    }
    let message = format!(
        "{what} {id} supports {KLAMM_VERSION} {levels}, and the cluster is at {level}: it needs \
         another release"
    );
    Err(Refusal::new(ErrorCode::UnsupportedVersion, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(level: i32) -> Image {
        let mut image = Image::new();
        let name = KLAMM_VERSION.to_owned();
        let record = proto::FeatureLevelRecord { name, level };
        image.replay(&record.into()).unwrap();
        image
    }

    fn register(levels: LevelRange) -> RegisterController {
        RegisterController {
            controller_id: BrokerId(7),
            listeners: Vec::new(),
            levels,
        }
    }

    #[test]
    fn controllers_come_if_they_can_read_and_go_if_the_others_can() {
        let (old, new) = (LevelRange::default(), LevelRange::SUPPORTED);
        let refused = register_controller(&image(2), &register(old)).response;
        assert_eq!(refused.unwrap_err().code, ErrorCode::UnsupportedVersion);
        for (level, levels, goes) in [(1, old, false), (1, new, false), (2, new, true)] {
            let mut image = image(level);
            let registered = register_controller(&image, &register(levels));
            assert_eq!(registered.response, Ok(()));
            image.replay(&registered.records[0]).unwrap();
            assert_eq!(image.controller(BrokerId(7)).unwrap().levels, levels);
            assert!(
                register_controller(&image, &register(levels))
                    .records
                    .is_empty()
            );

            let left = unregister_controller(&image, BrokerId(7));
            assert_eq!(left.records.len(), usize::from(goes), "level {level}");
            for record in &left.records {
                image.replay(record).unwrap();
            }
            assert_eq!(image.controller(BrokerId(7)).is_none(), goes);
        }
        assert!(
            unregister_controller(&image(2), BrokerId(7))
                .records
                .is_empty()
        );
    }
}
