//! `AddRaftVoterRequest`. Generated from the schema; do not edit.

use crate::wire::*;
use klamm_types::Uuid;

/// Versions 0-1.
#[derive(Clone, Debug, PartialEq)]
pub struct AddRaftVoterRequest {
    /// Versions 0+, nullable 0+.
    pub cluster_id: Option<String>,
    /// Versions 0+.
    pub timeout_ms: i32,
    /// Versions 0+.
    pub voter_id: i32,
    /// Versions 0+.
    pub voter_directory_id: Uuid,
    /// Versions 0+.
    pub listeners: Vec<Listener>,
    /// Versions 1+, default `true`.
    pub ack_when_committed: bool,
}

impl Default for AddRaftVoterRequest {
    fn default() -> Self {
        Self {
            cluster_id: Some(Default::default()),
            timeout_ms: 0,
            voter_id: 0,
            voter_directory_id: Default::default(),
            listeners: Default::default(),
            ack_when_committed: true,
        }
    }
}

impl Wire for AddRaftVoterRequest {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let v = cx.version;
        let mut m = Self::default();
        m.cluster_id = d.nullable(cx, true)?;
        m.timeout_ms = d.get(cx)?;
        m.voter_id = d.get(cx)?;
        m.voter_directory_id = d.get(cx)?;
        m.listeners = d.get(cx)?;
        if v >= 1 { m.ack_when_committed = d.get(cx)?; }
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        let v = cx.version;
        e.nullable(&self.cluster_id, cx, true, "ClusterId")?;
        self.timeout_ms.write(e, cx)?;
        self.voter_id.write(e, cx)?;
        self.voter_directory_id.write(e, cx)?;
        self.listeners.write(e, cx)?;
        if v >= 1 { self.ack_when_committed.write(e, cx)?; } else { e.absent(!self.ack_when_committed, "AddRaftVoterRequest.AckWhenCommitted", cx)?; }
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let v = cx.version;
        let mut m = Self::default();
        m.cluster_id = r.nullable(cx, true);
        m.timeout_ms = r.get(cx);
        m.voter_id = r.get(cx);
        m.voter_directory_id = r.get(cx);
        m.listeners = r.get(cx);
        if v >= 1 { m.ack_when_committed = r.get(cx); }
        m
    }
}

impl Message for AddRaftVoterRequest {
    const NAME: &'static str = "AddRaftVoterRequest";
    const API_KEY: i16 = 80;
    const MIN_VERSION: i16 = 0;
    const MAX_VERSION: i16 = 1;
    const FLEXIBLE_FROM: i16 = 0;
}

impl Request for AddRaftVoterRequest {
    type Response = super::add_raft_voter_response::AddRaftVoterResponse;
    const KEY: ApiKey = ApiKey::AddRaftVoter;
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
