//! Producers with several requests outstanding, and what becomes of their records.

use std::collections::VecDeque;

use super::*;

#[derive(Debug)]
pub(super) struct Request {
    pub(super) slot: usize,
    pub(super) fate: Fate,
    pub(super) sends: Vec<(usize, u64, Option<i64>)>,
}

#[derive(Debug, Default)]
pub(super) struct Producer {
    pub(super) waiting: VecDeque<Request>,
    pub(super) answers: Vec<Request>,
}

impl Simulation {
    pub(super) fn send(&mut self) {
        let slot = self.random.below((PRODUCERS * REQUESTS) as u64) as usize;
        let producer = &self.producers[slot / REQUESTS];
        let mut outstanding = producer.waiting.iter().chain(&producer.answers);
        if outstanding.any(|request| request.slot == slot) {
            return;
        }
        let mut sends = vec![self.new_value()];
        if self.random.chance(20) {
            sends.push((sends[0].0, self.new_value().1));
        }
        let fate = Fate::by(&mut self.random);
        self.tell(
            slot,
            Kind::Invoke,
            Action::Send(
                sends
                    .iter()
                    .map(|send| micro_send(send.0, send.1, None))
                    .collect(),
            ),
        );
        let request = Request {
            slot,
            fate,
            sends: sends
                .into_iter()
                .map(|(key, value)| (key, value, None))
                .collect(),
        };
        self.producers[slot / REQUESTS].waiting.push_back(request);
    }

    /// The first request of a producer reaches the cluster.
    pub(super) fn append(&mut self) {
        let at = self.random.below(PRODUCERS as u64) as usize;
        let waiting = &mut self.producers[at].waiting;
        if let [first, second, ..] = waiting.make_contiguous()
            && self.armed == Some(Bug::RequestsReordered)
            && first.fate == Fate::Acknowledged
            && second.fate == Fate::Acknowledged
            && first.sends[0].0 == second.sends[0].0
        {
            std::mem::swap(first, second);
            self.strikes(Bug::RequestsReordered);
            // Both are stored at once, so that no bug of another kind comes between.
            self.append_first_of(at);
        }
        self.append_first_of(at);
    }

    pub(super) fn append_first_of(&mut self, at: usize) {
        let Some(mut request) = self.producers[at].waiting.pop_front() else {
            return;
        };
        let acknowledged = request.fate == Fate::Acknowledged;
        let single = request.sends.len() == 1;
        let refused = request.fate == Fate::Refused && self.strikes(Bug::RefusedStored);
        if !single && acknowledged && self.strikes(Bug::RecordsReordered) {
            let (key, second, first) = (request.sends[0].0, request.sends[1].1, request.sends[0].1);
            let offsets = [self.store(key, second, None), self.store(key, first, None)];
            request.sends = vec![
                (key, first, Some(offsets[1])),
                (key, second, Some(offsets[0])),
            ];
        } else if request.fate.takes_effect() || refused {
            for send in &mut request.sends {
                let offset = if single && acknowledged && self.strikes(Bug::DroppedAcknowledgement)
                {
                    self.push(send.0, Slot::Hole)
                } else {
                    self.store(send.0, send.1, None)
                };
                send.2 = acknowledged.then_some(offset);
                if single && acknowledged && self.strikes(Bug::StoredTwice) {
                    self.store(send.0, send.1, None);
                }
            }
        }
        self.producers[at].answers.push(request);
    }

    pub(super) fn answer(&mut self) {
        let at = self.random.below(PRODUCERS as u64) as usize;
        let answers = self.producers[at].answers.len() as u64;
        if answers > 0 {
            let which = self.random.below(answers) as usize;
            let request = self.producers[at].answers.swap_remove(which);
            if self.bug.is_none() && self.random.chance(2) {
                // Nothing is heard of it, nor of its process, ever again.
                self.processes.retire(request.slot);
                return;
            }
            let sends = request.sends.iter();
            let sends = sends.map(|(key, value, offset)| micro_send(*key, *value, *offset));
            self.tell(
                request.slot,
                request.fate.kind(),
                Action::Send(sends.collect()),
            );
        }
    }

    /// The last record of a partition, acknowledged and outside of transactions, is lost, or it and the
    /// one before change places.
    pub(super) fn truncate_or_swap(&mut self) {
        let needed = [
            Bug::Truncation,
            Bug::TruncationAfterRead,
            Bug::SwappedOffsets,
        ];
        if !self.armed.is_some_and(|bug| needed.contains(&bug)) {
            return;
        }
        let key = self.random.below(KEYS as u64) as usize;
        let [.., before, last] = self.logs[key].as_mut_slice() else {
            return;
        };
        let plain = |slot: &Slot| match slot {
            Slot::Record {
                value,
                transaction: None,
            } => Some(*value),
            _ => None,
        };
        let (Some(one), Some(two)) = (plain(before), plain(last)) else {
            return;
        };
        let end = self.logs[key].len();
        let was_read = [self.read[key][end - 2], self.read[key][end - 1]];
        let acknowledged = |value| {
            self.history
                .iter()
                .any(|op| op.kind == Kind::Ok && tells_offset(op, value))
        };
        let known = [acknowledged(one), acknowledged(two)];
        match self.armed {
            Some(Bug::Truncation) if known[1] && !was_read[1] => {}
            Some(Bug::TruncationAfterRead) if was_read[1] => {}
            Some(Bug::SwappedOffsets) if known == [true; 2] && was_read == [false; 2] => {
                self.logs[key].swap(end - 2, end - 1);
                self.strikes(Bug::SwappedOffsets);
                return;
            }
            _ => return,
        }
        self.planted = true;
        self.armed = None;
        self.logs[key].pop();
        self.read[key].pop();
        // Somebody else's record comes to lie there before any consumer could notice.
        let (_, value) = self.new_value();
        self.stray_send(key, value);
    }

    /// A send by a process of its own.
    pub(super) fn stray_send(&mut self, key: usize, value: u64) {
        let process = Process::Client(1_000_000 + value as u32);
        let offset = self.store(key, value, None);
        for (kind, offset) in [(Kind::Invoke, None), (Kind::Ok, Some(offset))] {
            let action = Action::Send(vec![micro_send(key, value, offset)]);
            self.record(Operation::new(process, kind, action, 0));
        }
    }
}

fn tells_offset(operation: &Operation, wanted: u64) -> bool {
    operation
        .action
        .micro_ops()
        .iter()
        .any(|op| matches!(op, MicroOp::Send { value, offset: Some(_), .. } if *value == wanted))
}
