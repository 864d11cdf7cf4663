//! "Did you mean …?"

/// A typing error has at most this many wrong letters, and never more than a third of the name.
const EDITS_MAX: usize = 4;

/// Longer names are not compared: no known key is nearly as long.
const NAME_CHARS_MAX: usize = 128;

/// The candidate nearest to `name`, if one is near enough to be meant.
pub(crate) fn nearest<'a>(
    name: &str,
    candidates: impl Iterator<Item = &'a str>,
) -> Option<&'a str> {
    if name.len() > NAME_CHARS_MAX {
        return None;
    }
    let limit = EDITS_MAX.min(name.len() / 3);
    candidates
        .map(|candidate| (edits(name, candidate), candidate))
        .filter(|(edits, _)| *edits <= limit)
        .min()
        .map(|(_, candidate)| candidate)
}

/// The number of letters to insert, delete or replace to turn `a` into `b` (Levenshtein).
fn edits(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.bytes().enumerate() {
            let replaced = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_are_counted() {
        for (a, b, expected) in [
            ("", "", 0),
            ("abc", "abc", 0),
            ("kitten", "sitting", 3),
            ("", "ab", 2),
        ] {
            assert_eq!(edits(a, b), expected, "{a} {b}");
        }
    }

    #[test]
    fn only_near_names_are_suggested() {
        let known = ["num.partitions", "log.dirs"];
        let suggest = |name| nearest(name, known.into_iter());
        assert_eq!(suggest("num.partition"), Some("num.partitions"));
        assert_eq!(suggest("log.dris"), Some("log.dirs"));
        assert_eq!(suggest("something.else"), None);
        assert_eq!(suggest("x"), None);
    }
}
