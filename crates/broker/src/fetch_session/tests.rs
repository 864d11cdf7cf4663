use super::{
    sessions::{INVALID_SESSION_ID, STALE_AFTER_MS},
    *,
};
use bytes::Bytes;
use futures_util::FutureExt;
use klamm_protocol::messages::fetch_request::{FetchTopic, ForgottenTopic};

const FOLLOWER: BrokerId = BrokerId(2);

fn request(session_id: i32, session_epoch: i32, partitions: &[i32]) -> FetchRequest {
    FetchRequest {
        session_id,
        session_epoch,
        topics: vec![FetchTopic {
            topic_id: Uuid::ONE,
            partitions: partitions
                .iter()
                .map(|partition| FetchPartition {
                    partition: *partition,
                    ..Default::default()
                })
                .collect(),
            ..Default::default()
        }],
        ..Default::default()
    }
}

fn fetch_key(partition: i32) -> FetchKey {
    FetchKey {
        topic_id: Uuid::ONE,
        topic: String::new(),
        partition,
    }
}

fn result(high_watermark: i64) -> Result<ReadResult, ErrorCode> {
    Ok(ReadResult {
        records: Bytes::new(),
        high_watermark,
        last_stable_offset: high_watermark,
        log_start_offset: 0,
        aborted_transactions: None,
        is_at_end: true,
        diverging_epoch: None,
        preferred_replica: BrokerId::NONE,
    })
}

fn with_records(high_watermark: i64) -> Result<ReadResult, ErrorCode> {
    result(high_watermark).map(|read| ReadResult {
        records: Bytes::from_static(b"x"),
        ..read
    })
}

impl Session {
    fn tag(&self, partition: i32) -> u64 {
        self.tags[&fetch_key(partition)]
    }

    /// The partitions to look at.
    fn ready_partitions(&mut self) -> Vec<i32> {
        let tags = self.ready();
        let wanted = tags.iter().filter_map(|tag| self.wanted(*tag));
        wanted.map(|wanted| wanted.key.partition).collect()
    }

    /// A look that watches, and finds the same everywhere; how many partitions were looked at.
    fn look(&mut self, wakers: &[WakerSet], found: &Result<ReadResult, ErrorCode>) -> usize {
        let ready = self.ready();
        for tag in &ready {
            let partition = self.wanted(*tag).unwrap().key.partition;
            let of = usize::try_from(partition).unwrap();
            self.watch(*tag, Some(&wakers[of]));
            self.settle(*tag, found);
        }
        ready.len()
    }
}

fn partitions(context: &FetchContext) -> Vec<i32> {
    locked(&context.session).ready_partitions()
}

/// A session with these partitions, all told a high watermark of 5.
fn session(sessions: &FetchSessions, ids: &[i32], is_follower: bool, now_ms: i64) -> i32 {
    let begun = sessions.begin(&request(0, 0, ids), 18, now_ms);
    let Ok(FetchContext {
        session,
        kind: FetchKind::New(number),
        ..
    }) = begun
    else {
        panic!("not a new session");
    };
    {
        let mut session = locked(&session);
        for id in ids {
            let tag = session.tag(*id);
            session.note(tag, &result(5));
        }
    }
    let replica = if is_follower {
        FOLLOWER
    } else {
        BrokerId::NONE
    };
    sessions.keep(&session, replica, number, now_ms)
}

fn incremental(sessions: &FetchSessions, request: &FetchRequest) -> Arc<Mutex<Session>> {
    match sessions.begin(request, 18, 0) {
        Ok(FetchContext {
            session,
            kind: FetchKind::Incremental(_),
            ..
        }) => session,
        _ => panic!("not an incremental fetch"),
    }
}

#[test]
fn a_session_remembers_its_partitions_and_what_was_told() {
    let sessions = FetchSessions::new(10);
    let id = session(&sessions, &[0, 1, 2], false, 0);
    assert_ne!(id, 0);
    let session = incremental(&sessions, &request(id, 1, &[]));
    let session = locked(&session);
    let tag = session.tag(1);
    assert!(!session.is_news(tag, &result(5)));
    assert!(session.is_news(tag, &result(6)));
}

#[test]
fn the_epoch_must_be_the_next_one() {
    let sessions = FetchSessions::new(10);
    let id = session(&sessions, &[0], false, 0);
    let check = |epoch, expected: Option<ErrorCode>| {
        let error = sessions.begin(&request(id, epoch, &[]), 18, 0).err();
        assert_eq!(error, expected, "epoch {epoch}");
    };
    check(2, Some(ErrorCode::InvalidFetchSessionEpoch));
    check(1, None);
    check(1, Some(ErrorCode::InvalidFetchSessionEpoch));
    check(2, None);
}

#[test]
fn unknown_sessions_and_mixed_naming_are_refused() {
    let sessions = FetchSessions::new(10);
    let unknown = sessions.begin(&request(77, 1, &[]), 18, 0).err();
    assert_eq!(unknown, Some(ErrorCode::FetchSessionIdNotFound));
    let id = session(&sessions, &[0], false, 0);
    let mixed = sessions.begin(&request(id, 1, &[]), 12, 0).err();
    assert_eq!(mixed, Some(ErrorCode::FetchSessionTopicIdError));
}

#[test]
fn partitions_come_and_go() {
    let sessions = FetchSessions::new(10);
    let id = session(&sessions, &[0, 1], false, 0);
    let mut change = request(id, 1, &[7]);
    change.forgotten_topics_data = vec![ForgottenTopic {
        topic_id: Uuid::ONE,
        partitions: vec![0],
        ..Default::default()
    }];
    let context = sessions
        .begin(&change, 18, 0)
        .unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(partitions(&context), [1, 7]);
}

#[test]
fn a_session_without_partitions_is_over() {
    let sessions = FetchSessions::new(10);
    let id = session(&sessions, &[0], false, 0);
    let mut forget = request(id, 1, &[]);
    forget.forgotten_topics_data = vec![ForgottenTopic {
        topic_id: Uuid::ONE,
        partitions: vec![0],
        ..Default::default()
    }];
    assert!(sessions.begin(&forget, 18, 0).is_ok());
    let after = sessions.begin(&request(id, 2, &[]), 18, 0).err();
    assert_eq!(after, Some(ErrorCode::FetchSessionIdNotFound));
}

#[test]
fn partitions_with_data_are_served_last_next_time() {
    let sessions = FetchSessions::new(10);
    let id = session(&sessions, &[0, 1, 2], false, 0);
    let session = incremental(&sessions, &request(id, 1, &[]));
    let mut session = locked(&session);
    let tag = session.tag(0);
    session.note(tag, &with_records(9));
    assert_eq!(session.ready_partitions(), [1, 2, 0]);
}

#[test]
fn after_an_error_recovery_is_told() {
    let sessions = FetchSessions::new(10);
    let id = session(&sessions, &[0], false, 0);
    let session = incremental(&sessions, &request(id, 1, &[]));
    let mut session = locked(&session);
    let tag = session.tag(0);
    let failed = Err(ErrorCode::NotLeaderOrFollower);
    assert!(session.is_news(tag, &failed));
    session.note(tag, &failed);
    assert!(session.is_news(tag, &result(5)));
}

#[test]
fn room_is_made_for_followers_and_larger_sessions_and_from_stale_ones() {
    let sessions = FetchSessions::new(1);
    assert_ne!(session(&sessions, &[0, 1], false, 0), 0);
    // As large: stays out. Larger, or a follower's: comes in.
    assert_eq!(session(&sessions, &[0, 1], false, 1), 0);
    assert_ne!(session(&sessions, &[0, 1, 2], false, 1), 0);
    assert_ne!(session(&sessions, &[0], true, 1), 0);
    assert_eq!(session(&sessions, &[0, 1, 2], false, 1), 0);
    assert_ne!(session(&sessions, &[0], false, 2 + STALE_AFTER_MS), 0);
}

#[test]
fn a_partition_named_twice_is_fetched_once() {
    let sessions = FetchSessions::new(1);
    let mut twice = request(0, -1, &[3, 4, 3]);
    twice.topics[0].partitions[2].fetch_offset = 42;
    let context = sessions
        .begin(&twice, 18, 0)
        .unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(partitions(&context), [3, 4]);
    let session = locked(&context.session);
    let wanted = session.wanted(session.tag(3)).unwrap();
    assert_eq!(wanted.params.fetch_offset, 42);
}

#[test]
fn a_follower_hears_of_a_commit_until_it_says_that_it_knows() {
    let sessions = FetchSessions::new(1);
    let id = session(&sessions, &[0], true, 0);
    for (epoch, fetch_offset, known, expected) in [
        (1, 7, 5, true),
        (2, 7, 7, false),
        // More than it has is of no use to it.
        (3, 6, 6, false),
        (4, 9, 6, true),
        (5, 9, i64::MAX, false),
    ] {
        let mut request = request(id, epoch, &[0]);
        let params = &mut request.topics[0].partitions[0];
        (params.fetch_offset, params.high_watermark) = (fetch_offset, known);
        let session = incremental(&sessions, &request);
        let mut session = locked(&session);
        let tag = session.tag(0);
        session.note(tag, &result(7));
        let what = format!("{fetch_offset} {known}");
        assert_eq!(session.is_news(tag, &result(7)), expected, "{what}");
    }
}

#[test]
fn a_follower_has_one_session() {
    let sessions = FetchSessions::new(10);
    let first = session(&sessions, &[0], true, 100);
    let consumers = session(&sessions, &[0], false, 100);
    let begun = sessions.begin(&request(0, 0, &[0]), 18, 0);
    let Ok(FetchContext {
        session: abandoned,
        kind: FetchKind::New(early),
        ..
    }) = begun
    else {
        panic!("not a new session");
    };
    // The first was left with its connection.
    let second = session(&sessions, &[0, 1], true, 200);
    assert_eq!(sessions.ids(), [consumers, second]);
    assert_ne!(first, second);

    // So was a request that is answered late: the session since then stays.
    let late = sessions.keep(&abandoned, FOLLOWER, early, 300);
    assert_eq!(late, INVALID_SESSION_ID);
    assert_eq!(sessions.ids(), [consumers, second]);
    let used = sessions.begin(&request(second, 1, &[]), 18, 400);
    assert!(used.is_ok_and(|used| used.kind == FetchKind::Incremental(second)));
}

#[test]
fn ids_begin_anywhere_and_are_positive() {
    let first_ids: Vec<i32> = (0..8)
        .map(|_| session(&FetchSessions::new(10), &[0], false, 0))
        .collect();
    assert!(first_ids.iter().all(|id| *id > 0), "{first_ids:?}");
    assert!(
        first_ids.windows(2).any(|two| two[0] != two[1]),
        "{first_ids:?}"
    );
}

/// So many partitions in a session that were told 5 and have nothing more, and who wakes them.
fn quiet(sessions: &FetchSessions, partitions: usize) -> (i32, Vec<WakerSet>) {
    let ids: Vec<i32> = (0..partitions)
        .map(|id| i32::try_from(id).unwrap())
        .collect();
    let id = session(sessions, &ids, true, 0);
    let wakers: Vec<WakerSet> = ids.iter().map(|_| WakerSet::default()).collect();
    let quiet = incremental(sessions, &request(id, 1, &[]));
    assert_eq!(locked(&quiet).look(&wakers, &result(5)), partitions);
    (id, wakers)
}

#[test]
fn what_has_no_news_is_not_looked_at() {
    let sessions = FetchSessions::new(1);
    let (id, wakers) = quiet(&sessions, 1_000);
    let idle = incremental(&sessions, &request(id, 2, &[]));
    let mut session = locked(&idle);
    assert_eq!(session.look(&wakers, &result(5)), 0);
    wakers[17].wake();
    wakers[17].wake_commit();
    assert_eq!(session.look(&wakers, &result(5)), 1);
    assert_eq!(session.look(&wakers, &result(5)), 0);
    wakers[17].mark();
    wakers[3].mark();
    assert_eq!(session.ready_partitions(), [3, 17]);
    drop(session);
    let named = incremental(&sessions, &request(id, 3, &[8]));
    assert_eq!(locked(&named).ready_partitions(), [3, 8, 17]);
}

#[test]
fn what_was_found_stays_ready_until_it_is_told_and_is_news_no_more() {
    let sessions = FetchSessions::new(1);
    let (id, wakers) = quiet(&sessions, 1);
    let session = incremental(&sessions, &request(id, 2, &[]));
    let mut session = locked(&session);
    let tag = session.tag(0);
    let failed = Err(ErrorCode::NotLeaderOrFollower);
    for found in [result(6), with_records(6), failed] {
        wakers[0].mark();
        for _ in 0..3 {
            assert_eq!(session.look(&wakers, &found), 1, "{found:?}");
        }
        session.note(tag, &found);
        let is_told_again = found.as_ref().map_or(true, |read| !read.records.is_empty());
        assert_eq!(session.look(&wakers, &found), 1, "told just now");
        let looked = session.look(&wakers, &found);
        assert_eq!(looked, usize::from(is_told_again), "{found:?}");
        session.note(tag, &result(5));
        session.look(&wakers, &result(5));
        assert_eq!(session.look(&wakers, &result(5)), 0);
    }
}

#[test]
fn what_happens_during_a_look_is_looked_at_next() {
    let sessions = FetchSessions::new(1);
    let (id, wakers) = quiet(&sessions, 2);
    let session = incremental(&sessions, &request(id, 2, &[0]));
    let mut session = locked(&session);
    assert_eq!(session.ready_partitions(), [0]);
    // The look has begun, and does not see this any more.
    wakers[0].wake();
    let tag = session.tag(0);
    session.settle(tag, &result(5));
    assert_eq!(session.ready_partitions(), [0]);
}

#[test]
fn what_nobody_watches_is_never_settled() {
    let sessions = FetchSessions::new(1);
    let (id, wakers) = quiet(&sessions, 1);
    let session = incremental(&sessions, &request(id, 2, &[0]));
    let mut session = locked(&session);
    let tag = session.tag(0);
    session.watch(tag, None);
    session.settle(tag, &result(5));
    assert_eq!(session.ready_partitions(), [0]);
    // A replica that was made anew has other wakers.
    assert_eq!(wakers[0].len(), 0);
    let anew = [WakerSet::default()];
    assert_eq!(session.look(&anew, &result(5)), 1);
    wakers[0].wake();
    assert_eq!(session.look(&anew, &result(5)), 0);
    anew[0].wake();
    assert_eq!(session.look(&anew, &result(5)), 1);
}

#[test]
fn nobody_is_told_what_another_reader_was_told() {
    let sessions = FetchSessions::new(1);
    let (id, wakers) = quiet(&sessions, 2);
    let session = incremental(&sessions, &request(id, 2, &[]));
    let mut session = locked(&session);
    let reader = |broker_epoch| Reader {
        replica: FOLLOWER,
        broker_epoch: BrokerEpoch(broker_epoch),
        isolation: FetchIsolation::LogEnd,
        from_follower_allowed: false,
        version: 18,
    };
    session.read_as(reader(1));
    session.look(&wakers, &result(5));
    session.read_as(reader(1));
    assert_eq!(session.look(&wakers, &result(5)), 0);
    session.read_as(reader(2));
    assert_eq!(session.look(&wakers, &result(5)), 2);
}

#[test]
fn whatever_is_forgotten_or_goes_is_watched_no_more() {
    let sessions = FetchSessions::new(1);
    let (id, wakers) = quiet(&sessions, 3);
    let watching = || wakers.iter().map(WakerSet::len).collect::<Vec<_>>();
    assert_eq!(watching(), [1, 1, 1]);
    let mut forget = request(id, 2, &[]);
    forget.forgotten_topics_data = vec![ForgottenTopic {
        topic_id: Uuid::ONE,
        partitions: vec![1],
        ..Default::default()
    }];
    wakers[1].wake();
    let left = incremental(&sessions, &forget);
    assert_eq!(locked(&left).look(&wakers, &result(5)), 0);
    assert_eq!(watching(), [1, 0, 1]);
    drop(left);
    // A larger one takes its place.
    assert_ne!(session(&sessions, &[0, 1, 2, 3], true, 1), 0);
    assert_eq!(watching(), [0, 0, 0]);
}

#[test]
fn a_session_that_was_left_goes_when_another_begins() {
    let sessions = FetchSessions::new(10);
    let first = session(&sessions, &[0], false, 0);
    let second = session(&sessions, &[0], false, STALE_AFTER_MS);
    assert_eq!(sessions.ids(), [first, second]);
    let third = session(&sessions, &[0], false, STALE_AFTER_MS + 1);
    assert_eq!(sessions.ids(), [second, third]);
}

#[tokio::test]
async fn a_request_is_overtaken_by_the_next_one_that_arrives() {
    let sessions = FetchSessions::new(10);
    let id = session(&sessions, &[1], false, 0);
    let other = session(&sessions, &[2], false, 0);
    let first = sessions.arrive(id).unwrap();
    assert!(sessions.arrive(other).is_some());
    assert!(is_parked(&first));
    let second = sessions.arrive(id).unwrap();
    assert!(!is_parked(&first));
    assert!(is_parked(&second));
    assert!(sessions.arrive(id.max(other) + 1).is_none());
    // A session that has gone ends nobody.
    let end = request(id, -1, &[]);
    assert!(sessions.begin(&end, 18, 0).is_ok());
    assert!(sessions.arrive(id).is_none());
    assert!(is_parked(&second));
}

fn is_parked(arrival: &Arrival) -> bool {
    arrival.overtaken().now_or_never().is_none()
}
