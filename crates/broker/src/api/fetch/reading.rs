//! Reads for a fetch, until there is something to answer.

use super::{Fetcher, Target, finish, preferred_replica::preferred_replica};
use crate::{
    api::Call,
    clock::now_ms,
    context::Context,
    fetch_session::FetchKey,
    partition::{Partition, ReadResult, Registration, Waker},
    partitions::is_eligible,
};
use klamm_protocol::messages::fetch_response::PartitionData;
use klamm_replica::FollowerFetch;
use klamm_types::{ErrorCode, LeaderEpoch};
use std::{sync::Arc, time::Duration};
use tokio::time::{Instant, sleep_until};

/// Bytes of a batch header: less room than that for a partition is none.
const BATCH_HEADER_BYTES: usize = 61;

/// How long a follower need not know that more is committed. Where much is written, the next
/// records tell it sooner; where little is, consumers who read there wait no longer than this.
const COMMIT_NEWS_DELAY_MIN: Duration = Duration::from_millis(20);

/// What the delay is at least for each partition of the request: all are looked at to tell of a
/// commit in one, and a follower of many thousands is not to keep a processor busy with that.
const COMMIT_NEWS_DELAY_PER_PARTITION: Duration = Duration::from_micros(20);

/// How long a fetch that found something, but not enough, does not look again. What it wants may be
/// hundreds of commits away, and each look reads all that is there.
const NEXT_LOOK_PAUSE: Duration = Duration::from_millis(5);

pub(super) type Results = Vec<(FetchKey, Result<ReadResult, ErrorCode>)>;

/// What was read of all partitions.
struct Reading {
    results: Results,
    /// When a follower's throttle lets more be read, if that is why there is not more.
    held_back_until: Option<Instant>,
}

/// Reads until there is enough, something must be told at once, or time is up (rule 61).
pub(super) async fn fetch(
    context: &Context,
    call: &Call,
    fetcher: &Fetcher,
    targets: &[Target],
    deadline: Instant,
) -> Vec<(FetchKey, PartitionData)> {
    let mut reading = read_all(context, call, fetcher, targets);
    note_follower(context, fetcher, targets, &mut reading.results);
    if !is_complete(fetcher, &reading.results) {
        reading = wait_for_more(context, call, fetcher, targets, deadline).await;
    }
    charge(context, fetcher, targets, &reading.results);
    finish(context, call, reading.results)
}

async fn wait_for_more(
    context: &Context,
    call: &Call,
    fetcher: &Fetcher,
    targets: &[Target],
    deadline: Instant,
) -> Reading {
    // Registered first, then looked again: nothing that comes in between is missed.
    let waker = Waker::default();
    let _registrations = register(fetcher, targets, &waker);
    let commit_news_delay = commit_news_delay(targets.len());
    let mut commit_told_at = None;
    loop {
        let reading = read_all(context, call, fetcher, targets);
        let now = Instant::now();
        let has_commit_news = has_commit_news(fetcher, targets, &reading.results);
        commit_told_at = match commit_told_at {
            at if !has_commit_news => at.filter(|at| *at > now),
            None => Some(now + commit_news_delay),
            at => at,
        };
        let tells_commit = commit_told_at.is_some_and(|at| at <= now);
        if is_complete(fetcher, &reading.results) || tells_commit || deadline <= now {
            return reading;
        }
        let commit_news_delay = fetcher.is_follower().then_some(commit_news_delay);
        let deadline = reading
            .held_back_until
            .map_or(deadline, |at| at.min(deadline));
        sleep_until(deadline.min(next_look(bytes(&reading.results), now))).await;
        sleep(&waker, commit_news_delay, deadline, &mut commit_told_at).await;
    }
}

/// When to look again at the earliest after a look at `now` that has found so many bytes, which are
/// not enough.
fn next_look(bytes: usize, now: Instant) -> Instant {
    if bytes > 0 {
        now + NEXT_LOOK_PAUSE
    } else {
        now
    }
}

/// How long a follower of so many partitions need not know that more is committed.
fn commit_news_delay(partitions: usize) -> Duration {
    let partitions = u32::try_from(partitions).unwrap_or(u32::MAX);
    COMMIT_NEWS_DELAY_MIN.max(COMMIT_NEWS_DELAY_PER_PARTITION.saturating_mul(partitions))
}

/// Sleeps until it is worth while to read again. With a `commit_news_delay`, commits are told after it.
async fn sleep(
    waker: &Waker,
    commit_news_delay: Option<Duration>,
    deadline: Instant,
    commit_told_at: &mut Option<Instant>,
) {
    loop {
        let until = commit_told_at.map_or(deadline, |at| at.min(deadline));
        tokio::select! {
            () = sleep_until(until) => return,
            () = waker.news.notified() => return,
            () = waker.commit.notified(), if commit_news_delay.is_some() && commit_told_at.is_none() => {
                *commit_told_at = commit_news_delay.map(|delay| Instant::now() + delay);
            }
        }
    }
}

/// Reads every partition in order, within the limits of the request (rules 58, 59).
fn read_all(context: &Context, call: &Call, fetcher: &Fetcher, targets: &[Target]) -> Reading {
    let throttle = &context.partitions.throttles().leader;
    let throttled_for = match fetcher.is_follower() {
        true => throttle.wait(),
        false => Duration::ZERO,
    };
    let mut is_held_back = false;
    let mut bytes_left = fetcher.bytes_max;
    let mut is_first = true;
    let mut results = Results::with_capacity(targets.len());
    for target in targets {
        let result = target.found.clone().and_then(|partition| {
            let mut request = fetcher.read_request(&target.wanted, bytes_left, is_first);
            if !throttled_for.is_zero() && partition.throttles_serving(fetcher.replica) {
                is_held_back = true;
                (request.bytes_max, request.min_one_batch) = (0, false);
            }
            match better_replica(context, call, fetcher, &partition, request.fetch_offset) {
                Some(better) => partition.refer(request.current_leader_epoch, better),
                None => partition.read(&request),
            }
        });
        if let Ok(read) = &result {
            bytes_left = bytes_left.saturating_sub(read.records.len());
            if bytes_left < BATCH_HEADER_BYTES {
                bytes_left = 0;
            }
            is_first &= read.records.is_empty();
        }
        results.push((target.wanted.key.clone(), result));
    }
    Reading {
        results,
        held_back_until: is_held_back.then(|| Instant::now() + throttled_for),
    }
}

fn better_replica(
    context: &Context,
    call: &Call,
    fetcher: &Fetcher,
    partition: &Partition,
    fetch_offset: i64,
) -> Option<klamm_types::BrokerId> {
    let rack = fetcher.rack.as_deref()?;
    let image = context.metadata.image();
    preferred_replica(
        &image,
        &call.connection.listener,
        rack,
        partition,
        fetch_offset,
    )
}

/// The leader learns what the follower has, from each partition that it read well. Who is none of
/// its followers, or is one no more, is told so instead (rule 81).
fn note_follower(context: &Context, fetcher: &Fetcher, targets: &[Target], results: &mut Results) {
    if !fetcher.is_follower() {
        return;
    }
    let image = context.metadata.image();
    let is_eligible = is_eligible(&image, fetcher.replica, fetcher.broker_epoch);
    let now_ms = now_ms();
    for (target, (_, result)) in targets.iter().zip(results) {
        let (Ok(partition), Ok(read)) = (&target.found, &*result) else {
            continue;
        };
        let params = &target.wanted.params;
        let fetch = FollowerFetch {
            replica: fetcher.replica,
            broker_epoch: fetcher.broker_epoch,
            fetch_offset: params.fetch_offset,
            log_start_offset: params.log_start_offset,
            is_eligible,
        };
        let leader_epoch = LeaderEpoch(params.current_leader_epoch);
        let noted = match read.diverging_epoch {
            // What it has beyond the divergence does not count (rule 68).
            Some(_) => partition.check_follower(fetcher.replica),
            None => partition.on_follower_fetch(fetch, leader_epoch, now_ms),
        };
        if let Err(error) = noted {
            tracing::debug!(topic = %partition.topic, partition = partition.id.partition,
                replica = %fetcher.replica, %error, "a follower's fetch does not count");
            *result = Err(error);
        }
    }
}

/// Takes off the leader's throttle what followers are sent that it holds for.
fn charge(context: &Context, fetcher: &Fetcher, targets: &[Target], results: &Results) {
    if !fetcher.is_follower() {
        return;
    }
    let throttled = targets
        .iter()
        .zip(results)
        .filter_map(|(target, (_, read))| {
            let (Ok(partition), Ok(read)) = (&target.found, read) else {
                return None;
            };
            let is_free = read.records.is_empty() || !partition.throttles_serving(fetcher.replica);
            (!is_free).then_some(read.records.len() as u64)
        });
    context.partitions.throttles().leader.note(throttled.sum());
}

/// Whether a follower has records of which it does not know yet that they are committed, as far
/// as it says what it knows (version 18).
fn has_commit_news(fetcher: &Fetcher, targets: &[Target], results: &Results) -> bool {
    fetcher.is_follower()
        && targets.iter().zip(results).any(|(target, (_, read))| {
            let params = &target.wanted.params;
            let known = params.high_watermark;
            read.as_ref()
                .is_ok_and(|read| read.high_watermark.min(params.fetch_offset) > known)
        })
}

/// Whether the response must go out now.
fn is_complete(fetcher: &Fetcher, results: &Results) -> bool {
    let has_news = results.iter().any(|(_, result)| match result {
        Ok(read) => read.diverging_epoch.is_some() || !read.preferred_replica.is_none(),
        Err(_) => true,
    });
    results.is_empty() || has_news || bytes(results) >= fetcher.bytes_min
}

/// The bytes that were read.
fn bytes(results: &Results) -> usize {
    let read = results
        .iter()
        .filter_map(|(_, result)| result.as_ref().ok());
    read.map(|read| read.records.len()).sum()
}

fn register<'a>(fetcher: &Fetcher, targets: &'a [Target], waker: &Waker) -> Vec<Registration<'a>> {
    targets
        .iter()
        .filter_map(|target| target.found.as_ref().ok())
        .map(|partition: &Arc<Partition>| {
            let set = if fetcher.is_follower() {
                &partition.followers
            } else {
                &partition.consumers
            };
            set.register(waker)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_found_too_little_does_not_look_again_at_each_commit() {
        let now = Instant::now();
        assert_eq!(next_look(0, now), now, "what comes first is told at once");
        assert_eq!(next_look(1, now), now + NEXT_LOOK_PAUSE);
    }

    #[test]
    fn commits_are_told_later_where_many_partitions_are_looked_at() {
        for (partitions, delay_ms) in [(1, 20), (1_000, 20), (2_000, 40), (20_000, 400)] {
            let delay = Duration::from_millis(delay_ms);
            assert_eq!(commit_news_delay(partitions), delay, "{partitions}");
        }
    }
}
