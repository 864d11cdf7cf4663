//! The voters change while the cluster runs, and nothing is lost.

use crate::{
    nodes::{Cluster, Follower, LIMIT, POLL, register_broker, run},
    slow_joiner,
};
use klamm_rpc::{
    ControllerClient,
    controller::{
        AddRaftVoterRequest, DescribeQuorumRequest, DescribeQuorumResponse, QuorumReplica,
        RaftVoterResponse, RemoveRaftVoterRequest,
    },
    metadata::Listener,
};
use klamm_types::{ErrorCode, Uuid};
use std::time::Duration;
use tokio::{
    net::TcpListener,
    task::JoinSet,
    time::{Instant, sleep},
};

async fn describe(client: &ControllerClient) -> DescribeQuorumResponse {
    let request = DescribeQuorumRequest {};
    client.describe_quorum(request, LIMIT).await.unwrap()
}

fn ids(replicas: &[QuorumReplica]) -> Vec<i32> {
    replicas.iter().map(|replica| replica.replica_id).collect()
}

/// Waits until the quorum looks like that.
async fn until(
    client: &ControllerClient,
    what: &str,
    wanted: impl Fn(&DescribeQuorumResponse) -> bool,
) -> DescribeQuorumResponse {
    let deadline = Instant::now() + LIMIT;
    loop {
        let now = describe(client).await;
        if wanted(&now) {
            return now;
        }
        assert!(Instant::now() < deadline, "{what}: {now:?}");
        sleep(POLL).await;
    }
}

fn directory(cluster: &Cluster, id: i32) -> Vec<u8> {
    cluster.node(id).directory_id().as_bytes().to_vec()
}

fn addition(cluster: &Cluster, id: i32, directory_id: Vec<u8>) -> AddRaftVoterRequest {
    addition_at(cluster.address(id).port(), id, directory_id)
}

fn addition_at(port: u16, id: i32, directory_id: Vec<u8>) -> AddRaftVoterRequest {
    AddRaftVoterRequest {
        cluster_id: String::new(),
        timeout_ms: 10_000,
        voter_id: id,
        directory_id,
        listeners: vec![Listener {
            name: "CONTROLLER".into(),
            host: "127.0.0.1".into(),
            port: port.into(),
            security_protocol: 0,
        }],
        ack_when_committed: true,
    }
}

/// How the quorum answers a change of the voters once it finds the time. One that it first could
/// not say anything about may have been made all the same: then it says `done` the next time.
async fn changed(done: ErrorCode, ask: impl AsyncFn() -> RaftVoterResponse) -> RaftVoterResponse {
    let deadline = Instant::now() + LIMIT;
    let mut is_first = true;
    loop {
        let response = ask().await;
        if code(&response) == done && !is_first {
            return RaftVoterResponse::default();
        }
        if code(&response) != ErrorCode::RequestTimedOut {
            return response;
        }
        assert!(Instant::now() < deadline, "{}", response.error_message);
        is_first = false;
        sleep(POLL).await;
    }
}

async fn add(cluster: &Cluster, client: &ControllerClient, id: i32) -> RaftVoterResponse {
    add_as(client, addition(cluster, id, directory(cluster, id))).await
}

async fn add_as(client: &ControllerClient, request: AddRaftVoterRequest) -> RaftVoterResponse {
    let ask = async || client.add_raft_voter(request.clone(), LIMIT).await.unwrap();
    changed(ErrorCode::DuplicateVoter, ask).await
}

async fn remove(client: &ControllerClient, id: i32, directory_id: Vec<u8>) -> RaftVoterResponse {
    let request = RemoveRaftVoterRequest {
        cluster_id: String::new(),
        voter_id: id,
        directory_id,
        only_if_silent: false,
    };
    let ask = async || {
        client
            .remove_raft_voter(request.clone(), LIMIT)
            .await
            .unwrap()
    };
    changed(ErrorCode::VoterNotFound, ask).await
}

/// Waits until no change of the voters is under way: while one is, the old majority counts too.
async fn until_settled(client: &ControllerClient) {
    let nobody = remove(client, 99, vec![9; 16]).await;
    let is_told = matches!(code(&nobody), ErrorCode::None | ErrorCode::VoterNotFound);
    assert!(is_told, "{nobody:?}");
}

fn code(response: &RaftVoterResponse) -> ErrorCode {
    ErrorCode::from(i16::try_from(response.error_code).unwrap())
}

/// Every voter's folder is known.
fn is_complete(quorum: &DescribeQuorumResponse) -> bool {
    quorum
        .voters
        .iter()
        .all(|voter| voter.directory_id.len() == 16)
}

#[test]
fn a_quorum_grows_from_three_to_five_and_outlives_two_of_the_first() {
    run(async {
        let mut cluster = Cluster::start().await;
        let client = cluster.client();
        register_broker(&client, 100, 1).await;
        until(&client, "folders are known", is_complete).await;

        cluster.join(4, false).await;
        let observed = until(&client, "4 observes", |now| {
            ids(&now.observers).contains(&4)
        })
        .await;
        assert_eq!(ids(&observed.voters), [1, 2, 3]);
        let added = add(&cluster, &client, 4).await;
        assert_eq!(code(&added), ErrorCode::None, "{}", added.error_message);
        until_settled(&client).await;
        assert_eq!(
            code(&add(&cluster, &client, 4).await),
            ErrorCode::DuplicateVoter
        );

        cluster.join(5, true).await;
        let grown = until(&client, "5 joins", |now| now.voters.len() == 5).await;
        assert_eq!(ids(&grown.observers), [100; 0]);
        let fifth = grown.voters.iter().find(|voter| voter.replica_id == 5);
        assert_eq!(fifth.unwrap().directory_id, directory(&cluster, 5));
        assert_eq!(fifth.unwrap().port, u32::from(cluster.address(5).port()));
        register_broker(&client, 101, 1).await;
        until_settled(&client).await;

        // Without the new ones there is no majority left.
        let leader = describe(&client).await.leader_id;
        let other = (1..=3).find(|id| *id != leader).unwrap();
        cluster.kill(leader);
        cluster.kill(other);
        // The client was given the first three only; a broker learns of the others.
        client.learn_endpoints([4, 5].map(|id| klamm_rpc::ControllerEndpoint {
            id: id.into(),
            host: "127.0.0.1".into(),
            port: cluster.address(id).port(),
        }));
        register_broker(&client, 102, 1).await;
        for id in [4, 5] {
            let mut follower = Follower::of(&cluster, id).await;
            follower.until(|image| image.brokers().count() == 3).await;
            let known: Vec<i32> = follower.image.controllers().map(|(id, _)| id.0).collect();
            assert_eq!(known, [1, 2, 3, 4, 5]);
        }
    });
}

#[test]
fn a_leader_that_is_removed_steps_down_and_observes() {
    run(async {
        let cluster = Cluster::start().await;
        let client = cluster.client();
        let before = until(&client, "folders are known", is_complete).await;
        let leader = before.leader_id;

        let elsewhere = remove(&client, leader, vec![7; 16]).await;
        assert_eq!(code(&elsewhere), ErrorCode::VoterNotFound);
        let removed = remove(&client, leader, directory(&cluster, leader)).await;
        assert_eq!(code(&removed), ErrorCode::None, "{}", removed.error_message);
        let after = until(&client, "another one leads", |now| {
            now.leader_id != leader && ids(&now.observers).contains(&leader)
        })
        .await;
        assert!(after.leader_epoch > before.leader_epoch);
        assert!(!ids(&after.voters).contains(&leader));
        register_broker(&client, 100, 1).await;
        let mut follower = Follower::of(&cluster, leader).await;
        follower.until(|image| image.brokers().count() == 1).await;

        // And back.
        let added = add(&cluster, &client, leader).await;
        assert_eq!(code(&added), ErrorCode::None, "{}", added.error_message);
        assert_eq!(ids(&describe(&client).await.voters), [1, 2, 3]);
    });
}

#[test]
fn a_voter_that_lost_its_folder_is_replaced_by_itself() {
    run(async {
        let mut cluster = Cluster::start().await;
        let client = cluster.client();
        let before = until(&client, "folders are known", is_complete).await;
        register_broker(&client, 100, 1).await;
        let lost = (1..=3).find(|id| *id != before.leader_id).unwrap();
        let old = directory(&cluster, lost);
        cluster.lose(lost);
        register_broker(&client, 101, 1).await;

        cluster.start_node(lost).await;
        let new = directory(&cluster, lost);
        assert_ne!(new, old);
        let has_new = |now: &DescribeQuorumResponse| {
            let voter = now.voters.iter().find(|voter| voter.replica_id == lost);
            voter.is_some_and(|voter| voter.directory_id == new)
        };
        until(&client, "the new folder votes", has_new).await;
        until_settled(&client).await;
        let mut follower = Follower::of(&cluster, lost).await;
        follower.until(|image| image.brokers().count() == 2).await;

        // With its vote the cluster outlives another one.
        cluster.kill(before.leader_id);
        register_broker(&client, 102, 1).await;
    });
}

/// One that merely joined is somebody's to replace: what it had promised is not in its new folder.
#[test]
fn a_new_folder_has_no_vote_until_it_is_given_one() {
    run(async {
        let mut cluster = Cluster::start().await;
        let client = cluster.client();
        cluster.join(4, false).await;
        until(&client, "4 observes", |now| {
            ids(&now.observers).contains(&4)
        })
        .await;

        let wrong_folder = addition(&cluster, 4, vec![9; 16]);
        let wrong_folder = add_as(&client, wrong_folder).await;
        assert_eq!(code(&wrong_folder), ErrorCode::InvalidVoterKey);
        let elsewhere = AddRaftVoterRequest {
            cluster_id: "another".into(),
            ..addition(&cluster, 4, directory(&cluster, 4))
        };
        let elsewhere = add_as(&client, elsewhere).await;
        assert_eq!(code(&elsewhere), ErrorCode::InconsistentClusterId);
        let added = add(&cluster, &client, 4).await;
        assert_eq!(code(&added), ErrorCode::None, "{}", added.error_message);

        let old = directory(&cluster, 4);
        cluster.lose(4);
        until_settled(&client).await;
        let down = add_as(&client, addition(&cluster, 4, vec![9; 16])).await;
        assert_eq!(code(&down), ErrorCode::DuplicateVoter);
        cluster.start_node(4).await;
        let request = addition(&cluster, 4, directory(&cluster, 4));
        until_settled(&client).await;
        let refused = add_as(&client, request).await;
        assert_eq!(code(&refused), ErrorCode::DuplicateVoter);
        // It gets no entries in the name of its old folder.
        let described = describe(&client).await;
        let voter = described.voters.iter().find(|voter| voter.replica_id == 4);
        assert_eq!(voter.unwrap().directory_id, old);
        assert_eq!(*cluster.node(4).cluster_id().borrow(), None);

        let removed = remove(&client, 4, old).await;
        assert_eq!(code(&removed), ErrorCode::None, "{}", removed.error_message);
        until(&client, "4 observes again", |now| {
            ids(&now.observers).contains(&4)
        })
        .await;
        let added = add(&cluster, &client, 4).await;
        assert_eq!(code(&added), ErrorCode::None, "{}", added.error_message);
        assert_eq!(ids(&describe(&client).await.voters), [1, 2, 3, 4]);
    });
}

#[test]
fn the_last_voter_stays() {
    run(async {
        let mut cluster = Cluster::of_folders(klamm_quorum::SnapshotConfig::default());
        cluster.start_on_new_ports(&[1]).await;
        let client = cluster.client();
        until(&client, "its folder is known", is_complete).await;
        let refused = remove(&client, 1, directory(&cluster, 1)).await;
        assert_eq!(code(&refused), ErrorCode::InvalidRequest);

        // One becomes two, and two one: the other one.
        cluster.join(2, true).await;
        until(&client, "2 joins", |now| now.voters.len() == 2).await;
        let removed = remove(&client, 1, directory(&cluster, 1)).await;
        assert_eq!(code(&removed), ErrorCode::None, "{}", removed.error_message);
        let moved = until(&client, "2 leads", |now| now.leader_id == 2).await;
        assert_eq!(ids(&moved.voters), [2]);
        register_broker(&client, 100, 1).await;
    });
}

/// Controllers come and go while records are written and leaders die: none is lost.
#[test]
fn voters_change_under_load_and_kills() {
    run(async {
        let mut cluster = Cluster::start().await;
        let client = cluster.client();
        until(&client, "folders are known", is_complete).await;
        let writer = tokio::spawn({
            let client = cluster.client();
            async move {
                for id in 1_000..1_300 {
                    register_broker(&client, id, 1).await;
                }
            }
        });
        for round in 0..3 {
            cluster.join(4 + round, true).await;
            let count = usize::try_from(4 + round).unwrap();
            until(&client, "one more votes", |now| now.voters.len() == count).await;
            let leader = describe(&client).await.leader_id;
            if leader <= 3 {
                cluster.kill(leader);
                cluster.start_node(leader).await;
            }
        }
        let removed = remove(&client, 5, directory(&cluster, 5)).await;
        assert_eq!(code(&removed), ErrorCode::None, "{}", removed.error_message);
        cluster.kill(5);
        writer.await.unwrap();
        for id in [1, 2, 3, 4, 6] {
            let mut follower = Follower::of(&cluster, id).await;
            follower.until(|image| image.brokers().count() == 300).await;
        }
    });
}

/// One that founded a cluster alone and lost its folder founded a second one beside the others.
#[test]
fn a_lone_founder_that_lost_its_folder_comes_back_to_its_cluster() {
    run(async {
        let mut cluster = Cluster::of_folders(klamm_quorum::SnapshotConfig::default());
        cluster.start_on_new_ports(&[1]).await;
        let client = cluster.client();
        register_broker(&client, 100, 1).await;
        for id in [2, 3] {
            cluster.join(id, true).await;
            let count = usize::try_from(id).unwrap();
            until(&client, "one more votes", |now| now.voters.len() == count).await;
        }
        client.learn_endpoints([2, 3].map(|id| klamm_rpc::ControllerEndpoint {
            id: id.into(),
            host: "127.0.0.1".into(),
            port: cluster.address(id).port(),
        }));
        until_settled(&client).await;
        cluster.lose(1);
        cluster.start_node(1).await;
        let new = directory(&cluster, 1);
        let has_new = |now: &DescribeQuorumResponse| {
            let voter = now.voters.iter().find(|voter| voter.replica_id == 1);
            now.voters.len() == 3 && voter.is_some_and(|voter| voter.directory_id == new)
        };
        until(&client, "the new folder votes", has_new).await;
        let mut follower = Follower::of(&cluster, 1).await;
        follower.until(|image| image.brokers().count() == 1).await;
    });
}

/// Its other folders tell that it had one: it founds nothing, whoever may be asked.
#[test]
fn a_founder_with_other_folders_of_a_cluster_waits_for_that() {
    run(async {
        let mut cluster = Cluster::of_folders(klamm_quorum::SnapshotConfig::default());
        cluster.belongs_already = true;
        cluster.start_on_new_ports(&[1]).await;
        let client = cluster.client();
        // A lone founder makes its first entry at once.
        let active = client.find_active(Duration::from_secs(1)).await;
        assert!(active.is_err(), "{active:?}");
        cluster.kill(1);
        cluster.belongs_already = false;
        cluster.start_node(1).await;
        register_broker(&client, 100, 1).await;
    });
}

/// One that was slow to catch up kept all others waiting for as long as it had to try.
#[test]
fn a_slow_joiner_holds_up_nobody() {
    run(async {
        let mut cluster = Cluster::start().await;
        let client = cluster.client();
        until(&client, "folders are known", is_complete).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let mut tasks = JoinSet::new();
        slow_joiner::spawn(&mut tasks, listener, 9, Uuid([9; 16]));
        let request = AddRaftVoterRequest {
            timeout_ms: 60_000,
            ..addition_at(port, 9, vec![9; 16])
        };
        let slow_client = cluster.client();
        let slow = add_as(&slow_client, request);
        let others = async {
            until(&client, "9 observes", |now| {
                ids(&now.observers).contains(&9)
            })
            .await;
            cluster.join(4, false).await;
            add(&cluster, &client, 4).await
        };
        tokio::select! {
            answer = slow => panic!("the slow one was first: {answer:?}"),
            added = others => {
                assert_eq!(code(&added), ErrorCode::None, "{}", added.error_message);
            }
        }
    });
}
