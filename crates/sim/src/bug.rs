//! Mistakes that can be planted, to see the invariants find them.
//!
//! Each is made in the simulation's shell around the cores, never in a core: a wrong argument, an
//! effect carried out too early, a check left out.

use crate::{agenda::MS, scenario::Scenario};

/// A mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Bug {
    /// A leader counts one member of the ISR too few.
    HighWatermarkMissesMember,
    /// A leader shrinks its ISR before the controller has.
    ShrinkWithoutCommit,
    /// A leader serves fetches of any epoch, and does not look whether the logs part.
    FetchWithoutEpochCheck,
    /// A follower truncates to its high watermark instead of where the logs part.
    TruncateToHighWatermark,
    /// A new leader does not look at the floor of the high watermark.
    FloorIgnored,
    /// Controllers forget the end of their log when one crashes.
    QuorumLogNotPersisted,
    /// A leader counts what it has not flushed.
    AckBeforeFlush,
    /// A follower asks for more before it has flushed what it got.
    FetchBeforeFlush,
    /// Nobody looks under which registration a follower fetches.
    ExpandWithStaleBrokerEpoch,
    /// A batch that was decided on another image is applied all the same.
    StaleProposalApplied,
    /// Consumers are served up to the log end.
    ReadBeyondHighWatermark,
    /// A follower takes the answer of a leader that it does not follow any more.
    AppendWithoutEpochFence,
    /// An unclean election that nobody allowed, and that looks like a clean one.
    SilentUncleanElection,
    /// Brokers say that they stopped cleanly, whatever happened.
    CleanStopClaimed,
    /// A broker takes over a snapshot that is older than its image.
    OldMetadataReplayed,
    /// A follower takes over its leader's high watermark, whatever it has itself.
    HighWatermarkBeyondLog,
    /// A leader takes a follower into the ISR that has not caught up.
    ExpandBeforeCaughtUp,
    /// A batch that was appended already is appended once more.
    DuplicatesAppended,
    /// A leader takes the controller's answer for decided before it has replayed what led to it.
    AnswerAheadOfMetadata,
    /// A change of `min.insync.replicas` takes effect before the changes of roles that come with it.
    ConfigsAheadOfRoles,
    /// A replica that is cut below its high watermark leaves that on record.
    RecordLeftBehind,
    /// A leader acknowledges what it has appended, committed or not.
    AckBeforeCommit,
    /// A leader that is deposed goes on in the epoch of its successor.
    EpochTakenTwice,
    /// A new leader cuts its log to its own high watermark.
    CutAtTakeover,
    /// When all is well again, an acknowledged record is another one in every replica.
    RecordRots,
    /// A reassignment ends as it begins: nobody waits for the new replicas.
    ReassignmentEndsEarly,
    /// New replicas are in the ISR at once.
    NewReplicasCountAtOnce,
    /// Replicas that are to be removed delete their logs while the reassignment is under way.
    RemovedTooSoon,
    /// A second reassignment lets go of what the first was adding, however few others are in sync.
    LastCandidatesGo,
    /// A reassignment that is cancelled leaves its new replicas in the ISR, and no replicas.
    CancelKeepsStranger,
    /// What is in sync ends no reassignment.
    ReassignmentNeverEnds,
    /// Replicas are removed without a new leader epoch: what they asked for before still counts.
    RemovedWithoutEpoch,
}

impl Bug {
    /// Every mistake there is.
    pub fn all() -> &'static [Bug] {
        <Bug as clap::ValueEnum>::value_variants()
    }

    /// Makes the world rough where the mistake shows: it is to be found within a few seeds.
    pub(crate) fn provoke(self, scenario: &mut Scenario) {
        let faults = &mut scenario.faults;
        match self {
            Bug::AnswerAheadOfMetadata | Bug::ConfigsAheadOfRoles => {
                (faults.min_isr_change, faults.pause, faults.isolate) = (25, 30, 20);
                scenario.min_isr = scenario.replication_factor;
                (scenario.session_timeout_ms, scenario.fault_pause_ms) = (300, 150);
                scenario.apply_max = 300 * MS;
                (scenario.produce_pause_ms, scenario.batches_max) = (8, 50);
            }
            Bug::ExpandWithStaleBrokerEpoch => {
                (faults.power_loss, faults.pause, faults.min_isr_change) = (40, 30, 0);
                // While the follower is away, the high watermark stays where it left it.
                (scenario.min_isr, scenario.replication_factor) = (2, 2);
                (scenario.session_timeout_ms, scenario.lag_time_max_ms) = (2_000, 100);
                (scenario.slow, scenario.slow_max) = (60, 1_500 * MS);
                (scenario.flushes_before_ack, scenario.reassign_pause_ms) = (false, 0);
            }
            Bug::RecordLeftBehind => {
                (faults.kill, faults.pause, faults.unclean_election) = (40, 20, 30);
                (scenario.unclean, scenario.flushes_before_ack) = (true, true);
                (scenario.min_isr, scenario.replication_factor) = (1, 2);
                (scenario.fault_pause_ms, scenario.chaos_ms) = (150, 6_000);
                scenario.session_timeout_ms = 300;
            }
            Bug::CleanStopClaimed => {
                faults.power_loss = 40;
                scenario.flushes_before_ack = false;
            }
            Bug::StaleProposalApplied | Bug::QuorumLogNotPersisted => {
                faults.controller_crash = 30;
                faults.isolate = 10;
            }
            Bug::ReassignmentEndsEarly
            | Bug::NewReplicasCountAtOnce
            | Bug::RemovedTooSoon
            | Bug::CancelKeepsStranger
            | Bug::ReassignmentNeverEnds => scenario.reassign_pause_ms = 100,
            Bug::LastCandidatesGo => {
                scenario.reassign_pause_ms = 40;
                (faults.kill, faults.pause, faults.isolate) = (40, 20, 20);
            }
            Bug::RemovedWithoutEpoch => {
                scenario.reassign_pause_ms = 20;
                scenario.apply_max = 150 * MS;
                scenario.flushes_before_ack = true;
            }
            _ => {}
        }
    }
}
