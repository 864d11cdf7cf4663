//! What becomes of appends, and of a shard whose log is no longer its own.

use super::GroupShard;
use crate::{
    AppendId, Effect,
    appends::{Settled, Then},
    timers::Timers,
};
use klamm_types::ErrorCode;
use std::collections::BTreeSet;

impl GroupShard {
    /// An append has a result. Results are to be reported in the order of the appends, each
    /// once it is certain: slow appends need no error, because responses stop waiting by
    /// themselves after [`append_timeout_ms`](crate::GroupConfig::append_timeout_ms).
    ///
    /// `Ok` means that the high watermark has passed the records. An error that says the log did
    /// not take them (too few replicas in sync, too large) costs the responses that wait for
    /// them, and the shard goes on. After any other error leadership or log are in doubt: the
    /// shard answers all it owes and asks to be loaded again.
    pub fn on_append_result(
        &mut self,
        now_ms: i64,
        id: AppendId,
        result: Result<(), ErrorCode>,
    ) -> Vec<Effect> {
        let mut effects = Vec::new();
        match result {
            _ if self.failed.is_some() => {}
            Ok(()) => {
                let settled = self.appends.finish(id);
                self.carry_out(now_ms, settled, Ok(()), &mut effects);
            }
            Err(error) if is_refusal(error) => self.refused(now_ms, id, error, &mut effects),
            Err(error) => {
                effects = self.give_up(error);
                effects.push(Effect::Reload { error });
            }
        }
        effects
    }

    /// The surviving state goes back to what the log says.
    fn refused(&mut self, now_ms: i64, id: AppendId, error: ErrorCode, effects: &mut Vec<Effect>) {
        let refused = self.appends.refuse(id);
        let mut group_ids = BTreeSet::new();
        for entry in refused.undo {
            group_ids.extend(entry.group_id().map(str::to_owned));
            self.image.apply(entry);
        }
        for group_id in &group_ids {
            self.restore(now_ms, group_id);
        }
        self.carry_out(now_ms, refused.settled, Err(error), effects);
        for group_id in &group_ids {
            self.settle(now_ms, group_id);
        }
    }

    /// Gives out what waited for an append, and lets its group go on.
    pub(super) fn carry_out(
        &mut self,
        now_ms: i64,
        settled: Settled,
        result: Result<(), ErrorCode>,
        effects: &mut Vec<Effect>,
    ) {
        for (id, response) in settled.responses {
            let response = match result {
                Ok(()) => response,
                Err(error) => response.into_failed(error),
            };
            effects.push(Effect::Respond { id, response });
        }
        if let Some((group_id, Then::Assign { generation_id })) = settled.then {
            let (mut turn, groups) = self.turn(now_ms, effects);
            if let Some(group) = groups.get_mut(&group_id) {
                group.assignment_settled(&mut turn, generation_id, result);
            }
            self.settle(now_ms, &group_id);
        }
    }

    /// Leadership has gone: answers everything that waits with NOT_COORDINATOR. The shard
    /// refuses whatever comes after.
    pub fn resign(&mut self) -> Vec<Effect> {
        match self.failed {
            Some(_) => Vec::new(),
            None => self.give_up(ErrorCode::NotCoordinator),
        }
    }

    fn give_up(&mut self, error: ErrorCode) -> Vec<Effect> {
        let mapped = crate::append_error(error);
        self.failed = Some(mapped);
        self.timers = Timers::default();
        self.next_expiry_ms = None;
        let mut effects = Vec::new();
        for (id, response) in self.appends.drain() {
            let response = response.into_failed(error);
            effects.push(Effect::Respond { id, response });
        }
        for group in std::mem::take(&mut self.groups).into_values() {
            group.dissolve(mapped, &mut effects);
        }
        effects
    }
}

/// Whether an append that ends like this has left the log as it was.
fn is_refusal(error: ErrorCode) -> bool {
    use ErrorCode as E;
    matches!(
        error,
        E::NotEnoughReplicas
            | E::MessageTooLarge
            | E::RecordListTooLarge
            | E::InvalidRecord
            | E::InvalidTimestamp
    )
}
