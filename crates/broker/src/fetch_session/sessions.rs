//! The fetch sessions of a broker (KIP-227, rules 62–64): which there are, and which gives way.

use super::{Session, locked};
use klamm_protocol::messages::fetch_request::FetchRequest;
use klamm_types::{BrokerId, ErrorCode};
use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    sync::{Arc, Mutex},
};
use tokio::sync::watch;

/// No session.
pub(super) const INVALID_SESSION_ID: i32 = 0;
/// Asks for a new session.
const INITIAL_EPOCH: i32 = 0;
/// Wants no session, or ends one.
const FINAL_EPOCH: i32 = -1;
/// A session that nobody used for so long makes room for any other.
pub(super) const STALE_AFTER_MS: i64 = 120_000;

/// A request and the session that it is answered from.
pub(crate) struct FetchContext {
    pub(crate) session: Arc<Mutex<Session>>,
    pub(crate) kind: FetchKind,
    /// The request's number within its session.
    pub(crate) turn: u64,
}

/// How a request relates to sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FetchKind {
    /// Everything is named in the request, everything is answered, nothing is remembered: the
    /// session goes with the request.
    Sessionless,
    /// Everything is named; the session begins with this response. It is kept when the response
    /// is known, if there is room. The number is this request's in the order of all.
    New(u64),
    /// The request goes on in the session with this id.
    Incremental(i32),
}

/// A request that goes on in a session, from when it is read.
pub(crate) struct Arrival {
    arrivals: watch::Receiver<u64>,
    number: u64,
}

impl Arrival {
    /// Waits until its client has gone on: with this one there is nothing more to tell.
    pub(crate) async fn overtaken(&self) {
        let mut arrivals = self.arrivals.clone();
        if arrivals.wait_for(|last| *last > self.number).await.is_err() {
            std::future::pending().await
        }
    }
}

impl FetchContext {
    /// Of a request that names everything.
    fn full(request: &FetchRequest, uses_ids: bool, kind: FetchKind) -> FetchContext {
        let mut session = Session::new(uses_ids);
        session.take_in(request);
        FetchContext {
            turn: session.turn(),
            session: Arc::new(Mutex::new(session)),
            kind,
        }
    }
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
    /// The session's, for those who must not wait until it has been looked through.
    arrivals: watch::Sender<u64>,
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

    fn is_stale(&self, now_ms: i64) -> bool {
        now_ms - self.last_used_ms > STALE_AFTER_MS
    }
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

    /// Notes that a request has been read which goes on in a session, and ends the one before it, which may be parked.
    /// Its turn to be answered comes later. `None` if the session is not known.
    pub(crate) fn arrive(&self, session_id: i32) -> Option<Arrival> {
        let arrivals = locked(&self.state).by_id.get(&session_id)?.arrivals.clone();
        let mut number = 0;
        arrivals.send_modify(|last| {
            *last += 1;
            number = *last;
        });
        Some(Arrival {
            arrivals: arrivals.subscribe(),
            number,
        })
    }

    /// Relates a request to its session.
    ///
    /// # Errors
    /// The session is not known, its epoch is not the one expected, or the client changed from
    /// names to ids within it.
    pub(crate) fn begin(
        &self,
        request: &FetchRequest,
        version: i16,
        now_ms: i64,
    ) -> Result<FetchContext, ErrorCode> {
        let uses_ids = version >= 13;
        let (session_id, epoch) = (request.session_id, request.session_epoch);
        if epoch == FINAL_EPOCH || epoch == INITIAL_EPOCH {
            let kind = {
                let mut state = locked(&self.state);
                if session_id != INVALID_SESSION_ID {
                    state.by_id.remove(&session_id);
                }
                match epoch {
                    FINAL_EPOCH => FetchKind::Sessionless,
                    _ => FetchKind::New(state.number_request()),
                }
            };
            return Ok(FetchContext::full(request, uses_ids, kind));
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
        let (size, turn) = {
            let mut session = locked(&session);
            session.advance(request, epoch, uses_ids)?;
            (session.len(), session.turn())
        };
        let mut state = locked(&self.state);
        if size == 0 {
            // A session without partitions is over.
            state.by_id.remove(&session_id);
        } else if let Some(entry) = state.by_id.get_mut(&session_id) {
            entry.size = size;
        }
        drop(state);
        Ok(FetchContext {
            session,
            kind: match size {
                0 => FetchKind::Sessionless,
                _ => FetchKind::Incremental(session_id),
            },
            turn,
        })
    }

    /// Keeps a session that a request has begun; returns its id, 0 if there is no room. `replica` is
    /// the follower, [`BrokerId::NONE`] for a consumer.
    ///
    /// A follower that asks for a session has left the one that it had. Nor does it get one if it uses
    /// another since: it has abandoned the request.
    pub(crate) fn keep(
        &self,
        session: &Arc<Mutex<Session>>,
        replica: BrokerId,
        request: u64,
        now_ms: i64,
    ) -> i32 {
        let (size, arrivals) = {
            let session = locked(session);
            (session.len(), session.arrivals.clone())
        };
        if size == 0 {
            return INVALID_SESSION_ID;
        }
        let mut state = locked(&self.state);
        // Those that were left without a word would be woken by every append.
        state.by_id.retain(|_, entry| !entry.is_stale(now_ms));
        if replica.get() >= 0 && !state.leave_sessions_of(replica, request) {
            return INVALID_SESSION_ID;
        }
        if !state.make_room(self.slots, !replica.is_none(), size) {
            return INVALID_SESSION_ID;
        }
        let id = state.fresh_id();
        let entry = Entry {
            session: Arc::clone(session),
            arrivals,
            replica,
            size,
            last_used_ms: now_ms,
            last_request: request,
        };
        state.by_id.insert(id, entry);
        id
    }

    /// The ids of all sessions.
    #[cfg(test)]
    pub(super) fn ids(&self) -> Vec<i32> {
        let mut ids: Vec<i32> = locked(&self.state).by_id.keys().copied().collect();
        ids.sort_unstable();
        ids
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

    /// Makes room for a session if it may displace another one: a consumer's if it is a
    /// follower's, or a smaller one of its own kind.
    fn make_room(&mut self, slots: usize, is_follower: bool, size: usize) -> bool {
        if self.by_id.len() < slots {
            return true;
        }
        let victim = self
            .by_id
            .iter()
            .filter(|(_, entry)| {
                (is_follower && !entry.is_follower())
                    || (is_follower == entry.is_follower() && size > entry.size)
            })
            .min_by_key(|(id, entry)| (entry.is_follower(), entry.size, **id))
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
