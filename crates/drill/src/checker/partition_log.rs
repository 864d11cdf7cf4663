//! What all clients together know of one partition.

/// A value that somebody saw at an offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Entry {
    pub(super) offset: i64,
    pub(super) value: u64,
    /// Whether a poll returned it; else an acknowledgement told of it.
    pub(super) unread: bool,
    /// Who saw it first: a position in the evidence's deeds.
    pub(super) deed: u32,
}

/// The entries of a partition by offset, one for each offset and value.
#[derive(Debug, Default)]
pub(super) struct PartitionLog {
    entries: Vec<Entry>,
    /// The highest offset that an acknowledged poll returned, and the poll.
    pub(super) read_to: Option<(i64, u32)>,
}

impl PartitionLog {
    /// Adds what somebody saw.
    pub(super) fn saw(&mut self, entry: Entry) {
        self.entries.push(entry);
    }

    /// Adds that a consumer was given the record at `offset`.
    pub(super) fn read_up_to(&mut self, offset: i64, deed: u32) {
        if self.read_to.is_none_or(|(highest, _)| offset > highest) {
            self.read_to = Some((offset, deed));
        }
    }

    /// Orders the entries; of those with one offset and value, the first that was read stays.
    pub(super) fn seal(&mut self) {
        self.entries.sort_unstable();
        self.entries
            .dedup_by_key(|entry| (entry.offset, entry.value));
        self.entries.shrink_to_fit();
    }

    /// All entries, by offset and value.
    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The entries behind `after` and before `before`.
    pub(super) fn between(&self, after: i64, before: i64) -> &[Entry] {
        let from = self.entries.partition_point(|entry| entry.offset <= after);
        let to = self.entries.partition_point(|entry| entry.offset < before);
        self.entries.get(from..to).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_ordered_and_told_once() {
        let mut log = PartitionLog::default();
        for (offset, value, unread, deed) in [
            (5, 50, true, 1),
            (3, 30, false, 2),
            (5, 50, false, 3),
            (5, 51, true, 4),
            (5, 50, false, 9),
        ] {
            log.saw(Entry {
                offset,
                value,
                unread,
                deed,
            });
        }
        log.seal();
        let seen = log
            .entries()
            .iter()
            .map(|entry| (entry.offset, entry.value, entry.deed));
        assert_eq!(
            seen.collect::<Vec<_>>(),
            [(3, 30, 2), (5, 50, 3), (5, 51, 4)]
        );
        assert_eq!(log.between(3, 5), []);
        assert_eq!(log.between(2, 5).len(), 1);
        assert_eq!(log.between(3, 6).len(), 2);
        assert_eq!(log.between(6, 3), []);
    }
}
