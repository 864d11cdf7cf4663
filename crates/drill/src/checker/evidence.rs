//! A history in the form that checks need: completions in columns, and a log for each partition.
//!
//! An operation of a million takes less than a hundred bytes here and is seen once, so the histories
//! of long drills can be judged where they lie.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use super::partition_log::{Entry, PartitionLog};
use super::verdict::Counts;
use crate::history::{Action, HistoryError, Key, Kind, MicroOp, Operation, PartitionName, Process};

/// A position in a column that means nothing.
const NONE: u32 = u32::MAX;

/// What a completed operation was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    /// Sends and polls.
    Exchange {
        /// They take effect together or not at all.
        transaction: bool,
    },
    /// Partitions were assigned.
    Assign {
        /// All from the beginning.
        seek_to_beginning: bool,
    },
    /// A group was joined.
    Subscribe,
    /// The clients of the process were dropped.
    Crash,
}

/// A completed operation of a client, or one that nothing was heard of again.
#[derive(Debug)]
pub(super) struct Deed {
    /// The index of its completion; of its invocation if it has none.
    pub(super) index: u64,
    /// The index of its invocation.
    pub(super) invoked: u64,
    pub(super) process: u32,
    producer: u32,
    pub(super) kind: Kind,
    pub(super) what: What,
    sends: Range<u32>,
    reads: Range<u32>,
    keys: Range<u32>,
}

impl Deed {
    /// Whose order of sends must be kept: a producer's, or that of the process where none is named.
    pub(super) const fn sender(&self) -> (bool, u32) {
        if self.producer == NONE {
            (false, self.process)
        } else {
            (true, self.producer)
        }
    }
}

/// A value that was to be appended.
#[derive(Debug)]
pub(super) struct Sent {
    pub(super) value: u64,
    offset: i64,
    pub(super) key: Key,
    /// Its operation, a position in the deeds.
    pub(super) deed: u32,
    reader: u32,
}

impl Sent {
    /// Where the acknowledgement says that it lies.
    pub(super) fn offset(&self) -> Option<i64> {
        (self.offset >= 0).then_some(self.offset)
    }

    /// The first successful operation that read it, a position in the deeds.
    pub(super) fn reader(&self) -> Option<u32> {
        (self.reader != NONE).then_some(self.reader)
    }
}

/// A value that a poll returned.
#[derive(Debug, Clone, Copy)]
pub(super) struct Read {
    pub(super) value: u64,
    pub(super) offset: i64,
    pub(super) key: Key,
}

/// A history in columns. Made by [`EvidenceBuilder`].
#[derive(Debug, Default)]
pub struct Evidence {
    deeds: Vec<Deed>,
    sends: Vec<Sent>,
    reads: Vec<Read>,
    keys: Vec<Key>,
    /// Positions of sends by key and value.
    by_value: Vec<u32>,
    logs: BTreeMap<Key, PartitionLog>,
    names: Vec<PartitionName>,
    operations: u64,
}

impl Evidence {
    /// All completed operations in their order.
    pub(super) fn deeds(&self) -> impl Iterator<Item = (u32, &Deed)> {
        (0..).zip(&self.deeds)
    }

    pub(super) fn deed(&self, at: u32) -> &Deed {
        &self.deeds[at as usize]
    }

    /// All values that were to be appended.
    pub(super) fn all_sends(&self) -> &[Sent] {
        &self.sends
    }

    pub(super) fn sends(&self, deed: &Deed) -> &[Sent] {
        &self.sends[deed.sends.start as usize..deed.sends.end as usize]
    }

    pub(super) fn reads(&self, deed: &Deed) -> &[Read] {
        &self.reads[deed.reads.start as usize..deed.reads.end as usize]
    }

    /// What was assigned or subscribed to; for polls, the partitions that came or went.
    pub(super) fn keys(&self, deed: &Deed) -> &[Key] {
        &self.keys[deed.keys.start as usize..deed.keys.end as usize]
    }

    /// The partitions of which something is known.
    pub(super) fn logs(&self) -> impl Iterator<Item = (Key, &PartitionLog)> {
        self.logs.iter().map(|(key, log)| (*key, log))
    }

    pub(super) fn log(&self, key: Key) -> Option<&PartitionLog> {
        self.logs.get(&key)
    }

    /// Who was to append `value` to `key`.
    pub(super) fn sent(&self, key: Key, value: u64) -> Option<&Sent> {
        self.sends.get(self.place(key, value)?)
    }

    /// Its position among all sends.
    pub(super) fn place(&self, key: Key, value: u64) -> Option<usize> {
        find(&self.sends, &self.by_value, key, value)
    }

    /// Whether it certainly took effect: acknowledged, or one of its values was read.
    pub(super) fn is_committed(&self, deed: &Deed) -> bool {
        match deed.kind {
            Kind::Ok => true,
            Kind::Info => self.sends(deed).iter().any(|sent| sent.reader().is_some()),
            Kind::Invoke | Kind::Fail => false,
        }
    }

    /// Where a value lies: as acknowledged, else where it was read first.
    pub(super) fn position(&self, sent: &Sent) -> Option<i64> {
        sent.offset().or_else(|| {
            let reader = self.deed(sent.reader()?);
            let mut reads = self.reads(reader).iter();
            let read = reads.find(|read| read.key == sent.key && read.value == sent.value);
            read.map(|read| read.offset)
        })
    }

    /// The partition in Kafka's words, if the history explains its keys.
    pub(super) fn name(&self, key: Key) -> String {
        match self.names.get(key.0 as usize) {
            Some(name) => name.to_string(),
            None => format!("key {key}"),
        }
    }

    /// The indices of operations in the history, each once, in order.
    pub(super) fn indices(&self, deeds: impl IntoIterator<Item = u32>) -> Vec<u64> {
        let mut indices: Vec<_> = deeds
            .into_iter()
            .map(|deed| self.deed(deed).index)
            .collect();
        indices.sort_unstable();
        indices.dedup();
        indices
    }

    /// What there is.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let mut counts = Counts {
            operations: self.operations,
            records_read: self.reads.len() as u64,
            ..Counts::default()
        };
        for deed in &self.deeds {
            counts.transactions += u64::from(deed.what == What::Exchange { transaction: true });
        }
        for sent in &self.sends {
            match self.deed(sent.deed).kind {
                Kind::Ok => counts.sends_acknowledged += 1,
                Kind::Fail => counts.sends_failed += 1,
                Kind::Info | Kind::Invoke => {
                    counts.sends_unknown += 1;
                    counts.sends_unknown_read += u64::from(sent.reader().is_some());
                }
            }
        }
        counts
    }

    /// Joins sends and reads, and lays out the partitions.
    fn connect(&mut self) {
        let count = u32::try_from(self.sends.len()).unwrap_or(NONE);
        self.by_value = (0..count).collect();
        let order = |at: &u32| {
            let sent = &self.sends[*at as usize];
            (sent.key, sent.value)
        };
        self.by_value.sort_by_key(order);
        for (at, deed) in (0..).zip(&self.deeds) {
            let reads = &self.reads[deed.reads.start as usize..deed.reads.end as usize];
            for read in reads {
                let log = self.logs.entry(read.key).or_default();
                log.saw(Entry {
                    offset: read.offset,
                    value: read.value,
                    unread: false,
                    deed: at,
                });
                if deed.kind != Kind::Ok {
                    continue;
                }
                log.read_up_to(read.offset, at);
                if let Some(sent) = find(&self.sends, &self.by_value, read.key, read.value)
                    && self.sends[sent].reader == NONE
                {
                    self.sends[sent].reader = at;
                }
            }
        }
        self.add_acknowledged();
        self.logs.values_mut().for_each(PartitionLog::seal);
    }

    fn add_acknowledged(&mut self) {
        let mut logs = std::mem::take(&mut self.logs);
        for (at, deed) in self.deeds() {
            if !self.is_committed(deed) {
                continue;
            }
            for sent in self.sends(deed) {
                let Some(offset) = sent.offset() else {
                    continue;
                };
                let entry = Entry {
                    offset,
                    value: sent.value,
                    unread: true,
                    deed: at,
                };
                logs.entry(sent.key).or_default().saw(entry);
            }
        }
        self.logs = logs;
    }
}

/// The position of the send of `value` to `key`.
fn find(sends: &[Sent], by_value: &[u32], key: Key, value: u64) -> Option<usize> {
    let order = |at: &u32| {
        let sent = &sends[*at as usize];
        (sent.key, sent.value)
    };
    let found = by_value.binary_search_by_key(&(key, value), order).ok()?;
    by_value.get(found).map(|at| *at as usize)
}

/// An operation that has begun.
#[derive(Debug)]
struct Open {
    index: u64,
    producer: Option<u32>,
    action: Action,
}

/// Gathers the evidence of a history, one operation after the other.
#[derive(Debug, Default)]
pub struct EvidenceBuilder {
    evidence: Evidence,
    open: HashMap<u32, Open>,
    transactional: bool,
    last_index: Option<u64>,
}

impl EvidenceBuilder {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next operation.
    ///
    /// # Errors
    /// If it cannot follow what was before it: an index out of order, a process that invokes while it has
    /// an operation outstanding or completes what it did not invoke, more than four billion of anything.
    pub fn observe(&mut self, operation: &Operation) -> Result<(), HistoryError> {
        let inconsistent = |problem: String| HistoryError::Inconsistent {
            index: operation.index,
            problem,
        };
        if self.last_index.is_some_and(|last| last >= operation.index) {
            return Err(inconsistent(
                "its index is not larger than that before".to_owned(),
            ));
        }
        self.last_index = Some(operation.index);
        self.evidence.operations += 1;
        let Process::Client(process) = operation.process else {
            if let Action::Setup(setup) = &operation.action {
                self.evidence.names.clone_from(&setup.keys);
                self.transactional = setup.transactional;
            }
            return Ok(());
        };
        if operation.kind == Kind::Invoke {
            let open = Open {
                index: operation.index,
                producer: operation.producer,
                action: operation.action.clone(),
            };
            return match self.open.insert(process, open) {
                Some(open) => Err(inconsistent(format!(
                    "process {process} invokes it, but its operation {} is outstanding",
                    open.index
                ))),
                None => Ok(()),
            };
        }
        let Some(open) = self.open.remove(&process) else {
            return Err(inconsistent(format!(
                "process {process} completes what it did not invoke"
            )));
        };
        let producer = operation.producer.or(open.producer);
        // A completion need not repeat what was asked.
        let exchange = !open.action.micro_ops().is_empty();
        let repeats = !exchange || !operation.action.micro_ops().is_empty();
        self.add(Completion {
            index: operation.index,
            invoked: open.index,
            process,
            producer,
            kind: operation.kind,
            action: if repeats {
                &operation.action
            } else {
                &open.action
            },
            rebalanced: &operation.rebalanced,
        })
    }

    /// The evidence. What has not been completed has no known outcome.
    #[must_use]
    pub fn finish(mut self) -> Evidence {
        let mut open: Vec<_> = std::mem::take(&mut self.open).into_iter().collect();
        open.sort_unstable_by_key(|(_, open)| open.index);
        for (process, open) in open {
            let added = self.add(Completion {
                index: open.index,
                invoked: open.index,
                process,
                producer: open.producer,
                kind: Kind::Info,
                action: &open.action,
                rebalanced: &[],
            });
            // Only the limit on their number can refuse it, and nothing is known of it anyway.
            if added.is_err() {
                break;
            }
        }
        self.evidence.connect();
        self.evidence
    }

    fn add(&mut self, completion: Completion<'_>) -> Result<(), HistoryError> {
        let full = HistoryError::Inconsistent {
            index: completion.index,
            problem: "the history is too long".to_owned(),
        };
        let evidence = &mut self.evidence;
        let starts = [
            evidence.deeds.len(),
            evidence.sends.len(),
            evidence.reads.len(),
            evidence.keys.len(),
        ];
        let [deed, sends, reads, keys] = starts.map(|at| u32::try_from(at).unwrap_or(NONE));
        let what = match completion.action {
            Action::Send(_) | Action::Poll(_) => What::Exchange {
                transaction: self.transactional,
            },
            Action::Txn(_) => What::Exchange { transaction: true },
            Action::Assign {
                seek_to_beginning, ..
            } => What::Assign {
                seek_to_beginning: *seek_to_beginning,
            },
            Action::Subscribe(_) => What::Subscribe,
            Action::Crash => What::Crash,
            _ => return Ok(()),
        };
        for op in completion.action.micro_ops() {
            evidence.add_micro_op(op, deed);
        }
        match completion.action {
            Action::Assign { keys, .. } | Action::Subscribe(keys) => evidence.keys.extend(keys),
            _ => evidence.keys.extend(completion.rebalanced),
        }
        let ends = [
            evidence.sends.len(),
            evidence.reads.len(),
            evidence.keys.len(),
        ];
        let [sends_end, reads_end, keys_end] = ends.map(|at| u32::try_from(at).unwrap_or(NONE));
        if [deed, sends_end, reads_end, keys_end].contains(&NONE) {
            return Err(full);
        }
        evidence.deeds.push(Deed {
            index: completion.index,
            invoked: completion.invoked,
            process: completion.process,
            producer: completion.producer.unwrap_or(NONE),
            kind: completion.kind,
            what,
            sends: sends..sends_end,
            reads: reads..reads_end,
            keys: keys..keys_end,
        });
        Ok(())
    }
}

impl Evidence {
    fn add_micro_op(&mut self, op: &MicroOp, deed: u32) {
        match op {
            MicroOp::Send { key, value, offset } => self.sends.push(Sent {
                value: *value,
                offset: offset.unwrap_or(-1),
                key: *key,
                deed,
                reader: NONE,
            }),
            MicroOp::Poll(partitions) => {
                for (key, pairs) in partitions {
                    let reads = pairs.iter().map(|(offset, value)| Read {
                        value: *value,
                        offset: *offset,
                        key: *key,
                    });
                    self.reads.extend(reads);
                }
            }
        }
    }
}

/// An operation that has ended.
struct Completion<'a> {
    index: u64,
    invoked: u64,
    process: u32,
    producer: Option<u32>,
    kind: Kind,
    action: &'a Action,
    rebalanced: &'a [Key],
}
