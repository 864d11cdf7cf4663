//! Chance by seed.

/// A deterministic source of random numbers (splitmix64): the same seed gives the same drill.
#[derive(Debug, Clone)]
pub struct Random {
    state: u64,
}

impl Random {
    /// Begins at `seed`.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// A source of its own for the part `name` of a drill, which does not change when other parts do.
    #[must_use]
    pub fn for_part(seed: u64, name: &str) -> Self {
        let mix = |state: u64, byte| (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        Self::new(name.bytes().fold(seed ^ 0xcbf2_9ce4_8422_2325, mix))
    }

    /// Any number.
    pub const fn any(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`; 0 if that is 0.
    pub const fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 { 0 } else { self.any() % bound }
    }

    /// A number from `low` to `high`, both included; `low` if they are the wrong way round.
    pub const fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high.saturating_sub(low).saturating_add(1))
    }

    /// One of `items`; None if there are none.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        let at = usize::try_from(self.below(items.len() as u64)).ok()?;
        items.get(at)
    }

    /// Whether something happens that happens `percent` times of a hundred.
    pub const fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_numbers_within_their_bounds() {
        let draw = |seed| {
            let mut random = Random::new(seed);
            (0..100).map(|_| random.between(3, 9)).collect::<Vec<_>>()
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
        assert!(draw(7).iter().all(|number| (3..=9).contains(number)));
        assert!((3..=9).all(|number| draw(7).contains(&number)));
        let part = |name| Random::for_part(7, name).any();
        assert_ne!(part("kill"), part("pause"));
        assert_eq!(Random::new(1).below(0), 0);
        assert_eq!(Random::new(1).pick::<u8>(&[]), None);
    }
}
