//! What a drill is asked for, and how it went.

use crate::scenario::{Capability, Scenario};
use std::{collections::BTreeSet, path::PathBuf, time::Duration};

/// Which scenarios a drill consists of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// Kills where nodes can be killed, else what can be done.
    Usual,
    /// All that the target can bear.
    All,
    /// These, one after the other.
    These(Vec<Scenario>),
}

/// What is done unless somebody asks for something else.
const USUAL: [Scenario; 3] = [
    Scenario::KillLeader,
    Scenario::KillController,
    Scenario::KillBoth,
];

/// What is done where nodes cannot be killed.
const HARMLESS: [Scenario; 2] = [Scenario::LeaderMoves, Scenario::ClientPauses];

impl Selection {
    /// Whether this scenario may be among them.
    pub fn includes(&self, scenario: Scenario) -> bool {
        match self {
            Selection::Usual => USUAL.contains(&scenario),
            Selection::All => true,
            Selection::These(scenarios) => scenarios.contains(&scenario),
        }
    }

    /// The scenarios for a target that can do so much.
    pub(super) fn scenarios(&self, able: &BTreeSet<Capability>) -> Vec<Scenario> {
        let bearable = |scenarios: &[Scenario]| {
            let can =
                |scenario: &&Scenario| scenario.needs().iter().all(|need| able.contains(need));
            scenarios.iter().filter(can).copied().collect::<Vec<_>>()
        };
        match self {
            Selection::These(scenarios) => scenarios.clone(),
            Selection::All => bearable(&Scenario::ALL),
            Selection::Usual if able.contains(&Capability::Kill) => bearable(&USUAL),
            Selection::Usual => bearable(&HARMLESS),
        }
    }
}

/// What a drill does.
#[derive(Debug, Clone)]
pub struct DrillOptions {
    /// The scenarios.
    pub selection: Selection,
    /// Rounds of each scenario.
    pub rounds: u32,
    /// What everything random depends on.
    pub seed: u64,
    /// Sends a second over all producers.
    pub sends_per_second: u32,
    /// Idempotent producers.
    pub producers: u32,
    /// Consumers of all partitions.
    pub consumers: u32,
    /// Members of a consumer group.
    pub group_members: u32,
    /// Partitions of the topic.
    pub partitions: u32,
    /// How long a send is tried.
    pub delivery_timeout: Duration,
    /// No round begins later than this after the first.
    pub time_limit: Option<Duration>,
    /// Where history and report go.
    pub folder: PathBuf,
    /// Whether the topic stays.
    pub keep_topic: bool,
    /// What the cluster is known to be, empty if it is not.
    pub version: String,
}

/// How a drill went, apart from what its history says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drilled {
    /// Rounds that were carried out.
    pub rounds_done: usize,
    /// Rounds that were planned.
    pub rounds_planned: usize,
    /// Whether all replicas were in sync in the end.
    pub recovered: bool,
    /// Whether every partition could be read to its end when all was over.
    pub fully_read: bool,
    /// What could not be done to this cluster.
    pub limits: Vec<String>,
    /// What went wrong.
    pub problems: Vec<String>,
}

/// A time since 1970 as a date and a time of day, in UTC.
pub(super) fn utc(since: Duration) -> String {
    let seconds = since.as_secs();
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = date(days);
    let (hour, minute) = (second / 3600, second / 60 % 60);
    format!(
        "{year}-{month:02}-{day:02} {hour:02}:{minute:02}:{:02}.{:03} UTC",
        second % 60,
        since.subsec_millis()
    )
}

/// The date that is so many days after 1970-01-01.
fn date(mut days: u64) -> (u64, u64, u64) {
    let is_leap = |year: u64| {
        year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
    };
    let mut year = 1970;
    while days >= 365 + u64::from(is_leap(year)) {
        days -= 365 + u64::from(is_leap(year));
        year += 1;
    }
    let february = 28 + u64::from(is_leap(year));
    let lengths = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 1;
    for length in lengths {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    (year, month, days + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_done_depends_on_what_can_be_done() {
        let kill = BTreeSet::from([Capability::Kill]);
        let none = BTreeSet::new();
        assert_eq!(Selection::Usual.scenarios(&kill), [Scenario::KillLeader]);
        assert_eq!(Selection::Usual.scenarios(&none), [Scenario::ClientPauses]);
        assert!(Selection::All.scenarios(&kill).contains(&Scenario::KillAll));
        let these = Selection::These(vec![Scenario::CutLeader]);
        assert_eq!(
            these.scenarios(&none),
            [Scenario::CutLeader],
            "it is refused later"
        );
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (seconds, expected) in [
            (0, "1970-01-01 00:00:00.007 UTC"),
            (951_782_400, "2000-02-29 00:00:00.007 UTC"),
            (1_735_689_599, "2024-12-31 23:59:59.007 UTC"),
            (4_107_542_400, "2100-03-01 00:00:00.007 UTC"),
        ] {
            let since = Duration::from_secs(seconds) + Duration::from_millis(7);
            assert_eq!(utc(since), expected);
        }
    }
}
