//! Between the messages about feature levels and the controller's requests and responses.

use klamm_controller::{FeatureUpdate, Refusal, Request, UpdateFeatures, UpgradeType};
use klamm_rpc::controller::{UpdateFeaturesRequest, UpdateFeaturesResponse};
use tonic::Status;

pub(crate) fn update(request: UpdateFeaturesRequest) -> Result<Request, Status> {
    let updates = request.updates.into_iter().map(|update| FeatureUpdate {
        name: update.name,
        level: update.level,
        upgrade_type: UpgradeType::from_number(update.upgrade_type),
    });
    Ok(Request::UpdateFeatures(UpdateFeatures {
        updates: updates.collect(),
        validate_only: request.validate_only,
    }))
}

pub(crate) fn updated(result: Result<(), Refusal>) -> UpdateFeaturesResponse {
    match result {
        Ok(()) => UpdateFeaturesResponse::default(),
        Err(refusal) => UpdateFeaturesResponse {
            error_code: refusal.code.code().into(),
            error_message: refusal.message,
        },
    }
}
