//! What kind of cluster a seed stands for, and how rough its world is.

use crate::{
    agenda::{MS, Micros},
    random::Random,
};

/// The most brokers of a cluster.
pub(crate) const BROKERS_MAX: usize = 5;

/// A cluster and its world. Chances are of a thousand, times in milliseconds of the simulation.
#[derive(Clone, Debug)]
pub(crate) struct Scenario {
    pub(crate) brokers: usize,
    pub(crate) controllers: usize,
    pub(crate) producers: usize,
    pub(crate) consumers: usize,
    pub(crate) partitions: usize,
    pub(crate) replication_factor: usize,
    pub(crate) min_isr: usize,
    /// `flush.messages` is 1: what counts is on the disk.
    pub(crate) flushes_before_ack: bool,
    /// Whether unclean elections are ever allowed.
    pub(crate) unclean: bool,
    pub(crate) session_timeout_ms: i64,
    pub(crate) lag_time_max_ms: i64,
    pub(crate) floor_interval_ms: u64,
    pub(crate) delay_max: Micros,
    /// Messages that take much longer, and how long at most.
    pub(crate) slow: u64,
    pub(crate) slow_max: Micros,
    pub(crate) loss: u64,
    pub(crate) duplication: u64,
    /// Between two faults, at most.
    pub(crate) fault_pause_ms: u64,
    /// Between two reassignments, at most; 0: there are none.
    pub(crate) reassign_pause_ms: u64,
    /// How long the faults go on.
    pub(crate) chaos_ms: u64,
    pub(crate) produce_pause_ms: u64,
    /// Batches of metadata that a broker follows in one step.
    pub(crate) batches_max: usize,
    /// How long following a change of the metadata may take.
    pub(crate) apply_max: Micros,
    /// Clocks run that much too fast or slow at most.
    pub(crate) clock_drift: u64,
    /// How far producers run ahead of their oldest record without an answer; brokers remember five.
    pub(crate) ahead_max: u32,
    pub(crate) faults: FaultWeights,
}

/// How often each kind of fault is drawn, in proportion to the others.
#[derive(Clone, Debug)]
pub(crate) struct FaultWeights {
    pub(crate) power_loss: u64,
    pub(crate) kill: u64,
    pub(crate) all_down: u64,
    pub(crate) empty_disk: u64,
    pub(crate) stop: u64,
    pub(crate) pause: u64,
    pub(crate) cut: u64,
    pub(crate) isolate: u64,
    pub(crate) slow_disk: u64,
    pub(crate) controller_crash: u64,
    pub(crate) controller_pause: u64,
    pub(crate) min_isr_change: u64,
    pub(crate) delete_records: u64,
    pub(crate) unclean_election: u64,
}

impl Scenario {
    /// The scenario of a seed.
    pub(crate) fn of(random: &mut Random) -> Scenario {
        let brokers = random.between(3, BROKERS_MAX as u64) as usize;
        let replication_factor = random.between(2, brokers.min(4) as u64) as usize;
        let unclean = random.permille(100);
        let is_quick = random.permille(500);
        let faults = FaultWeights::of(random, unclean);
        Scenario {
            brokers,
            controllers: 3,
            producers: random.between(1, 3) as usize,
            consumers: random.between(1, 2) as usize,
            partitions: random.between(1, 2) as usize,
            replication_factor,
            min_isr: random.between(1, replication_factor.min(3) as u64) as usize,
            flushes_before_ack: random.permille(600),
            unclean,
            session_timeout_ms: if is_quick { 300 } else { 700 },
            lag_time_max_ms: random.between(100, 600) as i64,
            floor_interval_ms: random.between(100, 800),
            delay_max: random.between(300, 3_000),
            slow: random.below(15),
            slow_max: if random.permille(150) { 2_000 } else { 400 } * MS,
            loss: random.below(12),
            duplication: random.below(12),
            fault_pause_ms: random.between(150, 700),
            reassign_pause_ms: match random.permille(700) {
                true => random.between(50, 1_200),
                false => 0,
            },
            chaos_ms: random.between(1_500, 4_500),
            produce_pause_ms: random.between(8, 40),
            batches_max: random.between(1, 8) as usize,
            apply_max: match random.permille(250) {
                true => random.between(10, 150) * MS,
                false => 3 * MS,
            },
            clock_drift: random.below(60),
            // A replica that starts anew behind deleted records has forgotten the producers.
            ahead_max: if faults.delete_records > 0 { 1 } else { 4 },
            faults,
        }
    }

    /// How long a broken heartbeat stream is put up with.
    pub(crate) fn broken_stream_grace_ms(&self) -> i64 {
        self.session_timeout_ms / 5
    }
}

impl FaultWeights {
    fn of(random: &mut Random, unclean: bool) -> FaultWeights {
        // Some clusters see more of one kind than of all others.
        let mut is_frequent = random.below(40);
        let mut weight = |most: u64| {
            let factor = if is_frequent == 0 { 8 } else { 1 };
            is_frequent = is_frequent.wrapping_sub(1);
            random.below(most + 1) * factor
        };
        FaultWeights {
            power_loss: weight(10),
            kill: weight(10),
            all_down: weight(2),
            empty_disk: weight(1),
            stop: weight(5),
            pause: weight(8),
            cut: weight(10),
            isolate: weight(6),
            slow_disk: weight(4),
            controller_crash: weight(6),
            controller_pause: weight(4),
            min_isr_change: weight(4),
            delete_records: weight(3),
            unclean_election: if unclean { 1 + weight(4) } else { 0 },
        }
    }
}
