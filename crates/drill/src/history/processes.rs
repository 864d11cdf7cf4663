//! Numbers for processes.

/// Gives each slot of a workload the number of its process, a new one after each unknown outcome.
///
/// A process whose operation ended as `info` may still be executing it, so whatever its slot does next
/// is the deed of another process. Numbers grow by the number of slots, as Jepsen's do, so a number
/// modulo the slots is the slot.
#[derive(Debug, Clone)]
pub struct Processes {
    numbers: Vec<u32>,
}

impl Processes {
    /// Processes 0 to `slots` − 1.
    #[must_use]
    pub fn new(slots: u32) -> Self {
        Self {
            numbers: (0..slots).collect(),
        }
    }

    /// The number of the process that `slot` runs now; None if there is no such slot.
    #[must_use]
    pub fn current(&self, slot: usize) -> Option<u32> {
        self.numbers.get(slot).copied()
    }

    /// Ends the process of `slot` and begins another one, whose number is returned; None if there is no
    /// such slot.
    pub fn retire(&mut self, slot: usize) -> Option<u32> {
        let slots = u32::try_from(self.numbers.len()).unwrap_or(u32::MAX);
        let number = self.numbers.get_mut(slot)?;
        *number = number.wrapping_add(slots);
        Some(*number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_retired_process_never_comes_back() {
        let mut processes = Processes::new(3);
        assert_eq!(processes.current(1), Some(1));
        assert_eq!(processes.retire(1), Some(4));
        assert_eq!(processes.retire(1), Some(7));
        assert_eq!(processes.current(2), Some(2));
        assert_eq!(processes.current(3), None);
        assert_eq!(processes.retire(3), None);
    }
}
