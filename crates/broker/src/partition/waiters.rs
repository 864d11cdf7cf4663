//! Who waits for a partition: producers for an offset, fetches for anything new.

use klamm_types::ErrorCode;
use std::{
    collections::{BTreeMap, HashMap},
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};
use tokio::sync::{Notify, oneshot};

/// Resolves once an append is acknowledged.
pub(crate) enum AckFuture {
    /// It is already.
    Ready(Result<(), ErrorCode>),
    /// Somebody will tell; if they go away without a word, leadership has gone too.
    Waiting(oneshot::Receiver<Result<(), ErrorCode>>),
}

impl Future for AckFuture {
    type Output = Result<(), ErrorCode>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut *self {
            AckFuture::Ready(result) => Poll::Ready(*result),
            AckFuture::Waiting(receiver) => Pin::new(receiver)
                .poll(cx)
                .map(|told| told.unwrap_or(Err(ErrorCode::NotLeaderOrFollower))),
        }
    }
}

type Tell = oneshot::Sender<Result<(), ErrorCode>>;

/// Those who wait for an offset to be passed, by that offset.
///
/// Bounded by the requests in flight, of which each connection has a limited number: those whose
/// request has timed out are dropped now and then.
#[derive(Default)]
pub(super) struct AckWaiters {
    by_offset: BTreeMap<i64, Vec<Tell>>,
    /// Waiters that came since those who gave up were dropped.
    since_tidy: usize,
}

/// Waiters come at least this often before those who gave up are looked for.
const TIDY_MIN: usize = 1024;

impl AckWaiters {
    /// Waits until [`AckWaiters::release`] is called with `end_offset` or more.
    pub(super) fn wait_for(&mut self, end_offset: i64) -> AckFuture {
        self.since_tidy += 1;
        if self.since_tidy >= TIDY_MIN.max(self.by_offset.len()) {
            self.tidy();
        }
        let (tell, receiver) = oneshot::channel();
        self.by_offset.entry(end_offset).or_default().push(tell);
        AckFuture::Waiting(receiver)
    }

    /// Everything below `end_offset` is there.
    pub(super) fn release(&mut self, end_offset: i64) {
        while let Some(first) = self.by_offset.first_entry() {
            if *first.key() > end_offset {
                return;
            }
            tell_all(first.remove(), Ok(()));
        }
    }

    /// It will never be.
    pub(super) fn fail_all(&mut self, error: ErrorCode) {
        for (_, waiting) in std::mem::take(&mut self.by_offset) {
            tell_all(waiting, Err(error));
        }
    }

    fn tidy(&mut self) {
        self.since_tidy = 0;
        self.by_offset.retain(|_, waiting| {
            waiting.retain(|tell| !tell.is_closed());
            !waiting.is_empty()
        });
    }
}

fn tell_all(waiting: Vec<Tell>, result: Result<(), ErrorCode>) {
    for tell in waiting {
        // Who has given up waiting need not be told.
        let _ = tell.send(result);
    }
}

/// What a long poll sleeps on, whichever of its partitions has news.
#[derive(Default)]
pub(crate) struct LongPoll {
    /// There is more to read.
    pub(crate) news: Notify,
    /// More is committed: nothing that a follower is in a hurry for.
    pub(crate) commit: Notify,
}

/// Wakes one long poll.
pub(crate) type Waker = Arc<LongPoll>;

/// The long polls that wait for a partition.
///
/// A wake-up that comes before the poll awaits it is kept, so a poll registers first, looks
/// second and sleeps last.
#[derive(Default)]
pub(crate) struct WakerSet {
    wakers: Mutex<HashMap<u64, Waker>>,
    count: AtomicUsize,
}

/// A registration; ends when dropped.
pub(crate) struct Registration<'a> {
    set: &'a WakerSet,
    id: u64,
}

static NEXT_ID: AtomicU64 = AtomicU64::new(0);

impl WakerSet {
    /// Registers a long poll until the returned value is dropped.
    pub(crate) fn register(&self, waker: &Waker) -> Registration<'_> {
        let id = NEXT_ID.fetch_add(1, Ordering::Relaxed);
        self.count.fetch_add(1, Ordering::AcqRel);
        self.locked().insert(id, Arc::clone(waker));
        Registration { set: self, id }
    }

    /// Wakes everybody. Costs one atomic load where nobody waits.
    pub(crate) fn wake(&self) {
        if self.count.load(Ordering::Acquire) == 0 {
            return;
        }
        for waker in self.locked().values() {
            waker.news.notify_one();
        }
    }

    /// Tells everybody that more is committed.
    pub(crate) fn wake_commit(&self) {
        if self.count.load(Ordering::Acquire) == 0 {
            return;
        }
        for waker in self.locked().values() {
            waker.commit.notify_one();
        }
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, HashMap<u64, Waker>> {
        self.wakers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Registration<'_> {
    fn drop(&mut self) {
        self.set.locked().remove(&self.id);
        self.set.count.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn those_who_wait_are_told_when_their_offset_is_passed() {
        let mut waiters = AckWaiters::default();
        let early = waiters.wait_for(5);
        let late = waiters.wait_for(6);
        waiters.release(4);
        waiters.release(5);
        assert_eq!(early.await, Ok(()));
        waiters.fail_all(ErrorCode::NotLeaderOrFollower);
        assert_eq!(late.await, Err(ErrorCode::NotLeaderOrFollower));
    }

    #[tokio::test]
    async fn waiters_that_are_dropped_say_that_leadership_has_gone() {
        let mut waiters = AckWaiters::default();
        let waiting = waiters.wait_for(5);
        drop(waiters);
        assert_eq!(waiting.await, Err(ErrorCode::NotLeaderOrFollower));
    }

    #[test]
    fn those_who_gave_up_take_no_room_for_ever() {
        let mut waiters = AckWaiters::default();
        for _ in 0..10 * TIDY_MIN {
            drop(waiters.wait_for(5));
        }
        let kept: usize = waiters.by_offset.values().map(Vec::len).sum();
        assert!(kept <= TIDY_MIN, "{kept}");
    }

    #[tokio::test]
    async fn a_wake_up_before_the_sleep_is_not_lost() {
        let set = WakerSet::default();
        let waker = Waker::default();
        let registration = set.register(&waker);
        set.wake();
        waker.news.notified().await;
        drop(registration);
        assert_eq!(set.count.load(Ordering::Relaxed), 0);
        assert!(set.locked().is_empty());
    }
}
