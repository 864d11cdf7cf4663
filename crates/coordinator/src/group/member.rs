//! A member of a classic group.

use crate::RequestId;
use bytes::Bytes;
use klamm_protocol::messages::{
    group_metadata_value::MemberMetadata, join_group_request::JoinGroupRequestProtocol,
};

/// How long a newcomer's parked JoinGroup keeps it a member: beyond that its client has
/// certainly gone, and nothing else would notice while the request is parked.
pub(super) const NEW_MEMBER_JOIN_TIMEOUT_MS: i64 = 5 * 60 * 1_000;

/// A protocol that a member supports, with what it says about itself under it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Protocol {
    pub(super) name: String,
    pub(super) metadata: Bytes,
}

impl From<JoinGroupRequestProtocol> for Protocol {
    fn from(protocol: JoinGroupRequestProtocol) -> Self {
        Protocol {
            name: protocol.name,
            // A copy: the request and whatever it came with are not to live as long as the member.
            metadata: Bytes::copy_from_slice(&protocol.metadata),
        }
    }
}

/// A member of a classic group.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    /// Set on static members.
    pub(super) instance_id: Option<String>,
    pub(super) client_id: String,
    pub(super) client_host: String,
    pub(super) rebalance_timeout_ms: i32,
    pub(super) session_timeout_ms: i32,
    /// In the member's order of preference.
    pub(super) protocols: Vec<Protocol>,
    pub(super) assignment: Bytes,
    /// The JoinGroup that waits for the end of the join phase.
    pub(super) parked_join: Option<RequestId>,
    /// The SyncGroup that waits for the leader's.
    pub(super) parked_sync: Option<RequestId>,
    /// Until its first join phase ends.
    pub(super) is_new: bool,
    pub(super) session_deadline_ms: i64,
}

impl Member {
    /// A member as the log knows it, with a fresh session.
    pub(super) fn from_metadata(
        metadata: &MemberMetadata,
        protocol_name: Option<&str>,
        now_ms: i64,
    ) -> Member {
        let mut member = Member {
            instance_id: metadata.group_instance_id.clone(),
            client_id: metadata.client_id.clone(),
            client_host: metadata.client_host.clone(),
            // Version 0 of the record had no rebalance timeout.
            rebalance_timeout_ms: match metadata.rebalance_timeout {
                -1 => metadata.session_timeout,
                timeout_ms => timeout_ms,
            },
            session_timeout_ms: metadata.session_timeout,
            protocols: vec![Protocol {
                name: protocol_name.unwrap_or_default().to_owned(),
                metadata: metadata.subscription.clone(),
            }],
            assignment: metadata.assignment.clone(),
            parked_join: None,
            parked_sync: None,
            is_new: false,
            session_deadline_ms: 0,
        };
        member.refresh_session(now_ms);
        member
    }

    /// The member as it goes into the log.
    pub(super) fn to_metadata(
        &self,
        member_id: &str,
        protocol_name: Option<&str>,
    ) -> MemberMetadata {
        MemberMetadata {
            member_id: member_id.to_owned(),
            group_instance_id: self.instance_id.clone(),
            client_id: self.client_id.clone(),
            client_host: self.client_host.clone(),
            rebalance_timeout: self.rebalance_timeout_ms,
            session_timeout: self.session_timeout_ms,
            subscription: protocol_name.map_or_else(Bytes::new, |name| self.metadata(name)),
            assignment: self.assignment.clone(),
        }
    }

    pub(super) fn is_static(&self) -> bool {
        self.instance_id.is_some()
    }

    pub(super) fn supports(&self, protocol_name: &str) -> bool {
        self.protocols.iter().any(|p| p.name == protocol_name)
    }

    /// What the member says about itself under a protocol; empty if it does not support it.
    pub(super) fn metadata(&self, protocol_name: &str) -> Bytes {
        self.protocols
            .iter()
            .find(|p| p.name == protocol_name)
            .map_or_else(Bytes::new, |p| p.metadata.clone())
    }

    /// Whether joining with these protocols would change nothing.
    pub(super) fn matches(&self, protocols: &[JoinGroupRequestProtocol]) -> bool {
        self.protocols.len() == protocols.len()
            && self
                .protocols
                .iter()
                .zip(protocols)
                .all(|(own, other)| own.name == other.name && own.metadata == other.metadata)
    }

    /// The session starts anew.
    pub(super) fn refresh_session(&mut self, now_ms: i64) {
        self.session_deadline_ms = now_ms.saturating_add(i64::from(self.session_timeout_ms));
    }

    /// When the session ends, unless the member is heard of before. A parked request keeps the
    /// session of a member that has been through a join phase.
    pub(super) fn session_ends_ms(&self) -> Option<i64> {
        let parked = self.parked_join.is_some() || self.parked_sync.is_some();
        (self.is_new || !parked).then_some(self.session_deadline_ms)
    }
}
