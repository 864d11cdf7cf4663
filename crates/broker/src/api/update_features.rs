//! UpdateFeatures (57), versions 0–2: raises and lowers feature levels (KIP-584).
//!
//! v1 replaced "may be lowered" by the type of the change and added trying it only, v2 leaves out
//! results for each feature. Either all levels change or none. The active controller decides.

use super::{
    Answer, Call, Refusal,
    forwarding::{Deadline, call_error, error_code, error_message},
};
use crate::context::Context;
use klamm_protocol::{
    Decoder,
    messages::{
        update_features_request::{FeatureUpdateKey, UpdateFeaturesRequest},
        update_features_response::{UpdatableFeatureResult, UpdateFeaturesResponse},
    },
};
use klamm_rpc::controller as rpc;
use std::sync::Arc;

/// The types of a change, with Kafka's numbers.
const UPGRADE: i32 = 1;
const UNSAFE_DOWNGRADE: i32 = 3;

pub(super) fn start(
    context: &Arc<Context>,
    call: Call,
    body: &mut Decoder,
) -> Result<Answer, Refusal> {
    super::later(context, call, body, handle)
}

async fn handle(
    context: Arc<Context>,
    call: Call,
    request: UpdateFeaturesRequest,
) -> UpdateFeaturesResponse {
    let deadline = Deadline::of(request.timeout_ms);
    let ask = rpc::UpdateFeaturesRequest {
        updates: request
            .feature_updates
            .iter()
            .map(|update| rpc::FeatureUpdate {
                name: update.feature.clone(),
                level: update.max_version_level.into(),
                upgrade_type: upgrade_type(update, call.version),
            })
            .collect(),
        validate_only: request.validate_only,
    };
    let answer = context.controller.update_features(ask, deadline.patience());
    let (error, message) = match answer.await {
        Ok(response) => (error_code(response.error_code), response.error_message),
        Err(error) => call_error(&error),
    };
    if error.is_none() && !request.validate_only {
        let known = |image: &klamm_metadata::Image| {
            let mut wanted = request.feature_updates.iter();
            wanted.all(|update| {
                let level = image.features().get(&update.feature);
                level.is_none_or(|level| *level == i32::from(update.max_version_level))
            })
        };
        deadline.wait_until_known(&context.metadata, known).await;
    }
    let result = |update: &FeatureUpdateKey| UpdatableFeatureResult {
        feature: update.feature.clone(),
        error_code: error.code(),
        error_message: error_message(error, message.clone()),
    };
    UpdateFeaturesResponse {
        error_code: error.code(),
        error_message: error_message(error, message.clone()),
        results: match call.version {
            ..2 => request.feature_updates.iter().map(result).collect(),
            _ => Vec::new(),
        },
        ..Default::default()
    }
}

fn upgrade_type(update: &FeatureUpdateKey, version: i16) -> i32 {
    match (version, update.allow_downgrade) {
        (0, false) => UPGRADE,
        (0, true) => UNSAFE_DOWNGRADE,
        _ => update.upgrade_type.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_version_says_in_its_way_what_may_be_done() {
        let update = |allow_downgrade, upgrade_type| FeatureUpdateKey {
            allow_downgrade,
            upgrade_type,
            ..FeatureUpdateKey::default()
        };
        assert_eq!(upgrade_type(&update(false, 1), 0), 1);
        assert_eq!(upgrade_type(&update(true, 1), 0), 3);
        assert_eq!(upgrade_type(&update(false, 2), 1), 2);
        assert_eq!(upgrade_type(&update(false, 9), 2), 9);
    }
}
