//! What the active controller does by the clock (rule 90): soft state, like the sessions.

use crate::{ELECTIONS_PER_CHORE_MAX, Request, Response};
use std::collections::BTreeMap;

/// How often chores are done, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChoreConfig {
    /// Between two looks for leaders that are not the preferred ones
    /// (`leader.imbalance.check.interval.seconds`); `None`: there are none
    /// (`auto.leader.rebalance.enable`).
    pub balance_interval_ms: Option<i64>,
    /// Between two looks for partitions without a leader that may have one by now
    /// (`unclean.leader.election.interval.ms`).
    pub election_interval_ms: i64,
}

impl Default for ChoreConfig {
    /// Kafka's defaults.
    fn default() -> ChoreConfig {
        ChoreConfig {
            balance_interval_ms: Some(300_000),
            election_interval_ms: 300_000,
        }
    }
}

/// Something that is to be done now and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Chore {
    /// Partitions without a leader get one.
    Elect,
    /// Preferred replicas lead again.
    Balance,
}

/// When which chore is due.
#[derive(Clone, Debug)]
pub struct Chores {
    config: ChoreConfig,
    due_ms: BTreeMap<Chore, i64>,
}

impl Chores {
    /// A controller becomes active. What the one before may have left undone is looked for at
    /// once; brokers get time to come back before leaders are moved.
    pub fn new(now_ms: i64, config: ChoreConfig) -> Chores {
        let mut due_ms = BTreeMap::from([(Chore::Elect, now_ms)]);
        if let Some(interval_ms) = config.balance_interval_ms {
            due_ms.insert(Chore::Balance, now_ms.saturating_add(interval_ms));
        }
        Chores { config, due_ms }
    }

    /// When [`Chores::due`] has something next, if ever.
    pub fn next_due(&self) -> Option<i64> {
        self.due_ms.values().copied().min()
    }

    /// The first chore that is due, with its request. It stays due until [`Chores::done`].
    pub fn due(&self, now_ms: i64) -> Option<(Chore, Request)> {
        let is_due = |(_, due_ms): &(&Chore, &i64)| **due_ms <= now_ms;
        let (chore, _) = self.due_ms.iter().find(is_due)?;
        let request = match chore {
            Chore::Elect => Request::ElectWhereNobodyLeads,
            Chore::Balance => Request::BalanceLeaders,
        };
        Some((*chore, request))
    }

    /// The chore's request was answered, or could not be. Where its limit was reached there is more
    /// to do: it is due again at once, after whatever else waits.
    pub fn done(&mut self, now_ms: i64, chore: Chore, response: Option<&Response>) {
        let interval_ms = match chore {
            Chore::Elect => self.config.election_interval_ms,
            Chore::Balance => self.config.balance_interval_ms.unwrap_or(i64::MAX),
        };
        let is_unfinished =
            matches!(response, Some(Response::Elected(count)) if *count >= ELECTIONS_PER_CHORE_MAX);
        let wait_ms = if is_unfinished { 0 } else { interval_ms };
        self.due_ms.insert(chore, now_ms.saturating_add(wait_ms));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: ChoreConfig = ChoreConfig {
        balance_interval_ms: Some(300),
        election_interval_ms: 1_000,
    };

    fn due(chores: &Chores, now_ms: i64) -> Option<Chore> {
        chores.due(now_ms).map(|(chore, _)| chore)
    }

    #[test]
    fn chores_come_in_their_intervals() {
        let mut chores = Chores::new(5_000, CONFIG);
        assert_eq!(due(&chores, 5_000), Some(Chore::Elect));
        chores.done(5_001, Chore::Elect, Some(&Response::Elected(3)));
        assert_eq!(chores.next_due(), Some(5_300));
        assert_eq!(due(&chores, 5_299), None);
        let (chore, request) = chores.due(5_300).unwrap();
        assert_eq!((chore, request), (Chore::Balance, Request::BalanceLeaders));
        chores.done(5_310, Chore::Balance, Some(&Response::Elected(0)));
        assert_eq!(chores.next_due(), Some(5_610));
        assert_eq!(due(&chores, 6_001), Some(Chore::Elect), "one after another");
    }

    #[test]
    fn a_full_batch_is_followed_by_the_next() {
        let mut chores = Chores::new(0, CONFIG);
        let full = Response::Elected(ELECTIONS_PER_CHORE_MAX);
        chores.done(10, Chore::Elect, Some(&full));
        assert_eq!(due(&chores, 10), Some(Chore::Elect));
        chores.done(20, Chore::Elect, Some(&Response::Elected(1)));
        assert_eq!(due(&chores, 20), None);
    }

    #[test]
    fn balancing_can_be_switched_off() {
        let config = ChoreConfig {
            balance_interval_ms: None,
            ..CONFIG
        };
        let mut chores = Chores::new(0, config);
        chores.done(0, Chore::Elect, Some(&Response::Elected(0)));
        assert_eq!(chores.next_due(), Some(1_000));
    }
}
