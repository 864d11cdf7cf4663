//! Appends whose result is not known yet, and the responses that wait for them.

use crate::{AppendId, RequestId, Response, records::Entry};
use std::collections::{BTreeMap, VecDeque};

/// What a group does once its append has a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Then {
    /// Nothing.
    Nothing,
    /// Hand the assignment of this generation to the members.
    Assign { generation_id: i32 },
}

/// A response that waits for an append.
#[derive(Debug)]
struct Waiter {
    deadline_ms: i64,
    id: RequestId,
    response: Response,
}

/// One outstanding append.
#[derive(Debug)]
struct Pending {
    /// The group it is about, `None` for several.
    group_id: Option<String>,
    waiters: Vec<Waiter>,
    then: Then,
    /// What stood under the keys of its records, in their order.
    undo: Vec<Entry>,
}

impl Pending {
    /// Whether it changes what is known of a group.
    fn is_about(&self, group_id: &str) -> bool {
        match &self.group_id {
            Some(id) => id == group_id,
            None => self
                .undo
                .iter()
                .any(|entry| entry.group_id() == Some(group_id)),
        }
    }
}

/// What is to be done once an append has a result, or once waiting for it has taken too long.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Settled {
    pub(crate) responses: Vec<(RequestId, Response)>,
    /// The group that is to be told, and what about.
    pub(crate) then: Option<(String, Then)>,
}

/// What is to be done about records that will never be in the log.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Refused {
    pub(crate) settled: Settled,
    /// To be put back, in this order.
    pub(crate) undo: Vec<Entry>,
}

/// All outstanding appends of a shard.
///
/// Appends stay here until the shell reports a result, also when nothing waits for them any
/// more: their records are in the log and may be committed yet.
#[derive(Debug, Default)]
pub(crate) struct Appends {
    next_id: u64,
    pending: BTreeMap<AppendId, Pending>,
    /// Ascending: every waiter waits equally long.
    deadlines: VecDeque<(i64, AppendId)>,
}

impl Appends {
    /// The id that the next append gets; tells whether something was appended meanwhile.
    pub(crate) fn next_id(&self) -> AppendId {
        AppendId(self.next_id)
    }

    /// How many appends are outstanding.
    pub(crate) fn len(&self) -> usize {
        self.pending.len()
    }

    /// Registers an append.
    pub(crate) fn begin(
        &mut self,
        group_id: Option<&str>,
        then: Then,
        undo: Vec<Entry>,
        deadline_ms: i64,
    ) -> AppendId {
        let id = AppendId(self.next_id);
        self.next_id += 1;
        self.pending.insert(
            id,
            Pending {
                group_id: group_id.map(str::to_owned),
                waiters: Vec::new(),
                then,
                undo,
            },
        );
        if then != Then::Nothing {
            self.deadlines.push_back((deadline_ms, id));
        }
        id
    }

    /// Lets a response wait for an append. Gives it back if that is not outstanding.
    #[must_use]
    pub(crate) fn wait(
        &mut self,
        append: AppendId,
        deadline_ms: i64,
        id: RequestId,
        response: Response,
    ) -> Option<Response> {
        let Some(pending) = self.pending.get_mut(&append) else {
            return Some(response);
        };
        pending.waiters.push(Waiter {
            deadline_ms,
            id,
            response,
        });
        self.deadlines.push_back((deadline_ms, append));
        None
    }

    /// The last outstanding append about a group.
    pub(crate) fn last_of(&self, group_id: &str) -> Option<AppendId> {
        self.pending
            .iter()
            .rev()
            .find(|(_, pending)| pending.is_about(group_id))
            .map(|(id, _)| *id)
    }

    /// An append has a result.
    pub(crate) fn finish(&mut self, id: AppendId) -> Settled {
        let Some(pending) = self.pending.remove(&id) else {
            return Settled::default();
        };
        if self.pending.is_empty() {
            self.deadlines.clear();
        }
        Settled {
            responses: pending.waiters.into_iter().map(answer).collect(),
            then: follow_up(pending.group_id, pending.then),
        }
    }

    /// The log did not take an append.
    ///
    /// Whatever was appended about the group since, and whoever reads it, may build on records
    /// that now never were: all of these responses fail, too. Of appends about several groups that
    /// is assumed for every group.
    pub(crate) fn refuse(&mut self, id: AppendId) -> Refused {
        let Some(mut refused) = self.pending.remove(&id) else {
            return Refused::default();
        };
        let mut waiters = refused.waiters;
        for later in self.pending.range_mut(id..).map(|(_, later)| later) {
            let is_apart = refused.group_id.is_some()
                && later.group_id.is_some()
                && later.group_id != refused.group_id;
            if !is_apart {
                waiters.append(&mut later.waiters);
            }
        }
        let mut undo = Vec::new();
        while let Some(entry) = refused.undo.pop() {
            undo.extend(self.undo_later(id, entry));
        }
        Refused {
            settled: Settled {
                responses: waiters.into_iter().map(answer).collect(),
                then: follow_up(refused.group_id, refused.then),
            },
            undo,
        }
    }

    /// If a later append has replaced what is to be undone, it is for that one to undo: hands it
    /// the entry. Gives the entry back otherwise.
    fn undo_later(&mut self, id: AppendId, entry: Entry) -> Option<Entry> {
        let mut later = self.pending.range_mut(id..).flat_map(|(_, l)| &mut l.undo);
        match later.find(|later| later.has_key_of(&entry)) {
            Some(later) => {
                *later = entry;
                None
            }
            None => Some(entry),
        }
    }

    /// Takes out everything that has waited until `now_ms`. The appends stay outstanding.
    pub(crate) fn time_out(&mut self, now_ms: i64) -> Vec<Settled> {
        let mut settled = Vec::new();
        while let Some(&(deadline_ms, id)) = self.deadlines.front()
            && deadline_ms <= now_ms
        {
            self.deadlines.pop_front();
            let Some(pending) = self.pending.get_mut(&id) else {
                continue;
            };
            let due = pending
                .waiters
                .extract_if(.., |waiter| waiter.deadline_ms <= now_ms);
            let responses = due.map(answer).collect();
            let then = std::mem::replace(&mut pending.then, Then::Nothing);
            settled.push(Settled {
                responses,
                then: follow_up(pending.group_id.clone(), then),
            });
        }
        settled
    }

    /// When [`Appends::time_out`] has something to do.
    pub(crate) fn deadline(&self) -> Option<i64> {
        self.deadlines.front().map(|(deadline_ms, _)| *deadline_ms)
    }

    /// Takes out everything: the shard is given up.
    pub(crate) fn drain(&mut self) -> Vec<(RequestId, Response)> {
        self.deadlines.clear();
        std::mem::take(&mut self.pending)
            .into_values()
            .flat_map(|pending| pending.waiters)
            .map(answer)
            .collect()
    }
}

fn answer(waiter: Waiter) -> (RequestId, Response) {
    (waiter.id, waiter.response)
}

fn follow_up(group_id: Option<String>, then: Then) -> Option<(String, Then)> {
    match then {
        Then::Nothing => None,
        then => group_id.map(|group_id| (group_id, then)),
    }
}
