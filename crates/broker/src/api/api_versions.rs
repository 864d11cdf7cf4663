//! ApiVersions (18), versions 0–4: what is served, and which features are in force.
//!
//! v1 added the throttle time, v3 the client's name and version and the features. An unknown
//! version is answered with version 0 and UNSUPPORTED_VERSION, so that the client can fall back
//! (rule 1). Features that begin at level 0 are left out below v4 (rule 5): there are none.

use super::{Answer, Call, Refusal};
use crate::context::Context;
use klamm_protocol::{
    ApiKey, Decoder,
    messages::{
        api_versions_request::ApiVersionsRequest,
        api_versions_response::{ApiVersion, ApiVersionsResponse, FinalizedFeatureKey},
    },
};
use klamm_types::ErrorCode;
use std::sync::Arc;

/// Letters of client names and versions are bounded by the frame; nothing else is.
const NAME_EXTRA: [char; 2] = ['-', '.'];

pub(super) fn start(
    context: &Arc<Context>,
    call: Call,
    body: &mut Decoder,
) -> Result<Answer, Refusal> {
    super::now(context, call, body, handle)
}

/// The answer to a version that is not served.
pub(super) fn unsupported(call: Call) -> Answer {
    let response = ApiVersionsResponse {
        error_code: ErrorCode::UnsupportedVersion.code(),
        api_keys: vec![version_range(ApiKey::ApiVersions)],
        ..Default::default()
    };
    call.respond_as(0, &response)
}

fn handle(context: &Arc<Context>, call: &Call, request: ApiVersionsRequest) -> ApiVersionsResponse {
    let named = is_name(&request.client_software_name) && is_name(&request.client_software_version);
    if call.version >= 3 && !named {
        return ApiVersionsResponse {
            error_code: ErrorCode::InvalidRequest.code(),
            ..Default::default()
        };
    }
    let image = context.metadata.image();
    ApiVersionsResponse {
        api_keys: super::served().map(version_range).collect(),
        finalized_features_epoch: image.offset(),
        finalized_features: image
            .features()
            .iter()
            .filter_map(|(name, level)| {
                let level = i16::try_from(*level).ok()?;
                Some(FinalizedFeatureKey {
                    name: name.clone(),
                    max_version_level: level,
                    min_version_level: level,
                })
            })
            .collect(),
        ..Default::default()
    }
}

fn version_range(key: ApiKey) -> ApiVersion {
    let versions = key.advertised();
    ApiVersion {
        api_key: key.into(),
        min_version: *versions.start(),
        max_version: *versions.end(),
    }
}

/// `[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?` (rule 4).
fn is_name(text: &str) -> bool {
    let ends = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    ends(text.chars().next())
        && ends(text.chars().next_back())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || NAME_EXTRA.contains(&c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked_as_kafka_checks_them() {
        for good in ["a", "apache-kafka-java", "4.3.1", "A-.9"] {
            assert!(is_name(good), "{good}");
        }
        for bad in ["", "-a", "a-", ".", "a b", "ä", "a\n"] {
            assert!(!is_name(bad), "{bad}");
        }
    }
}
