//! How many records share an entry of the log.
//!
//! When a broker dies that has thousands of replicas, as many partitions change. Each stands for
//! itself, and the first need not wait until the last is written, copied and applied. Everything
//! else is decided whole: the records of a topic and its partitions, say, stay together.

use klamm_metadata::proto::{Record, record::Kind};

/// Changes of partitions that share an entry: written, copied and applied in some milliseconds.
const CHANGES_PER_ENTRY: usize = 2_000;

/// The records, in their order, as they share entries.
pub(crate) fn cut(records: Vec<Record>) -> Vec<Vec<Record>> {
    cut_after(CHANGES_PER_ENTRY, records)
}

/// An entry of `full` records or more ends where one change of a partition follows another.
fn cut_after(full: usize, records: Vec<Record>) -> Vec<Vec<Record>> {
    let mut entries: Vec<Vec<Record>> = Vec::new();
    for record in records {
        match entries.last_mut() {
            Some(entry) if !may_end(full, entry, &record) => entry.push(record),
            _ => entries.push(vec![record]),
        }
    }
    entries
}

fn may_end(full: usize, entry: &[Record], next: &Record) -> bool {
    entry.len() >= full && is_change(next) && entry.last().is_some_and(is_change)
}

fn is_change(record: &Record) -> bool {
    matches!(record.kind, Some(Kind::PartitionChange(_)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use klamm_metadata::proto;

    /// `c`: a change of a partition; anything else: another record.
    fn records(kinds: &str) -> Vec<Record> {
        let record = |kind| match kind {
            'c' => proto::PartitionChangeRecord::default().into(),
            _ => proto::BrokerChangeRecord::default().into(),
        };
        kinds.chars().map(record).collect()
    }

    fn text(records: &[Record]) -> String {
        let kind = |record| if is_change(record) { 'c' } else { '.' };
        records.iter().map(kind).collect()
    }

    #[test]
    fn only_runs_of_changes_are_cut() {
        for (kinds, expected) in [
            ("", &[][..]),
            ("ccc", &["ccc"]),
            ("cccc", &["ccc", "c"]),
            ("ccccccc.", &["ccc", "ccc", "c."]),
            ("ccc.", &["ccc."]),
            ("ccc.cc", &["ccc.c", "c"]),
            (".ccccc", &[".cc", "ccc"]),
            ("......", &["......"]),
            ("....cc", &["....c", "c"]),
        ] {
            let entries = cut_after(3, records(kinds));
            let entries: Vec<_> = entries.iter().map(|entry| text(entry)).collect();
            assert_eq!(entries, expected, "{kinds}");
        }
    }
}
