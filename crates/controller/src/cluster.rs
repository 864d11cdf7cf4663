//! The first records of a cluster, and its controllers.

use crate::{Decision, Refusal};
use klamm_metadata::{Image, Listener, proto};
use klamm_types::BrokerId;
use std::collections::BTreeMap;

/// Gives a new cluster its id and features.
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

pub(crate) fn init(image: &Image, request: &InitCluster) -> Decision<Result<(), Refusal>> {
    if image.cluster_id().is_some() {
        return Decision::unchanged(Ok(()));
    }
    let cluster_id = request.cluster_id.clone();
    let mut records = vec![proto::ClusterRecord { cluster_id }.into()];
    records.extend(request.features.iter().map(|(name, level)| {
        let (name, level) = (name.clone(), *level);
        proto::Record::from(proto::FeatureLevelRecord { name, level })
    }));
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
