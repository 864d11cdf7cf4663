//! Histories of a made-up cluster: clean ones, and such with one bug planted, by seed.
//!
//! The cluster is a list of slots for each partition. Idempotent producers with several requests
//! outstanding, transactions that interleave, consumers with assignments and members of a group act in
//! an order that chance decides; answers get lost, clients crash.

mod bug;
mod consumers;
mod producers;
mod transactions;

pub(crate) use self::bug::Bug;
use self::consumers::Consumer;
use self::producers::Producer;
use self::transactions::Transaction;
use crate::history::{
    Action, Key, Kind, MicroOp, Operation, PartitionName, Process, Processes, Setup,
};
use crate::random::Random;

const KEYS: usize = 3;
const PRODUCERS: usize = 2;
const REQUESTS: usize = 3;
const CONSUMERS: usize = 2;
const MEMBERS: usize = 2;
const POLL_RECORDS_MAX: usize = 4;
/// What a poll returns: for each partition, offsets and values.
type Polled = Vec<(Key, Vec<(i64, u64)>)>;

/// A place of a partition.
#[derive(Debug, Clone, Copy)]
enum Slot {
    /// A marker of a transaction, or nothing.
    Hole,
    Record {
        value: u64,
        transaction: Option<usize>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    Committed,
    Aborted,
}

/// How a request or transaction ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Acknowledged,
    AcknowledgedWithoutOffset,
    AnswerLost,
    RequestLost,
    Refused,
}

impl Fate {
    fn by(random: &mut Random) -> Self {
        match random.below(20) {
            0 => Self::AcknowledgedWithoutOffset,
            1 => Self::AnswerLost,
            2 => Self::RequestLost,
            3 => Self::Refused,
            _ => Self::Acknowledged,
        }
    }

    const fn takes_effect(self) -> bool {
        matches!(
            self,
            Self::Acknowledged | Self::AcknowledgedWithoutOffset | Self::AnswerLost
        )
    }

    const fn kind(self) -> Kind {
        match self {
            Self::Acknowledged | Self::AcknowledgedWithoutOffset => Kind::Ok,
            Self::AnswerLost | Self::RequestLost => Kind::Info,
            Self::Refused => Kind::Fail,
        }
    }
}

/// A cluster and its clients. Slots of processes: producers' requests, the transactional client,
/// consumers, members of the group.
pub(crate) struct Simulation {
    random: Random,
    history: Vec<Operation>,
    processes: Processes,
    time_ns: u64,
    next_value: u64,
    logs: [Vec<Slot>; KEYS],
    /// Who was given each record, by key and offset; for bugs that need the unread.
    read: [Vec<bool>; KEYS],
    transactions: Vec<State>,
    producers: Vec<Producer>,
    transaction: Option<Transaction>,
    transaction_positions: [usize; KEYS],
    consumers: Vec<Consumer>,
    committed: [usize; KEYS],
    owners: [usize; KEYS],
    armed: Option<Bug>,
    bug: Option<Bug>,
    /// Whether the bug has happened.
    pub(crate) planted: bool,
}

const TRANSACTIONAL: usize = PRODUCERS * REQUESTS;
const FIRST_CONSUMER: usize = TRANSACTIONAL + 1;
const SLOTS: usize = FIRST_CONSUMER + CONSUMERS + MEMBERS;

impl Simulation {
    /// A cluster that does nothing wrong but `bug`, once.
    pub(crate) fn new(seed: u64, bug: Option<Bug>) -> Self {
        let mut simulation = Self {
            random: Random::new(seed),
            history: Vec::new(),
            processes: Processes::new(SLOTS as u32),
            time_ns: 0,
            next_value: 1,
            logs: Default::default(),
            read: Default::default(),
            transactions: Vec::new(),
            producers: (0..PRODUCERS).map(|_| Producer::default()).collect(),
            transaction: None,
            transaction_positions: [0; KEYS],
            consumers: (0..CONSUMERS + MEMBERS)
                .map(|_| Consumer::default())
                .collect(),
            committed: [0; KEYS],
            owners: [0; KEYS],
            armed: None,
            bug,
            planted: false,
        };
        simulation.set_up();
        simulation
    }

    /// Runs for `steps` steps, then lets everybody finish and reads everything once more.
    pub(crate) fn run(mut self, steps: usize) -> (Vec<Operation>, bool) {
        for step in 0..steps {
            if step == steps / 3 {
                self.armed = self.bug;
            }
            self.step();
        }
        self.finish();
        (self.history, self.planted)
    }

    fn set_up(&mut self) {
        let keys = (0..KEYS as i32).map(|partition| PartitionName {
            topic: "drill".to_owned(),
            partition,
        });
        self.record(Operation::nemesis(
            Action::Setup(Setup {
                keys: keys.collect(),
                ..Setup::default()
            }),
            0,
        ));
        for slot in FIRST_CONSUMER..FIRST_CONSUMER + CONSUMERS {
            self.assign(slot, false);
        }
        for slot in FIRST_CONSUMER + CONSUMERS..SLOTS {
            let keys = (0..KEYS as u32).map(Key).collect();
            self.both(slot, Action::Subscribe(keys));
        }
    }

    fn record(&mut self, mut operation: Operation) {
        self.time_ns += self.random.between(1, 2_000_000);
        operation.index = self.history.len() as u64;
        operation.time_ns = self.time_ns;
        self.history.push(operation);
    }

    fn client(&mut self, slot: usize, kind: Kind, action: Action) -> Operation {
        let process = self.processes.current(slot).unwrap();
        if kind == Kind::Info {
            self.processes.retire(slot);
        }
        let mut operation = Operation::new(Process::Client(process), kind, action, 0);
        operation.producer = (slot < TRANSACTIONAL).then_some((slot / REQUESTS) as u32);
        operation
    }

    fn tell(&mut self, slot: usize, kind: Kind, action: Action) {
        let operation = self.client(slot, kind, action);
        self.record(operation);
    }

    fn both(&mut self, slot: usize, action: Action) {
        self.tell(slot, Kind::Invoke, action.clone());
        self.tell(slot, Kind::Ok, action);
    }

    fn assign(&mut self, slot: usize, seek_to_beginning: bool) {
        let keys = (0..KEYS as u32).map(Key).collect();
        self.both(
            slot,
            Action::Assign {
                keys,
                seek_to_beginning,
            },
        );
        let begins = seek_to_beginning;
        let consumer = &mut self.consumers[slot - FIRST_CONSUMER];
        *consumer = Consumer {
            begins,
            ..Consumer::default()
        };
    }

    /// Whether `bug` is to happen now; it happens once.
    fn strikes(&mut self, bug: Bug) -> bool {
        let strikes = self.armed == Some(bug);
        if strikes {
            self.armed = None;
            self.planted = true;
        }
        strikes
    }

    fn step(&mut self) {
        self.truncate_or_swap();
        match self.random.below(13) {
            0..=2 => self.send(),
            3 | 4 => self.append(),
            5 | 6 => self.answer(),
            7 | 11 | 12 => self.transact(),
            8 | 9 => {
                let consumer = self.random.below((CONSUMERS + MEMBERS) as u64) as usize;
                self.poll(consumer);
            }
            _ if self.random.chance(10) => self.crash_or_rebalance(),
            _ => {}
        }
    }

    fn new_value(&mut self) -> (usize, u64) {
        let key = self.random.below(KEYS as u64) as usize;
        self.next_value += 1;
        (key, self.next_value)
    }

    fn store(&mut self, key: usize, value: u64, transaction: Option<usize>) -> i64 {
        self.push(key, Slot::Record { value, transaction })
    }

    fn push(&mut self, key: usize, slot: Slot) -> i64 {
        self.logs[key].push(slot);
        self.read[key].push(false);
        self.logs[key].len() as i64 - 1
    }

    fn finish(&mut self) {
        while self.transaction.is_some() {
            self.transact();
        }
        for at in 0..PRODUCERS {
            while !self.producers[at].waiting.is_empty() {
                self.append_first_of(at);
            }
        }
        while self
            .producers
            .iter()
            .any(|producer| !producer.answers.is_empty())
        {
            self.answer();
        }
        self.armed = self.armed.filter(|bug| bug.is_late());
        // A last record in each partition: whatever is missing before it was read past.
        for key in 0..KEYS {
            let (_, value) = self.new_value();
            self.stray_send(key, value);
        }
        if self.strikes(Bug::ShortFinalRead) {
            self.logs[0].pop();
        }
        let slot = FIRST_CONSUMER;
        if self.consumers[0].polling {
            self.poll(0);
        }
        self.lose_what_was_read();
        self.tell(slot, Kind::Invoke, Action::Crash);
        self.tell(slot, Kind::Info, Action::Crash);
        self.assign(slot, true);
        let ends: Vec<_> = self.logs.iter().map(Vec::len).collect();
        while self.consumers[0].positions[..] != ends[..] {
            self.poll(0);
        }
    }
}

impl Simulation {
    /// Somebody reads everything, then some of it is lost.
    fn lose_what_was_read(&mut self) {
        let left = match self.armed {
            Some(Bug::TailLostAfterRead) => self.logs[0].len() - 1,
            Some(Bug::PartitionLost) => 0,
            _ => return,
        };
        while self.consumers[0].positions[0] < self.logs[0].len() || self.consumers[0].polling {
            self.poll(0);
        }
        self.logs[0].truncate(left);
        (self.armed, self.planted) = (None, true);
    }
}

fn micro_send(key: usize, value: u64, offset: Option<i64>) -> MicroOp {
    MicroOp::Send {
        key: Key(key as u32),
        value,
        offset,
    }
}
