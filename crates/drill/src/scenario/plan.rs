//! Plans: the rounds of a drill, by seed.

use std::collections::BTreeSet;
use std::fmt;

use super::fault::{Capability, Fault, Victim};
use super::{Definition, Scenario};
use crate::random::Random;

/// How long nothing is done after a round was healed and the cluster is whole again, in milliseconds,
/// from and to. Uneven, so that rounds do not keep step with anything that goes by the clock.
const SETTLE_MS: (u64, u64) = (1500, 3000);

/// One fault of a drill: begun, held, healed, slept over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Round {
    /// Counted over the whole drill, from 1.
    pub number: u32,
    /// What it belongs to.
    pub scenario: Scenario,
    /// What is done.
    pub fault: Fault,
    /// To whom.
    pub victim: Victim,
    /// How long the fault is in force, in milliseconds. For [`Victim::Each`], on each node.
    pub hold_ms: u64,
    /// How long the cluster rests afterwards, in milliseconds, once it is whole.
    pub settle_ms: u64,
}

/// The rounds of a drill.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The seed that gives just these rounds again.
    pub seed: u64,
    /// In their order.
    pub rounds: Vec<Round>,
}

/// A scenario that a target cannot bear.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} needs a target where one can {}", .scenario.name(), list(.missing))]
pub struct MissingCapabilities {
    /// The scenario.
    pub scenario: Scenario,
    /// What cannot be done.
    pub missing: Vec<Capability>,
}

fn list(capabilities: &[Capability]) -> String {
    let names: Vec<_> = capabilities.iter().map(ToString::to_string).collect();
    names.join(" and ")
}

impl Plan {
    /// `rounds` rounds of each scenario, one scenario after the other, for a target that can do what
    /// `capabilities` says. A scenario's rounds depend on the seed and on nothing else in the plan.
    ///
    /// # Errors
    /// If the target lacks what a scenario needs.
    pub fn new(
        scenarios: &[Scenario],
        rounds: u32,
        seed: u64,
        capabilities: &BTreeSet<Capability>,
    ) -> Result<Self, MissingCapabilities> {
        let mut plan = Self {
            seed,
            rounds: Vec::new(),
        };
        for &scenario in scenarios {
            let mut missing = scenario.needs();
            missing.retain(|need| !capabilities.contains(need));
            if !missing.is_empty() {
                return Err(MissingCapabilities { scenario, missing });
            }
            let mut random = Random::for_part(seed, scenario.name());
            for _ in 0..rounds {
                let number = u32::try_from(plan.rounds.len() + 1).unwrap_or(u32::MAX);
                let round = round(scenario, number, capabilities, &mut random);
                plan.rounds.push(round);
            }
        }
        Ok(plan)
    }

    /// About how long it takes, in milliseconds, if nothing has to be waited for.
    #[must_use]
    pub fn duration_ms(&self) -> u64 {
        self.rounds
            .iter()
            .map(|round| round.hold_ms + round.settle_ms)
            .sum()
    }
}

fn round(
    scenario: Scenario,
    number: u32,
    capabilities: &BTreeSet<Capability>,
    random: &mut Random,
) -> Round {
    let chosen = match scenario {
        Scenario::Random => any_of(capabilities, random),
        named => named,
    };
    let Definition {
        fault,
        victim,
        hold_ms,
        ..
    } = chosen.definition();
    Round {
        number,
        scenario,
        fault,
        victim,
        hold_ms: random.between(hold_ms.0, hold_ms.1),
        settle_ms: random.between(SETTLE_MS.0, SETTLE_MS.1),
    }
}

/// A scenario that a target with these capabilities can bear. Pausing clients needs none.
fn any_of(capabilities: &BTreeSet<Capability>, random: &mut Random) -> Scenario {
    let possible: Vec<_> = Scenario::ALL
        .into_iter()
        .filter(|scenario| *scenario != Scenario::Random)
        .filter(|scenario| {
            scenario
                .needs()
                .iter()
                .all(|need| capabilities.contains(need))
        })
        .collect();
    random
        .pick(&possible)
        .copied()
        .unwrap_or(Scenario::ClientPauses)
}

impl fmt::Display for Round {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = |ms: u64| ms as f64 / 1000.0;
        write!(
            f,
            "round {}: {}, {} ({:.1} s, then {:.1} s of rest)",
            self.number,
            self.fault,
            self.victim,
            seconds(self.hold_ms),
            seconds(self.settle_ms)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVERYTHING: [Capability; 9] = [
        Capability::Kill,
        Capability::Stop,
        Capability::Pause,
        Capability::Cut,
        Capability::CutOneWay,
        Capability::Slow,
        Capability::FillDisk,
        Capability::MoveLeaders,
        Capability::FindController,
    ];

    #[test]
    fn every_scenario_is_found_by_its_name_and_has_a_plan() {
        let everything = EVERYTHING.into_iter().collect();
        for scenario in Scenario::ALL {
            assert_eq!(Scenario::by_name(scenario.name()), Some(scenario));
            let plan = Plan::new(&[scenario], 5, 1, &everything).unwrap();
            assert_eq!(plan.rounds.len(), 5);
            assert!(
                plan.rounds
                    .iter()
                    .all(|round| round.settle_ms >= SETTLE_MS.0)
            );
        }
        assert_eq!(Scenario::by_name("kill"), None);
    }

    #[test]
    fn a_seed_gives_the_same_rounds_whatever_else_is_in_the_plan() {
        let everything = EVERYTHING.into_iter().collect();
        let plan = |scenarios: &[Scenario], seed| {
            let plan = Plan::new(scenarios, 4, seed, &everything).unwrap();
            let last = plan.rounds[plan.rounds.len() - 4..].to_vec();
            last.into_iter()
                .map(|round| Round { number: 0, ..round })
                .collect::<Vec<_>>()
        };
        let alone = plan(&[Scenario::Random], 9);
        assert_eq!(alone, plan(&[Scenario::KillAll, Scenario::Random], 9));
        assert_ne!(alone, plan(&[Scenario::Random], 10));
    }

    #[test]
    fn rounds_are_counted_over_all_scenarios() {
        let kill = [Capability::Kill].into_iter().collect();
        let plan = Plan::new(&[Scenario::KillLeader, Scenario::KillAll], 2, 1, &kill).unwrap();
        let numbers: Vec<_> = plan.rounds.iter().map(|round| round.number).collect();
        assert_eq!(numbers, [1, 2, 3, 4]);
        assert!(plan.duration_ms() >= 4 * SETTLE_MS.0);
    }

    #[test]
    fn a_target_that_lacks_something_is_told_what() {
        let kill = [Capability::Kill].into_iter().collect();
        let error = Plan::new(&[Scenario::KillController], 1, 1, &kill).unwrap_err();
        assert_eq!(
            error.to_string(),
            "kill-controller needs a target where one can find the active controller"
        );
    }

    #[test]
    fn random_rounds_use_what_there_is_and_nothing_else() {
        let rounds = |capabilities: &[Capability]| {
            let capabilities = capabilities.iter().copied().collect();
            let plan = Plan::new(&[Scenario::Random], 200, 3, &capabilities).unwrap();
            let faults = plan.rounds.iter().map(|round| round.fault);
            faults.collect::<BTreeSet<_>>()
        };
        assert_eq!(
            rounds(&[]).into_iter().collect::<Vec<_>>(),
            [Fault::PauseClients]
        );
        let some = rounds(&[Capability::Kill, Capability::MoveLeaders]);
        let expected = [Fault::Kill, Fault::MoveLeaders, Fault::PauseClients];
        assert_eq!(some.into_iter().collect::<Vec<_>>(), expected);
        assert_eq!(rounds(&EVERYTHING).len(), 9);
    }
}
