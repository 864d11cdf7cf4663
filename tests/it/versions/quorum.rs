//! Controllers that come and go, and feature levels.

use super::{Scene, admin::timeout_ms};
use crate::asking::{Asking, assert_code};
use klamm_protocol::messages::{
    add_raft_voter_request::{AddRaftVoterRequest, Listener},
    remove_raft_voter_request::RemoveRaftVoterRequest,
    update_features_request::{FeatureUpdateKey, UpdateFeaturesRequest},
};
use klamm_types::{ErrorCode, Uuid};

/// Nobody's folder.
const FOLDER: Uuid = Uuid([7; 16]);

/// One that is a voter stays one.
pub(super) fn add_voter(scene: &Scene, version: i16) {
    let request = AddRaftVoterRequest {
        timeout_ms: timeout_ms(),
        voter_id: 1,
        voter_directory_id: FOLDER,
        listeners: vec![Listener {
            name: "CONTROLLER".to_owned(),
            host: "localhost".to_owned(),
            port: 1,
        }],
        ..Default::default()
    };
    let answer = Asking::any(scene.cluster).ask(&request, version);
    assert_code("add", answer.error_code, ErrorCode::DuplicateVoter);
}

/// One that is none stays none.
pub(super) fn remove_voter(scene: &Scene, version: i16) {
    let request = RemoveRaftVoterRequest {
        voter_id: 99,
        voter_directory_id: FOLDER,
        ..Default::default()
    };
    let answer = Asking::any(scene.cluster).ask(&request, version);
    assert_code("remove", answer.error_code, ErrorCode::VoterNotFound);
}

/// No changes are made.
pub(super) fn update_features(scene: &Scene, version: i16) {
    let request = UpdateFeaturesRequest {
        timeout_ms: timeout_ms(),
        ..Default::default()
    };
    let answer = Asking::any(scene.cluster).ask(&request, version);
    assert_code("features", answer.error_code, ErrorCode::None);
}

/// There is no such feature.
pub(super) fn unknown_feature(scene: &Scene, version: i16) {
    let request = UpdateFeaturesRequest {
        timeout_ms: timeout_ms(),
        feature_updates: vec![FeatureUpdateKey {
            feature: "no.such.feature".to_owned(),
            max_version_level: 1,
            upgrade_type: 1,
            ..Default::default()
        }],
        ..Default::default()
    };
    let answer = Asking::any(scene.cluster).ask(&request, version);
    let results = answer.results.iter().map(|result| result.error_code);
    let first = results.fold(
        answer.error_code,
        |first, code| if first == 0 { code } else { first },
    );
    assert_code("feature", first, ErrorCode::InvalidUpdateVersion);
}
