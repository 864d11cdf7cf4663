//! From one generation to the next: the join phase and its end.

use super::{
    ClassicGroup,
    classic::{GroupState, JoinPhase, PendingSync},
    join::joined_response,
    sync::sync_error,
};
use crate::{
    Response,
    appends::Then,
    records,
    turn::{NewAppend, Turn},
};
use klamm_types::ErrorCode;

/// A join phase that nobody joins is not repeated more often than this, however short the
/// rebalance timeout that clients have chosen.
const JOIN_RETRY_MS_MIN: i64 = 1_000;

impl ClassicGroup {
    /// Something changed that asks for a new generation: starts a join phase, or ends the one
    /// that is under way if nobody is missing.
    pub(super) fn rebalance(&mut self, turn: &mut Turn<'_>) {
        match self.state {
            GroupState::PreparingRebalance => self.complete_join_if_all_joined(turn),
            _ => self.prepare_rebalance(turn),
        }
    }

    /// Starts a join phase.
    fn prepare_rebalance(&mut self, turn: &mut Turn<'_>) {
        if self.state == GroupState::CompletingRebalance {
            self.fail_sync(turn, ErrorCode::RebalanceInProgress);
        }
        self.pending_sync = None;
        self.assigning = false;
        let timeout_ms = self.rebalance_timeout_ms();
        let now_ms = turn.now_ms;
        if self.state == GroupState::Empty {
            let delay_ms = i64::from(turn.config.initial_rebalance_delay_ms);
            self.join_phase = Some(JoinPhase::Initial {
                deadline_ms: now_ms.saturating_add(delay_ms),
                remaining_ms: (timeout_ms - delay_ms).max(0),
                newcomers: false,
            });
            self.transition_to(GroupState::PreparingRebalance, turn.wall_ms);
            if delay_ms <= 0 {
                self.complete_join(turn);
            }
            return;
        }
        self.join_phase = Some(JoinPhase::Rebalance {
            deadline_ms: now_ms.saturating_add(timeout_ms),
        });
        self.transition_to(GroupState::PreparingRebalance, turn.wall_ms);
        self.complete_join_if_all_joined(turn);
    }

    /// Ends the join phase if nobody is missing. The first one of a group ends by time alone.
    pub(super) fn complete_join_if_all_joined(&mut self, turn: &mut Turn<'_>) {
        let is_initial = matches!(self.join_phase, Some(JoinPhase::Initial { .. }));
        if self.state == GroupState::PreparingRebalance && !is_initial && self.has_all_joined() {
            self.complete_join(turn);
        }
    }

    /// The time of the join phase is up.
    pub(super) fn join_phase_expired(&mut self, turn: &mut Turn<'_>) {
        match self.join_phase {
            Some(JoinPhase::Initial {
                remaining_ms,
                newcomers: true,
                ..
            }) if remaining_ms > 0 => {
                let full_ms = i64::from(turn.config.initial_rebalance_delay_ms);
                let delay_ms = full_ms.min(remaining_ms);
                self.join_phase = Some(JoinPhase::Initial {
                    deadline_ms: turn.now_ms.saturating_add(delay_ms),
                    remaining_ms: remaining_ms - delay_ms,
                    newcomers: false,
                });
            }
            Some(_) => self.complete_join(turn),
            None => {}
        }
    }

    /// Ends the join phase: who has joined makes up the next generation.
    fn complete_join(&mut self, turn: &mut Turn<'_>) {
        self.drop_absent_dynamic_members();
        if !self.elect_leader_among_joined() && !self.members.is_empty() {
            // Static members alone, and none has joined: there is nobody to lead. Once more.
            let timeout_ms = self.rebalance_timeout_ms().max(JOIN_RETRY_MS_MIN);
            self.join_phase = Some(JoinPhase::Rebalance {
                deadline_ms: turn.now_ms.saturating_add(timeout_ms),
            });
            return;
        }
        self.join_phase = None;
        self.generation_id = next_generation(self.generation_id);
        if self.members.is_empty() {
            self.become_empty(turn);
        } else {
            self.begin_completing(turn);
        }
    }

    fn drop_absent_dynamic_members(&mut self) {
        let absent: Vec<String> = self
            .members
            .iter()
            .filter(|(_, member)| member.parked_join.is_none() && !member.is_static())
            .map(|(member_id, _)| member_id.clone())
            .collect();
        for member_id in absent {
            self.take_member(&member_id);
        }
    }

    /// Whether there is a leader that has joined.
    fn elect_leader_among_joined(&mut self) -> bool {
        let has_joined = |member_id: &String| {
            let member = self.members.get(member_id);
            member.is_some_and(|member| member.parked_join.is_some())
        };
        if self.leader_id.as_ref().is_some_and(has_joined) {
            return true;
        }
        match self.members.keys().find(|member_id| has_joined(member_id)) {
            Some(member_id) => {
                self.leader_id = Some(member_id.clone());
                true
            }
            None => false,
        }
    }

    /// Nobody is left: the log is told, so that offsets expire from now on.
    fn become_empty(&mut self, turn: &mut Turn<'_>) {
        self.protocol_name = None;
        self.leader_id = None;
        self.update_subscribed_topics();
        self.transition_to(GroupState::Empty, turn.wall_ms);
        let record = records::group_record(&self.group_id, &self.to_metadata());
        let appended = turn.append(NewAppend {
            group_id: Some(&self.group_id),
            records: record.map(|record| vec![record]),
            response: None,
            then: Then::Nothing,
        });
        // Unrecorded, the members come back with the next load and expire once more.
        let _: Result<(), ErrorCode> = appended;
    }

    /// Tells every member that has joined about the new generation.
    fn begin_completing(&mut self, turn: &mut Turn<'_>) {
        self.protocol_name = self.select_protocol();
        self.update_subscribed_topics();
        self.transition_to(GroupState::CompletingRebalance, turn.wall_ms);
        self.pending_sync = Some(PendingSync {
            deadline_ms: turn.now_ms.saturating_add(self.rebalance_timeout_ms()),
            members: self.members.keys().cloned().collect(),
        });
        let member_ids: Vec<String> = self.members.keys().cloned().collect();
        for member_id in member_ids {
            let Some(member) = self.members.get_mut(&member_id) else {
                continue;
            };
            member.is_new = false;
            member.refresh_session(turn.now_ms);
            let parked_join = member.parked_join.take();
            if let Some(id) = parked_join {
                let response = joined_response(self, &member_id);
                turn.respond(id, Response::JoinGroup(response));
            }
        }
    }

    /// Answers every parked SyncGroup with an error and takes the assignments back.
    pub(super) fn fail_sync(&mut self, turn: &mut Turn<'_>, error: ErrorCode) {
        self.clear_assignments();
        for member in self.members.values_mut() {
            if let Some(id) = member.parked_sync.take() {
                member.refresh_session(turn.now_ms);
                turn.respond(id, Response::SyncGroup(sync_error(error)));
            }
        }
    }
}

/// Generations are never negative: that means "none" on the wire.
fn next_generation(generation_id: i32) -> i32 {
    generation_id.checked_add(1).unwrap_or(1)
}
