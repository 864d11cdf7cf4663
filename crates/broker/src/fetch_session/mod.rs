//! Incremental fetch sessions (KIP-227, rules 62–64).
//!
//! A client names its partitions once; from then on it sends only what changed, and is sent only
//! partitions that have news. So idle partitions cost nothing on the wire, and nothing here either:
//! a fetch looks at the *ready* ones alone.
//!
//! Ready is whatever may have news for the client. What holds:
//!
//! * A partition becomes ready when the request names it, when it is [marked](WakerSet), and with all
//!   others when somebody else, or somebody with other rights, goes on in the session.
//! * It stops being ready only by [`Session::settle`], after a look that began when it was watched
//!   already and its mark had been taken. Whatever comes later marks it again, so nothing is lost.
//! * It is not settled before the client was told what the look found. Errors, records, divergence
//!   and another replica to read from are told with each response, until the client names
//!   the partition anew or the look finds something else. So are commits that a follower does
//!   not know of. What was left out for want of room, or held back by a throttle, stays ready.
//! * What a look depends on marks the partition when it changes: its log's start, end and epochs, the
//!   high watermark, role, ISR, failures and removal. What depends on other things (a consumer's rack)
//!   stays ready.
//! * A session watches each of its partitions at most once, and none when it has gone.
//!
//! A request that names everything has a session as well, which goes with it if it is not kept:
//! nothing was told in it, so everything is news.
//!
//! Nothing here reads a log: the Fetch handler asks a session what to look at, reads, and lets the
//! session say which results go into the response.

mod sessions;

pub(crate) use sessions::{Arrival, FetchContext, FetchKind, FetchSessions};

use crate::partition::{FetchIsolation, ReadResult, Registration, Waker, WakerSet};
use klamm_protocol::messages::fetch_request::{FetchPartition, FetchRequest};
use klamm_types::{BrokerEpoch, BrokerId, ErrorCode, Uuid};
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::watch;

/// A partition as the client names it: by id from version 13 on, by name before.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct FetchKey {
    /// Zero where the client uses names.
    pub(crate) topic_id: Uuid,
    /// Empty where the client uses ids.
    pub(crate) topic: String,
    pub(crate) partition: i32,
}

/// One partition to fetch.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Wanted {
    pub(crate) key: FetchKey,
    pub(crate) params: FetchPartition,
}

/// Who reads, and with which rights: what a client was told is worth nothing to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reader {
    /// The follower, [`BrokerId::NONE`] for a consumer; below it, tools that look into replicas.
    pub(crate) replica: BrokerId,
    pub(crate) broker_epoch: BrokerEpoch,
    pub(crate) isolation: FetchIsolation,
    pub(crate) from_follower_allowed: bool,
    /// The version of its requests.
    pub(crate) version: i16,
}

/// What a client has told and been told.
pub(crate) struct Session {
    uses_ids: bool,
    /// The epoch that the next request must carry.
    next_epoch: i32,
    /// Counts requests.
    turn: u64,
    /// Counts requests that have arrived, whether they are being answered or not.
    arrivals: watch::Sender<u64>,
    /// By tag.
    partitions: HashMap<u64, Cached>,
    tags: HashMap<FetchKey, u64>,
    /// The tags of what may have news, by place: those that got data go to the end.
    ready: BTreeMap<u64, u64>,
    /// The next tag or place.
    next_number: u64,
    reader: Option<Reader>,
    poll: Waker,
}

struct Cached {
    wanted: Wanted,
    place: u64,
    /// −1 before anything was told and after an error, so that recovery is told.
    high_watermark: i64,
    log_start_offset: i64,
    watched: Option<Registration>,
}

impl Session {
    fn new(uses_ids: bool) -> Session {
        Session {
            uses_ids,
            next_epoch: 1,
            turn: 0,
            arrivals: watch::Sender::new(0),
            partitions: HashMap::new(),
            tags: HashMap::new(),
            ready: BTreeMap::new(),
            next_number: 0,
            reader: None,
            poll: Waker::default(),
        }
    }

    /// How many partitions there are.
    pub(crate) fn len(&self) -> usize {
        self.partitions.len()
    }

    /// The number of the latest request: those before it are of no use to the client any more.
    pub(crate) fn turn(&self) -> u64 {
        self.turn
    }

    /// What to sleep on while there is nothing to tell.
    pub(crate) fn poll(&self) -> Waker {
        Arc::clone(&self.poll)
    }

    /// Takes in what the client changed, and expects the next epoch from now on.
    fn advance(
        &mut self,
        request: &FetchRequest,
        epoch: i32,
        uses_ids: bool,
    ) -> Result<(), ErrorCode> {
        if epoch != self.next_epoch {
            return Err(ErrorCode::InvalidFetchSessionEpoch);
        }
        if uses_ids != self.uses_ids {
            return Err(ErrorCode::FetchSessionTopicIdError);
        }
        self.next_epoch = epoch.checked_add(1).unwrap_or(1);
        self.take_in(request);
        Ok(())
    }

    /// Adds what a request names, where the last mention counts, and forgets what it forgets.
    fn take_in(&mut self, request: &FetchRequest) {
        self.turn += 1;
        for topic in &request.topics {
            for params in &topic.partitions {
                let key = self.key(topic.topic_id, &topic.topic, params.partition);
                self.add(Wanted {
                    key,
                    params: params.clone(),
                });
            }
        }
        for topic in &request.forgotten_topics_data {
            for partition in &topic.partitions {
                let key = self.key(topic.topic_id, &topic.topic, *partition);
                self.forget(&key);
            }
        }
    }

    fn key(&self, topic_id: Uuid, topic: &str, partition: i32) -> FetchKey {
        let (topic_id, topic) = match self.uses_ids {
            true => (topic_id, String::new()),
            false => (Uuid::ZERO, topic.to_owned()),
        };
        FetchKey {
            topic_id,
            topic,
            partition,
        }
    }

    fn add(&mut self, wanted: Wanted) {
        let known = self.tags.get(&wanted.key);
        if let Some((tag, cached)) =
            known.and_then(|tag| Some((*tag, self.partitions.get_mut(tag)?)))
        {
            cached.wanted = wanted;
            self.ready.insert(cached.place, tag);
            return;
        }
        let number = self.next_number();
        self.tags.insert(wanted.key.clone(), number);
        self.ready.insert(number, number);
        let cached = Cached {
            wanted,
            place: number,
            high_watermark: -1,
            log_start_offset: -1,
            watched: None,
        };
        self.partitions.insert(number, cached);
    }

    fn forget(&mut self, key: &FetchKey) {
        let forgotten = self.tags.remove(key);
        if let Some(cached) = forgotten.and_then(|tag| self.partitions.remove(&tag)) {
            self.ready.remove(&cached.place);
        }
    }

    fn next_number(&mut self) -> u64 {
        self.next_number += 1;
        self.next_number
    }

    /// Somebody begins to fetch. What another one was told does not count.
    pub(crate) fn read_as(&mut self, reader: Reader) {
        if self.reader.replace(reader) != Some(reader) {
            for cached in self.partitions.values_mut() {
                cached.watched = None;
            }
            self.make_all_ready();
        }
    }

    /// Has everything looked at.
    pub(crate) fn make_all_ready(&mut self) {
        let places = self.partitions.iter().map(|(tag, it)| (it.place, *tag));
        self.ready.extend(places);
    }

    /// The tags of the partitions to look at now, in the order to serve them. What happens to them
    /// from now on marks them again.
    pub(crate) fn ready(&mut self) -> Vec<u64> {
        for tag in self.poll.take_marked() {
            // Forgotten ones may be among them.
            if let Some(cached) = self.partitions.get(&tag) {
                if let Some(watched) = &cached.watched {
                    watched.unmark();
                }
                self.ready.insert(cached.place, tag);
            }
        }
        self.ready.values().copied().collect()
    }

    /// What the client wants of a partition.
    pub(crate) fn wanted(&self, tag: u64) -> Option<&Wanted> {
        self.partitions.get(&tag).map(|cached| &cached.wanted)
    }

    /// Watches a partition from now on, whose wakers these are; `None`: it is not there.
    pub(crate) fn watch(&mut self, tag: u64, wakers: Option<&WakerSet>) {
        let Some(cached) = self.partitions.get_mut(&tag) else {
            return;
        };
        let is_watched = match (&cached.watched, wakers) {
            (Some(watched), Some(wakers)) => watched.is_with(wakers),
            (watched, None) => watched.is_none(),
            (None, Some(_)) => false,
        };
        if !is_watched {
            cached.watched = wakers.map(|wakers| wakers.watch(&self.poll, tag));
        }
    }

    /// A look found that a partition has nothing for the client before something happens to it. It
    /// stays ready if the client was not told yet what was found, or it is not watched.
    pub(crate) fn settle(&mut self, tag: u64, result: &Result<ReadResult, ErrorCode>) {
        if let Some(cached) = self.partitions.get(&tag)
            && cached.watched.is_some()
            && !cached.is_news(result)
        {
            self.ready.remove(&cached.place);
        }
    }

    /// Whether the client must hear of a result, were it sent now.
    pub(crate) fn is_news(&self, tag: u64, result: &Result<ReadResult, ErrorCode>) -> bool {
        let cached = self.partitions.get(&tag);
        cached.is_some_and(|cached| cached.is_news(result))
    }

    /// Remembers what the client is told; one that got data is served last next time.
    pub(crate) fn note(&mut self, tag: u64, result: &Result<ReadResult, ErrorCode>) {
        let place = self.next_number();
        let Some(cached) = self.partitions.get_mut(&tag) else {
            return;
        };
        let told = result.as_ref().ok();
        cached.high_watermark = told.map_or(-1, |read| read.high_watermark);
        cached.log_start_offset = told.map_or(-1, |read| read.log_start_offset);
        if told.is_some_and(|read| !read.records.is_empty()) {
            self.ready.remove(&cached.place);
            cached.place = place;
        }
        self.ready.insert(cached.place, tag);
    }
}

impl Cached {
    fn is_news(&self, result: &Result<ReadResult, ErrorCode>) -> bool {
        let Ok(read) = result else {
            return true;
        };
        !read.records.is_empty()
            || read.high_watermark != self.high_watermark
            || read.log_start_offset != self.log_start_offset
            || read.diverging_epoch.is_some()
            || !read.preferred_replica.is_none()
            || lacks_commit(&self.wanted.params, read)
    }
}

/// Whether a follower says that it does not know how much of what it has is committed (version 18).
pub(crate) fn lacks_commit(params: &FetchPartition, read: &ReadResult) -> bool {
    params.high_watermark < read.high_watermark.min(params.fetch_offset)
}

/// Locks a mutex whose holder cannot leave it half changed.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
