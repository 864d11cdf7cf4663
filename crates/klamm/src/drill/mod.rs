//! `klamm drill`: faults on purpose, and the proof of what they cost.
//!
//! Exit codes: 0 nothing was lost, the cluster recovered and could be read to its end, 1 something was wrong with the
//! cluster, 2 the drill could not be run.

mod compare;
mod interruption;
mod judge;
mod target_args;

use crate::{
    failure::{Context, Failure},
    progress::Progress,
};
use clap::{Args, Subcommand};
use compare::Named;
use klamm_drill::{
    DrillOptions, Drilled, Selection,
    scenario::Scenario,
    target::{DevCluster, Target},
};
use std::{
    fmt, fs,
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use target_args::{Chosen, TargetArgs};

/// The exit code of drills that could not be run.
const COULD_NOT_RUN: u8 = 2;

/// Kills, freezes and cuts off nodes under load, and proves what that cost.
///
/// Idempotent producers write unique values with acks=all at a fixed rate, consumers read them, and a scenario does
/// harm, round by round. Afterwards everything is read once more and the whole history is judged: what was
/// acknowledged and is gone, there twice or in another order, and how long nothing could be written.
///
/// Without a target it starts three nodes of its own and drills these.
#[derive(Args, Debug)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:
  klamm drill                                       three nodes of its own, killed in turn
  klamm drill --scenario pause-leader --rounds 10   ten frozen leaders
  klamm drill --cluster klamm-data --scenario all   the `klamm dev` cluster that runs in klamm-data
  klamm drill --compose klamm -b localhost:9092,localhost:9093,localhost:9094
  klamm drill -b kafka:9092                         any cluster: what Kafka's protocol allows
  klamm drill -b kafka:9092 --kill-command 'ssh kafka-{node} kill-it' \\
      --start-command 'ssh kafka-{node} start-it'
  klamm drill list                                  the scenarios
  klamm drill check drill-report/history.jsonl      judges a history again
  klamm drill compare a=A/history.jsonl b=B/history.jsonl

Exit codes: 0 nothing is wrong, 1 the cluster broke a promise, 2 the drill could not be run."
)]
pub(crate) struct DrillArgs {
    #[command(subcommand)]
    request: Option<Request>,

    /// A scenario of `klamm drill list`, or `all`: all that the target can bear. Can be given more than once.
    #[arg(short, long = "scenario", value_name = "NAME", value_parser = scenario_name)]
    scenarios: Vec<String>,

    /// Rounds of each scenario.
    #[arg(short, long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    rounds: u32,

    /// What chance depends on: the same seed gives the same rounds.
    #[arg(long, default_value_t = 1)]
    seed: u64,

    /// Records sent a second, whether or not the cluster keeps up.
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    rate: u32,

    /// Partitions of the topic that is written.
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    partitions: u32,

    /// Idempotent producers that share the rate.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=100))]
    producers: u32,

    /// Consumers, each of all partitions.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(0..=100))]
    consumers: u32,

    /// Members of a consumer group besides.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=100))]
    group_members: u32,

    /// Begins no round later than this after the first.
    #[arg(long, value_name = "SECONDS")]
    duration: Option<u64>,

    /// How long a record is tried before its fate counts as unknown.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=3600))]
    delivery_timeout: u64,

    /// Where history and report go; a report that is there is replaced.
    #[arg(short, long, value_name = "DIR", default_value = "drill-report")]
    out: PathBuf,

    /// Leaves the topic behind.
    #[arg(long)]
    keep_topic: bool,

    #[command(flatten)]
    target: TargetArgs,
}

#[derive(Subcommand, Debug)]
enum Request {
    /// Shows the scenarios and what they need.
    List,
    /// Judges a history that was kept, and writes its report anew.
    Check {
        /// The file `history.jsonl` of a drill.
        history: PathBuf,
        /// Where the report goes; nowhere if it is not given.
        #[arg(short, long, value_name = "DIR")]
        out: Option<PathBuf>,
    },
    /// Puts kept histories side by side, as a table in Markdown.
    Compare {
        /// Drills, each with a name for its columns.
        #[arg(required = true, value_name = "NAME=HISTORY", value_parser = Named::parse)]
        drills: Vec<Named>,
    },
}

const ALL: &str = "all";

fn scenario_name(name: &str) -> Result<String, String> {
    if name == ALL || Scenario::by_name(name).is_some() {
        return Ok(name.to_owned());
    }
    let names: Vec<&str> = Scenario::ALL
        .iter()
        .map(|scenario| scenario.name())
        .collect();
    Err(format!("scenarios are {}, and {ALL}", names.join(", ")))
}

/// Runs a drill, or does what was asked instead.
pub(crate) fn run(args: DrillArgs) -> Result<(), Failure> {
    match &args.request {
        Some(Request::List) => {
            list();
            Ok(())
        }
        Some(Request::Check { history, out }) => judge::check(history, out.as_deref()),
        Some(Request::Compare { drills }) => compare::compare(drills),
        None => drill(&args),
    }
}

fn list() {
    for scenario in Scenario::ALL {
        let needs: Vec<String> = scenario.needs().iter().map(ToString::to_string).collect();
        let needs = match needs.is_empty() {
            true => String::new(),
            false => format!(" (needs to {})", needs.join(", ")),
        };
        println!("{:<17} {}{needs}", scenario.name(), scenario.summary());
    }
}

fn drill(args: &DrillArgs) -> Result<(), Failure> {
    let could_not_run = |failure: Failure| failure.exit_with(COULD_NOT_RUN);
    // Before there are other threads: nodes end with the thread that started them.
    let chosen = args
        .target
        .choose(&args.selection())
        .map_err(could_not_run)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("start the runtime")
        .map_err(could_not_run)?;
    let outcome = runtime
        .block_on(carry_out(args, &chosen))
        .map_err(could_not_run);
    let Chosen { own, .. } = chosen;
    let judged = outcome.and_then(|drilled| conclude(&args.out, &drilled));
    end_cluster(own, judged.is_ok());
    judged
}

async fn carry_out(args: &DrillArgs, chosen: &Chosen) -> Result<Drilled, Failure> {
    let target: Arc<dyn Target> = chosen.target().await?;
    say(format_args!("drilling {}", target.description()));
    let options = args.options(chosen);
    let progress = Mutex::new(Progress::begin("the drill begins"));
    let show = |text: String| {
        let mut progress = progress.lock().unwrap_or_else(PoisonError::into_inner);
        progress.update(text);
    };
    let outcome = klamm_drill::run(&options, target, interruption::begin()?, &show).await;
    drop(progress);
    outcome.map_err(|error| Failure::new(error.to_string()))
}

/// Judges the history and tells what else went wrong.
fn conclude(folder: &Path, drilled: &Drilled) -> Result<(), Failure> {
    let judged = judge::judge_and_report(folder);
    if drilled.rounds_done < drilled.rounds_planned {
        let Drilled {
            rounds_done,
            rounds_planned,
            ..
        } = drilled;
        complain(format_args!(
            "{rounds_done} of {rounds_planned} rounds were carried out"
        ));
    }
    judged?;
    what_else_is_wrong(drilled)
}

/// What a history without anomalies does not show.
fn what_else_is_wrong(drilled: &Drilled) -> Result<(), Failure> {
    if !drilled.recovered {
        return Err(Failure::new("the cluster did not recover"));
    }
    if !drilled.fully_read {
        return Err(Failure::new(
            "the partitions could not be read to their ends: what was not read may be lost",
        ));
    }
    if drilled.rounds_done == 0 {
        let nothing = Failure::new("nothing was done to the cluster");
        return Err(nothing.exit_with(COULD_NOT_RUN));
    }
    Ok(())
}

/// Stops the nodes of the drill itself. Their folder stays if something was wrong: it has their logs.
fn end_cluster(own: Option<(DevCluster, PathBuf)>, all_is_well: bool) {
    let Some((cluster, folder)) = own else {
        return;
    };
    drop(cluster);
    if !all_is_well {
        complain(format_args!(
            "logs and data of the nodes are in {}",
            folder.display()
        ));
    } else if let Err(error) = fs::remove_dir_all(&folder) {
        complain(format_args!("{} stays behind: {error}", folder.display()));
    }
}

/// Says something to whoever looks. A drill goes on, and heals, though its terminal is gone.
fn say(text: impl fmt::Display) {
    let _ = writeln!(io::stdout(), "{text}");
}

/// The same on standard error.
fn complain(text: impl fmt::Display) {
    let _ = writeln!(io::stderr(), "{text}");
}

impl DrillArgs {
    fn selection(&self) -> Selection {
        if self.scenarios.is_empty() {
            return Selection::Usual;
        }
        if self.scenarios.iter().any(|name| name == ALL) {
            return Selection::All;
        }
        let known = self
            .scenarios
            .iter()
            .filter_map(|name| Scenario::by_name(name));
        Selection::These(known.collect())
    }

    fn options(&self, chosen: &Chosen) -> DrillOptions {
        DrillOptions {
            selection: self.selection(),
            rounds: self.rounds,
            seed: self.seed,
            sends_per_second: self.rate,
            producers: self.producers,
            consumers: self.consumers,
            group_members: self.group_members,
            partitions: self.partitions,
            delivery_timeout: Duration::from_secs(self.delivery_timeout),
            time_limit: self.duration.map(Duration::from_secs),
            folder: self.out.clone(),
            keep_topic: self.keep_topic,
            version: chosen.version(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drill_succeeds_only_if_the_cluster_recovered_and_everything_could_be_read() {
        let good = Drilled {
            rounds_done: 1,
            rounds_planned: 1,
            recovered: true,
            fully_read: true,
            limits: Vec::new(),
            problems: Vec::new(),
        };
        assert!(what_else_is_wrong(&good).is_ok());
        let exit_code = |drilled: Drilled| what_else_is_wrong(&drilled).unwrap_err().exit_code();
        let recovered = false;
        assert_eq!(
            exit_code(Drilled {
                recovered,
                ..good.clone()
            }),
            1
        );
        let fully_read = false;
        assert_eq!(
            exit_code(Drilled {
                fully_read,
                ..good.clone()
            }),
            1
        );
        let rounds_done = 0;
        assert_eq!(
            exit_code(Drilled {
                rounds_done,
                ..good
            }),
            COULD_NOT_RUN
        );
    }
}
