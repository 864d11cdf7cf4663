//! What time alone does to a group.

use super::ClassicGroup;
use crate::turn::Turn;

impl ClassicGroup {
    /// When [`ClassicGroup::expire`] has something to do.
    pub(crate) fn deadline(&self) -> Option<i64> {
        let sessions = self.members.values().filter_map(|m| m.session_ends_ms());
        let pending = self.pending_members.values().copied();
        let join = self.join_phase.map(|phase| phase.deadline_ms());
        let sync = self.pending_sync.as_ref().map(|sync| sync.deadline_ms);
        sessions.chain(pending).chain(join).chain(sync).min()
    }

    /// Ends whatever has lasted until now: sessions, ids that were never used, the join phase,
    /// the patience with members that do not ask for their assignment.
    pub(crate) fn expire(&mut self, turn: &mut Turn<'_>) {
        self.expire_members(turn);
        if let Some(phase) = self.join_phase
            && phase.deadline_ms() <= turn.now_ms
        {
            self.join_phase_expired(turn);
        }
        self.expire_pending_sync(turn);
    }

    fn expire_members(&mut self, turn: &mut Turn<'_>) {
        let now_ms = turn.now_ms;
        let pending = self.pending_members.len();
        self.pending_members
            .retain(|_, deadline_ms| *deadline_ms > now_ms);
        let expired: Vec<String> = self
            .members
            .iter()
            .filter(|(_, member)| member.session_ends_ms().is_some_and(|ms| ms <= now_ms))
            .map(|(member_id, _)| member_id.clone())
            .collect();
        for member_id in &expired {
            self.remove_member(turn, member_id);
        }
        if !expired.is_empty() {
            self.rebalance_without_leaver(turn);
        } else if self.pending_members.len() < pending {
            self.complete_join_if_all_joined(turn);
        }
    }

    fn expire_pending_sync(&mut self, turn: &mut Turn<'_>) {
        let due = |sync: &super::classic::PendingSync| sync.deadline_ms <= turn.now_ms;
        if !self.pending_sync.as_ref().is_some_and(due) {
            return;
        }
        let Some(sync) = self.pending_sync.take() else {
            return;
        };
        for member_id in &sync.members {
            self.remove_member(turn, member_id);
        }
        if !sync.members.is_empty() {
            self.rebalance_without_leaver(turn);
        }
    }
}
