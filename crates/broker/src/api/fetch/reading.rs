//! Reads for a fetch, until there is something to answer.

use super::{Fetcher, find, preferred_replica::preferred_replica};
use crate::{
    api::Call,
    clock::now_ms,
    context::Context,
    fetch_session::{Arrival, FetchContext, FetchKind, Wanted, lacks_commit, locked},
    partition::{FetchIsolation, Partition, ReadResult, Waker, WakerSet},
    partitions::is_eligible,
};
use klamm_metadata::Image;
use klamm_replica::FollowerFetch;
use klamm_types::{BrokerId, ErrorCode, LeaderEpoch};
use std::{pin::pin, sync::Arc, time::Duration};
use tokio::time::{Instant, sleep_until};

/// Bytes of a batch header: less room than that for a partition is none.
const BATCH_HEADER_BYTES: usize = 61;

/// How long a follower need not know that more is committed. Where much is written, the next
/// records tell it sooner; where little is, consumers who read there wait no longer than this.
const COMMIT_NEWS_DELAY: Duration = Duration::from_millis(20);

/// How long a fetch that found something, but not enough, does not look again. What it wants may be
/// hundreds of commits away, and each look reads all that is there.
const NEXT_LOOK_PAUSE: Duration = Duration::from_millis(5);

/// What a look found at one partition.
pub(super) struct Looked {
    pub(super) tag: u64,
    pub(super) result: Result<ReadResult, ErrorCode>,
    partition: Option<Arc<Partition>>,
    /// Whether a follower has records of which it does not know yet that they are committed.
    lacks_commit: bool,
}

/// What a look found.
#[derive(Default)]
pub(super) struct Reading {
    /// Of the partitions that were looked at, in the order in which they are served.
    pub(super) looked: Vec<Looked>,
    /// When a follower's throttle lets more be read, if that is why there is not more.
    held_back_until: Option<Instant>,
    /// Nobody waits for the answer: the client has gone on in its session, or wants nothing.
    is_idle: bool,
}

impl Reading {
    fn idle() -> Reading {
        Reading {
            is_idle: true,
            ..Reading::default()
        }
    }
}

/// One request as it is being answered.
pub(super) struct Reads<'a> {
    pub(super) context: &'a Context,
    pub(super) call: &'a Call,
    pub(super) fetcher: &'a Fetcher,
    pub(super) fetch: &'a FetchContext,
    /// Where it goes on in a session.
    pub(super) arrival: Option<Arrival>,
}

/// What a look is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Look {
    /// The first of a request. A follower reports with it.
    First,
    /// Another one, after a sleep. A follower that waits reports nothing.
    Again,
}

impl Reads<'_> {
    /// Reads until there is enough, something must be told at once, or time is up (rule 61).
    pub(super) async fn read(&self, deadline: Instant) -> Reading {
        // What is named in full mostly has news: it is watched if there is nothing to answer.
        let is_known = matches!(self.fetch.kind, FetchKind::Incremental(_));
        let mut reading = self.look(Look::First, is_known);
        if !self.is_complete(&reading) && Instant::now() < deadline {
            if !is_known {
                reading = self.look(Look::Again, true);
            }
            reading = self.wait_for_more(reading, deadline).await;
        }
        self.charge(&reading);
        reading
    }

    async fn wait_for_more(&self, mut reading: Reading, deadline: Instant) -> Reading {
        let poll = locked(&self.fetch.session).poll();
        let mut commit_told_at = None;
        let mut overtaken = pin!(self.overtaken());
        loop {
            let now = Instant::now();
            let has_commit_news = reading.looked.iter().any(|looked| looked.lacks_commit);
            commit_told_at = match commit_told_at {
                at if !has_commit_news => at.filter(|at| *at > now),
                None => Some(now + COMMIT_NEWS_DELAY),
                at => at,
            };
            let tells_commit = commit_told_at.is_some_and(|at| at <= now);
            if self.is_complete(&reading) || tells_commit || deadline <= now {
                return reading;
            }
            let deadline = reading
                .held_back_until
                .map_or(deadline, |at| at.min(deadline));
            let is_follower = self.fetcher.is_follower();
            let sleeping = async {
                sleep_until(deadline.min(next_look(bytes(&reading.looked), now))).await;
                sleep(&poll, is_follower, deadline, &mut commit_told_at).await;
            };
            tokio::select! {
                () = &mut overtaken => return Reading::idle(),
                () = sleeping => {}
            }
            reading = self.look(Look::Again, true);
            if reading.is_idle {
                // The wake-up was for the request that came after.
                poll.news.notify_one();
            }
        }
    }

    async fn overtaken(&self) {
        match &self.arrival {
            Some(arrival) => arrival.overtaken().await,
            None => std::future::pending().await,
        }
    }

    /// Looks at every partition that may have news, in order and within the limits of the request
    /// (rules 58, 59). With `is_watching`, what happens to them afterwards is told by the session's poll.
    fn look(&self, look: Look, is_watching: bool) -> Reading {
        let session = &mut *locked(&self.fetch.session);
        if session.turn() != self.fetch.turn || session.len() == 0 {
            return Reading::idle();
        }
        if look == Look::First {
            session.read_as(self.fetcher.reader(self.call));
        }
        if self.fetcher.rack.is_some() {
            // Other replicas come closer without a word to this one.
            session.make_all_ready();
        }
        let image = self.context.metadata.image();
        let mut room = Room::of(self);
        let mut looked = Vec::new();
        for tag in session.ready() {
            let Some(wanted) = session.wanted(tag) else {
                continue;
            };
            let found = find(self.context, &image, self.call, &wanted.key);
            if is_watching {
                session.watch(tag, found.as_deref().ok().map(|it| self.wakers(it)));
            }
            if let Some(wanted) = session.wanted(tag) {
                let (found, is_settled) = self.look_at(wanted, found, &mut room, &image, look, tag);
                if is_settled {
                    session.settle(tag, &found.result);
                }
                looked.push(found);
            }
        }
        Reading {
            looked,
            held_back_until: room.held_back_until(),
            is_idle: false,
        }
    }

    /// Reads one partition, and lets a follower report what it has. Also says whether all was
    /// read that can be, and nothing will come of looking at it again before something happens.
    fn look_at(
        &self,
        wanted: &Wanted,
        found: Result<Arc<Partition>, ErrorCode>,
        room: &mut Room,
        image: &Image,
        look: Look,
        tag: u64,
    ) -> (Looked, bool) {
        let (partition, mut result) = match found {
            Ok(partition) => {
                let result = self.read_one(&partition, wanted, room);
                (Some(partition), result)
            }
            Err(error) => (None, Err(error)),
        };
        let mut is_settled = result.as_ref().is_ok_and(|read| read.is_at_end);
        if self.fetcher.is_follower()
            && let (Some(partition), Ok(read)) = (&partition, &result)
        {
            let noted = match look {
                Look::First => self.note_follower(partition, wanted, read, image),
                Look::Again => Ok(false),
            };
            is_settled &= noted.unwrap_or(false);
            if let Err(error) = noted {
                result = Err(error);
            }
        }
        let lacks_commit = self.fetcher.is_follower()
            && (result.as_ref()).is_ok_and(|read| lacks_commit(&wanted.params, read));
        let looked = Looked {
            tag,
            result,
            partition,
            lacks_commit,
        };
        (looked, is_settled)
    }

    fn read_one(
        &self,
        partition: &Partition,
        wanted: &Wanted,
        room: &mut Room,
    ) -> Result<ReadResult, ErrorCode> {
        let fetcher = self.fetcher;
        let mut request = fetcher.read_request(wanted, room.bytes_left, room.is_first);
        if !room.throttled_for.is_zero() && partition.throttles_serving(fetcher.replica) {
            room.is_held_back = true;
            (request.bytes_max, request.min_one_batch) = (0, false);
        }
        let read = match self.better_replica(partition, request.fetch_offset) {
            Some(better) => partition.refer(request.current_leader_epoch, better),
            None => partition.read(&request),
        }?;
        room.take(read.records.len());
        Ok(read)
    }

    fn better_replica(&self, partition: &Partition, fetch_offset: i64) -> Option<BrokerId> {
        let rack = self.fetcher.rack.as_deref()?;
        let image = self.context.metadata.image();
        let listener = &self.call.connection.listener;
        preferred_replica(&image, listener, rack, partition, fetch_offset)
    }

    /// The leader learns what the follower has, from a partition that it read well; whether it has
    /// nothing to report until something happens. Who is none of its followers, or is one no more,
    /// is told so instead (rule 81).
    fn note_follower(
        &self,
        partition: &Partition,
        wanted: &Wanted,
        read: &ReadResult,
        image: &Image,
    ) -> Result<bool, ErrorCode> {
        let (params, fetcher) = (&wanted.params, self.fetcher);
        let fetch = FollowerFetch {
            replica: fetcher.replica,
            broker_epoch: fetcher.broker_epoch,
            fetch_offset: params.fetch_offset,
            log_start_offset: params.log_start_offset,
            is_eligible: is_eligible(image, fetcher.replica, fetcher.broker_epoch),
        };
        let leader_epoch = LeaderEpoch(params.current_leader_epoch);
        let noted = match read.diverging_epoch {
            // What it has beyond the divergence does not count (rule 68).
            Some(_) => partition.check_follower(fetcher.replica).map(|()| false),
            None => partition.on_follower_fetch(fetch, leader_epoch, now_ms()),
        };
        noted.inspect_err(|error| {
            tracing::debug!(topic = %partition.topic, partition = partition.id.partition,
                replica = %fetcher.replica, %error, "a follower's fetch does not count");
        })
    }

    /// Takes off the leader's throttle what followers are sent that it holds for.
    fn charge(&self, reading: &Reading) {
        if !self.fetcher.is_follower() {
            return;
        }
        let throttled = reading.looked.iter().filter_map(|looked| {
            let (partition, read) = (looked.partition.as_ref()?, looked.result.as_ref().ok()?);
            let is_free =
                read.records.is_empty() || !partition.throttles_serving(self.fetcher.replica);
            (!is_free).then_some(read.records.len() as u64)
        });
        let throttle = &self.context.partitions.throttles().leader;
        throttle.note(throttled.sum());
    }

    /// Whether the response must go out now.
    fn is_complete(&self, reading: &Reading) -> bool {
        let has_news = reading.looked.iter().any(|looked| match &looked.result {
            Ok(read) => read.diverging_epoch.is_some() || !read.preferred_replica.is_none(),
            Err(_) => true,
        });
        reading.is_idle || has_news || bytes(&reading.looked) >= self.fetcher.bytes_min
    }

    /// Who tells of what this reader may see.
    fn wakers<'p>(&self, partition: &'p Partition) -> &'p WakerSet {
        match self.fetcher.isolation {
            FetchIsolation::LogEnd => &partition.followers,
            FetchIsolation::HighWatermark | FetchIsolation::LastStableOffset => {
                &partition.consumers
            }
        }
    }
}

/// What a look may still read.
struct Room {
    bytes_left: usize,
    /// Nothing has been read yet: the first batch comes whatever its size.
    is_first: bool,
    throttled_for: Duration,
    is_held_back: bool,
}

impl Room {
    fn of(reads: &Reads<'_>) -> Room {
        let throttle = &reads.context.partitions.throttles().leader;
        Room {
            bytes_left: reads.fetcher.bytes_max,
            is_first: true,
            throttled_for: match reads.fetcher.is_follower() {
                true => throttle.wait(),
                false => Duration::ZERO,
            },
            is_held_back: false,
        }
    }

    fn take(&mut self, bytes: usize) {
        self.bytes_left = self.bytes_left.saturating_sub(bytes);
        if self.bytes_left < BATCH_HEADER_BYTES {
            self.bytes_left = 0;
        }
        self.is_first &= bytes == 0;
    }

    fn held_back_until(&self) -> Option<Instant> {
        self.is_held_back
            .then(|| Instant::now() + self.throttled_for)
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

/// Sleeps until it is worth while to look again. A follower is told of commits after a while.
async fn sleep(
    poll: &Waker,
    is_follower: bool,
    deadline: Instant,
    commit_told_at: &mut Option<Instant>,
) {
    loop {
        let until = commit_told_at.map_or(deadline, |at| at.min(deadline));
        tokio::select! {
            () = sleep_until(until) => return,
            () = poll.news.notified() => return,
            () = poll.commit.notified(), if is_follower && commit_told_at.is_none() => {
                *commit_told_at = Some(Instant::now() + COMMIT_NEWS_DELAY);
            }
        }
    }
}

/// The bytes that were read.
fn bytes(looked: &[Looked]) -> usize {
    let read = looked.iter().filter_map(|it| it.result.as_ref().ok());
    read.map(|read| read.records.len()).sum()
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
}
