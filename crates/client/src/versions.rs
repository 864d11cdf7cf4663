//! What a broker says it speaks.

use klamm_protocol::{ApiKey, messages::api_versions_response::ApiVersionsResponse};
use std::{collections::BTreeMap, ops::RangeInclusive};

/// The versions of one broker's APIs and its finalized features.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Versions {
    apis: BTreeMap<i16, (i16, i16)>,
    features: BTreeMap<String, i16>,
}

impl Versions {
    pub(crate) fn new(response: &ApiVersionsResponse) -> Versions {
        let apis = response.api_keys.iter();
        let features = response.finalized_features.iter();
        Versions {
            apis: apis
                .map(|api| (api.api_key, (api.min_version, api.max_version)))
                .collect(),
            features: features
                .map(|f| (f.name.clone(), f.max_version_level))
                .collect(),
        }
    }

    /// The versions of an API, if the broker has it.
    pub fn of(&self, key: ApiKey) -> Option<RangeInclusive<i16>> {
        self.apis.get(&key.into()).map(|(low, high)| *low..=*high)
    }

    /// The highest version in both ranges.
    pub fn highest(&self, key: ApiKey, ours: RangeInclusive<i16>) -> Option<i16> {
        let theirs = self.of(key)?;
        let highest = *theirs.end().min(ours.end());
        (highest >= *theirs.start() && highest >= *ours.start()).then_some(highest)
    }

    /// The finalized level of a feature, 0 if there is none.
    pub fn feature(&self, name: &str) -> i16 {
        self.features.get(name).copied().unwrap_or(0)
    }
}
