//! One partition of `__consumer_offsets` and the groups that live in it.
//!
//! The shell first replays the partition's log ([`GroupShard::replay`], then
//! [`GroupShard::loaded`]), then feeds requests, time and the results of appends, and carries
//! out the effects it gets back, in their order. All methods take the time in milliseconds since
//! the Unix epoch; it must not go backwards. Deadlines are made of it; how far the time of day is
//! ahead of it, which may change either way, is said by [`GroupShard::set_wall_ahead`], and goes
//! into records and the expiry of offsets, which outlive the shard.
//!
//! Invariants: every request is answered exactly once; a response that tells of records is
//! given out after they are committed; nothing but replayed records survives the shard.

mod dispatch;
mod results;

use crate::{
    Effect, GroupConfig, ReplayError, Replayed,
    appends::{Appends, Then},
    group::ClassicGroup,
    image::GroupImage,
    offsets,
    timers::Timers,
    turn::{NewAppend, Turn},
};
use bytes::Bytes;
use klamm_types::{ErrorCode, Uuid};
use std::collections::{BTreeMap, BTreeSet};

/// Groups that expire at a time: their appends must not crowd out those of clients. The rest
/// expires at the next check.
const EXPIRED_GROUPS_MAX: usize = 1_000;

/// The groups of one partition of `__consumer_offsets`.
#[derive(Debug)]
pub struct GroupShard {
    config: GroupConfig,
    /// The time of day less the time that is passed to the methods.
    wall_ahead_ms: i64,
    image: GroupImage,
    groups: BTreeMap<String, ClassicGroup>,
    appends: Appends,
    /// When groups want to be woken, at the latest.
    timers: Timers,
    next_expiry_ms: Option<i64>,
    /// Why the shard is to be dropped.
    failed: Option<ErrorCode>,
}

impl GroupShard {
    /// A shard that knows nothing yet.
    pub fn new(config: GroupConfig) -> GroupShard {
        GroupShard {
            config,
            wall_ahead_ms: 0,
            image: GroupImage::default(),
            groups: BTreeMap::new(),
            appends: Appends::default(),
            timers: Timers::default(),
            next_expiry_ms: None,
            failed: None,
        }
    }

    /// How far the time of day is ahead of the time that is passed to the methods, from now on.
    pub fn set_wall_ahead(&mut self, ahead_ms: i64) {
        self.wall_ahead_ms = ahead_ms;
    }

    /// Takes over one record of the log, before [`GroupShard::loaded`].
    ///
    /// Control batches and the records of aborted transactions are the shell's to leave out.
    ///
    /// # Errors
    /// The record is malformed; it has been left out, and loading may go on.
    pub fn replay(&mut self, key: &Bytes, value: Option<&Bytes>) -> Result<Replayed, ReplayError> {
        self.image.replay(key, value)
    }

    /// The log has been replayed to its end: sessions start, requests may come.
    pub fn loaded(&mut self, now_ms: i64) {
        let groups = self.image.groups().keys();
        let group_ids: BTreeSet<String> = groups
            .chain(self.image.all_offsets().keys())
            .cloned()
            .collect();
        for group_id in &group_ids {
            self.restore(now_ms, group_id);
            self.settle(now_ms, group_id);
        }
        self.next_expiry_ms = Some(self.expiry_after(now_ms));
    }

    /// Time has passed: ends sessions, join phases, waits, and offsets that have expired.
    pub fn tick(&mut self, now_ms: i64) -> Vec<Effect> {
        let mut effects = Vec::new();
        if self.failed.is_some() {
            return effects;
        }
        for settled in self.appends.time_out(now_ms) {
            let result = Err(ErrorCode::RequestTimedOut);
            self.carry_out(now_ms, settled, result, &mut effects);
        }
        for group_id in self.timers.due(now_ms) {
            let (mut turn, groups) = self.turn(now_ms, &mut effects);
            if let Some(group) = groups.get_mut(&group_id) {
                group.expire(&mut turn);
            }
            self.settle(now_ms, &group_id);
        }
        if self.next_expiry_ms.is_some_and(|ms| ms <= now_ms) {
            self.expire_offsets(now_ms, &mut effects);
            self.next_expiry_ms = Some(self.expiry_after(now_ms));
        }
        effects
    }

    /// When [`GroupShard::tick`] has something to do, at the latest. Changes with every call.
    pub fn next_deadline(&self) -> Option<i64> {
        let deadlines = [
            self.timers.next(),
            self.appends.deadline(),
            self.next_expiry_ms,
        ];
        deadlines.into_iter().flatten().min()
    }

    /// Topics (name → id) were deleted: their offsets go.
    pub fn on_topics_deleted(
        &mut self,
        now_ms: i64,
        topics: &BTreeMap<String, Uuid>,
    ) -> Vec<Effect> {
        let mut effects = Vec::new();
        if self.failed.is_none() {
            let records = offsets::deleted_topics(&self.image, topics);
            let (mut turn, _) = self.turn(now_ms, &mut effects);
            let appended = turn.append(NewAppend {
                group_id: None,
                records,
                response: None,
                then: Then::Nothing,
            });
            // Offsets that stay are of a topic id that no topic has: they expire.
            let _: Result<(), ErrorCode> = appended;
        }
        effects
    }

    fn expire_offsets(&mut self, now_ms: i64, effects: &mut Vec<Effect>) {
        let wall_ms = self.wall_ms(now_ms);
        let expired = offsets::expired(&self.image, &self.groups, &self.config, wall_ms);
        let (mut turn, groups) = self.turn(now_ms, effects);
        for group in expired.into_iter().take(EXPIRED_GROUPS_MAX) {
            let appended = turn.append(NewAppend {
                group_id: Some(&group.group_id),
                records: group.records,
                response: None,
                then: Then::Nothing,
            });
            // What could not be appended expires next time.
            if appended.is_ok() && group.is_gone {
                groups.remove(&group.group_id);
            }
        }
    }

    fn expiry_after(&self, now_ms: i64) -> i64 {
        now_ms.saturating_add(self.config.offsets_retention_check_interval_ms.max(1))
    }

    fn wall_ms(&self, now_ms: i64) -> i64 {
        now_ms.saturating_add(self.wall_ahead_ms)
    }

    /// What a call may touch, apart from the groups.
    fn turn<'a>(
        &'a mut self,
        now_ms: i64,
        effects: &'a mut Vec<Effect>,
    ) -> (Turn<'a>, &'a mut BTreeMap<String, ClassicGroup>) {
        let turn = Turn {
            now_ms,
            wall_ms: self.wall_ms(now_ms),
            config: &self.config,
            image: &mut self.image,
            appends: &mut self.appends,
            effects,
        };
        (turn, &mut self.groups)
    }

    /// Makes a group that the log knows but the shard does not (any more).
    fn restore(&mut self, now_ms: i64, group_id: &str) {
        if !self.image.knows(group_id) || self.groups.contains_key(group_id) {
            return;
        }
        let group = match self.image.groups().get(group_id) {
            Some(value) => ClassicGroup::from_metadata(group_id, value, now_ms),
            None => ClassicGroup::new(group_id),
        };
        self.groups.insert(group_id.to_owned(), group);
    }

    /// After a call that may have changed a group: forgets it if there is nothing to know, sets
    /// its timer otherwise.
    fn settle(&mut self, now_ms: i64, group_id: &str) {
        let Some(group) = self.groups.get(group_id) else {
            self.timers.disarm(group_id);
            return;
        };
        if group.is_idle() && !self.image.knows(group_id) {
            self.groups.remove(group_id);
            self.timers.disarm(group_id);
        } else {
            self.timers.arm(group_id, group.deadline(), now_ms);
        }
    }
}

#[cfg(test)]
impl GroupShard {
    pub(crate) fn image(&self) -> &GroupImage {
        &self.image
    }

    pub(crate) fn has(&self, group_id: &str) -> bool {
        self.groups.contains_key(group_id)
    }

    /// Every group is as it should be, and would be woken in time.
    pub(crate) fn assert_consistent(&self, now_ms: i64) {
        for (group_id, group) in &self.groups {
            group.assert_consistent();
            let woken_ms = self.timers.of(group_id);
            if let Some(deadline_ms) = group.deadline() {
                assert!(
                    woken_ms.is_some_and(|ms| ms <= deadline_ms.max(now_ms + 1)),
                    "{group_id}"
                );
            }
        }
    }

    /// Nothing is left of anybody.
    pub(crate) fn assert_forgotten(&self) {
        assert_eq!(self.image, GroupImage::default());
        assert!(self.groups.is_empty(), "{:?}", self.groups);
        assert_eq!(self.appends.len(), 0);
        assert_eq!(self.timers.next(), None);
    }
}
