//! Clusters of many seeds: what must hold does.

use klamm_sim::simulate;
use std::sync::atomic::{AtomicU64, Ordering};

/// Seeds in every run of the tests.
const SEEDS: u64 = 2_000;

fn seeds() -> u64 {
    match std::env::var("KLAMM_SIM_SEEDS") {
        Ok(wanted) => (wanted.parse()).unwrap_or_else(|_| panic!("{wanted} is no number of seeds")),
        Err(_) => SEEDS,
    }
}

#[test]
fn nothing_goes_wrong_whatever_happens() {
    let (seeds, next) = (seeds(), AtomicU64::new(0));
    let (committed, leaders) = (AtomicU64::new(0), AtomicU64::new(0));
    let (partitions, survived) = (AtomicU64::new(0), AtomicU64::new(0));
    let reassigned = AtomicU64::new(0);
    let work = || loop {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed >= seeds {
            return;
        }
        let outcome = simulate(seed, None, false);
        let again = format!("cargo run -p klamm-sim -- --seed {seed} --trace");
        assert_eq!(outcome.violation, None, "seed {seed}: {again}");
        committed.fetch_add(outcome.committed as u64, Ordering::Relaxed);
        leaders.fetch_add(outcome.leaders as u64, Ordering::Relaxed);
        reassigned.fetch_add(outcome.reassigned as u64, Ordering::Relaxed);
        partitions.fetch_add(outcome.partitions as u64, Ordering::Relaxed);
        survived.fetch_add(outcome.survived as u64, Ordering::Relaxed);
    };
    std::thread::scope(|scope| {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        for _ in 0..threads {
            scope.spawn(work);
        }
    });
    let [committed, leaders] = [committed, leaders].map(AtomicU64::into_inner);
    let reassigned = reassigned.into_inner();
    let [partitions, survived] = [partitions, survived].map(AtomicU64::into_inner);
    assert!(
        committed > 20 * seeds,
        "{committed} records: the histories are empty"
    );
    assert!(
        leaders > 2 * seeds,
        "{leaders} leaders: the histories are uneventful"
    );
    assert!(
        reassigned > seeds,
        "{reassigned} reassignments have ended: partitions hardly move"
    );
    // The others have lost more than the product promises to bear.
    assert!(
        4 * survived > 3 * partitions,
        "only {survived} of {partitions} partitions were looked at in the end"
    );
}

#[test]
fn a_seed_gives_the_same_trace_again_byte_by_byte() {
    for seed in 0..20 {
        let (once, again) = (simulate(seed, None, true), simulate(seed, None, true));
        assert!(
            once.trace.len() > 1_000,
            "seed {seed} tells next to nothing"
        );
        assert_eq!(once, again, "seed {seed}");
        let quietly = simulate(seed, None, false);
        assert_eq!(
            quietly.events, once.events,
            "seed {seed}: looking changes nothing"
        );
    }
}
