//! A drill from its beginning to the end of its history.
//!
//! Clients begin, the cluster is left alone for a moment, then come the rounds of the plan, each begun only when all
//! replicas are in sync. At the end everything is healed, the clients stop, and all partitions are read once more.
//! What the history says is judged elsewhere.

mod options;
mod rounds;

pub use options::{DrillOptions, Drilled, Selection};

use crate::{
    fault::Faults,
    history::{Action, Node, Operation, PartitionName, Setup},
    journal::Journal,
    leadership::Observer,
    scenario::{Capability, Plan, Scenario},
    target::{Target, TargetError, sweep},
    workload::{FinalRead, Workload, WorkloadOptions, drill_client, final_read},
};
use klamm_client::{Admin, ClientError, NewTopic};
use rounds::Rounds;
use std::{
    collections::BTreeSet,
    fs,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tokio::{
    sync::watch,
    task::block_in_place,
    time::{Instant, sleep, timeout},
};

/// How long the cluster is left alone at first: what is quiet is measured as well.
const QUIET: Duration = Duration::from_secs(3);

/// How long a cluster may take until all replicas are in sync.
const WHOLE_PATIENCE: Duration = Duration::from_secs(90);

/// How long the last reading of everything may take.
const FINAL_READ_PATIENCE: Duration = Duration::from_secs(120);

/// How long a cluster that was just started may take to answer.
const ANSWER_PATIENCE: Duration = Duration::from_secs(30);

/// How often it is asked meanwhile.
const POLL: Duration = Duration::from_millis(100);

/// Replicas of the partitions, if there are enough brokers.
const REPLICAS_MAX: usize = 3;

/// A drill could not be run, or not to its end.
#[derive(Debug, thiserror::Error)]
pub enum DrillError {
    /// The target does not do what the drill needs.
    #[error("{0}")]
    Target(#[from] TargetError),
    /// The scenarios do not fit the target.
    #[error("{0}")]
    Plan(#[from] crate::scenario::MissingCapabilities),
    /// The cluster does not do what it must do before any fault.
    #[error("{what}: {error}")]
    Cluster {
        /// What was tried.
        what: &'static str,
        /// What came of it.
        error: ClientError,
    },
    /// Some node is no broker of the cluster.
    #[error("the cluster has {brokers} brokers, and should have {expected}")]
    FewBrokers {
        /// Brokers that are alive.
        brokers: usize,
        /// Nodes that can be drilled.
        expected: usize,
    },
    /// The cluster is not whole before any fault.
    #[error("not all replicas are in sync, and nothing was done to the cluster yet")]
    NotWhole,
    /// The history cannot be written.
    #[error("cannot write the history: {0}")]
    History(#[from] std::io::Error),
}

/// Drills a target. `say` is told now and then how it stands; the drill ends early, but in order, when `interrupted`
/// becomes true. Must run on a runtime with several threads.
///
/// # Errors
/// The drill could not be begun, or its history could not be written. What the cluster did wrong is no error.
pub async fn run(
    options: &DrillOptions,
    target: Arc<dyn Target>,
    interrupted: watch::Receiver<bool>,
    say: &(dyn Fn(String) + Sync),
) -> Result<Drilled, DrillError> {
    fs::create_dir_all(&options.folder)?;
    block_in_place(sweep);
    say("the cluster is looked at".to_owned());
    let admin = Admin::new(drill_client(&target.bootstrap(), "admin"));
    let (capabilities, mut limits) = abilities(&*target, &admin).await;
    let scenarios = options.selection.scenarios(&capabilities);
    let plan = Plan::new(&scenarios, options.rounds, options.seed, &capabilities)?;
    let needed: BTreeSet<Capability> = plan
        .rounds
        .iter()
        .flat_map(|r| r.fault.needs(r.victim))
        .collect();
    block_in_place(|| target.prepare(&needed))?;
    limits.extend(target.limits());

    say("the topic is created".to_owned());
    let topic = create_topic(&admin, options, target.nodes().len()).await?;
    let partitions = 0..i32::try_from(options.partitions).unwrap_or(i32::MAX);
    let keys: Arc<[PartitionName]> = partitions
        .map(|partition| PartitionName {
            topic: topic.clone(),
            partition,
        })
        .collect();
    let journal = Arc::new(Journal::create(&options.folder)?);
    let setup = setup(options, &scenarios, &*target, &keys, limits.clone());
    journal.record(Operation::nemesis(Action::Setup(setup), 0));
    let observer = Observer::start(
        drill_client(&target.bootstrap(), "observer"),
        keys.clone(),
        journal.clone(),
    );
    if !observer
        .wait_until(WHOLE_PATIENCE, |seen| seen.is_whole())
        .await
        .1
    {
        return Err(DrillError::NotWhole);
    }

    let workload = WorkloadOptions {
        bootstrap: target.bootstrap(),
        keys,
        producers: options.producers,
        sends_per_second: options.sends_per_second,
        consumers: options.consumers,
        group_members: options.group_members,
        delivery_timeout: options.delivery_timeout,
    };
    let mut workload = Workload::start(workload, journal.clone());
    let mut rounds = Rounds {
        plan: &plan,
        topic: &topic,
        admin: &admin,
        faults: Faults::new(target.clone()),
        target,
        can_move_leaders: capabilities.contains(&Capability::MoveLeaders),
        journal: &journal,
        observer: &observer,
        workload: &workload,
        interrupted,
        time_limit: options.time_limit,
        say,
        problems: Vec::new(),
        failed: 0,
    };
    rounds.rest(QUIET).await;
    let done = rounds.run().await;
    let (mut problems, failed) = (std::mem::take(&mut rounds.problems), rounds.failed);
    drop(rounds);

    say("all is healed; the last records are written and everything is read once more".to_owned());
    let whole = observer
        .wait_until(WHOLE_PATIENCE, |seen| seen.is_whole())
        .await
        .1;
    if !whole {
        problems.push("not all replicas came back in sync".to_owned());
    }
    workload.stop_writing().await;
    workload.stop_reading().await;
    let fully_read = final_read(&workload, FINAL_READ_PATIENCE).await == FinalRead::Complete;
    if !fully_read {
        let unread =
            "the partitions could not be read to their ends, so unseen records are to be expected";
        problems.push(unread.to_owned());
    }
    drop(observer);
    if !options.keep_topic {
        // The history is what counts; a topic that stays can be deleted by hand.
        let deleted = timeout(ANSWER_PATIENCE, admin.delete_topic(&topic)).await;
        if !matches!(deleted, Ok(Ok(()))) {
            problems.push(format!("topic {topic} could not be deleted"));
        }
    }
    for problem in &problems {
        let remark = Action::Remark(problem.clone());
        journal.record(Operation::nemesis(remark, 0));
    }
    journal.finish()?;
    Ok(Drilled {
        rounds_done: done.saturating_sub(failed),
        rounds_planned: plan.rounds.len(),
        recovered: whole,
        fully_read,
        limits,
        problems,
    })
}

/// What can be done to the target, by itself and by Kafka's protocol, and what cannot.
async fn abilities(target: &dyn Target, admin: &Admin) -> (BTreeSet<Capability>, Vec<String>) {
    let (mut able, mut limits) = (target.capabilities(), Vec::new());
    let asked = timeout(ANSWER_PATIENCE, async {
        let leader = admin.quorum_leader_once().await;
        (leader, admin.can_move_leaders().await)
    });
    let (leader, can_move) = asked.await.unwrap_or((Ok(-1), Ok(false)));
    match leader {
        Ok(id) if target.nodes().contains(&Node(id)) => {
            able.insert(Capability::FindController);
        }
        Ok(_) => limits.push("the active controller is none of the nodes within reach".to_owned()),
        Err(error) => limits.push(format!("the active controller cannot be found: {error}")),
    }
    match can_move {
        Ok(true) => {
            able.insert(Capability::MoveLeaders);
        }
        Ok(false) => limits.push("the cluster has no API that moves leaders".to_owned()),
        Err(error) => limits.push(format!("leaders cannot be moved: {error}")),
    }
    (able, limits)
}

/// How many brokers the cluster has; those of nodes that were just started are waited for.
async fn count_brokers(admin: &Admin, expected: usize) -> Result<usize, DrillError> {
    let deadline = Instant::now() + ANSWER_PATIENCE;
    loop {
        let cluster = admin.cluster().await.map_err(|error| DrillError::Cluster {
            what: "cannot ask the cluster",
            error,
        })?;
        let brokers = cluster.brokers.len();
        if brokers >= expected {
            return Ok(brokers);
        }
        if Instant::now() >= deadline {
            return Err(DrillError::FewBrokers { brokers, expected });
        }
        sleep(POLL).await;
    }
}

async fn create_topic(
    admin: &Admin,
    options: &DrillOptions,
    nodes: usize,
) -> Result<String, DrillError> {
    let brokers = count_brokers(admin, nodes).await?;
    let replicas = brokers.clamp(1, REPLICAS_MAX);
    let in_sync = replicas.saturating_sub(1).max(1);
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let name = format!("klamm-drill-{}-{}", since.as_secs(), std::process::id());
    let topic = NewTopic::new(&name)
        .partitions(i32::try_from(options.partitions).unwrap_or(i32::MAX))
        .replication_factor(i16::try_from(replicas).unwrap_or(1))
        .config("min.insync.replicas", in_sync.to_string())
        // Every record is read at the end.
        .config("retention.ms", "-1");
    let created = admin.create_topic(&topic).await;
    created.map_err(|error| DrillError::Cluster {
        what: "cannot create the topic of the drill",
        error,
    })?;
    Ok(name)
}

fn setup(
    options: &DrillOptions,
    scenarios: &[Scenario],
    target: &dyn Target,
    keys: &[PartitionName],
    limits: Vec<String>,
) -> Setup {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Setup {
        keys: keys.to_vec(),
        nodes: target.nodes(),
        target: target.description(),
        version: options.version.clone(),
        started: options::utc(since),
        scenarios: scenarios.iter().map(|s| s.name().to_owned()).collect(),
        seed: options.seed,
        sends_per_second: options.sends_per_second,
        producers: options.producers,
        consumers: options.consumers + options.group_members,
        transactional: false,
        limits,
    }
}
