//! Consumers with assignments, and members of a group.

use super::*;

#[derive(Debug, Default)]
pub(super) struct Consumer {
    pub(super) positions: [usize; KEYS],
    pub(super) polling: bool,
    /// Partitions that came or went since the last poll.
    pub(super) rebalanced: Vec<Key>,
    /// It was told to begin at the beginning, and has not been given anything yet.
    pub(super) begins: bool,
}

impl Simulation {
    /// What consumers of committed records may read from `positions` on, of the partitions they have.
    pub(super) fn read_from(
        &mut self,
        positions: &mut [usize; KEYS],
        has: impl Fn(usize) -> bool,
    ) -> Polled {
        let mut polled = Vec::new();
        for key in (0..KEYS).filter(|key| has(*key)) {
            let mut pairs = Vec::new();
            while let Some(slot) = self.logs[key].get(positions[key])
                && pairs.len() < POLL_RECORDS_MAX
            {
                let offset = positions[key];
                match slot {
                    Slot::Hole => {}
                    Slot::Record { value, transaction } => {
                        match transaction.map(|id| self.transactions[id]) {
                            Some(State::Open) => break,
                            Some(State::Aborted) => {}
                            Some(State::Committed) | None => {
                                self.read[key][offset] = true;
                                pairs.push((offset as i64, *value));
                            }
                        }
                    }
                }
                positions[key] += 1;
            }
            if !pairs.is_empty() {
                polled.push((Key(key as u32), pairs));
            }
        }
        polled
    }

    pub(super) fn poll(&mut self, at: usize) {
        let slot = FIRST_CONSUMER + at;
        if !self.consumers[at].polling {
            self.consumers[at].polling = true;
            return self.tell(
                slot,
                Kind::Invoke,
                Action::Poll(vec![MicroOp::Poll(Vec::new())]),
            );
        }
        let member = at >= CONSUMERS;
        let mut positions = self.consumers[at].positions;
        if !member {
            self.move_consumer(at, &mut positions);
        }
        let owners = self.owners;
        let mut polled = self.read_from(&mut positions, |key| !member || owners[key] == at);
        if !member {
            self.change_poll(&mut polled);
        }
        let consumer = &mut self.consumers[at];
        consumer.polling = false;
        consumer.begins &= polled.is_empty();
        consumer.positions = positions;
        let rebalanced = std::mem::take(&mut consumer.rebalanced);
        if member && self.random.chance(80) {
            for key in (0..KEYS).filter(|key| owners[*key] == at) {
                self.committed[key] = positions[key];
            }
        }
        let mut operation = self.client(slot, Kind::Ok, Action::Poll(vec![MicroOp::Poll(polled)]));
        operation.rebalanced = rebalanced;
        self.record(operation);
    }

    /// Bugs that make a consumer go on somewhere else.
    pub(super) fn move_consumer(&mut self, at: usize, positions: &mut [usize; KEYS]) {
        let visible = |slot: Option<&Slot>| {
            matches!(
                slot,
                Some(Slot::Record {
                    transaction: None,
                    ..
                })
            )
        };
        for (key, at_key) in positions.iter_mut().enumerate() {
            let position = *at_key;
            let next =
                visible(self.logs[key].get(position)) && visible(self.logs[key].get(position + 1));
            if self.consumers[at].begins {
                if position == 0 && next && self.strikes(Bug::SkippedBeginning) {
                    *at_key += 1;
                }
            } else if position > 0
                && visible(self.logs[key].get(position - 1))
                && self.read[key][position - 1]
            {
                if self.strikes(Bug::StaleRead) {
                    *at_key -= 1;
                } else if next && self.strikes(Bug::SkippedBetweenPolls) {
                    *at_key += 1;
                }
            }
        }
    }

    /// Bugs that change what a poll returns.
    pub(super) fn change_poll(&mut self, polled: &mut Polled) {
        for (_, pairs) in polled {
            if pairs.len() >= 3 && self.strikes(Bug::SkippedWithinPoll) {
                pairs.remove(1);
            } else if pairs.len() >= 2 && self.strikes(Bug::RepeatedWithinPoll) {
                pairs.insert(1, pairs[0]);
            } else if self.strikes(Bug::ForgedValue) {
                pairs[0].1 += 1 << 40;
            }
        }
    }

    pub(super) fn crash_or_rebalance(&mut self) {
        if self.random.chance(50) {
            let key = self.random.below(KEYS as u64) as usize;
            let owner = CONSUMERS + self.random.below(MEMBERS as u64) as usize;
            let before = std::mem::replace(&mut self.owners[key], owner);
            for member in [before, owner]
                .into_iter()
                .filter(|member| *member >= CONSUMERS)
            {
                self.consumers[member].rebalanced.push(Key(key as u32));
            }
            self.consumers[owner].positions[key] = self.committed[key];
            return;
        }
        let at = self.random.below(CONSUMERS as u64) as usize;
        if self.consumers[at].polling {
            return;
        }
        let slot = FIRST_CONSUMER + at;
        self.tell(slot, Kind::Invoke, Action::Crash);
        self.tell(slot, Kind::Info, Action::Crash);
        self.assign(slot, true);
    }
}
