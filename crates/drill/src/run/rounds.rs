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
            if is_late || is_hopeless || !self.round(round).await {
                return done;
            }
        }
        plan.rounds.len()
    }

    fn is_interrupted(&self) -> bool {
        *self.interrupted.borrow()
    }

    /// Returns whether it was carried out: no harm is done any more once the drill is interrupted.
    async fn round(&mut self, round: &Round) -> bool {
        if self.is_interrupted() {
            return false;
        }
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
                self.problem(round, &error.to_string());
                return true;
            }
        };
        let can_move = self.can_move_leaders && !self.is_interrupted();
        if choice.move_leaders_first && can_move && !choice.keys.is_empty() {
            // A leader that stays makes the round harder, not wrong.
            if let Err(error) = self.move_leaders_away(&seen, &choice.nodes).await {
                self.problem(round, &format!("leaders stayed where they were: {error}"));
            }
        }
        let Choice { nodes, .. } = choice;
        let turns: Vec<&[Node]> = match round.victim {
            Victim::Each => nodes.chunks(1).collect(),
            _ => vec![&nodes],
        };
        let mut is_carried_out = false;
        for nodes in turns {
            if self.is_interrupted() {
                return is_carried_out;
            }
            self.befall(round, nodes).await;
            is_carried_out = true;
        }
        self.rest(Duration::from_millis(round.settle_ms)).await;
        is_carried_out
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
    use crate::{
        scenario::{Capability, Scenario},
        workload::{WorkloadOptions, drill_client},
    };
    use std::{
        collections::BTreeSet,
        sync::{Mutex, PoisonError},
    };

    /// Nodes that can be restarted; somebody interrupts the drill when the second one stops.
    struct Restarts {
        stopped: Mutex<Vec<Node>>,
        interrupt: watch::Sender<bool>,
    }

    impl Target for Restarts {
        fn bootstrap(&self) -> String {
            String::new()
        }

        fn description(&self) -> String {
            String::new()
        }

        fn capabilities(&self) -> BTreeSet<Capability> {
            BTreeSet::from([Capability::Stop])
        }

        fn nodes(&self) -> Vec<Node> {
            [1, 2, 3].map(Node).to_vec()
        }

        fn kill(&self, _nodes: &[Node]) -> Result<(), TargetError> {
            Ok(())
        }

        fn start(&self, _node: Node) -> Result<(), TargetError> {
            Ok(())
        }

        fn stop(&self, node: Node) -> Result<(), TargetError> {
            let mut stopped = self.stopped.lock().unwrap_or_else(PoisonError::into_inner);
            stopped.push(node);
            self.interrupt.send_replace(stopped.len() == 2);
            Ok(())
        }

        fn pause(&self, _node: Node) -> Result<(), TargetError> {
            Ok(())
        }

        fn resume(&self, _node: Node) -> Result<(), TargetError> {
            Ok(())
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_drill_that_is_interrupted_does_no_more_harm() {
        let folder =
            std::env::temp_dir().join(format!("klamm-drill-rounds-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let journal = Arc::new(Journal::create(&folder).unwrap());
        let (interrupt, interrupted) = watch::channel(false);
        let target = Arc::new(Restarts {
            stopped: Mutex::default(),
            interrupt,
        });
        let idle = WorkloadOptions {
            bootstrap: String::new(),
            keys: Arc::new([]),
            producers: 0,
            sends_per_second: 1,
            consumers: 0,
            group_members: 0,
            delivery_timeout: Duration::ZERO,
        };
        let scenarios = [Scenario::RollingRestart];
        let mut rounds = Rounds {
            plan: &Plan::new(&scenarios, 2, 1, &target.capabilities()).unwrap(),
            topic: "t",
            admin: &Admin::new(drill_client("", "test")),
            faults: Faults::new(target.clone()),
            target: target.clone(),
            can_move_leaders: false,
            journal: &journal,
            observer: &Observer::of(Leadership {
                in_sync: BTreeMap::from([(Key(0), vec![Node(1)])]),
                ..seen_with(&[1], &[1])
            }),
            workload: &Workload::start(idle, journal.clone()),
            interrupted,
            time_limit: None,
            say: &|_| {},
            problems: Vec::new(),
            failed: 0,
        };
        assert_eq!(rounds.run().await, 1, "harm was done in the first round");
        assert_eq!(rounds.run().await, 0);
        assert_eq!(rounds.problems, Vec::<String>::new());
        drop(rounds);
        assert_eq!(*target.stopped.lock().unwrap(), [1, 2].map(Node));
        std::fs::remove_dir_all(&folder).unwrap();
    }

    fn seen(leaders: &[i32]) -> Leadership {
        seen_with(leaders, &[1, 2, 3])
    }

    fn seen_with(leaders: &[i32], replicas: &[i32]) -> Leadership {
        let keys = || (0..).map(Key);
        let replicas: Vec<Node> = replicas.iter().copied().map(Node).collect();
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
