//! `RemoveRaftVoterRequest`. Generated from the schema; do not edit.

use crate::wire::*;
use klamm_types::Uuid;

/// Versions 0.
#[derive(Clone, Debug, PartialEq)]
pub struct RemoveRaftVoterRequest {
    /// Versions 0+, nullable 0+.
    pub cluster_id: Option<String>,
    /// Versions 0+.
    pub voter_id: i32,
    /// Versions 0+.
    pub voter_directory_id: Uuid,
}

impl Default for RemoveRaftVoterRequest {
    fn default() -> Self {
        Self {
            cluster_id: Some(Default::default()),
            voter_id: 0,
            voter_directory_id: Default::default(),
        }
    }
}

impl Wire for RemoveRaftVoterRequest {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.cluster_id = d.nullable(cx, true)?;
        m.voter_id = d.get(cx)?;
        m.voter_directory_id = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        e.nullable(&self.cluster_id, cx, true, "ClusterId")?;
        self.voter_id.write(e, cx)?;
        self.voter_directory_id.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.cluster_id = r.nullable(cx, true);
        m.voter_id = r.get(cx);
        m.voter_directory_id = r.get(cx);
        m
    }
}

impl Message for RemoveRaftVoterRequest {
    const NAME: &'static str = "RemoveRaftVoterRequest";
    const API_KEY: i16 = 81;
    const MIN_VERSION: i16 = 0;
    const MAX_VERSION: i16 = 0;
    const FLEXIBLE_FROM: i16 = 0;
}

impl Request for RemoveRaftVoterRequest {
    type Response = super::remove_raft_voter_response::RemoveRaftVoterResponse;
    const KEY: ApiKey = ApiKey::RemoveRaftVoter;
}
