//! Who waits for a partition: producers for an offset, fetches for anything new.

use klamm_types::ErrorCode;
use std::{
    collections::{BTreeMap, HashMap},
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering, fence},
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

/// What a long poll sleeps on, whichever of its partitions has news, and which of them something
/// has happened to.
#[derive(Default)]
pub(crate) struct LongPoll {
    /// There is more to read.
    pub(crate) news: Notify,
    /// More is committed: nothing that a follower is in a hurry for.
    pub(crate) commit: Notify,
    /// The tags of marked registrations. Each is here about once: bounded by their number.
    marked: Mutex<Vec<u64>>,
}

impl LongPoll {
    /// Takes the tags of the registrations that were marked. Whoever looks at one of them calls
    /// [`Registration::unmark`] first.
    pub(crate) fn take_marked(&self) -> Vec<u64> {
        std::mem::take(&mut *super::lock(&self.marked))
    }
}

/// Wakes one long poll.
pub(crate) type Waker = Arc<LongPoll>;

/// The long polls that wait for a partition, or watch it between two requests.
///
/// A wake-up that comes before the poll awaits it is kept, so a poll registers first, looks
/// second and sleeps last. Whoever changes something that a poll looks at does so first, and wakes
/// or marks second. Then either the look finds the change, or the mark is there after it.
#[derive(Default)]
pub(crate) struct WakerSet {
    members: Arc<Members>,
}

#[derive(Default)]
struct Members {
    by_id: Mutex<HashMap<u64, Arc<Member>>>,
    count: AtomicUsize,
}

/// One registered long poll.
struct Member {
    poll: Waker,
    tag: u64,
    /// Whether its tag is among those marked already.
    is_marked: AtomicBool,
}

impl Member {
    fn mark(&self) {
        if !self.is_marked.swap(true, Ordering::AcqRel) {
            super::lock(&self.poll.marked).push(self.tag);
        }
    }
}

/// A registration; ends when dropped. It does not keep the partition.
pub(crate) struct Registration {
    members: Arc<Members>,
    member: Arc<Member>,
    id: u64,
}

static NEXT_ID: AtomicU64 = AtomicU64::new(0);

impl WakerSet {
    /// Registers a long poll until the returned value is dropped.
    pub(crate) fn register(&self, waker: &Waker) -> Registration {
        self.watch(waker, 0)
    }

    /// The same for a poll with several registrations, which are told apart by their tags.
    pub(crate) fn watch(&self, waker: &Waker, tag: u64) -> Registration {
        let id = NEXT_ID.fetch_add(1, Ordering::Relaxed);
        let member = Arc::new(Member {
            poll: Arc::clone(waker),
            tag,
            is_marked: AtomicBool::new(false),
        });
        self.members.count.fetch_add(1, Ordering::Relaxed);
        self.members.locked().insert(id, Arc::clone(&member));
        // Either the look that follows finds what has changed, or who changed it counts this one.
        fence(Ordering::SeqCst);
        Registration {
            members: Arc::clone(&self.members),
            member,
            id,
        }
    }

    /// Wakes everybody. Costs a fence and a load where nobody waits.
    pub(crate) fn wake(&self) {
        self.for_each(|member| {
            member.mark();
            member.poll.news.notify_one();
        });
    }

    /// Tells everybody that more is committed.
    pub(crate) fn wake_commit(&self) {
        self.for_each(|member| {
            member.mark();
            member.poll.commit.notify_one();
        });
    }

    /// Has everybody look again with the next request, or when something else wakes them.
    pub(crate) fn mark(&self) {
        self.for_each(Member::mark);
    }

    fn for_each(&self, tell: impl Fn(&Member)) {
        fence(Ordering::SeqCst);
        if self.members.count.load(Ordering::Relaxed) > 0 {
            self.members
                .locked()
                .values()
                .for_each(|member| tell(member));
        }
    }

    /// How many are registered.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.members.locked().len()
    }
}

impl Members {
    fn locked(&self) -> MutexGuard<'_, HashMap<u64, Arc<Member>>> {
        super::lock(&self.by_id)
    }
}

impl Registration {
    /// Lets the registration be marked again: what happens from now on is told anew.
    pub(crate) fn unmark(&self) {
        self.member.is_marked.swap(false, Ordering::AcqRel);
    }

    /// Whether it is one with this set.
    pub(crate) fn is_with(&self, set: &WakerSet) -> bool {
        Arc::ptr_eq(&self.members, &set.members)
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.members.locked().remove(&self.id);
        self.members.count.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        flusher::Flusher,
        partition::lab::{ME, abandon, open_partition},
    };
    use klamm_config::TopicConfig;
    use klamm_records::BatchBuilder;
    use klamm_replica::{FollowerFetch, PartitionState};
    use klamm_types::{BrokerEpoch, BrokerId, LeaderEpoch, PartitionEpoch, TopicPartition, Uuid};

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
        assert_eq!(set.members.count.load(Ordering::Relaxed), 0);
        assert_eq!(set.len(), 0);
    }

    #[test]
    fn what_happens_is_marked_once_until_it_is_looked_at() {
        let (first, second) = (WakerSet::default(), WakerSet::default());
        let waker = Waker::default();
        let registrations = [first.watch(&waker, 7), second.watch(&waker, 8)];
        for _ in 0..3 {
            second.mark();
            second.wake();
            second.wake_commit();
        }
        assert_eq!(waker.take_marked(), [8]);
        // Not unmarked: nobody has looked since.
        second.wake();
        assert!(waker.take_marked().is_empty());
        registrations[1].unmark();
        second.mark();
        first.mark();
        assert_eq!(waker.take_marked(), [8, 7]);
        drop(registrations);
        first.wake();
        assert!(waker.take_marked().is_empty());
    }

    /// Whoever looks after each mark sees the last change, however the two threads take turns.
    #[test]
    fn no_change_is_missed_between_two_looks() {
        const CHANGES: i64 = 100_000;
        let set = WakerSet::default();
        let waker = Waker::default();
        let value = std::sync::atomic::AtomicI64::new(0);
        let registration = set.watch(&waker, 1);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for change in 1..=CHANGES {
                    value.store(change, Ordering::Release);
                    set.mark();
                }
            });
            let mut seen = 0;
            while seen < CHANGES {
                if waker.take_marked().is_empty() {
                    std::thread::yield_now();
                    continue;
                }
                registration.unmark();
                seen = value.load(Ordering::Acquire);
            }
        });
        assert!(waker.take_marked().len() <= 1);
    }

    /// What a reader that has settled would miss otherwise.
    #[test]
    fn whatever_a_reader_can_see_marks_it() {
        const FOLLOWERS: u64 = 1;
        const CONSUMERS: u64 = 2;
        const FETCHER: u64 = 3;
        let dir = tempfile::tempdir().unwrap();
        let flusher = Flusher::start().unwrap();
        let id = TopicPartition {
            topic_id: Uuid([1; 16]),
            partition: 0,
        };
        let partition = open_partition(&dir.path().join("t-0"), "t", id, flusher.queue());
        let other = BrokerId(2);
        let state = |partition_epoch, isr: &[BrokerId]| PartitionState {
            leader_epoch: LeaderEpoch(1),
            partition_epoch: PartitionEpoch(partition_epoch),
            replicas: vec![ME, other],
            isr: isr.iter().copied().collect(),
        };
        let fetch = |fetch_offset| {
            let fetch = FollowerFetch {
                replica: other,
                broker_epoch: BrokerEpoch::NONE,
                fetch_offset,
                log_start_offset: 0,
                is_eligible: false,
            };
            partition.on_follower_fetch(fetch, LeaderEpoch(1), 0)
        };
        let poll = Waker::default();
        let watched = [
            partition.followers.watch(&poll, FOLLOWERS),
            partition.consumers.watch(&poll, CONSUMERS),
            partition.fetcher.watch(&poll, FETCHER),
        ];
        let check = |what: &str, expected: &[u64]| {
            let mut marked = poll.take_marked();
            watched.iter().for_each(Registration::unmark);
            marked.sort_unstable();
            assert_eq!(marked, expected, "{what}");
        };
        let everybody = &[FOLLOWERS, CONSUMERS, FETCHER];
        let _ = partition.lead(&state(1, &[ME, other]), 0, 0);
        check("leading", everybody);
        let mut batch = BatchBuilder::new(0);
        (0..2).for_each(|_| batch.append(1_000, None, Some(b"value"), &[]));
        let appended = partition.append_internal(batch.build().unwrap(), LeaderEpoch(1));
        assert!(appended.is_ok());
        check("an append", &[FOLLOWERS]);
        partition.flush();
        assert_eq!(fetch(0), Ok(false), "it lacks something");
        check("nothing", &[]);
        assert_eq!(fetch(2), Ok(true));
        check("a commit", everybody);
        let _ = partition.lead(&state(2, &[ME]), 0, 0);
        check("another ISR", &[FOLLOWERS]);
        assert_eq!(fetch(2), Ok(false), "it is not in sync");
        assert_eq!(partition.delete_records(1, 0), Ok(1));
        check("deletion", everybody);
        partition.follow(other, LeaderEpoch(2));
        check("following", &[FOLLOWERS, CONSUMERS]);
        partition.hold_back(true);
        check("being held back", &[FETCHER]);
        partition
            .truncate_following(other, LeaderEpoch(2), 1)
            .unwrap();
        check("a cut", everybody);
        partition
            .start_anew_following(other, LeaderEpoch(2), 7)
            .unwrap();
        check("beginning anew", everybody);
        partition.set_config(TopicConfig::default(), 0);
        check("settings", &[CONSUMERS]);
        partition.go_offline();
        check("a failure", &[FOLLOWERS, CONSUMERS]);
        abandon(&partition);
        check("removal", &[FOLLOWERS, CONSUMERS]);
        flusher.stop();
    }
}
