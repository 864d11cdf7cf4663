//! Random messages for tests.

use crate::wire::{Cx, Message, Wire};
use bytes::Bytes;

/// How deep and wide random messages get.
const MAX_ELEMENTS: u64 = 3;

/// A small deterministic source of random values (splitmix64).
#[derive(Clone, Debug)]
pub struct Rng {
    state: u64,
    /// Elements that arrays may still get if everything else is to be as small as it can.
    bulk: Option<usize>,
    /// Whether numbers must have a meaning to readers that know error codes, times and ids.
    tame: bool,
}

impl Rng {
    /// The same seed gives the same values.
    pub fn new(seed: u64) -> Rng {
        Rng {
            state: seed,
            bulk: None,
            tame: false,
        }
    }

    /// Values for codecs that turn numbers into errors and times: all numbers are between 0 and 99.
    pub fn tame(seed: u64) -> Rng {
        Rng {
            tame: true,
            ..Rng::new(seed)
        }
    }

    /// Values that take little room on the wire and much in memory: empty, null or zero, except that the first
    /// array gets `elements` elements.
    pub fn bulky(elements: usize) -> Rng {
        Rng {
            bulk: Some(elements),
            ..Rng::new(0)
        }
    }

    /// The next random number.
    pub fn number(&mut self) -> i64 {
        let bits = self.bits();
        if self.tame {
            return (bits % 100) as i64;
        }
        bits as i64
    }

    fn bits(&mut self) -> u64 {
        if self.bulk.is_some() {
            return 0;
        }
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound` (which must not be zero).
    pub fn below(&mut self, bound: usize) -> usize {
        (self.bits() % bound as u64) as usize
    }

    pub(crate) fn count(&mut self) -> usize {
        if let Some(elements) = &mut self.bulk {
            return std::mem::take(elements);
        }
        (self.bits() % (MAX_ELEMENTS + 1)) as usize
    }

    pub(crate) fn text(&mut self) -> String {
        let letters = ["a", "Z", "0", "-", "ü", "漢", "🦀", "."];
        (0..self.below(9))
            .map(|_| letters[self.below(letters.len())])
            .collect()
    }

    pub(crate) fn bytes(&mut self) -> Bytes {
        // Some are long enough to become chunks of their own.
        let long = self.bulk.is_none() && self.below(16) == 0;
        let length = if long { 5000 } else { self.below(20) };
        (0..length).map(|_| self.bits() as u8).collect()
    }

    /// A random value.
    pub fn get<T: Wire>(&mut self, cx: Cx) -> T {
        T::fill(self, cx)
    }

    /// A random value or null.
    pub fn nullable<T: Wire>(&mut self, cx: Cx, allowed: bool) -> Option<T> {
        if allowed && self.below(3) == 0 {
            None
        } else {
            Some(self.get(cx))
        }
    }

    /// A random message that the version can carry.
    pub fn message<M: Message>(&mut self, version: i16) -> M {
        M::fill(self, M::context(version))
    }
}
