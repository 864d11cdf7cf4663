//! How fast replicas are copied that are throttled (KIP-73), and replicas that change their
//! directory.
//!
//! Replicas in sync are never held back (rule 82). They take nothing off the rate either, so a
//! rate below what producers write slows the others down but does not stop them.

use crate::throttle::Throttle;
use klamm_config::ReplicationRates;
use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// The throttles of a broker, each shared by all that it concerns.
pub(crate) struct ReplicationThrottles {
    /// What leaders here serve.
    pub(crate) leader: SharedThrottle,
    /// What followers here fetch.
    pub(crate) follower: SharedThrottle,
    /// What moves between log directories copy.
    pub(crate) moves: SharedThrottle,
}

impl ReplicationThrottles {
    pub(crate) fn set(&self, rates: ReplicationRates) {
        self.leader.set_rate(rates.leader);
        self.follower.set_rate(rates.follower);
        self.moves.set_rate(rates.moves);
    }
}

impl Default for ReplicationThrottles {
    fn default() -> Self {
        let unlimited = ReplicationRates::UNLIMITED;
        ReplicationThrottles {
            leader: SharedThrottle::new(unlimited.leader),
            follower: SharedThrottle::new(unlimited.follower),
            moves: SharedThrottle::new(unlimited.moves),
        }
    }
}

/// A throttle with its clock.
pub(crate) struct SharedThrottle {
    started: Instant,
    throttle: Mutex<Throttle>,
}

impl SharedThrottle {
    fn new(bytes_per_second: i64) -> SharedThrottle {
        SharedThrottle {
            started: Instant::now(),
            throttle: Mutex::new(Throttle::new(bytes_per_second as f64)),
        }
    }

    /// How long nothing may be copied.
    pub(crate) fn wait(&self) -> Duration {
        self.locked().wait(self.started.elapsed())
    }

    /// Notes bytes that were copied.
    pub(crate) fn note(&self, bytes: u64) {
        if bytes > 0 {
            self.locked().after(bytes, self.started.elapsed());
        }
    }

    fn set_rate(&self, bytes_per_second: i64) {
        let rate = bytes_per_second as f64;
        self.locked().set_rate(rate, self.started.elapsed());
    }

    fn locked(&self) -> MutexGuard<'_, Throttle> {
        self.throttle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
