//! Key → offset of its last record, in a fixed amount of memory.
//!
//! A key is its 128-bit hash: two SipHashes under keys that are drawn for each map, so that
//! nobody can construct keys that collide, and chance does not bring a collision about
//! (10^-20 with a billion keys). Losing a record to one is all that could happen.

use std::hash::{BuildHasher, RandomState};

/// Bytes of a slot.
pub(crate) const SLOT_SIZE: u64 = 24;

/// Two halves of a hash, and the offset plus one; zero is an empty slot.
type Slot = [u64; 3];

/// A hash table of slots that are probed one after another.
#[derive(Debug)]
pub(crate) struct OffsetMap {
    slots: Vec<Slot>,
    hashers: [RandomState; 2],
    len: u64,
    len_max: u64,
}

impl OffsetMap {
    /// A map for at most `keys_max` keys, in at most `bytes_max` bytes, filled up to
    /// `load_factor` (0 to 1). It takes at least one key, so that whoever uses it gets on.
    pub(crate) fn new(bytes_max: u64, load_factor: f64, keys_max: u64) -> OffsetMap {
        let load_factor = load_factor.clamp(0.01, 0.99);
        let slots_wanted = (keys_max as f64 / load_factor) as u64 + 2;
        let slots = slots_wanted.min(bytes_max / SLOT_SIZE).max(2);
        OffsetMap {
            // Zeroed memory comes from the system as it is touched.
            slots: vec![[0; 3]; slots as usize],
            hashers: [RandomState::new(), RandomState::new()],
            len: 0,
            len_max: ((slots as f64 * load_factor) as u64).clamp(1, slots - 1),
        }
    }

    /// Count of keys.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// Sets the offset of a key, 0 or more. Fails if the key is new and the map is full.
    pub(crate) fn put(&mut self, key: &[u8], offset: i64) -> Result<(), MapFull> {
        let (at, hash) = self.find(key);
        if self.slots[at][2] == 0 {
            if self.len >= self.len_max {
                return Err(MapFull);
            }
            self.len += 1;
        }
        self.slots[at] = [hash[0], hash[1], offset as u64 + 1];
        Ok(())
    }

    /// The offset of a key.
    pub(crate) fn get(&self, key: &[u8]) -> Option<i64> {
        let (at, _) = self.find(key);
        self.slots[at][2].checked_sub(1).map(|offset| offset as i64)
    }

    /// The slot that holds a key, or the empty one where it belongs. One is always empty.
    fn find(&self, key: &[u8]) -> (usize, [u64; 2]) {
        let hash = [0, 1].map(|i: usize| self.hashers[i].hash_one(key));
        let mut at = ((u128::from(hash[0]) * self.slots.len() as u128) >> 64) as usize;
        loop {
            let slot = &self.slots[at];
            if slot[2] == 0 || slot[..2] == hash {
                return (at, hash);
            }
            at += 1;
            if at == self.slots.len() {
                at = 0;
            }
        }
    }
}

/// The map takes no further key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MapFull;

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    #[test]
    fn the_last_offset_of_each_key_is_remembered() {
        let mut map = OffsetMap::new(1 << 20, 0.9, 500);
        let mut model = HashMap::new();
        for offset in 0..5_000i64 {
            let key = (offset * 7_919 % 499).to_string();
            assert_eq!(map.put(key.as_bytes(), offset), Ok(()));
            model.insert(key, offset);
        }
        assert_eq!(map.len(), model.len() as u64);
        for (key, offset) in &model {
            assert_eq!(map.get(key.as_bytes()), Some(*offset), "{key}");
        }
        assert_eq!(map.get(b"none"), None);
    }

    #[test]
    fn a_full_map_takes_known_keys_only() {
        let mut map = OffsetMap::new(10 * SLOT_SIZE, 0.5, 1_000);
        for key in 0..5u8 {
            assert_eq!(map.put(&[key], key.into()), Ok(()));
        }
        assert_eq!(map.put(&[5], 5), Err(MapFull));
        assert_eq!(map.put(&[3], 6), Ok(()));
        assert_eq!(
            (map.get(&[3]), map.get(&[5]), map.len()),
            (Some(6), None, 5)
        );
    }

    #[test]
    fn memory_is_what_is_needed_and_never_more_than_allowed() {
        let slots = |map: OffsetMap| map.slots.len() as u64;
        assert_eq!(slots(OffsetMap::new(1 << 30, 0.5, 100)), 202);
        assert_eq!(slots(OffsetMap::new(240, 0.9, 1 << 40)), 10);
        let mut least = OffsetMap::new(0, 0.9, 0);
        assert_eq!(least.put(b"a", 1), Ok(()));
        assert_eq!(least.put(b"b", 2), Err(MapFull));
        assert_eq!(least.get(b"a"), Some(1));
    }
}
