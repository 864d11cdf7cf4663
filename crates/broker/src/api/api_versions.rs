//! ApiVersions (18), versions 0–4: what is served, and which features are in force.
//!
//! v1 added the throttle time, v3 the client's name and version and the features. An unknown
//! version is answered with version 0 and UNSUPPORTED_VERSION, so that the client can fall back
//! (rule 1). Features that begin at level 0 are left out below v4 (rule 5).

use super::{Answer, Call, Refusal};
use crate::{broker::levels, context::Context};
use klamm_metadata::{
    Image,
    feature_level::{KLAMM_VERSION, KRAFT_VERSION, LevelRange, kraft_version},
};
use klamm_protocol::{
    ApiKey, Decoder,
    messages::{
        api_versions_request::ApiVersionsRequest,
        api_versions_response::{
            ApiVersion, ApiVersionsResponse, FinalizedFeatureKey, SupportedFeatureKey,
        },
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
        supported_features: supported(levels(&context.config), call.version),
        finalized_features_epoch: image.offset(),
        finalized_features: finalized(&image),
        ..Default::default()
    }
}

fn supported(levels: LevelRange, version: i16) -> Vec<SupportedFeatureKey> {
    let feature = |name: &str, min: i32, max: i32| {
        Some(SupportedFeatureKey {
            name: name.to_owned(),
            min_version: i16::try_from(min).ok()?,
            max_version: i16::try_from(max).ok()?,
        })
    };
    let klamm = feature(KLAMM_VERSION, levels.min, levels.max);
    let kraft = feature(KRAFT_VERSION, 0, kraft_version(levels.max));
    let kraft = kraft.filter(|_| version >= 4);
    klamm.into_iter().chain(kraft).collect()
}

/// What is in force; nothing before the cluster has an id, and features at level 0 are left out.
fn finalized(image: &Image) -> Vec<FinalizedFeatureKey> {
    let level = match image.cluster_id() {
        Some(_) => image.level(),
        None => 0,
    };
    let others = image.features().iter();
    let others = others.filter(|(name, _)| *name != KLAMM_VERSION);
    let own = [
        (KLAMM_VERSION, level),
        (KRAFT_VERSION, kraft_version(level)),
    ];
    let all = others.map(|(name, level)| (name.as_str(), *level));
    let all = all.chain(own).filter(|(_, level)| *level > 0);
    let feature = |(name, level): (&str, i32)| {
        let level = i16::try_from(level).ok()?;
        Some(FinalizedFeatureKey {
            name: name.to_owned(),
            max_version_level: level,
            min_version_level: level,
        })
    };
    all.filter_map(feature).collect()
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
    use klamm_metadata::proto::{ClusterRecord, FeatureLevelRecord};

    #[test]
    fn features_are_told_as_clients_can_read_them() {
        let names = |version| {
            let told = supported(LevelRange::SUPPORTED, version);
            told.into_iter().map(|told| told.name).collect::<Vec<_>>()
        };
        assert_eq!(names(3), [KLAMM_VERSION]);
        assert_eq!(names(4), [KLAMM_VERSION, KRAFT_VERSION]);

        let mut image = Image::new();
        assert_eq!(finalized(&image), []);
        let levels = |image: &Image| {
            let told = finalized(image).into_iter();
            told.map(|told| (told.name, told.max_version_level))
                .collect::<Vec<_>>()
        };
        let cluster_id = "a".to_owned();
        image.replay(&ClusterRecord { cluster_id }.into()).unwrap();
        assert_eq!(levels(&image), [(KLAMM_VERSION.to_owned(), 1)]);
        let name = KLAMM_VERSION.to_owned();
        let second = FeatureLevelRecord { name, level: 2 };
        image.replay(&second.into()).unwrap();
        let both = [(KLAMM_VERSION.to_owned(), 2), (KRAFT_VERSION.to_owned(), 1)];
        assert_eq!(levels(&image), both);
    }

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
