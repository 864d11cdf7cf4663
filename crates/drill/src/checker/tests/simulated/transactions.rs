//! The transactional client: it sends and polls step by step, then commits or aborts.

use std::collections::VecDeque;

use super::*;

#[derive(Debug)]
pub(super) struct Transaction {
    pub(super) id: usize,
    pub(super) fate: Fate,
    pub(super) steps: VecDeque<Option<(usize, u64)>>,
    pub(super) done: Vec<MicroOp>,
    pub(super) positions: [usize; KEYS],
    pub(super) offsets: Vec<(usize, i64)>,
}

impl Simulation {
    pub(super) fn transact(&mut self) {
        let Some(mut transaction) = self.transaction.take() else {
            return self.begin_transaction();
        };
        match transaction.steps.pop_front() {
            Some(Some((key, value))) => {
                let offset = self.store(key, value, Some(transaction.id));
                transaction.offsets.push((key, offset));
                transaction.done.push(micro_send(key, value, Some(offset)));
            }
            Some(None) => {
                let mut positions = transaction.positions;
                let mut polled = self.read_from(&mut positions, |_| true);
                transaction.positions = positions;
                if let Some((key, value, offset)) = last_send(&transaction.done)
                    && transaction.fate.takes_effect()
                    && self.strikes(Bug::OwnRead)
                {
                    polled = vec![(key, vec![(offset, value)])];
                    // The process ends with it, so it does not go back afterwards.
                    transaction.fate = Fate::AnswerLost;
                }
                transaction.done.push(MicroOp::Poll(polled));
            }
            None => return self.end_transaction(transaction),
        }
        self.transaction = Some(transaction);
    }

    pub(super) fn begin_transaction(&mut self) {
        let id = self.transactions.len();
        self.transactions.push(State::Open);
        let mut steps = VecDeque::new();
        for _ in 0..self.random.between(1, 4) {
            let send = self.random.chance(75).then(|| self.new_value());
            steps.push_back(send);
        }
        let ops = steps.iter().map(|step| match step {
            Some((key, value)) => micro_send(*key, *value, None),
            None => MicroOp::Poll(Vec::new()),
        });
        self.tell(TRANSACTIONAL, Kind::Invoke, Action::Txn(ops.collect()));
        self.transaction = Some(Transaction {
            id,
            fate: Fate::by(&mut self.random),
            steps,
            done: Vec::new(),
            positions: self.transaction_positions,
            offsets: Vec::new(),
        });
    }

    pub(super) fn end_transaction(&mut self, mut transaction: Transaction) {
        let commit = transaction.fate.takes_effect();
        let sends = transaction.offsets.len();
        let shown = !commit
            && transaction.fate == Fate::Refused
            && sends > 0
            && self.strikes(Bug::AbortedShown);
        self.transactions[transaction.id] = if commit || shown {
            State::Committed
        } else {
            State::Aborted
        };
        if commit && sends > 1 && self.strikes(Bug::TornCommit) {
            let (key, offset) = transaction.offsets[0];
            self.logs[key][offset as usize] = Slot::Hole;
        }
        let mut keys: Vec<_> = transaction.offsets.iter().map(|(key, _)| *key).collect();
        keys.sort_unstable();
        keys.dedup();
        keys.into_iter().for_each(|key| {
            self.push(key, Slot::Hole);
        });
        let told = transaction.fate == Fate::Acknowledged;
        for op in &mut transaction.done {
            if let MicroOp::Send { offset, .. } = op {
                *offset = offset.filter(|_| told);
            }
        }
        if transaction.fate.kind() == Kind::Ok {
            self.transaction_positions = transaction.positions;
        }
        self.tell(
            TRANSACTIONAL,
            transaction.fate.kind(),
            Action::Txn(transaction.done),
        );
    }
}

fn last_send(done: &[MicroOp]) -> Option<(Key, u64, i64)> {
    done.iter().rev().find_map(|op| match op {
        MicroOp::Send {
            key,
            value,
            offset: Some(offset),
        } => Some((*key, *value, *offset)),
        _ => None,
    })
}
