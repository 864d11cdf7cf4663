//! What happens next: events in the order of their time, and of their making where times are equal.

use crate::event::Event;
use std::{cmp::Ordering, collections::BinaryHeap};

/// Simulated time since the beginning, in microseconds.
pub(crate) type Micros = u64;

/// A millisecond.
pub(crate) const MS: Micros = 1_000;

/// Events that are yet to come.
#[derive(Default)]
pub(crate) struct Agenda {
    now: Micros,
    made: u64,
    entries: BinaryHeap<Entry>,
}

struct Entry {
    at: Micros,
    number: u64,
    event: Event,
}

impl Agenda {
    pub(crate) fn now(&self) -> Micros {
        self.now
    }

    /// Adds an event that comes in `delay`.
    pub(crate) fn push(&mut self, delay: Micros, event: Event) {
        self.made += 1;
        self.entries.push(Entry {
            at: self.now + delay,
            number: self.made,
            event,
        });
    }

    /// The next event; its time is now.
    pub(crate) fn pop(&mut self) -> Option<Event> {
        let entry = self.entries.pop()?;
        debug_assert!(entry.at >= self.now);
        self.now = entry.at;
        Some(entry.event)
    }
}

impl Ord for Entry {
    /// The heap gives the largest first: the earliest is the largest.
    fn cmp(&self, other: &Entry) -> Ordering {
        (other.at, other.number).cmp(&(self.at, self.number))
    }
}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Entry) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Entry) -> bool {
        self.number == other.number
    }
}

impl Eq for Entry {}
