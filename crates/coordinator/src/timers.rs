//! When groups want to be woken.

use std::collections::{BTreeMap, BTreeSet};

/// One wake-up a group, never later than the group's deadline. Deadlines that move into the
/// future, as every heartbeat moves one, leave it alone: the group looks again when it is woken.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    by_time: BTreeSet<(i64, String)>,
    by_group: BTreeMap<String, i64>,
}

impl Timers {
    /// Wakes a group at its deadline, or earlier.
    pub(crate) fn arm(&mut self, group_id: &str, deadline_ms: Option<i64>, now_ms: i64) {
        let Some(deadline_ms) = deadline_ms else {
            self.disarm(group_id);
            return;
        };
        // A tick wakes each group once; what is due already waits for the next one.
        let wake_ms = deadline_ms.max(now_ms.saturating_add(1));
        let armed_ms = self.by_group.get(group_id).copied();
        if armed_ms.is_some_and(|armed_ms| armed_ms <= wake_ms) {
            return;
        }
        self.disarm(group_id);
        self.by_group.insert(group_id.to_owned(), wake_ms);
        self.by_time.insert((wake_ms, group_id.to_owned()));
    }

    /// Lets a group sleep.
    pub(crate) fn disarm(&mut self, group_id: &str) {
        if let Some((group_id, wake_ms)) = self.by_group.remove_entry(group_id) {
            self.by_time.remove(&(wake_ms, group_id));
        }
    }

    /// Takes out the groups that are to be woken now.
    pub(crate) fn due(&mut self, now_ms: i64) -> Vec<String> {
        let mut due = Vec::new();
        while let Some((wake_ms, _)) = self.by_time.first()
            && *wake_ms <= now_ms
            && let Some((_, group_id)) = self.by_time.pop_first()
        {
            self.by_group.remove(&group_id);
            due.push(group_id);
        }
        due
    }

    /// When the next group is to be woken.
    pub(crate) fn next(&self) -> Option<i64> {
        self.by_time.first().map(|(wake_ms, _)| *wake_ms)
    }

    /// When a group is woken.
    #[cfg(test)]
    pub(crate) fn of(&self, group_id: &str) -> Option<i64> {
        assert_eq!(self.by_time.len(), self.by_group.len());
        self.by_group.get(group_id).copied()
    }
}
