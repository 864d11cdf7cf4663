//! The first records of a cluster, and its controllers.

use crate::{Context, Decision, Refusal, topic_settings::MIN_INSYNC_REPLICAS};
use klamm_metadata::{Image, Listener, proto};
use klamm_types::BrokerId;
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
    let known = image.controller(request.controller_id);
    if known.is_some_and(|known| known.listeners == request.listeners) {
        return Decision::unchanged(Ok(()));
    }
    let record = proto::RegisterControllerRecord {
        controller_id: request.controller_id.0,
        listeners: request.listeners.iter().map(Into::into).collect(),
    };
    Decision {
        records: vec![record.into()],
        response: Ok(()),
    }
}
