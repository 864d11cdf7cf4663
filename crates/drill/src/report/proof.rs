//! The operations that prove a finding, short enough to be read.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde::Serialize;

use crate::checker::{Finding, Verdict};
use crate::history::{Action, Key, MicroOp, Operation, Process};

/// How many records before and behind one in question are told of a poll.
const AROUND: usize = 2;

/// Records that lie so near to an offset in question are told as well: what is there instead.
const NEAR: i64 = 1;

/// The longest text of an operation; transactions may be long.
const TEXT_CHARS_MAX: usize = 600;

/// An operation as a report tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ToldOperation {
    /// Its index in the history.
    pub index: u64,
    /// When it was recorded.
    pub time_us: u64,
    /// Who: a number, or "nemesis".
    pub process: String,
    /// "ok", "info", …
    pub kind: &'static str,
    /// "send", "poll", …
    pub f: String,
    /// What, as in the history; of polls, what is about the values in question.
    pub value: String,
    /// Why it failed.
    pub error: Option<String>,
}

/// Which operations are wanted, and what of them.
#[derive(Debug, Default)]
pub(super) struct Proof {
    wanted: BTreeMap<u64, Wanted>,
}

/// What is in question in an operation.
#[derive(Debug, Default)]
struct Wanted {
    values: BTreeSet<u64>,
    places: BTreeSet<(Key, i64)>,
    /// The partitions of findings that are about one.
    keys: BTreeSet<Key>,
    /// It also proves something about several partitions.
    any_key: bool,
}

impl Wanted {
    fn add(&mut self, finding: &Finding) {
        self.values.extend(&finding.values);
        self.keys.extend(finding.key);
        self.any_key |= finding.key.is_none();
        self.places.extend(finding.key.zip(finding.offset));
    }

    fn has_key(&self, key: Key) -> bool {
        self.any_key || self.keys.contains(&key)
    }

    fn has(&self, key: Key, (offset, value): (i64, u64)) -> bool {
        let near = (key, offset.saturating_sub(NEAR))..=(key, offset.saturating_add(NEAR));
        self.values.contains(&value) || self.places.range(near).next().is_some()
    }
}

impl Proof {
    pub(super) fn of(verdict: &Verdict) -> Self {
        let mut proof = Self::default();
        for finding in verdict.found.iter().flat_map(|findings| &findings.first) {
            for index in &finding.operations {
                proof.wanted.entry(*index).or_default().add(finding);
            }
        }
        proof
    }

    pub(super) fn is_empty(&self) -> bool {
        self.wanted.is_empty()
    }

    /// The operation in words, if it is wanted.
    pub(super) fn tell(&self, operation: &Operation) -> Option<ToldOperation> {
        let wanted = self.wanted.get(&operation.index)?;
        Some(ToldOperation {
            index: operation.index,
            time_us: operation.time_ns / 1000,
            process: match operation.process {
                Process::Client(number) => number.to_string(),
                Process::Nemesis => "nemesis".to_owned(),
            },
            kind: operation.kind.name(),
            f: operation.action.name().to_owned(),
            value: value_text(&operation.action, wanted),
            error: operation.error.clone(),
        })
    }
}

fn value_text(action: &Action, wanted: &Wanted) -> String {
    let mut text = String::new();
    for op in action.micro_ops() {
        if !text.is_empty() {
            text.push_str(", ");
        }
        push_micro_op(op, wanted, &mut text);
    }
    if let Action::Assign { keys, .. } | Action::Subscribe(keys) = action {
        let keys: Vec<_> = keys.iter().map(ToString::to_string).collect();
        text = format!("keys {}", keys.join(" "));
    }
    if text.chars().count() > TEXT_CHARS_MAX {
        text = text.chars().take(TEXT_CHARS_MAX).chain(['…']).collect();
    }
    text
}

fn push_micro_op(op: &MicroOp, wanted: &Wanted, text: &mut String) {
    match op {
        MicroOp::Send { key, value, offset } => {
            let _ = match offset {
                Some(offset) => write!(text, "send to {key}: {value} at {offset}"),
                None => write!(text, "send to {key}: {value}"),
            };
        }
        MicroOp::Poll(partitions) => {
            text.push_str("poll");
            for (key, pairs) in partitions.iter().filter(|(key, _)| wanted.has_key(*key)) {
                let is_wanted = |at: usize| {
                    let around = at.saturating_sub(AROUND)..(at + AROUND + 1).min(pairs.len());
                    let mut around = pairs.get(around).unwrap_or_default().iter();
                    around.any(|pair| wanted.has(*key, *pair))
                };
                // Where no value is in question, the ends tell where the consumer was.
                let any = (0..pairs.len()).any(is_wanted);
                let is_told = |at: usize| {
                    if any {
                        is_wanted(at)
                    } else {
                        at < AROUND || at + AROUND >= pairs.len()
                    }
                };
                let _ = write!(text, " {key}: ");
                push_pairs(pairs, is_told, text);
            }
        }
    }
}

fn push_pairs(pairs: &[(i64, u64)], is_told: impl Fn(usize) -> bool, text: &mut String) {
    text.push('[');
    let mut left_out = false;
    for (at, (offset, value)) in pairs.iter().enumerate() {
        if !is_told(at) {
            left_out = true;
            continue;
        }
        if !text.ends_with('[') {
            text.push(' ');
        }
        if std::mem::take(&mut left_out) {
            text.push_str("… ");
        }
        let _ = write!(text, "{value} at {offset}");
        if at + 1 < pairs.len() {
            text.push(',');
        }
    }
    if left_out {
        text.push_str(" …");
    }
    text.push(']');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(values: &[u64], place: Option<(u32, i64)>) -> Wanted {
        Wanted {
            values: values.iter().copied().collect(),
            places: place
                .map(|(key, offset)| (Key(key), offset))
                .into_iter()
                .collect(),
            keys: BTreeSet::from([Key(3)]),
            any_key: false,
        }
    }

    #[test]
    fn long_polls_are_told_around_what_is_in_question() {
        let pairs = (0..100)
            .filter(|at| *at != 50)
            .map(|at| (at, 1000 + at as u64))
            .collect();
        let other = vec![(0, 9)];
        let poll = Action::Poll(vec![MicroOp::Poll(vec![(Key(2), other), (Key(3), pairs)])]);
        let cases = [
            (
                wanted(&[1040], None),
                "poll 3: [… 1038 at 38, 1039 at 39, 1040 at 40, 1041 at 41, 1042 at 42, …]",
            ),
            (
                wanted(&[1050], Some((3, 50))),
                "poll 3: [… 1047 at 47, 1048 at 48, 1049 at 49, 1051 at 51, 1052 at 52, 1053 at 53, …]",
            ),
            (
                wanted(&[7], None),
                "poll 3: [1000 at 0, 1001 at 1, … 1098 at 98, 1099 at 99]",
            ),
        ];
        for (wanted, expected) in cases {
            assert_eq!(value_text(&poll, &wanted), expected);
        }
    }

    #[test]
    fn long_transactions_are_cut() {
        let send = |value| MicroOp::Send {
            key: Key(1),
            value,
            offset: Some(4),
        };
        let text = value_text(
            &Action::Txn((0..500).map(send).collect()),
            &wanted(&[], None),
        );
        assert_eq!(text.chars().count(), TEXT_CHARS_MAX + 1);
        assert!(text.starts_with("send to 1: 0 at 4, send to 1: 1 at 4, "));
    }
}
