//! What is done for logs now and then, beside the requests.

use crate::{
    clock::now_ms, context::Context, log_dirs::SpaceReport, partition::Partition,
    partitions::Partitions,
};
use klamm_storage::CheckpointKind;
use std::{future::Future, sync::Arc, time::Duration};
use tokio::{
    task::{JoinSet, spawn_blocking},
    time::{Instant, MissedTickBehavior, interval_at, sleep},
};
use tracing::error;

/// How often removed files are looked at for those that are due.
const PURGE_INTERVAL_MS: i64 = 1_000;

/// How often the free space is looked at where there is plenty: the gap to the reserve that
/// others could close meanwhile.
const SPACE_INTERVAL: Duration = Duration::from_secs(2);

/// How often the free space is looked at where it is scarce.
const SPACE_INTERVAL_NEAR: Duration = Duration::from_millis(250);

/// How often logs are looked at for something to delete while a disk has no room.
const LOW_SPACE_CLEANING_INTERVAL: Duration = Duration::from_secs(5);

/// How often replicas without a log are tried again that a disk had no room for, whatever its free
/// space looks like.
const CREATION_INTERVAL: Duration = Duration::from_secs(30);

/// How often leaders look for laggards: at most this far apart. One that hangs is to be found out
/// within two seconds.
const TICK_MS_MAX: i64 = 500;

/// How often logs are looked at for a flush that is due: at most this far apart, so that a topic's
/// `flush.ms` has an effect whatever `log.flush.scheduler.interval.ms` says.
const FLUSH_CHECK_MS_MAX: i64 = 1_000;

/// How often it is checked whether a crash now would make for a long start.
const BACKLOG_CHECK_MS: i64 = 200;

/// Starts everything that happens by the clock.
pub(crate) fn start(tasks: &mut JoinSet<()>, context: &Arc<Context>) {
    tasks.spawn(watch_space(Arc::clone(context)));
    tasks.spawn(create_missing(Arc::clone(context)));
    let (config, partitions) = (&context.config, &context.partitions);
    let mut run = |delay_ms: i64, period_ms: i64, work: fn(&Partitions)| {
        tasks.spawn(every(millis(delay_ms), millis(period_ms), partitions, work));
    };
    let (log, replication) = (&config.log, &config.replication);
    let delay_ms = log.initial_task_delay_ms;
    run(
        0,
        (replication.lag_time_max_ms / 2).min(TICK_MS_MAX),
        Partitions::tick,
    );
    run(
        0,
        config
            .transaction
            .producer_id_expiration_check_interval_ms
            .into(),
        Partitions::expire_producers,
    );
    run(
        0,
        replication.high_watermark_checkpoint_interval_ms,
        |partitions| partitions.checkpoint(&[CheckpointKind::HighWatermark]),
    );
    run(
        0,
        log.flush_offset_checkpoint_interval_ms.into(),
        |partitions| partitions.checkpoint(&[CheckpointKind::RecoveryPoint]),
    );
    run(0, BACKLOG_CHECK_MS, Partitions::shorten_recovery);
    run(
        0,
        log.flush_start_offset_checkpoint_interval_ms.into(),
        |partitions| partitions.checkpoint(&[CheckpointKind::LogStart]),
    );
    run(
        delay_ms,
        log.retention_check_interval_ms,
        delete_old_segments,
    );
    run(
        delay_ms.min(FLUSH_CHECK_MS_MAX),
        log.flush_scheduler_interval_ms.min(FLUSH_CHECK_MS_MAX),
        Partitions::flush_due,
    );
    run(0, PURGE_INTERVAL_MS, |partitions| {
        partitions.purge_removed(false)
    });
}

/// Deletes what is beyond the retention of its topic, of every log.
///
/// The log starts are recorded between the decision and the deletion: a crash in the midst of it
/// may leave any of the files.
pub(crate) fn delete_old_segments(partitions: &Partitions) {
    let now_ms = now_ms();
    let all = partitions.list();
    let moved: Vec<&Arc<Partition>> = all.iter().filter(|p| p.retain(now_ms)).collect();
    if moved.is_empty() {
        return;
    }
    partitions.checkpoint(&[CheckpointKind::LogStart]);
    moved
        .iter()
        .for_each(|partition| partition.remove_old_segments());
}

/// Keeps an eye on the disks. In need of space, what is to be deleted goes at once.
async fn watch_space(context: Arc<Context>) {
    let mut cleaned_at: Option<Instant> = None;
    loop {
        let due = cleaned_at.is_none_or(|at| at.elapsed() >= LOW_SPACE_CLEANING_INTERVAL);
        let looking = Arc::clone(&context);
        let looked = spawn_blocking(move || look_at_space(&looking, due)).await;
        let report = looked.unwrap_or_else(|error| {
            error!(%error, "looking at the disks failed");
            SpaceReport::default()
        });
        if report.is_low && due {
            cleaned_at = Some(Instant::now());
        }
        sleep(match report.is_near || report.is_low {
            true => SPACE_INTERVAL_NEAR,
            false => SPACE_INTERVAL,
        })
        .await;
    }
}

/// Tries again now and then: that a disk was full, and has room again, may have escaped those who
/// look at its free space.
async fn create_missing(context: Arc<Context>) {
    loop {
        sleep(CREATION_INTERVAL).await;
        let context = Arc::clone(&context);
        let create = move || {
            let image = || context.metadata.image();
            context.partitions.create_missing(image);
        };
        if let Err(error) = spawn_blocking(create).await {
            error!(%error, "creating logs failed");
        }
    }
}

fn look_at_space(context: &Context, is_cleaning_due: bool) -> SpaceReport {
    let partitions = &context.partitions;
    let report = partitions.look_at_space();
    if report.is_low && is_cleaning_due {
        delete_old_segments(partitions);
        partitions.purge_removed(true);
    }
    if report.resumed {
        partitions.create_missing(|| context.metadata.image());
        partitions.flush_due();
    }
    report
}

/// Runs `work` on a thread for blocking work, again and again.
fn every(
    delay: Duration,
    period: Duration,
    partitions: &Arc<Partitions>,
    work: fn(&Partitions),
) -> impl Future<Output = ()> + use<> {
    let partitions = Arc::clone(partitions);
    let mut ticks = interval_at(Instant::now() + delay, period.max(Duration::from_millis(1)));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    async move {
        loop {
            ticks.tick().await;
            let partitions = Arc::clone(&partitions);
            if let Err(error) = spawn_blocking(move || work(&partitions)).await {
                error!(%error, "housekeeping failed");
            }
        }
    }
}

fn millis(ms: i64) -> Duration {
    Duration::from_millis(u64::try_from(ms).unwrap_or(0))
}
