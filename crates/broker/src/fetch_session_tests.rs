use super::*;
use bytes::Bytes;
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
    key(Uuid::ONE, "", partition, true)
}

fn result(partition: i32, high_watermark: i64) -> (FetchKey, PartitionData) {
    let data = PartitionData {
        partition_index: partition,
        high_watermark,
        log_start_offset: 0,
        ..Default::default()
    };
    (fetch_key(partition), data)
}

fn partitions(context: &FetchContext) -> Vec<i32> {
    context.wanted().iter().map(|w| w.key.partition).collect()
}

/// A session with these partitions, all told a high watermark of 5.
fn session(sessions: &FetchSessions, ids: &[i32], is_follower: bool, now_ms: i64) -> i32 {
    let Ok(FetchContext::New(wanted, number)) = sessions.begin(request(0, 0, ids), 18, now_ms)
    else {
        panic!("not a new session");
    };
    let results: Vec<_> = ids.iter().map(|p| result(*p, 5)).collect();
    let replica = if is_follower {
        FOLLOWER
    } else {
        BrokerId::NONE
    };
    sessions.create(wanted, &results, replica, number, now_ms)
}

fn incremental(sessions: &FetchSessions, request: FetchRequest) -> Arc<Mutex<Session>> {
    match sessions.begin(request, 18, 0) {
        Ok(FetchContext::Incremental(session, _)) => session,
        _ => panic!("not an incremental fetch"),
    }
}

#[test]
fn a_session_remembers_its_partitions_and_what_was_told() {
    let sessions = FetchSessions::new(10);
    let id = session(&sessions, &[0, 1, 2], false, 0);
    assert_ne!(id, 0);
    let session = incremental(&sessions, request(id, 1, &[]));
    let session = locked(&session);
    let (key, same) = result(1, 5);
    assert!(!session.is_news(&key, &same));
    let (key, moved) = result(1, 6);
    assert!(session.is_news(&key, &moved));
}

#[test]
fn the_epoch_must_be_the_next_one() {
    let sessions = FetchSessions::new(10);
    let id = session(&sessions, &[0], false, 0);
    let check = |epoch, expected: Option<ErrorCode>| {
        let error = sessions.begin(request(id, epoch, &[]), 18, 0).err();
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
    let unknown = sessions.begin(request(77, 1, &[]), 18, 0).err();
    assert_eq!(unknown, Some(ErrorCode::FetchSessionIdNotFound));
    let id = session(&sessions, &[0], false, 0);
    let mixed = sessions.begin(request(id, 1, &[]), 12, 0).err();
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
        .begin(change, 18, 0)
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
    assert!(sessions.begin(forget, 18, 0).is_ok());
    let after = sessions.begin(request(id, 2, &[]), 18, 0).err();
    assert_eq!(after, Some(ErrorCode::FetchSessionIdNotFound));
}

#[test]
fn partitions_with_data_are_served_last_next_time() {
    let sessions = FetchSessions::new(10);
    let id = session(&sessions, &[0, 1, 2], false, 0);
    let session = incremental(&sessions, request(id, 1, &[]));
    let (key, mut data) = result(0, 9);
    data.records = Some(Bytes::from_static(b"x"));
    locked(&session).note(&key, &data);
    let context = FetchContext::Incremental(session, id);
    assert_eq!(partitions(&context), [1, 2, 0]);
}

#[test]
fn after_an_error_recovery_is_told() {
    let sessions = FetchSessions::new(10);
    let id = session(&sessions, &[0], false, 0);
    let session = incremental(&sessions, request(id, 1, &[]));
    let (key, mut failed) = result(0, -1);
    failed.error_code = ErrorCode::NotLeaderOrFollower.code();
    assert!(locked(&session).is_news(&key, &failed));
    locked(&session).note(&key, &failed);
    let (key, recovered) = result(0, 5);
    assert!(locked(&session).is_news(&key, &recovered));
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
        .begin(twice, 18, 0)
        .unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(partitions(&context), [4, 3]);
    assert_eq!(context.wanted()[1].params.fetch_offset, 42);
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
        let session = incremental(&sessions, request);
        let mut session = locked(&session);
        let (key, result) = result(0, 7);
        session.note(&key, &result);
        let what = format!("{fetch_offset} {known}");
        assert_eq!(session.is_news(&key, &result), expected, "{what}");
    }
}

#[test]
fn a_follower_has_one_session() {
    let sessions = FetchSessions::new(10);
    let first = session(&sessions, &[0], true, 100);
    let consumers = session(&sessions, &[0], false, 100);
    let Ok(FetchContext::New(wanted, early)) = sessions.begin(request(0, 0, &[0]), 18, 0) else {
        panic!("not a new session");
    };
    // The first was left with its connection.
    let second = session(&sessions, &[0, 1], true, 200);
    let ids = || {
        let mut ids: Vec<i32> = locked(&sessions.state).by_id.keys().copied().collect();
        ids.sort_unstable();
        ids
    };
    assert_eq!(ids(), [consumers, second]);
    assert_ne!(first, second);

    // So was a request that is answered late: the session since then stays.
    let late = sessions.create(wanted, &[result(0, 5)], FOLLOWER, early, 300);
    assert_eq!(late, INVALID_SESSION_ID);
    assert_eq!(ids(), [consumers, second]);
    let used = sessions.begin(request(second, 1, &[]), 18, 400);
    assert!(matches!(used, Ok(FetchContext::Incremental(..))));
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
