//! Incremental fetch sessions (KIP-227, rules 62–64).
//!
//! A client names its partitions once; from then on it sends only what changed, and is sent only
//! partitions that have news. So idle partitions cost nothing on the wire.
//!
//! Nothing here reads a log: the Fetch handler asks a session what to fetch, reads, and lets the
//! session say which results go into the response.

use klamm_protocol::messages::{
    fetch_request::{FetchPartition, FetchRequest},
    fetch_response::PartitionData,
};
use klamm_types::{BrokerId, ErrorCode, Uuid};
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    hash::{BuildHasher, RandomState},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// No session.
const INVALID_SESSION_ID: i32 = 0;
/// Asks for a new session.
const INITIAL_EPOCH: i32 = 0;
/// Wants no session, or ends one.
const FINAL_EPOCH: i32 = -1;
/// A session that nobody used for so long makes room for any other.
const STALE_AFTER_MS: i64 = 120_000;

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

/// How a request relates to sessions.
pub(crate) enum FetchContext {
    /// Everything is named in the request, everything is answered, nothing is remembered.
    Sessionless(Vec<Wanted>),
    /// Everything is named; the session begins with this response. It is made when the response
    /// is known, if there is room. The number is this request's in their order.
    New(Vec<Wanted>, u64),
    /// The request goes on in a session.
    Incremental(Arc<Mutex<Session>>, i32),
}

/// All sessions of a broker.
pub(crate) struct FetchSessions {
    state: Mutex<Sessions>,
    slots: usize,
}

#[derive(Default)]
struct Sessions {
    by_id: HashMap<i32, Entry>,
    /// The id given last.
    last_id: i32,
    /// The number of the latest request that wants a session or uses one.
    request: u64,
}

struct Entry {
    session: Arc<Mutex<Session>>,
    /// The follower, [`BrokerId::NONE`] for a consumer; below it, tools that look into replicas.
    replica: BrokerId,
    size: usize,
    last_used_ms: i64,
    /// The request that used it last.
    last_request: u64,
}

impl Entry {
    fn is_follower(&self) -> bool {
        !self.replica.is_none()
    }
}

/// What a client has told and been told.
pub(crate) struct Session {
    uses_ids: bool,
    /// The epoch that the next request must carry.
    next_epoch: i32,
    /// In the order in which they are served; those that got data go to the end.
    order: BTreeMap<u64, Cached>,
    places: HashMap<FetchKey, u64>,
    next_place: u64,
}

struct Cached {
    wanted: Wanted,
    /// −1 after an error, so that recovery is told.
    high_watermark: i64,
    log_start_offset: i64,
}

impl FetchSessions {
    /// Room for `slots` sessions (`max.incremental.fetch.session.cache.slots`).
    pub(crate) fn new(slots: usize) -> FetchSessions {
        // Begins anywhere: a client that has missed a restart must not come upon somebody
        // else's session by its old id.
        let anywhere = RandomState::new().hash_one(slots) as i32 & i32::MAX;
        let state = Sessions {
            last_id: anywhere,
            ..Default::default()
        };
        FetchSessions {
            state: Mutex::new(state),
            slots,
        }
    }

    /// Relates a request to its session.
    ///
    /// # Errors
    /// The session is not known, its epoch is not the one expected, or the client changed from
    /// names to ids within it.
    pub(crate) fn begin(
        &self,
        request: FetchRequest,
        version: i16,
        now_ms: i64,
    ) -> Result<FetchContext, ErrorCode> {
        let uses_ids = version >= 13;
        let (session_id, epoch) = (request.session_id, request.session_epoch);
        if epoch == FINAL_EPOCH || epoch == INITIAL_EPOCH {
            if session_id != INVALID_SESSION_ID {
                locked(&self.state).by_id.remove(&session_id);
            }
            let wanted = wanted(&request, uses_ids);
            return Ok(if epoch == FINAL_EPOCH {
                FetchContext::Sessionless(wanted)
            } else {
                FetchContext::New(wanted, locked(&self.state).number_request())
            });
        }
        let session = {
            let mut state = locked(&self.state);
            let number = state.number_request();
            let entry = state
                .by_id
                .get_mut(&session_id)
                .ok_or(ErrorCode::FetchSessionIdNotFound)?;
            entry.last_used_ms = now_ms;
            entry.last_request = number;
            Arc::clone(&entry.session)
        };
        let size = {
            let mut session = locked(&session);
            session.advance(&request, epoch, uses_ids)?;
            session.order.len()
        };
        let mut state = locked(&self.state);
        if size == 0 {
            // A session without partitions is over.
            state.by_id.remove(&session_id);
            return Ok(FetchContext::Sessionless(Vec::new()));
        }
        if let Some(entry) = state.by_id.get_mut(&session_id) {
            entry.size = size;
        }
        drop(state);
        Ok(FetchContext::Incremental(session, session_id))
    }

    /// Makes a session that starts with these results of a request; returns its id, 0 if there is no
    /// room. `replica` is the follower, [`BrokerId::NONE`] for a consumer.
    ///
    /// A follower that asks for a session has left the one that it had. Nor does it get one if it uses
    /// another since: it has abandoned the request.
    pub(crate) fn create(
        &self,
        wanted: Vec<Wanted>,
        results: &[(FetchKey, PartitionData)],
        replica: BrokerId,
        request: u64,
        now_ms: i64,
    ) -> i32 {
        if wanted.is_empty() {
            return INVALID_SESSION_ID;
        }
        let uses_ids = wanted.iter().any(|w| !w.key.topic_id.is_zero());
        let size = wanted.len();
        let mut state = locked(&self.state);
        if replica.get() >= 0 && !state.leave_sessions_of(replica, request) {
            return INVALID_SESSION_ID;
        }
        if !state.make_room(self.slots, !replica.is_none(), size, now_ms) {
            return INVALID_SESSION_ID;
        }
        let mut session = Session::new(uses_ids);
        for wanted in wanted {
            session.add(wanted);
        }
        for (key, result) in results {
            session.note(key, result);
        }
        let id = state.fresh_id();
        let entry = Entry {
            session: Arc::new(Mutex::new(session)),
            replica,
            size,
            last_used_ms: now_ms,
            last_request: request,
        };
        state.by_id.insert(id, entry);
        id
    }
}

impl FetchContext {
    /// The partitions to fetch, in the order to serve them.
    pub(crate) fn wanted(&self) -> Vec<Wanted> {
        match self {
            FetchContext::Sessionless(wanted) | FetchContext::New(wanted, _) => wanted.clone(),
            FetchContext::Incremental(session, _) => locked(session)
                .order
                .values()
                .map(|cached| cached.wanted.clone())
                .collect(),
        }
    }
}

impl Session {
    fn new(uses_ids: bool) -> Session {
        Session {
            uses_ids,
            next_epoch: 1,
            order: BTreeMap::new(),
            places: HashMap::new(),
            next_place: 0,
        }
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
        for wanted in wanted(request, uses_ids) {
            self.add(wanted);
        }
        for topic in &request.forgotten_topics_data {
            for partition in &topic.partitions {
                self.forget(&key(topic.topic_id, &topic.topic, *partition, uses_ids));
            }
        }
        Ok(())
    }

    fn add(&mut self, wanted: Wanted) {
        if let Some(cached) = self
            .places
            .get(&wanted.key)
            .and_then(|place| self.order.get_mut(place))
        {
            cached.wanted = wanted;
            return;
        }
        let place = self.next_place;
        self.next_place += 1;
        self.places.insert(wanted.key.clone(), place);
        let cached = Cached {
            wanted,
            high_watermark: -1,
            log_start_offset: -1,
        };
        self.order.insert(place, cached);
    }

    fn forget(&mut self, key: &FetchKey) {
        if let Some(place) = self.places.remove(key) {
            self.order.remove(&place);
        }
    }

    /// Whether the client must hear of a result, were it sent now.
    pub(crate) fn is_news(&self, key: &FetchKey, result: &PartitionData) -> bool {
        let Some(cached) = self.places.get(key).and_then(|place| self.order.get(place)) else {
            return true;
        };
        has_data(result)
            || result.error_code != ErrorCode::None.code()
            || result.high_watermark != cached.high_watermark
            || result.log_start_offset != cached.log_start_offset
            || result.diverging_epoch.end_offset >= 0
            || result.preferred_read_replica >= 0
            || lacks_commit(&cached.wanted.params, result)
    }

    /// Remembers what the client is told; one that got data is served last next time.
    pub(crate) fn note(&mut self, key: &FetchKey, result: &PartitionData) {
        let Some(place) = self.places.get_mut(key) else {
            return;
        };
        let Some(mut cached) = self.order.remove(place) else {
            return;
        };
        let failed = result.error_code != ErrorCode::None.code();
        cached.high_watermark = if failed { -1 } else { result.high_watermark };
        cached.log_start_offset = result.log_start_offset;
        if has_data(result) {
            *place = self.next_place;
            self.next_place += 1;
        }
        self.order.insert(*place, cached);
    }
}

impl Sessions {
    fn number_request(&mut self) -> u64 {
        self.request += 1;
        self.request
    }

    /// Ends the sessions that a follower used before a request; whether it has used none since.
    fn leave_sessions_of(&mut self, replica: BrokerId, request: u64) -> bool {
        self.by_id
            .retain(|_, entry| entry.replica != replica || entry.last_request > request);
        self.by_id.values().all(|entry| entry.replica != replica)
    }

    /// Makes room for a session if it may displace another one: a stale one, a consumer's if it
    /// is a follower's, or a smaller one of its own kind.
    fn make_room(&mut self, slots: usize, is_follower: bool, size: usize, now_ms: i64) -> bool {
        if self.by_id.len() < slots {
            return true;
        }
        let stale = |entry: &Entry| now_ms - entry.last_used_ms > STALE_AFTER_MS;
        let victim = self
            .by_id
            .iter()
            .filter(|(_, entry)| {
                stale(entry)
                    || (is_follower && !entry.is_follower())
                    || (is_follower == entry.is_follower() && size > entry.size)
            })
            .min_by_key(|(id, entry)| (!stale(entry), entry.is_follower(), entry.size, **id))
            .map(|(id, _)| *id);
        match victim {
            Some(id) => self.by_id.remove(&id).is_some(),
            None => false,
        }
    }

    fn fresh_id(&mut self) -> i32 {
        loop {
            self.last_id = self.last_id.checked_add(1).unwrap_or(1);
            if !self.by_id.contains_key(&self.last_id) {
                return self.last_id;
            }
        }
    }
}

fn has_data(result: &PartitionData) -> bool {
    result.records.as_ref().is_some_and(|r| !r.is_empty())
}

/// Whether a follower says that it does not know how much of what it has is committed.
fn lacks_commit(params: &FetchPartition, result: &PartitionData) -> bool {
    params.high_watermark < result.high_watermark.min(params.fetch_offset)
}

fn key(topic_id: Uuid, topic: &str, partition: i32, uses_ids: bool) -> FetchKey {
    FetchKey {
        topic_id: if uses_ids { topic_id } else { Uuid::ZERO },
        topic: if uses_ids {
            String::new()
        } else {
            topic.to_owned()
        },
        partition,
    }
}

/// The partitions that a request names, each once: the last mention counts.
fn wanted(request: &FetchRequest, uses_ids: bool) -> Vec<Wanted> {
    let mut seen = HashSet::new();
    let mut wanted: Vec<Wanted> = request
        .topics
        .iter()
        .rev()
        .flat_map(|topic| {
            topic.partitions.iter().rev().map(move |params| Wanted {
                key: key(topic.topic_id, &topic.topic, params.partition, uses_ids),
                params: params.clone(),
            })
        })
        .filter(|wanted| seen.insert(wanted.key.clone()))
        .collect();
    wanted.reverse();
    wanted
}

/// Locks a mutex whose holder cannot leave it half changed.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
#[path = "fetch_session_tests.rs"]
mod tests;
