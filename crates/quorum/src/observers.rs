//! How far brokers have followed the metadata, for people who ask.

use klamm_types::BrokerId;
use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// What each broker said last of the offset of its image.
#[derive(Debug, Default)]
pub(crate) struct Observers(Mutex<BTreeMap<BrokerId, Observed>>);

/// What one broker said last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Observed {
    /// The offset of its image.
    pub(crate) metadata_offset: i64,
    /// When it said so.
    pub(crate) heard_ms: i64,
    /// When it last had everything, −1 if it never was seen to.
    pub(crate) caught_up_ms: i64,
}

impl Observers {
    /// A broker said that its image has `metadata_offset`; that of this controller has `offset`.
    pub(crate) fn on_heartbeat(
        &self,
        broker: BrokerId,
        metadata_offset: i64,
        offset: i64,
        now_ms: i64,
    ) {
        let mut all = self.lock();
        let before = all.get(&broker).map_or(-1, |before| before.caught_up_ms);
        let caught_up_ms = if metadata_offset >= offset {
            now_ms
        } else {
            before
        };
        let observed = Observed {
            metadata_offset,
            heard_ms: now_ms,
            caught_up_ms,
        };
        all.insert(broker, observed);
    }

    pub(crate) fn get(&self, broker: BrokerId) -> Option<Observed> {
        self.lock().get(&broker).copied()
    }

    /// Forgets brokers that are not registered any more.
    pub(crate) fn retain(&self, is_registered: impl Fn(BrokerId) -> bool) {
        self.lock().retain(|broker, _| is_registered(*broker));
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<BrokerId, Observed>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_being_caught_up_is_kept() {
        let observers = Observers::default();
        let broker = BrokerId(4);
        let heard = |metadata_offset, now_ms| {
            observers.on_heartbeat(broker, metadata_offset, 10, now_ms);
            observers.get(broker).unwrap().caught_up_ms
        };
        assert_eq!(heard(3, 100), -1);
        assert_eq!(heard(10, 200), 200);
        assert_eq!(heard(9, 300), 200);
        observers.retain(|_| false);
        assert_eq!(observers.get(broker), None);
    }
}
