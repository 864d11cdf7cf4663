//! `sim`: runs seeds, or replays one.

use clap::Parser;
use klamm_sim::{Bug, Outcome, simulate};
use std::{
    ops::Range,
    process::ExitCode,
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::Instant,
};

/// Simulates clusters, one for each seed, and checks what must hold.
#[derive(Parser)]
struct Args {
    /// Replays one seed.
    #[arg(long, conflicts_with = "seeds")]
    seed: Option<u64>,
    /// Runs the seeds from A up to, but not including, B.
    #[arg(long, value_name = "A..B", value_parser = range, default_value = "0..1000")]
    seeds: Range<u64>,
    /// Prints what happens.
    #[arg(long, requires = "seed")]
    trace: bool,
    /// Plants a mistake.
    #[arg(long, value_enum)]
    bug: Option<Bug>,
}

fn range(text: &str) -> Result<Range<u64>, String> {
    let parse = |number: &str| number.parse::<u64>().map_err(|error| error.to_string());
    let (from, to) = text.split_once("..").ok_or("a range is written A..B")?;
    Ok(parse(from)?..parse(to)?)
}

fn main() -> ExitCode {
    let args = Args::parse();
    match args.seed {
        Some(seed) => replay(seed, &args),
        None => run_all(&args),
    }
}

fn replay(seed: u64, args: &Args) -> ExitCode {
    let outcome = simulate(seed, args.bug, args.trace);
    print!("{}", outcome.trace);
    report(seed, &outcome)
}

fn report(seed: u64, outcome: &Outcome) -> ExitCode {
    let Outcome {
        events,
        committed,
        leaders,
        ..
    } = outcome;
    println!("seed {seed}: {events} events, {committed} records committed, {leaders} leaders");
    match &outcome.violation {
        None => ExitCode::SUCCESS,
        Some(violation) => {
            let (invariant, what) = (violation.invariant, &violation.what);
            println!(
                "seed {seed}: {invariant} does not hold at {} ms: {what}",
                violation.at_ms
            );
            ExitCode::FAILURE
        }
    }
}

/// Runs every seed on all processors; every violation is told.
fn run_all(args: &Args) -> ExitCode {
    let started = Instant::now();
    let (next, violations) = (AtomicU64::new(args.seeds.start), AtomicU64::new(0));
    let (events, leaders) = (AtomicU64::new(0), AtomicU64::new(0));
    let reassigned = AtomicU64::new(0);
    let (partitions, survived) = (AtomicU64::new(0), AtomicU64::new(0));
    let work = || loop {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed >= args.seeds.end {
            return;
        }
        let outcome = simulate(seed, args.bug, false);
        events.fetch_add(outcome.events, Ordering::Relaxed);
        leaders.fetch_add(outcome.leaders as u64, Ordering::Relaxed);
        reassigned.fetch_add(outcome.reassigned as u64, Ordering::Relaxed);
        partitions.fetch_add(outcome.partitions as u64, Ordering::Relaxed);
        survived.fetch_add(outcome.survived as u64, Ordering::Relaxed);
        if outcome.violation.is_some() {
            violations.fetch_add(1, Ordering::Relaxed);
            report(seed, &outcome);
        }
    };
    thread::scope(|scope| {
        let threads = thread::available_parallelism().map_or(1, usize::from);
        for _ in 0..threads {
            scope.spawn(work);
        }
    });
    let [violations, events, leaders, reassigned] =
        [&violations, &events, &leaders, &reassigned].map(|n| n.load(Ordering::Relaxed));
    let [partitions, survived] = [&partitions, &survived].map(|n| n.load(Ordering::Relaxed));
    println!("{survived} of {partitions} partitions were whole in the end");
    println!(
        "{} seeds, {events} events, {leaders} leaders, {reassigned} reassignments, {violations} \
         violations in {:.1} s",
        args.seeds.end.saturating_sub(args.seeds.start),
        started.elapsed().as_secs_f64()
    );
    if violations == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
