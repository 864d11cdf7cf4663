//! Which partition of `__consumer_offsets` a group belongs to.

/// The partition of a group: Java's `String.hashCode`, made non-negative, modulo the number of
/// partitions (rule 96).
///
/// `partitions` is the number of partitions of the topic; 0 gives partition 0.
pub fn group_partition(group_id: &str, partitions: u32) -> u32 {
    java_abs(java_string_hash(group_id))
        .checked_rem(partitions)
        .unwrap_or(0)
}

/// Java hashes UTF-16 code units, not bytes.
fn java_string_hash(text: &str) -> i32 {
    text.encode_utf16().fold(0_i32, |hash, unit| {
        hash.wrapping_mul(31).wrapping_add(i32::from(unit))
    })
}

/// Kafka's `Utils.abs`: the absolute value, with 0 for the one number that has none.
fn java_abs(number: i32) -> u32 {
    number.checked_abs().unwrap_or(0).unsigned_abs()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_as_java_does() {
        for (text, hash) in [
            ("", 0),
            ("a", 97),
            ("group", 98_629_247),
            ("consumer-group-1", 147_483_020),
            ("polygenelubricants", i32::MIN),
            ("grüße", java_reference("grüße")),
            ("😀", 1_772_899),
        ] {
            assert_eq!(java_string_hash(text), hash, "{text}");
        }
    }

    /// The definition: s[0]*31^(n-1) + … + s[n-1], in 32-bit arithmetic.
    fn java_reference(text: &str) -> i32 {
        let units: Vec<u16> = text.encode_utf16().collect();
        let mut sum = 0_i32;
        for (i, unit) in units.iter().enumerate() {
            let power = (0..units.len() - 1 - i).fold(1_i32, |p, _| p.wrapping_mul(31));
            sum = sum.wrapping_add(i32::from(*unit).wrapping_mul(power));
        }
        sum
    }

    #[test]
    fn the_smallest_number_maps_to_partition_zero() {
        assert_eq!(group_partition("polygenelubricants", 50), 0);
    }

    #[test]
    fn partitions_are_in_range() {
        for i in 0..1_000 {
            assert!(group_partition(&format!("group-{i}"), 50) < 50);
        }
        assert_eq!(group_partition("group", 50), 47);
        assert_eq!(group_partition("any", 0), 0);
    }
}
