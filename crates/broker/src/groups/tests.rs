//! Groups over real logs of one replica.

use super::*;
use crate::{
    clock::now_ms,
    flusher::Flusher,
    partition::lab::{ME, open_partition},
};
use klamm_coordinator::RequestId;
use klamm_metadata::{Image, proto};
use klamm_protocol::messages::{
    heartbeat_request::HeartbeatRequest,
    join_group_request::{JoinGroupRequest, JoinGroupRequestProtocol},
    list_groups_request::ListGroupsRequest,
    offset_commit_request::{
        OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
    },
    offset_fetch_request::{OffsetFetchRequestGroup, OffsetFetchRequestTopics},
};
use klamm_replica::PartitionState;
use klamm_types::{BrokerId, PartitionEpoch, TopicPartition};

const OFFSETS_ID: Uuid = Uuid([1; 16]);
const TOPIC_ID: Uuid = Uuid([2; 16]);
const GROUP: &str = "readers";

/// A broker that leads the only partition of `__consumer_offsets`.
struct Fixture {
    groups: Arc<Groups>,
    partition: Arc<Partition>,
    flusher: Option<Flusher>,
    _dir: tempfile::TempDir,
}

impl Fixture {
    fn new() -> Fixture {
        let dir = tempfile::tempdir().unwrap();
        let properties = [
            ("process.roles", "broker"),
            ("node.id", "1"),
            ("controller.quorum.voters", "9@localhost:9093"),
            ("controller.listener.names", "CONTROLLER"),
            ("listeners", "PLAINTEXT://localhost:9092"),
            ("group.initial.rebalance.delay.ms", "60000"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
        let (config, _) = ServerConfig::from_properties(&properties.into()).unwrap();
        let metadata = Arc::new(MetadataCache::new());
        metadata.publish(image());
        let flusher = Flusher::start().unwrap();
        let id = TopicPartition {
            topic_id: OFFSETS_ID,
            partition: 0,
        };
        let topic = topic_name::CONSUMER_OFFSETS;
        let partition = open_partition(dir.path(), topic, id, flusher.queue());
        Fixture {
            groups: Groups::new(&config, metadata),
            partition,
            flusher: Some(flusher),
            _dir: dir,
        }
    }

    /// Leads in a new epoch.
    fn lead(&self, leader_epoch: i32) {
        let leader_epoch = LeaderEpoch(leader_epoch);
        let state = PartitionState {
            leader_epoch,
            partition_epoch: PartitionEpoch(leader_epoch.get()),
            replicas: vec![ME],
            isr: [ME].into(),
        };
        self.partition.lead(&state, 0, now_ms());
        self.groups
            .on_leader(0, leader_epoch, Arc::clone(&self.partition));
    }

    async fn ask(&self, body: RequestBody) -> Response {
        self.groups.ask(GROUP, request(body)).answer().await
    }

    /// Asks until the shard is loaded.
    async fn ask_loaded(&self, body: RequestBody) -> Response {
        let loading = request(body.clone()).refuse(ErrorCode::CoordinatorLoadInProgress);
        loop {
            let response = self.ask(body.clone()).await;
            if response != loading {
                return response;
            }
            tokio::task::yield_now().await;
        }
    }

    async fn commit(&self, offset: i64) -> i16 {
        let request = OffsetCommitRequest {
            group_id: GROUP.to_owned(),
            topics: vec![OffsetCommitRequestTopic {
                name: "t".to_owned(),
                topic_id: TOPIC_ID,
                partitions: vec![OffsetCommitRequestPartition {
                    committed_offset: offset,
                    ..Default::default()
                }],
            }],
            ..Default::default()
        };
        match self.ask_loaded(RequestBody::OffsetCommit(request)).await {
            Response::OffsetCommit(response) => response.topics[0].partitions[0].error_code,
            other => panic!("{other:?}"),
        }
    }

    async fn committed(&self) -> Result<i64, ErrorCode> {
        let group = OffsetFetchRequestGroup {
            group_id: GROUP.to_owned(),
            topics: Some(vec![OffsetFetchRequestTopics {
                name: "t".to_owned(),
                topic_id: TOPIC_ID,
                partition_indexes: vec![0],
            }]),
            ..Default::default()
        };
        let body = RequestBody::OffsetFetch {
            group,
            require_stable: false,
        };
        match self.ask_loaded(body).await {
            Response::OffsetFetch(response) => {
                ErrorCode::from(response.error_code).ok()?;
                Ok(response.topics[0].partitions[0].committed_offset)
            }
            other => panic!("{other:?}"),
        }
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        if let Some(flusher) = self.flusher.take() {
            flusher.stop();
        }
    }
}

/// The offsets topic with one partition.
fn image() -> Image {
    let mut image = Image::new();
    let topic_id = OFFSETS_ID.as_bytes().to_vec();
    let topic = proto::TopicRecord {
        topic_id: topic_id.clone(),
        name: topic_name::CONSUMER_OFFSETS.into(),
    };
    image.replay(&topic.into()).unwrap();
    let partition = proto::PartitionRecord {
        topic_id,
        replicas: vec![1],
        isr: vec![1],
        leader: 1,
        ..Default::default()
    };
    image.replay(&partition.into()).unwrap();
    image
}

fn request(body: RequestBody) -> Request {
    Request {
        id: RequestId(0),
        client_id: "client".to_owned(),
        client_host: "/127.0.0.1".to_owned(),
        api_version: 9,
        body,
    }
}

fn join() -> RequestBody {
    RequestBody::JoinGroup {
        request: JoinGroupRequest {
            group_id: GROUP.to_owned(),
            session_timeout_ms: 45_000,
            rebalance_timeout_ms: 60_000,
            group_instance_id: Some("static".to_owned()),
            protocol_type: "consumer".to_owned(),
            protocols: vec![JoinGroupRequestProtocol {
                name: "range".to_owned(),
                ..Default::default()
            }],
            ..Default::default()
        },
        fresh_id: Uuid([9; 16]),
    }
}

#[tokio::test]
async fn without_leadership_nobody_coordinates() {
    let fixture = Fixture::new();
    assert_eq!(fixture.committed().await, Err(ErrorCode::NotCoordinator));
    let list = || request(RequestBody::ListGroups(ListGroupsRequest::default()));
    let listed = fixture.groups.list(list).await;
    assert_eq!((listed.error_code, listed.groups.len()), (0, 0));
}

#[tokio::test]
async fn offsets_survive_a_change_of_leader() {
    let fixture = Fixture::new();
    fixture.lead(0);
    assert_eq!(fixture.committed().await, Ok(-1));
    for offset in [3, 4, 5] {
        assert_eq!(fixture.commit(offset).await, 0);
    }
    assert_eq!(fixture.committed().await, Ok(5));

    fixture.groups.on_resign(0);
    assert_eq!(fixture.committed().await, Err(ErrorCode::NotCoordinator));

    fixture.lead(1);
    assert_eq!(fixture.committed().await, Ok(5));
    let list = || request(RequestBody::ListGroups(ListGroupsRequest::default()));
    let listed = fixture.groups.list(list).await;
    assert_eq!(listed.groups[0].group_id, GROUP);
}

#[tokio::test]
async fn commits_that_come_together_are_all_kept() {
    let fixture = Fixture::new();
    fixture.lead(0);
    assert_eq!(fixture.commit(0).await, 0);
    let mut asked = Vec::new();
    for partition_index in 0..200 {
        let body = RequestBody::OffsetCommit(OffsetCommitRequest {
            group_id: GROUP.to_owned(),
            topics: vec![OffsetCommitRequestTopic {
                name: "t".to_owned(),
                topic_id: TOPIC_ID,
                partitions: vec![OffsetCommitRequestPartition {
                    partition_index,
                    committed_offset: i64::from(partition_index),
                    ..Default::default()
                }],
            }],
            ..Default::default()
        });
        asked.push(fixture.groups.ask(GROUP, request(body)));
    }
    for asked in asked {
        match asked.answer().await {
            Response::OffsetCommit(r) => assert_eq!(r.topics[0].partitions[0].error_code, 0),
            other => panic!("{other:?}"),
        }
    }
    // Every record is in the log, the earlier one included, and is found there again.
    assert_eq!(fixture.partition.log_end_offset(), 201);
    fixture.lead(1);
    let all = OffsetFetchRequestGroup {
        group_id: GROUP.to_owned(),
        topics: None,
        ..Default::default()
    };
    let body = RequestBody::OffsetFetch {
        group: all,
        require_stable: false,
    };
    match fixture.ask_loaded(body).await {
        Response::OffsetFetch(response) => assert_eq!(response.topics[0].partitions.len(), 200),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn who_waits_in_a_shard_is_told_when_it_goes() {
    let fixture = Fixture::new();
    fixture.lead(0);
    assert_eq!(fixture.commit(1).await, 0);
    // Parked: the first rebalance waits a minute for more members.
    let waiting = fixture.groups.ask(GROUP, request(join()));
    // Behind it in the queue: when this is answered, the join is parked.
    let heartbeat = RequestBody::Heartbeat(HeartbeatRequest {
        group_id: GROUP.to_owned(),
        ..Default::default()
    });
    fixture.ask(heartbeat).await;
    fixture.groups.on_resign(0);
    match waiting.answer().await {
        Response::JoinGroup(response) => {
            assert_eq!(response.error_code, ErrorCode::NotCoordinator.code());
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn offsets_of_deleted_topics_go() {
    let fixture = Fixture::new();
    fixture.lead(0);
    assert_eq!(fixture.commit(7).await, 0);
    fixture.groups.on_topics_deleted(&[(TOPIC_ID, "t".into())]);
    assert_eq!(fixture.committed().await, Ok(-1));
    // The deletion is in the log, too.
    fixture.lead(1);
    assert_eq!(fixture.committed().await, Ok(-1));
}

#[tokio::test]
async fn an_append_that_fails_for_good_has_the_shard_loaded_again() {
    let fixture = Fixture::new();
    fixture.lead(0);
    assert_eq!(fixture.commit(7).await, 0);
    // The replica has lost its leadership, but the groups have not heard of it yet.
    fixture.partition.follow(BrokerId(2), LeaderEpoch(1));
    let error = fixture.commit(8).await;
    assert_eq!(error, ErrorCode::NotCoordinator.code());
    fixture.groups.on_resign(0);
    fixture.lead(2);
    assert_eq!(fixture.committed().await, Ok(7));
}
