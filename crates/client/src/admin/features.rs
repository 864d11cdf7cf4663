//! Feature levels: which are in force, and raising and lowering them.

use super::Admin;
use crate::error::ClientError;
use klamm_protocol::messages::{
    api_versions_request::ApiVersionsRequest,
    update_features_request::{FeatureUpdateKey, UpdateFeaturesRequest},
};
use std::collections::BTreeMap;

/// A feature, as one broker knows it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Feature {
    /// The lowest and the highest level that the broker supports, if it does.
    pub supported: Option<(i16, i16)>,
    /// The level that is in force; 0: none.
    pub finalized: i16,
}

/// What may be done to a level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LevelChange {
    /// It may only rise.
    Upgrade,
    /// It may fall, if nothing is lost by that.
    SafeDowngrade,
    /// It may fall.
    UnsafeDowngrade,
}

impl Admin {
    /// The features of the cluster by name, as some broker knows them.
    ///
    /// # Errors
    /// No broker answers.
    pub async fn features(&self) -> Result<BTreeMap<String, Feature>, ClientError> {
        let request = &ApiVersionsRequest {
            client_software_name: "klamm".to_owned(),
            client_software_version: env!("CARGO_PKG_VERSION").to_owned(),
            ..ApiVersionsRequest::default()
        };
        let ask = || async move {
            let response = self.client.ask_any(request).await?;
            ClientError::check("describe features", response.error_code, None)?;
            Ok(response)
        };
        let response = self.client.retry(ask).await?;
        let mut features: BTreeMap<String, Feature> = BTreeMap::new();
        for told in response.supported_features {
            let feature = features.entry(told.name).or_default();
            feature.supported = Some((told.min_version, told.max_version));
        }
        for told in response.finalized_features {
            features.entry(told.name).or_default().finalized = told.max_version_level;
        }
        Ok(features)
    }

    /// Changes the level of a feature; with `validate_only` says only whether that may be.
    ///
    /// # Errors
    /// A node does not support it, what is lost by it is not to be lost, or no broker answers.
    pub async fn update_feature(
        &self,
        name: &str,
        level: i16,
        change: LevelChange,
        validate_only: bool,
    ) -> Result<(), ClientError> {
        let request = &UpdateFeaturesRequest {
            timeout_ms: self.timeout_ms(),
            feature_updates: vec![FeatureUpdateKey {
                feature: name.to_owned(),
                max_version_level: level,
                upgrade_type: match change {
                    LevelChange::Upgrade => 1,
                    LevelChange::SafeDowngrade => 2,
                    LevelChange::UnsafeDowngrade => 3,
                },
                ..FeatureUpdateKey::default()
            }],
            validate_only,
        };
        self.client
            .retry(|| async move {
                let response = self.ask(request).await?;
                let message = response.error_message.as_deref();
                ClientError::check("update features", response.error_code, message)
            })
            .await
    }
}
