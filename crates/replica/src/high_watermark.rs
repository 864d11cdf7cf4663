//! The one function that computes a high watermark.

/// The high watermark of a leader: the smallest durable end offset among the replicas that must
/// have a record before it counts as committed, but never below `current`.
///
/// ```text
/// log start ≤ high watermark ≤ durable end ≤ log end
/// ```
///
/// It stands still while the ISR is below the effective `min.insync.replicas` (KIP-966): then
/// replicas that left stay eligible to lead, and nothing may be committed without them.
pub fn high_watermark(
    current: i64,
    isr_size: usize,
    min_isr: usize,
    durable_end_offsets: impl IntoIterator<Item = i64>,
) -> i64 {
    if isr_size < min_isr {
        return current;
    }
    match durable_end_offsets.into_iter().min() {
        Some(lowest) => lowest.max(current),
        None => current,
    }
}

#[cfg(test)]
mod tests {
    use super::high_watermark;

    #[test]
    fn is_the_lowest_durable_end() {
        assert_eq!(high_watermark(3, 3, 2, [9, 7, 8]), 7);
    }

    #[test]
    fn never_goes_back() {
        assert_eq!(high_watermark(8, 2, 1, [5, 9]), 8);
    }

    #[test]
    fn stands_still_below_min_isr() {
        assert_eq!(high_watermark(3, 1, 2, [9]), 3);
    }
}
