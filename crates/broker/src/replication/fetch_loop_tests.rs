//! A follower's loop over real logs.

use super::*;
use crate::{
    flusher::Flusher,
    partition::{
        Partition,
        lab::{ME, fill, open_partition},
    },
};
use bytes::{Bytes, BytesMut};
use klamm_metadata::{Image, proto};
use klamm_protocol::{
    ApiKey, Decoder, Encoder, frame,
    messages::{AnyRequest, AnyResponse, fetch_response::FetchableTopicResponse},
};
use klamm_types::Uuid;
use std::path::Path;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::timeout,
};

const LEADER: BrokerId = BrokerId(2);

/// What never happens in a test that passes.
const LIMIT: Duration = Duration::from_secs(20);

fn config() -> Arc<ServerConfig> {
    let properties = [
        ("process.roles", "broker"),
        ("node.id", "1"),
        ("controller.quorum.voters", "9@localhost:9093"),
        ("controller.listener.names", "CONTROLLER"),
        ("listeners", "PLAINTEXT://localhost:9092"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let (config, _) = ServerConfig::from_properties(&properties.into()).unwrap();
    Arc::new(config)
}

fn fetcher() -> Fetcher {
    Fetcher {
        leader: LEADER,
        following: Arc::default(),
        identity: Arc::new(Identity::new(ME)),
        metadata: Arc::new(MetadataCache::new()),
        config: config(),
        suspects: Arc::default(),
        throttles: Arc::default(),
        dirs: Arc::new(LogDirs::open(ME, &[], Path::new(""), None).unwrap()),
    }
}

/// A replica that nobody flushes but the test.
fn unflushed(root: &Path, partition: i32) -> Arc<Partition> {
    let flusher = Flusher::start().unwrap();
    let queue = flusher.queue();
    flusher.stop();
    let id = TopicPartition {
        topic_id: Uuid([1; 16]),
        partition,
    };
    open_partition(&root.join(format!("t-{partition}")), "t", id, queue)
}

/// The partitions that are asked for now, in a session that goes on.
async fn asked(fetcher: &Fetcher, session: &mut SessionState) -> Vec<i32> {
    fetcher.update(session).await;
    session.wanted().map(|id| id.partition).collect()
}

#[tokio::test(start_paused = true)]
async fn a_log_that_cannot_be_flushed_keeps_no_other_from_being_followed() {
    let root = tempfile::tempdir().unwrap();
    let fetcher = fetcher();
    let [hanging, healthy] = [0, 1].map(|index| unflushed(root.path(), index));
    for partition in [&hanging, &healthy] {
        fill(partition, 1, 10);
        fetcher.following.add(Arc::clone(partition), LeaderEpoch(0));
    }
    healthy.flush();
    let mut session = SessionState::default();
    let begun = Instant::now();
    assert_eq!(asked(&fetcher, &mut session).await, [1]);
    // Waited for once, and looked at again after a while.
    assert_eq!(begun.elapsed(), FLUSH_PATIENCE);
    assert_eq!(asked(&fetcher, &mut session).await, [1]);
    sleep(PARTITION_PAUSE).await;
    let begun = Instant::now();
    assert_eq!(asked(&fetcher, &mut session).await, [1]);
    assert!(begun.elapsed() < FLUSH_PATIENCE, "{:?}", begun.elapsed());

    hanging.flush();
    sleep(PARTITION_PAUSE).await;
    assert_eq!(asked(&fetcher, &mut session).await, [0, 1]);
    // It is waited for again.
    fill(&hanging, 1, 10);
    let begun = Instant::now();
    assert_eq!(asked(&fetcher, &mut session).await, [1]);
    assert_eq!(begun.elapsed(), FLUSH_PATIENCE);
}

/// A leader's end of a connection.
struct LeaderEnd(TcpStream);

impl LeaderEnd {
    async fn accept(listener: &TcpListener) -> LeaderEnd {
        LeaderEnd(listener.accept().await.unwrap().0)
    }

    /// The next request's correlation id, its session epoch, and partitions with their epochs. `None`
    /// if the connection ends.
    async fn next(&mut self) -> Option<(i32, i32, Vec<(i32, i32)>)> {
        let size = self.0.read_i32().await.ok()?;
        let mut frame = BytesMut::zeroed(usize::try_from(size).unwrap());
        self.0.read_exact(&mut frame).await.ok()?;
        let mut decoder = Decoder::new(frame.freeze());
        let header = frame::decode_request_header(&mut decoder).unwrap();
        let decoded = AnyRequest::decode(ApiKey::Fetch, header.api_version, &mut decoder);
        let AnyRequest::Fetch(request) = decoded.unwrap() else {
            panic!("not a fetch");
        };
        let partitions = request.topics.iter().flat_map(|topic| &topic.partitions);
        let named = partitions.map(|p| (p.partition, p.current_leader_epoch));
        Some((
            header.correlation_id,
            request.session_epoch,
            named.collect(),
        ))
    }

    /// Nothing is new.
    async fn answer(&mut self, correlation_id: i32) {
        self.answer_in(correlation_id, 42).await;
    }

    async fn answer_in(&mut self, correlation_id: i32, session_id: i32) {
        self.answer_with(correlation_id, session_id, Vec::new())
            .await;
    }

    async fn answer_with(
        &mut self,
        correlation_id: i32,
        session_id: i32,
        responses: Vec<FetchableTopicResponse>,
    ) {
        let response = FetchResponse {
            session_id,
            responses,
            ..Default::default()
        };
        let mut encoder = Encoder::framed();
        frame::response_header(&mut encoder, correlation_id, ApiKey::Fetch, FETCH_VERSION).unwrap();
        let response = AnyResponse::Fetch(Box::new(response));
        response.encode(&mut encoder, FETCH_VERSION).unwrap();
        for chunk in encoder.finish_framed().unwrap() {
            self.0.write_all(&chunk).await.unwrap();
        }
    }
}

/// A fetcher whose leader listens here.
async fn fetcher_of_listener() -> (Fetcher, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let leader = proto::RegisterBrokerRecord {
        broker_id: LEADER.get(),
        incarnation_id: vec![1; 16],
        listeners: vec![proto::Listener {
            name: "PLAINTEXT".to_owned(),
            host: "127.0.0.1".to_owned(),
            port: listener.local_addr().unwrap().port().into(),
            ..Default::default()
        }],
        ..Default::default()
    };
    let mut image = Image::new();
    image.replay(&leader.into()).unwrap();
    let fetcher = fetcher();
    fetcher.metadata.publish(image);
    (fetcher, listener)
}

#[tokio::test]
async fn new_partitions_do_not_wait_for_a_parked_answer() {
    let root = tempfile::tempdir().unwrap();
    let [first, second, third] = [0, 1, 2].map(|index| unflushed(root.path(), index));
    let (fetcher, listener) = fetcher_of_listener().await;
    let following = Arc::clone(&fetcher.following);
    // What is known before the connection is made is in the first request.
    following.add(Arc::clone(&first), LeaderEpoch(1));
    let fetching = tokio::spawn(async move {
        loop {
            fetcher.session(&mut false).await.unwrap();
        }
    });
    let lasts = "the connection lasts";
    let mut leader = LeaderEnd::accept(&listener).await;
    let (id, epoch, partitions) = leader.next().await.expect(lasts);
    assert_eq!((epoch, partitions), (0, vec![(0, 1)]));
    leader.answer(id).await;
    let (id, epoch, _) = leader.next().await.expect(lasts);
    assert_eq!(epoch, 1);

    // A leader that leads on ends the poll itself.
    following.add(Arc::clone(&first), LeaderEpoch(2));
    tokio::task::yield_now().await;
    leader.answer(id).await;
    let (parked, epoch, partitions) = leader.next().await.expect(lasts);
    assert_eq!((epoch, partitions), (2, vec![(0, 2)]));

    // One that leads something else may leave the poll parked.
    following.add(second, LeaderEpoch(7));
    let (id, epoch, partitions) = leader.next().await.expect(lasts);
    assert_eq!((epoch, partitions), (3, vec![(1, 7)]));
    leader.answer(parked).await;
    leader.answer(id).await;
    let (_, epoch, partitions) = leader.next().await.expect(lasts);
    assert_eq!((epoch, partitions), (4, vec![]));

    following.reconnect();
    let mut leader = LeaderEnd::accept(&listener).await;
    // There is no room for a session: nothing can be asked for beside what is parked.
    for _ in 0..2 {
        let (id, epoch, partitions) = leader.next().await.expect(lasts);
        assert_eq!((epoch, partitions), (0, vec![(0, 2), (1, 7)]));
        leader.answer_in(id, 0).await;
    }
    let (_, epoch, _) = leader.next().await.expect(lasts);
    assert_eq!(epoch, 0);
    following.add(third, LeaderEpoch(8));
    let mut leader = LeaderEnd::accept(&listener).await;
    let (_, epoch, partitions) = leader.next().await.expect(lasts);
    assert_eq!((epoch, partitions), (0, vec![(0, 2), (1, 7), (2, 8)]));
    fetching.abort();
}

/// The second answer could bring records that the first one brought already.
#[tokio::test]
async fn nothing_new_is_asked_for_before_it_is_told_what_came() {
    let root = tempfile::tempdir().unwrap();
    let [first, second, third] = [0, 1, 2].map(|index| unflushed(root.path(), index));
    let (fetcher, listener) = fetcher_of_listener().await;
    let following = Arc::clone(&fetcher.following);
    let topic_id = first.id.topic_id;
    following.add(first, LeaderEpoch(1));
    let fetching = tokio::spawn(async move { fetcher.session(&mut false).await });
    let lasts = "the connection lasts";
    let mut leader = LeaderEnd::accept(&listener).await;
    let (id, ..) = leader.next().await.expect(lasts);
    leader.answer(id).await;
    let (parked, ..) = leader.next().await.expect(lasts);
    following.add(second, LeaderEpoch(1));
    let (overtaking, ..) = leader.next().await.expect(lasts);

    let records = PartitionData {
        partition_index: 0,
        records: Some(Bytes::from_static(b"whatever")),
        ..Default::default()
    };
    let topic = FetchableTopicResponse {
        topic_id,
        partitions: vec![records],
        ..Default::default()
    };
    leader.answer_with(parked, 42, vec![topic]).await;
    following.add(third, LeaderEpoch(1));
    let early = timeout(Duration::from_millis(100), leader.next()).await;
    assert!(early.is_err(), "{early:?}");
    leader.answer(overtaking).await;
    let (_, epoch, _) = leader.next().await.expect(lasts);
    assert_eq!(epoch, 3);
    fetching.abort();
}

#[tokio::test]
async fn each_loss_of_a_leader_is_told() {
    let root = tempfile::tempdir().unwrap();
    let (fetcher, listener) = fetcher_of_listener().await;
    let partition = unflushed(root.path(), 0);
    fetcher.following.add(partition, LeaderEpoch(1));
    let suspects = Arc::clone(&fetcher.suspects);
    let fetching = tokio::spawn(run(fetcher));
    let until = async |is_lost: bool| {
        while suspects.is_lost(LEADER) != is_lost {
            tokio::task::yield_now().await;
        }
    };
    for was_lost in [false, true] {
        let mut leader = LeaderEnd::accept(&listener).await;
        let (id, ..) = leader.next().await.expect("the connection lasts");
        assert_eq!(suspects.is_lost(LEADER), was_lost, "nothing was answered");
        leader.answer(id).await;
        timeout(LIMIT, until(false)).await.unwrap();
        drop(leader);
        timeout(LIMIT, until(true)).await.unwrap();
    }
    fetching.abort();
}
