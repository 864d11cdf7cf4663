//! Which names topics may have (rule 22).

/// The longest name, so that a partition's folder fits a file name.
pub const TOPIC_NAME_LENGTH_MAX: usize = 249;

/// Whether a topic may have the name.
///
/// # Errors
/// What is wrong, in a sentence.
pub fn check_topic_name(name: &str) -> Result<(), String> {
    let is_legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if name.is_empty() {
        Err("a topic needs a name of at least one character".to_owned())
    } else if name == "." || name == ".." {
        Err(format!("a topic must not be named {name:?}"))
    } else if !name.chars().all(is_legal) {
        Err(format!(
            "topic name {name:?} has characters other than ASCII letters, digits, '.', '_' and '-'"
        ))
    } else if name.len() > TOPIC_NAME_LENGTH_MAX {
        Err(format!(
            "topic name {name:?} is {} characters long, {TOPIC_NAME_LENGTH_MAX} are allowed",
            name.len()
        ))
    } else {
        Ok(())
    }
}

/// Whether two names read the same where metrics write `.` as `_`.
pub(crate) fn collide(a: &str, b: &str) -> bool {
    let fold = |byte: u8| if byte == b'.' { b'_' } else { byte };
    a.len() == b.len() && a.bytes().map(fold).eq(b.bytes().map(fold))
}

/// Whether the name can collide with another one at all.
pub(crate) fn may_collide(name: &str) -> bool {
    name.contains(['.', '_'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_kafkas() {
        for name in [
            "a",
            "A-1_b.c",
            "__consumer_offsets",
            "...",
            &"x".repeat(249),
        ] {
            assert_eq!(check_topic_name(name), Ok(()), "{name}");
        }
        for name in ["", ".", "..", "a b", "a/b", "ä", "a\0", &"x".repeat(250)] {
            assert!(check_topic_name(name).is_err(), "{name}");
        }
    }

    #[test]
    fn dots_and_underscores_collide() {
        assert!(collide("a.b_c", "a_b.c"));
        assert!(!collide("a.b", "a-b"));
        assert!(!collide("a.b", "a.bc"));
    }
}
