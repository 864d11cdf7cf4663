//! The batches of one partition that are on their way, and their sequence numbers.
//!
//! ```text
//! answered │ sent, perhaps not for the first time │ never sent │ not yet batches
//!          └ first                                └ next_sequence
//! ```
//!
//! Batches that never failed are sent one behind the other without waiting; as soon as one has to be sent again, one
//! at a time goes, in order, until all that were sent before are answered.
//!
//! The first batch of an epoch goes alone as well, until it is answered: a broker that has nothing of a producer takes
//! any sequence number (rule 43), so the second batch could get in before the first, if that is refused for the moment.
//!
//! A batch keeps its sequence number however often it is sent, so brokers recognize it. Numbers begin anew, in a
//! new epoch, only when it is certain that no batch behind a gap was written:
//!
//! * `gap`: a batch does not follow the last one that the broker has, or was refused for good. Whatever is behind it
//!   cannot have been written either. Those in front of it may have been: they keep their numbers until they are
//!   answered or given up.
//! * `unresolved`: a batch was given up without knowing whether it was written. The next one tells, if it was sent
//!   already: either it is taken, or it does not follow. If it was not, it begins a new epoch.
//!
//! Deliberately not here: clocks, connections, what an error code means.

use klamm_types::{ProducerEpoch, ProducerId};
use std::collections::VecDeque;
use tokio::time::Instant;

/// Who writes, towards brokers that recognize repeated batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) id: ProducerId,
    pub(super) epoch: ProducerEpoch,
}

/// What a batch is recognized by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) identity: Identity,
    pub(super) base_sequence: i32,
}

/// Names a batch of the window; later batches have larger ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Ticket(u64);

/// What to do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Nothing until an answer comes or the window gets another batch.
    Wait,
    /// Find out who writes, then ask again.
    Identify,
    /// Send this batch.
    Send(Ticket, Option<Stamp>),
}

/// What became of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// The batch is there.
    Written,
    /// The batch does not follow what the broker has, so it is not there.
    OutOfSequence,
    /// Nobody knows, or not now.
    TryAgain,
    /// Not written, and another attempt would not change that.
    Refused,
    /// Perhaps written; another attempt would not tell.
    Unknown,
}

/// What became of a batch.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict<B> {
    /// It is there.
    Written(B),
    /// It was given up.
    GivenUp(B),
    /// It will be sent again.
    Again,
    /// It was given up before this answer came.
    Forgotten,
}

#[derive(Debug)]
struct Entry<B> {
    ticket: Ticket,
    batch: B,
    records: usize,
    deadline: Instant,
    sequence: Option<i32>,
    attempts: u32,
    in_flight: bool,
    /// Some attempt ended without telling whether the batch was written.
    uncertain: bool,
}

impl<B> Entry<B> {
    /// Whether this is not, or will not be, its first attempt.
    fn is_repeated(&self) -> bool {
        self.attempts > u32::from(self.in_flight)
    }
}

/// The batches of one partition without an answer, the oldest first.
#[derive(Debug)]
pub(super) struct Window<B> {
    in_flight_max: usize,
    idempotent: bool,
    identity: Option<Identity>,
    next_sequence: i32,
    next_ticket: u64,
    entries: VecDeque<Entry<B>>,
    /// No batch from this one on was written.
    gap: Option<Ticket>,
    unresolved: bool,
    /// Brokers have a batch of this epoch, so they take the next one only behind it.
    is_known: bool,
}

impl<B> Window<B> {
    /// An empty window. Without idempotence one batch is in flight at most: nothing else keeps their order.
    pub(super) fn new(idempotent: bool, in_flight_max: usize) -> Window<B> {
        Window {
            in_flight_max: if idempotent { in_flight_max.max(1) } else { 1 },
            idempotent,
            identity: None,
            next_sequence: 0,
            next_ticket: 0,
            entries: VecDeque::new(),
            gap: None,
            unresolved: false,
            is_known: false,
        }
    }

    /// Whether another batch may be added.
    pub(super) fn has_room(&self) -> bool {
        self.entries.len() < self.in_flight_max
    }

    /// Whether every batch was answered or given up.
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whether some attempt has no answer.
    pub(super) fn is_in_flight(&self) -> bool {
        self.entries.iter().any(|entry| entry.in_flight)
    }

    /// When the oldest batch is to be given up.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.entries.front().map(|entry| entry.deadline)
    }

    /// Adds a batch that is to be given up at `deadline`, not earlier than the one before it.
    pub(super) fn push(&mut self, batch: B, records: usize, deadline: Instant) {
        let ticket = Ticket(self.next_ticket);
        self.next_ticket += 1;
        self.entries.push_back(Entry {
            ticket,
            batch,
            records,
            deadline,
            sequence: None,
            attempts: 0,
            in_flight: false,
            uncertain: false,
        });
    }

    /// The batch of a ticket, unless it was answered or given up.
    pub(super) fn batch(&mut self, ticket: Ticket) -> Option<&mut B> {
        let entry = self.entries.iter_mut().find(|entry| entry.ticket == ticket);
        entry.map(|entry| &mut entry.batch)
    }

    /// Who writes from now on.
    pub(super) fn identify(&mut self, identity: Identity) {
        self.identity = Some(identity);
    }

    /// Decides what to send; counts it as sent.
    pub(super) fn next(&mut self) -> Next {
        let in_flight = self.entries.iter().filter(|entry| entry.in_flight).count();
        if in_flight == 0 {
            self.begin_anew_if_needed();
        }
        let one_by_one =
            self.gap.is_some() || !self.is_known || self.entries.iter().any(Entry::is_repeated);
        let limit = if one_by_one { 1 } else { self.in_flight_max };
        let Some(place) = self.entries.iter().position(|entry| !entry.in_flight) else {
            return Next::Wait;
        };
        if in_flight >= limit {
            return Next::Wait;
        }
        if self.idempotent && self.identity.is_none() {
            return Next::Identify;
        }
        let entry = &mut self.entries[place];
        if entry.sequence.is_none() && self.idempotent {
            entry.sequence = Some(self.next_sequence);
            self.next_sequence = sequence_after(self.next_sequence, entry.records);
        }
        entry.attempts = entry.attempts.saturating_add(1);
        entry.in_flight = true;
        let stamp = self.identity.zip(entry.sequence);
        let stamp = stamp.map(|(identity, base_sequence)| Stamp {
            identity,
            base_sequence,
        });
        Next::Send(entry.ticket, stamp)
    }

    /// Takes an answer.
    pub(super) fn answer(&mut self, ticket: Ticket, answer: Answer) -> Verdict<B> {
        let place = self.entries.iter().position(|entry| entry.ticket == ticket);
        let Some(place) = place else {
            return Verdict::Forgotten;
        };
        match answer {
            Answer::OutOfSequence | Answer::TryAgain => {
                let entry = &mut self.entries[place];
                entry.in_flight = false;
                entry.uncertain |= answer == Answer::TryAgain;
                // One that is not the first may follow as soon as its predecessors are there.
                if answer == Answer::OutOfSequence && place == 0 {
                    self.gap_at(ticket);
                }
                Verdict::Again
            }
            Answer::Written | Answer::Refused | Answer::Unknown => {
                let Some(entry) = self.entries.remove(place) else {
                    return Verdict::Forgotten;
                };
                if answer == Answer::Written {
                    // It was taken, so everything before it was.
                    self.unresolved = false;
                    self.is_known = true;
                    return Verdict::Written(entry.batch);
                }
                if entry.uncertain || answer == Answer::Unknown {
                    self.unresolved = true;
                } else {
                    self.gap_at(ticket);
                }
                Verdict::GivenUp(entry.batch)
            }
        }
    }

    fn gap_at(&mut self, ticket: Ticket) {
        self.gap = Some(self.gap.map_or(ticket, |gap| gap.min(ticket)));
    }

    /// Forgets all attempts without an answer: each batch in flight will be sent again.
    pub(super) fn abandon(&mut self) {
        for entry in self.entries.iter_mut().filter(|entry| entry.in_flight) {
            entry.in_flight = false;
            entry.uncertain = true;
        }
    }

    /// Gives up the batches whose time is over.
    pub(super) fn expire(&mut self, now: Instant) -> Vec<B> {
        let mut expired = Vec::new();
        while self.entries.front().is_some_and(|e| e.deadline <= now) {
            expired.extend(self.give_up_first());
        }
        expired
    }

    /// Gives up all batches.
    pub(super) fn give_up_all(&mut self) -> Vec<B> {
        std::iter::from_fn(|| self.give_up_first()).collect()
    }

    fn give_up_first(&mut self) -> Option<B> {
        let entry = self.entries.pop_front()?;
        self.unresolved |= entry.sequence.is_some();
        Some(entry.batch)
    }

    /// Begins a new epoch if only that makes the batches fit again; nothing may be in flight.
    fn begin_anew_if_needed(&mut self) {
        let first = self.entries.front();
        let nobody_tells = first.is_none_or(|entry| entry.sequence.is_none());
        let at_gap = self
            .gap
            .is_some_and(|gap| first.is_none_or(|entry| entry.ticket >= gap));
        let is_needed = at_gap || (self.unresolved && nobody_tells);
        if !is_needed {
            return;
        }
        (self.gap, self.unresolved, self.is_known) = (None, false, false);
        self.next_sequence = 0;
        self.identity = self.identity.and_then(|identity| {
            let epoch = ProducerEpoch(identity.epoch.0.checked_add(1)?);
            Some(Identity { epoch, ..identity })
        });
        for entry in &mut self.entries {
            entry.sequence = None;
            entry.attempts = 0;
            entry.uncertain = false;
        }
    }
}

/// The sequence number after `count` records from `base` on; they wrap around to zero.
fn sequence_after(base: i32, count: usize) -> i32 {
    ((i64::from(base) + count as i64) % (1 << 31)) as i32
}

#[cfg(test)]
mod tests;
