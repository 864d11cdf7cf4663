//! The rounds of a drill: whom each fault befalls, when it begins, how long it lasts.

use super::WHOLE_PATIENCE;
use crate::{
    fault::Faults,
    history::{Action, FaultNote, Key, Node, Operation, Phase},
    journal::Journal,
    leadership::{Leadership, Observer},
    random::Random,
    scenario::{Choice, ClusterView, Fault, Plan, Round, Victim, choose},
    target::{Target, TargetError},
    workload::Workload,
};
use klamm_client::{Admin, ClientError};
use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    sync::watch,
    task::block_in_place,
    time::{sleep, timeout},
};

/// How long moving leaders may take.
const MOVE_PATIENCE: Duration = Duration::from_secs(20);

/// How long clients have for noticing who leads, before the next thing happens.
const NOTICE: Duration = Duration::from_secs(1);

/// How often the one who waits is told how it stands.
const SAY_INTERVAL: Duration = Duration::from_millis(250);

/// The rounds of a drill, and what they are carried out with.
pub(super) struct Rounds<'a> {
    pub(super) plan: &'a Plan,
    pub(super) topic: &'a str,
    pub(super) admin: &'a Admin,
    pub(super) faults: Faults,
    pub(super) target: Arc<dyn Target>,
    pub(super) can_move_leaders: bool,
    pub(super) journal: &'a Journal,
    pub(super) observer: &'a Observer,
    pub(super) workload: &'a Workload,
    pub(super) interrupted: watch::Receiver<bool>,
    pub(super) time_limit: Option<Duration>,
    pub(super) say: &'a (dyn Fn(String) + Sync),
    pub(super) problems: Vec<String>,
    /// Rounds whose fault could not be injected.
    pub(super) failed: usize,
}

impl Rounds<'_> {
    /// Carries all rounds out, unless it is interrupted or time is over. Returns how many there were.
    pub(super) async fn run(&mut self) -> usize {
        let begun = Instant::now();
        let plan = self.plan;
        for (done, round) in plan.rounds.iter().enumerate() {
            let is_late = self
                .time_limit
                .is_some_and(|limit| begun.elapsed() >= limit);
            let is_hopeless = self.journal.failure().is_some();
            if is_late || is_hopeless || *self.interrupted.borrow() {
                return done;
            }
            self.round(round).await;
        }
        plan.rounds.len()
    }

    async fn round(&mut self, round: &Round) {
        let (seen, _) = self
            .observer
            .wait_until(WHOLE_PATIENCE, Leadership::is_whole)
            .await;
        let seed = self.plan.seed.wrapping_add(u64::from(round.number));
        let view = self.view(&seen);
        let choice = match choose(round.victim, &view, &mut Random::new(seed)) {
            Ok(choice) => choice,
            Err(error) => {
                self.failed += 1;
                return self.problem(round, &error.to_string());
            }
        };
        if choice.move_leaders_first && self.can_move_leaders && !choice.keys.is_empty() {
            // A leader that stays makes the round harder, not wrong.
            if let Err(error) = self.move_leaders_away(&seen, &choice.nodes).await {
                self.problem(round, &format!("leaders stayed where they were: {error}"));
            }
        }
        if round.victim == Victim::Each {
            for node in choice.nodes {
                self.befall(round, &[node]).await;
            }
        } else {
            let Choice { nodes, .. } = choice;
            self.befall(round, &nodes).await;
        }
        self.rest(Duration::from_millis(round.settle_ms)).await;
    }

    fn view(&self, seen: &Leadership) -> ClusterView {
        let nodes = self.target.nodes();
        let leaders = seen.leaders.iter().filter(|(_, leader)| leader.0 >= 0);
        ClusterView {
            controller: seen
                .controller
                .filter(|controller| nodes.contains(controller)),
            leaders: leaders.map(|(key, leader)| (*key, *leader)).collect(),
            nodes,
        }
    }

    /// Injects the fault of a round, holds it, heals it, and waits until the cluster is whole.
    async fn befall(&mut self, round: &Round, nodes: &[Node]) {
        let seen = self.observer.now();
        let keys = match round.fault {
            Fault::MoveLeaders => seen.leaders.keys().copied().collect(),
            _ => seen.led_by(nodes),
        };
        let told = |phase, detail: String| self.note(round, phase, nodes, &keys, detail);
        told(Phase::Begin, String::new());
        let begun = match round.fault {
            Fault::MoveLeaders => {
                let moved = self.move_leaders(&seen, &[]).await;
                moved.map_err(|error| TargetError::new(error.to_string()))
            }
            Fault::PauseClients => {
                self.workload.pause_consumers(true);
                Ok(())
            }
            fault => block_in_place(|| self.faults.begin(fault, nodes)),
        };
        self.failed += usize::from(begun.is_err());
        if begun.is_ok() {
            self.note(round, Phase::Begun, nodes, &keys, String::new());
            self.hold(round, nodes).await;
        }
        self.note(round, Phase::Heal, nodes, &keys, String::new());
        self.workload.pause_consumers(false);
        let healed = block_in_place(|| self.faults.heal());
        let detail = begun.and(healed).err().map(|error| error.to_string());
        self.note(
            round,
            Phase::Healed,
            nodes,
            &keys,
            detail.clone().unwrap_or_default(),
        );
        if let Some(detail) = detail {
            self.problem(round, &detail);
        }
        if !self
            .observer
            .wait_until(WHOLE_PATIENCE, Leadership::is_whole)
            .await
            .1
        {
            self.problem(round, "not all replicas came back in sync");
        }
    }

    async fn hold(&self, round: &Round, nodes: &[Node]) {
        let nodes: Vec<String> = nodes.iter().map(|node| format!("node {node}")).collect();
        let what = format!("{} {}", round.fault, nodes.join(", "));
        self.rest_saying(Duration::from_millis(round.hold_ms), &what, round.number)
            .await;
    }

    /// Waits, unless it is interrupted.
    pub(super) async fn rest(&self, time: Duration) {
        self.rest_saying(time, "quiet", 0).await;
    }

    async fn rest_saying(&self, time: Duration, what: &str, round: u32) {
        let ends = Instant::now() + time;
        let mut interrupted = self.interrupted.clone();
        loop {
            let acknowledged = self.journal.acknowledged();
            let place = match round {
                0 => String::new(),
                number => format!("round {number} of {}: ", self.plan.rounds.len()),
            };
            (self.say)(format!(
                "{place}{what}; {acknowledged} records acknowledged"
            ));
            let left = ends.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            tokio::select! {
                _ = interrupted.wait_for(|told| *told) => return,
                () = sleep(left.min(SAY_INTERVAL)) => {}
            }
        }
    }

    /// Moves what nodes lead to others, and waits until clients have had time to notice.
    async fn move_leaders_away(
        &self,
        seen: &Leadership,
        nodes: &[Node],
    ) -> Result<(), ClientError> {
        self.move_leaders(seen, nodes).await?;
        let is_away = |now: &Leadership| now.led_by(nodes).is_empty() && now.is_whole();
        self.observer.wait_until(MOVE_PATIENCE, is_away).await;
        self.rest(NOTICE).await;
        Ok(())
    }

    /// Makes other replicas leaders: none of `away` if that can be, else the next one of each partition.
    async fn move_leaders(&self, seen: &Leadership, away: &[Node]) -> Result<(), ClientError> {
        let orders = orders(seen, away);
        let partitions: Vec<i32> = orders.keys().copied().collect();
        let moved = timeout(MOVE_PATIENCE, async {
            self.admin.reassign_once(self.topic, &orders).await?;
            self.admin
                .elect_preferred_once(self.topic, &partitions)
                .await
        });
        moved.await.unwrap_or(Err(ClientError::Timeout {
            what: "moving leaders",
            after: MOVE_PATIENCE,
        }))
    }

    fn note(&self, round: &Round, phase: Phase, nodes: &[Node], keys: &[Key], detail: String) {
        let note = FaultNote {
            fault: round.fault.name().to_owned(),
            phase,
            scenario: round.scenario.name().to_owned(),
            round: round.number,
            nodes: nodes.to_vec(),
            keys: keys.to_vec(),
            detail,
        };
        self.journal
            .record(Operation::nemesis(Action::Fault(note), 0));
    }

    fn problem(&mut self, round: &Round, what: &str) {
        self.problems
            .push(format!("round {}, {}: {what}", round.number, round.fault));
    }
}

/// An order of replicas for each partition whose leader is to change, the new leader first.
fn orders(seen: &Leadership, away: &[Node]) -> BTreeMap<i32, Vec<i32>> {
    let mut orders = BTreeMap::new();
    for (key, replicas) in &seen.replicas {
        let Some(leader) = seen.leaders.get(key) else {
            continue;
        };
        if !away.is_empty() && !away.contains(leader) {
            continue;
        }
        // In turns, so that not all go to the same node.
        let next = replicas
            .iter()
            .position(|node| node == leader)
            .map_or(0, |at| at + 1);
        let mut order: Vec<Node> = replicas
            .iter()
            .cycle()
            .skip(next)
            .take(replicas.len())
            .copied()
            .collect();
        order.sort_by_key(|node| away.contains(node));
        let partition = i32::try_from(key.0).unwrap_or(i32::MAX);
        orders.insert(partition, order.iter().map(|node| node.0).collect());
    }
    orders
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(leaders: &[i32]) -> Leadership {
        let keys = || (0..).map(Key);
        let replicas = [1, 2, 3].map(Node).to_vec();
        Leadership {
            leaders: keys().zip(leaders.iter().copied().map(Node)).collect(),
            replicas: keys()
                .zip(leaders.iter().map(|_| replicas.clone()))
                .collect(),
            ..Leadership::default()
        }
    }

    #[test]
    fn leaders_move_on_by_one_or_away_from_a_node() {
        let all = orders(&seen(&[1, 3]), &[]);
        assert_eq!(
            all,
            BTreeMap::from([(0, vec![2, 3, 1]), (1, vec![1, 2, 3])])
        );
        let away = orders(&seen(&[1, 3]), &[Node(3)]);
        assert_eq!(away, BTreeMap::from([(1, vec![1, 2, 3])]));
    }
}
