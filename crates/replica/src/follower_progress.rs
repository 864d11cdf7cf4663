//! What a leader knows of a follower, and learns from its fetches.

use klamm_types::{BrokerEpoch, BrokerId};

/// What a follower's fetch tells about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FollowerFetch {
    /// Who fetches.
    pub replica: BrokerId,
    /// The follower's registration, [`BrokerEpoch::NONE`] if it does not say.
    pub broker_epoch: BrokerEpoch,
    /// Everything below is durable at the follower.
    pub fetch_offset: i64,
    /// The first offset the follower can serve.
    pub log_start_offset: i64,
    /// Whether the cluster lets it join the ISR now: registered under this epoch, not fenced and
    /// not shutting down (rule 75).
    pub is_eligible: bool,
}

/// What the leader knows of one follower.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FollowerProgress {
    /// Everything below is durable there; −1 before its first fetch from this leader.
    pub log_end_offset: i64,
    /// The first offset it can serve; −1 before its first fetch from this leader.
    pub log_start_offset: i64,
    /// When it last had everything that the leader had, in milliseconds.
    pub last_caught_up_ms: i64,
    /// The registration it last fetched under.
    pub broker_epoch: BrokerEpoch,
    last_fetch_ms: i64,
    leader_end_at_last_fetch: i64,
    /// Since when it lacks something and has got nothing; `None` while it has everything.
    lacks_since_ms: Option<i64>,
    pub(crate) is_eligible: bool,
}

impl FollowerProgress {
    pub(crate) fn unknown(in_isr: bool, now_ms: i64) -> FollowerProgress {
        FollowerProgress {
            log_end_offset: -1,
            log_start_offset: -1,
            // Members of the ISR get the benefit of the doubt for one lag time.
            last_caught_up_ms: if in_isr { now_ms } else { i64::MIN / 2 },
            broker_epoch: BrokerEpoch::NONE,
            last_fetch_ms: i64::MIN / 2,
            leader_end_at_last_fetch: i64::MAX,
            lacks_since_ms: Some(now_ms),
            is_eligible: false,
        }
    }

    /// A fetch tells how far it has come.
    pub(crate) fn note(&mut self, fetch: &FollowerFetch, leader_end_offset: i64, now_ms: i64) {
        // A follower that has now what the leader had at its last fetch was caught up then.
        if fetch.fetch_offset >= leader_end_offset {
            self.last_caught_up_ms = self.last_caught_up_ms.max(now_ms);
        } else if fetch.fetch_offset >= self.leader_end_at_last_fetch {
            self.last_caught_up_ms = self.last_caught_up_ms.max(self.last_fetch_ms);
        }
        if fetch.fetch_offset >= leader_end_offset {
            self.lacks_since_ms = None;
        } else if fetch.fetch_offset > self.log_end_offset || self.lacks_since_ms.is_none() {
            self.lacks_since_ms = Some(now_ms);
        }
        self.log_end_offset = fetch.fetch_offset;
        self.log_start_offset = fetch.log_start_offset;
        self.broker_epoch = fetch.broker_epoch;
        self.is_eligible = fetch.is_eligible;
        self.leader_end_at_last_fetch = leader_end_offset;
        self.last_fetch_ms = now_ms;
    }

    /// The leader's log has grown. A member of the ISR that had everything before had it until now:
    /// it is not heard of while nothing happens, and counts as if it had fetched at this moment.
    pub(crate) fn had_until_now(&mut self, end_before: i64, end_offset: i64, now_ms: i64) {
        if self.log_end_offset >= end_before && end_offset > end_before {
            self.last_caught_up_ms = self.last_caught_up_ms.max(now_ms);
            self.last_fetch_ms = self.last_fetch_ms.max(now_ms);
            self.leader_end_at_last_fetch = end_before;
        }
    }

    /// The leader's log has grown.
    pub(crate) fn on_leader_end(&mut self, leader_end_offset: i64, now_ms: i64) {
        if self.log_end_offset < leader_end_offset && self.lacks_since_ms.is_none() {
            self.lacks_since_ms = Some(now_ms);
        }
    }

    /// Whether it has lacked something for longer than `stall_ms_max` without getting any of it.
    pub(crate) fn has_stalled(&self, stall_ms_max: i64, now_ms: i64) -> bool {
        let lacks = self.lacks_since_ms;
        lacks.is_some_and(|since_ms| now_ms.saturating_sub(since_ms) > stall_ms_max)
    }
}
