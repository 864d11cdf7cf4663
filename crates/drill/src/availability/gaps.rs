//! Times without an acknowledgement, though one was due.

use serde::Serialize;

use super::observer::Request;
use crate::history::Key;

/// A time without an acknowledgement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Gap {
    /// When it began.
    pub from_us: u64,
    /// When the next acknowledgement came, or the last request was over.
    pub to_us: u64,
    /// Of this partition; None if it is that of all partitions together.
    pub key: Option<Key>,
    /// No acknowledgement came any more.
    pub unfinished: bool,
}

impl Gap {
    /// How long it was.
    #[must_use]
    pub const fn length_us(&self) -> u64 {
        self.to_us.saturating_sub(self.from_us)
    }
}

/// The gaps of `requests`, which are ordered by when they were due, until `end_ns`.
pub(super) fn gaps_of(requests: &[Request], key: Option<Key>, end_ns: u64) -> Vec<Gap> {
    let mut acknowledged: Vec<_> = requests
        .iter()
        .filter_map(Request::acknowledged_ns)
        .collect();
    let mut done: Vec<_> = requests.iter().map(|request| request.done_ns).collect();
    acknowledged.sort_unstable();
    done.sort_unstable();
    let (mut due_before, mut done_before) = (0, 0);
    let mut gaps = Vec::new();
    let mut last_ns = None;
    for next_ns in acknowledged.iter().copied().map(Some).chain([None]) {
        let from_ns = match last_ns {
            None => requests.first().map(|request| request.due_ns),
            Some(last) => {
                due_before += count(&requests[due_before..], |request| request.due_ns <= last);
                done_before += count(&done[done_before..], |done| *done <= last);
                let next_due = requests.get(due_before).map(|request| request.due_ns);
                let is_outstanding = due_before > done_before;
                if is_outstanding { Some(last) } else { next_due }
            }
        };
        let to_ns = next_ns.unwrap_or(end_ns);
        if let Some(from_ns) = from_ns.filter(|from_ns| *from_ns < to_ns) {
            gaps.push(Gap {
                from_us: from_ns / 1000,
                to_us: to_ns / 1000,
                key,
                unfinished: next_ns.is_none(),
            });
        }
        last_ns = next_ns;
    }
    gaps
}

/// How many items at the front of an ordered list are `so`.
fn count<T>(items: &[T], so: impl Fn(&T) -> bool) -> usize {
    items.iter().take_while(|item| so(item)).count()
}
