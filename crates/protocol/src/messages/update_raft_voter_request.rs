//! `UpdateRaftVoterRequest`. Generated from the schema; do not edit.

use crate::wire::*;
use klamm_types::Uuid;

/// Versions 0.
#[derive(Clone, Debug, PartialEq)]
pub struct UpdateRaftVoterRequest {
    /// Versions 0+, nullable 0+.
    pub cluster_id: Option<String>,
    /// Versions 0+.
    pub current_leader_epoch: i32,
    /// Versions 0+.
    pub voter_id: i32,
    /// Versions 0+.
    pub voter_directory_id: Uuid,
    /// Versions 0+.
    pub listeners: Vec<Listener>,
    /// Versions 0+.
    pub kraft_version_feature: KRaftVersionFeature,
}

impl Default for UpdateRaftVoterRequest {
    fn default() -> Self {
        Self {
            cluster_id: Some(Default::default()),
            current_leader_epoch: 0,
            voter_id: 0,
            voter_directory_id: Default::default(),
            listeners: Default::default(),
            kraft_version_feature: Default::default(),
        }
    }
}

impl Wire for UpdateRaftVoterRequest {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.cluster_id = d.nullable(cx, true)?;
        m.current_leader_epoch = d.get(cx)?;
        m.voter_id = d.get(cx)?;
        m.voter_directory_id = d.get(cx)?;
        m.listeners = d.get(cx)?;
        m.kraft_version_feature = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        e.nullable(&self.cluster_id, cx, true, "ClusterId")?;
        self.current_leader_epoch.write(e, cx)?;
        self.voter_id.write(e, cx)?;
        self.voter_directory_id.write(e, cx)?;
        self.listeners.write(e, cx)?;
        self.kraft_version_feature.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.cluster_id = r.nullable(cx, true);
        m.current_leader_epoch = r.get(cx);
        m.voter_id = r.get(cx);
        m.voter_directory_id = r.get(cx);
        m.listeners = r.get(cx);
        m.kraft_version_feature = r.get(cx);
        m
    }
}

impl Message for UpdateRaftVoterRequest {
    const NAME: &'static str = "UpdateRaftVoterRequest";
    const API_KEY: i16 = 82;
    const MIN_VERSION: i16 = 0;
    const MAX_VERSION: i16 = 0;
    const FLEXIBLE_FROM: i16 = 0;
}

impl Request for UpdateRaftVoterRequest {
    type Response = super::update_raft_voter_response::UpdateRaftVoterResponse;
    const KEY: ApiKey = ApiKey::UpdateRaftVoter;
}

/// Versions 0+.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Listener {
    /// Versions 0+.
    pub name: String,
    /// Versions 0+.
    pub host: String,
    /// Versions 0+.
    pub port: u16,
}

impl Wire for Listener {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.name = d.get(cx)?;
        m.host = d.get(cx)?;
        m.port = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.name.write(e, cx)?;
        self.host.write(e, cx)?;
        self.port.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.name = r.get(cx);
        m.host = r.get(cx);
        m.port = r.get(cx);
        m
    }
}

/// Versions 0+.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct KRaftVersionFeature {
    /// Versions 0+.
    pub min_supported_version: i16,
    /// Versions 0+.
    pub max_supported_version: i16,
}

impl Wire for KRaftVersionFeature {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.min_supported_version = d.get(cx)?;
        m.max_supported_version = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.min_supported_version.write(e, cx)?;
        self.max_supported_version.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.min_supported_version = r.get(cx);
        m.max_supported_version = r.get(cx);
        m
    }
}
