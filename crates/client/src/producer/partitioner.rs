//! Which partition a record belongs to, as the Java producer decides it.

/// The 32-bit murmur2 hash with the seed that all Kafka clients share.
pub fn murmur2(data: &[u8]) -> u32 {
    const SEED: u32 = 0x9747_b28c;
    const M: u32 = 0x5bd1_e995;
    const R: u32 = 24;
    let mut hash = SEED ^ data.len() as u32;
    let (words, rest) = data.as_chunks::<4>();
    for word in words {
        let mut k = u32::from_le_bytes(*word).wrapping_mul(M);
        k ^= k >> R;
        hash = hash.wrapping_mul(M) ^ k.wrapping_mul(M);
    }
    if !rest.is_empty() {
        let tail = rest
            .iter()
            .rev()
            .fold(0, |tail, byte| tail << 8 | u32::from(*byte));
        hash = (hash ^ tail).wrapping_mul(M);
    }
    hash = (hash ^ (hash >> 13)).wrapping_mul(M);
    hash ^ (hash >> 15)
}

/// The partition of a key among `count` (at least one): equal keys stay together, also across clients.
pub fn partition_of_key(key: &[u8], count: usize) -> usize {
    (murmur2(key) & 0x7fff_ffff) as usize % count.max(1)
}

/// Spreads records without a key: one partition until about a batch is full, then the next.
#[derive(Clone, Debug)]
pub(crate) struct Sticky {
    current: usize,
    bytes_left: usize,
    batch_bytes: usize,
}

impl Sticky {
    /// Begins at some partition; `start` should differ between producers.
    pub(crate) fn new(start: usize, batch_bytes: usize) -> Sticky {
        Sticky {
            current: start,
            bytes_left: batch_bytes,
            batch_bytes,
        }
    }

    /// The partition of a record of `bytes` among `count` (at least one).
    pub(crate) fn next(&mut self, bytes: usize, count: usize) -> usize {
        if self.bytes_left == 0 {
            self.current = self.current.wrapping_add(1);
            self.bytes_left = self.batch_bytes;
        }
        self.bytes_left = self.bytes_left.saturating_sub(bytes);
        self.current % count.max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of Kafka's own test of its hash (signed there).
    #[test]
    fn murmur2_is_that_of_the_java_client() {
        for (key, expected) in [
            ("21", -973_932_308),
            ("foobar", -790_332_482),
            ("a-little-bit-long-string", -985_981_536),
            ("a-little-bit-longer-string", -1_486_304_829),
            (
                "lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8",
                -58_897_971,
            ),
            ("abc", 479_470_107),
        ] {
            assert_eq!(murmur2(key.as_bytes()) as i32, expected, "{key}");
        }
    }

    #[test]
    fn records_without_a_key_change_partition_once_a_batch_is_full() {
        let mut sticky = Sticky::new(2, 100);
        let chosen: Vec<usize> = (0..6).map(|_| sticky.next(50, 3)).collect();
        assert_eq!(chosen, [2, 2, 0, 0, 1, 1]);
    }
}
