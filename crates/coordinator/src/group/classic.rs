//! The classic group: its members and its state.
//!
//! ```text
//!            a member joins                 all have joined, or time is up
//!   Empty ─────────────────▶ PreparingRebalance ─────────────────▶ CompletingRebalance
//!     ▲                        ▲      │  ▲  a member joins or leaves        │ │
//!     │  nobody has joined     │      │  └─────────────────────────────────┘ │ the leader's
//!     └────────────────────────┼──────┘                                      │ assignment is
//!                              │       a member joins or leaves              ▼ committed
//!                              └────────────────────────────────────────── Stable
//! ```
//!
//! Kafka's fifth state, Dead, is the group's absence from the shard.
//!
//! Invariants: a static member is in `static_members` under its instance id and nowhere else; a
//! member is never pending; the leader is a member; `join_phase` is set in PreparingRebalance
//! only; parked SyncGroups exist in CompletingRebalance only.

use super::{
    join_error,
    member::Member,
    subscription::{CONSUMER_PROTOCOL_TYPE, subscribed_topics},
    sync_error,
};
use crate::{Effect, Response};
use bytes::Bytes;
use klamm_protocol::messages::group_metadata_value::GroupMetadataValue;
use klamm_types::ErrorCode;
use std::collections::{BTreeMap, BTreeSet};

/// Where a group is in its rebalances.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GroupState {
    /// Without members. It may have offsets.
    Empty,
    /// Waiting for the members to join the next generation.
    PreparingRebalance,
    /// Waiting for the leader's assignment.
    CompletingRebalance,
    /// Every member has, or can get, its assignment.
    Stable,
}

impl GroupState {
    /// As ListGroups and DescribeGroups spell it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            GroupState::Empty => "Empty",
            GroupState::PreparingRebalance => "PreparingRebalance",
            GroupState::CompletingRebalance => "CompletingRebalance",
            GroupState::Stable => "Stable",
        }
    }
}

/// What ends the join phase, beside everybody having joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum JoinPhase {
    /// The first rebalance of an empty group: it waits for more members, whoever has joined.
    Initial {
        deadline_ms: i64,
        /// How much longer newcomers may extend it.
        remaining_ms: i64,
        /// Whether somebody joined since the deadline was set.
        newcomers: bool,
    },
    /// Any other rebalance.
    Rebalance { deadline_ms: i64 },
}

impl JoinPhase {
    pub(super) fn deadline_ms(self) -> i64 {
        match self {
            JoinPhase::Initial { deadline_ms, .. } | JoinPhase::Rebalance { deadline_ms } => {
                deadline_ms
            }
        }
    }
}

/// The members of a generation that have not asked for their assignment yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PendingSync {
    pub(super) deadline_ms: i64,
    pub(super) members: BTreeSet<String>,
}

/// A classic group.
#[derive(Clone, Debug)]
pub(crate) struct ClassicGroup {
    pub(super) group_id: String,
    pub(super) state: GroupState,
    /// When the state was entered; `None` if the log did not say.
    pub(super) state_timestamp_ms: Option<i64>,
    pub(super) generation_id: i32,
    /// `None` until the first member: also of groups that only commit offsets.
    pub(super) protocol_type: Option<String>,
    /// Chosen for the current generation.
    pub(super) protocol_name: Option<String>,
    pub(super) leader_id: Option<String>,
    pub(super) members: BTreeMap<String, Member>,
    /// Instance id → member id.
    pub(super) static_members: BTreeMap<String, String>,
    /// Ids that were handed out but not used yet, and when they end (KIP-394).
    pub(super) pending_members: BTreeMap<String, i64>,
    pub(super) join_phase: Option<JoinPhase>,
    pub(super) pending_sync: Option<PendingSync>,
    /// Whether the record with this generation's assignment is on its way.
    pub(super) assigning: bool,
    /// Of consumer groups whose subscriptions can be read.
    pub(super) subscribed_topics: Option<BTreeSet<String>>,
}

impl ClassicGroup {
    /// A group that nobody knows yet.
    pub(crate) fn new(group_id: &str) -> ClassicGroup {
        ClassicGroup {
            group_id: group_id.to_owned(),
            state: GroupState::Empty,
            state_timestamp_ms: None,
            generation_id: 0,
            protocol_type: None,
            protocol_name: None,
            leader_id: None,
            members: BTreeMap::new(),
            static_members: BTreeMap::new(),
            pending_members: BTreeMap::new(),
            join_phase: None,
            pending_sync: None,
            assigning: false,
            subscribed_topics: None,
        }
    }

    /// A group as the log knows it, every member with a fresh session. What contradicts the
    /// invariants is left out: the log may come from elsewhere.
    pub(crate) fn from_metadata(
        group_id: &str,
        value: &GroupMetadataValue,
        now_ms: i64,
    ) -> ClassicGroup {
        let mut group = ClassicGroup::new(group_id);
        let protocol_name = value.protocol.as_deref();
        for metadata in &value.members {
            let member = Member::from_metadata(metadata, protocol_name, now_ms);
            group.take_member(&metadata.member_id);
            if let Some(instance_id) = &member.instance_id {
                let member_id = metadata.member_id.clone();
                let earlier = group.static_members.insert(instance_id.clone(), member_id);
                earlier.and_then(|member_id| group.members.remove(&member_id));
            }
            group.members.insert(metadata.member_id.clone(), member);
        }
        group.state = match group.members.is_empty() {
            true => GroupState::Empty,
            false => GroupState::Stable,
        };
        group.state_timestamp_ms = Some(value.current_state_timestamp).filter(|ms| *ms >= 0);
        group.generation_id = value.generation;
        group.protocol_type = Some(value.protocol_type.clone()).filter(|kind| !kind.is_empty());
        group.protocol_name = value.protocol.clone();
        let leader_id = value.leader.clone();
        group.leader_id = leader_id.filter(|leader_id| group.members.contains_key(leader_id));
        group.update_subscribed_topics();
        group
    }

    /// The group as it goes into the log.
    pub(super) fn to_metadata(&self) -> GroupMetadataValue {
        let protocol_name = self.protocol_name.as_deref();
        GroupMetadataValue {
            protocol_type: self.protocol_type.clone().unwrap_or_default(),
            generation: self.generation_id,
            protocol: self.protocol_name.clone(),
            leader: self.leader_id.clone(),
            current_state_timestamp: self.state_timestamp_ms.unwrap_or(-1),
            members: self
                .members
                .iter()
                .map(|(member_id, member)| member.to_metadata(member_id, protocol_name))
                .collect(),
        }
    }

    /// Whether the group has no members.
    pub(crate) fn is_empty(&self) -> bool {
        self.state == GroupState::Empty
    }

    /// Whether every member has, or can get, its assignment.
    pub(crate) fn is_stable(&self) -> bool {
        self.state == GroupState::Stable
    }

    /// Whether the assignment is still to come.
    pub(crate) fn is_completing_rebalance(&self) -> bool {
        self.state == GroupState::CompletingRebalance
    }

    pub(crate) fn state_timestamp_ms(&self) -> Option<i64> {
        self.state_timestamp_ms
    }

    pub(crate) fn protocol_type(&self) -> Option<&str> {
        self.protocol_type.as_deref()
    }

    pub(crate) fn uses_consumer_protocol(&self) -> bool {
        self.protocol_type.as_deref() == Some(CONSUMER_PROTOCOL_TYPE)
    }

    /// The topics the members subscribe to, if they are consumers that say so legibly.
    pub(crate) fn subscribed_topics(&self) -> Option<&BTreeSet<String>> {
        self.subscribed_topics.as_ref()
    }

    /// Whether a topic's offsets are in use. Illegible consumers may use any.
    pub(crate) fn is_subscribed_to(&self, topic: &str) -> bool {
        match &self.subscribed_topics {
            Some(topics) => topics.contains(topic),
            None => self.uses_consumer_protocol(),
        }
    }

    /// Whether nothing but the log would miss the group.
    pub(crate) fn is_idle(&self) -> bool {
        self.state == GroupState::Empty && self.pending_members.is_empty()
    }

    pub(super) fn transition_to(&mut self, state: GroupState, wall_ms: i64) {
        self.state = state;
        self.state_timestamp_ms = Some(wall_ms);
    }

    /// Whether a request may speak for a member.
    ///
    /// # Errors
    /// The member is unknown, or another process has taken over its instance id.
    pub(super) fn validate_member(
        &self,
        member_id: &str,
        instance_id: Option<&str>,
    ) -> Result<(), ErrorCode> {
        if let Some(instance_id) = instance_id {
            match self.static_members.get(instance_id) {
                None => return Err(ErrorCode::UnknownMemberId),
                Some(current) if current != member_id => return Err(ErrorCode::FencedInstanceId),
                Some(_) => {}
            }
        }
        match self.members.contains_key(member_id) {
            true => Ok(()),
            false => Err(ErrorCode::UnknownMemberId),
        }
    }

    /// Whether a request is from a member of the current generation.
    ///
    /// # Errors
    /// As [`ClassicGroup::validate_member`], or the generation is another.
    pub(crate) fn validate_generation(
        &self,
        member_id: &str,
        instance_id: Option<&str>,
        generation_id: i32,
    ) -> Result<(), ErrorCode> {
        self.validate_member(member_id, instance_id)?;
        match generation_id == self.generation_id {
            true => Ok(()),
            false => Err(ErrorCode::IllegalGeneration),
        }
    }

    pub(super) fn is_leader(&self, member_id: &str) -> bool {
        self.leader_id.as_deref() == Some(member_id)
    }

    /// The longest any member takes to join, in milliseconds, 0 without members.
    pub(super) fn rebalance_timeout_ms(&self) -> i64 {
        let longest = self.members.values().map(|m| m.rebalance_timeout_ms).max();
        i64::from(longest.unwrap_or(0).max(0))
    }

    /// Whether a newcomer with these protocols can live with the members there are.
    pub(super) fn supports_protocols<'a>(
        &self,
        protocol_type: &str,
        mut names: impl Iterator<Item = &'a str>,
    ) -> bool {
        if self.state == GroupState::Empty {
            return !protocol_type.is_empty() && names.next().is_some();
        }
        self.protocol_type.as_deref() == Some(protocol_type)
            && names.any(|name| self.is_supported_by_all(name))
    }

    fn is_supported_by_all(&self, protocol_name: &str) -> bool {
        self.members.values().all(|m| m.supports(protocol_name))
    }

    /// The protocol that most members prefer among those that all support; of several, the one
    /// that comes first in the alphabet. `None` if there is none.
    pub(super) fn select_protocol(&self) -> Option<String> {
        let first = self.members.values().next()?;
        let candidates: BTreeSet<&str> = first
            .protocols
            .iter()
            .map(|p| p.name.as_str())
            .filter(|name| self.is_supported_by_all(name))
            .collect();
        let mut votes: BTreeMap<&str, usize> = BTreeMap::new();
        for member in self.members.values() {
            let mut names = member.protocols.iter().map(|p| p.name.as_str());
            if let Some(vote) = names.find(|name| candidates.contains(name)) {
                *votes.entry(vote).or_default() += 1;
            }
        }
        let (winner, _) = votes.iter().rev().max_by_key(|(_, count)| **count)?;
        Some((*winner).to_owned())
    }

    /// Whether every member has joined and every id handed out has been used.
    pub(super) fn has_all_joined(&self) -> bool {
        self.pending_members.is_empty() && self.members.values().all(|m| m.parked_join.is_some())
    }

    /// Takes a newcomer in. The first one leads.
    pub(super) fn add_member(&mut self, member_id: &str, member: Member, protocol_type: &str) {
        if self.members.is_empty() {
            self.protocol_type = Some(protocol_type.to_owned());
        }
        if let Some(instance_id) = &member.instance_id {
            self.static_members
                .insert(instance_id.clone(), member_id.to_owned());
        }
        self.leader_id.get_or_insert_with(|| member_id.to_owned());
        self.pending_members.remove(member_id);
        self.members.insert(member_id.to_owned(), member);
    }

    /// Takes a member or a pending one out. Somebody else leads, if there is anybody.
    pub(super) fn take_member(&mut self, member_id: &str) -> Option<Member> {
        self.pending_members.remove(member_id);
        if let Some(pending_sync) = &mut self.pending_sync {
            pending_sync.members.remove(member_id);
        }
        let member = self.members.remove(member_id)?;
        if let Some(instance_id) = &member.instance_id {
            self.static_members.remove(instance_id);
        }
        if self.is_leader(member_id) {
            self.leader_id = self.members.keys().next().cloned();
        }
        Some(member)
    }

    /// The shard is given up: answers everything parked with an error.
    pub(crate) fn dissolve(self, error: ErrorCode, effects: &mut Vec<Effect>) {
        for (member_id, member) in self.members {
            if let Some(id) = member.parked_join {
                let response = Response::JoinGroup(join_error(&member_id, error));
                effects.push(Effect::Respond { id, response });
            }
            if let Some(id) = member.parked_sync {
                let response = Response::SyncGroup(sync_error(error));
                effects.push(Effect::Respond { id, response });
            }
        }
    }

    pub(super) fn clear_assignments(&mut self) {
        for member in self.members.values_mut() {
            member.assignment = Bytes::new();
        }
    }

    pub(super) fn update_subscribed_topics(&mut self) {
        self.subscribed_topics = match &self.protocol_name {
            _ if !self.uses_consumer_protocol() => None,
            _ if self.members.is_empty() => Some(BTreeSet::new()),
            Some(name) => subscribed_topics(self.members.values().map(|m| m.metadata(name))),
            None => None,
        };
    }

    /// The invariants of the module's head.
    #[cfg(test)]
    pub(crate) fn assert_consistent(&self) {
        let statics: BTreeMap<String, String> = self
            .members
            .iter()
            .filter_map(|(id, member)| Some((member.instance_id.clone()?, id.clone())))
            .collect();
        assert_eq!(statics, self.static_members);
        for member_id in self.pending_members.keys() {
            assert!(!self.members.contains_key(member_id), "{member_id} is both");
        }
        let leads = self.leader_id.as_ref();
        assert!(leads.is_none_or(|id| self.members.contains_key(id)));
        let preparing = self.state == GroupState::PreparingRebalance;
        assert_eq!(self.join_phase.is_some(), preparing);
        assert_eq!(
            self.members.is_empty(),
            self.is_empty() || (preparing && self.members.is_empty())
        );
        for member in self.members.values() {
            assert!(member.parked_join.is_none() || preparing);
            assert!(member.parked_sync.is_none() || self.is_completing_rebalance());
        }
        if let Some(pending_sync) = &self.pending_sync {
            assert!(
                pending_sync
                    .members
                    .iter()
                    .all(|id| self.members.contains_key(id))
            );
        }
    }
}
