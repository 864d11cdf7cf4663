//! Groups whose coordinator or members die.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use klamm_client::{Client, ClientError, GroupConsumer, GroupOptions, StartOffset};
use klamm_tests::Cluster;
use klamm_types::ErrorCode;
use tokio::task::JoinHandle;

use crate::lab::{client, create_topic, eventually, produce, read_all, shared_cluster, text};
use crate::raw_group::RawGroup;
use crate::traffic::Traffic;

const NODES: [i32; 3] = [1, 2, 3];

/// State and offsets of a group are in its log: whoever leads that, coordinates.
#[tokio::test(flavor = "multi_thread")]
async fn a_group_outlives_its_coordinators() {
    let cluster = Cluster::start(3);
    create_topic(&cluster, "work", 2, &[]).await;
    let group = RawGroup::new(&cluster, "workers", "work");
    let (member, generation) = group.join("").await;
    assert_eq!(generation, 1);
    assert_eq!(
        group.commit(&member, generation, &[(0, 5), (1, 7)]).await,
        ErrorCode::None
    );

    let coordinator = group.coordinator().await;
    cluster.kill9(coordinator);
    assert_eq!(group.heartbeat(&member, generation).await, ErrorCode::None);
    assert_ne!(group.coordinator().await, coordinator);
    assert_eq!(group.committed().await, BTreeMap::from([(0, 5), (1, 7)]));
    assert_eq!(
        group.commit(&member, generation, &[(0, 6)]).await,
        ErrorCode::None
    );

    // The next rebalance counts on from where the dead coordinator was.
    let (same, next) = group.join(&member).await;
    assert_eq!((same.as_str(), next), (member.as_str(), generation + 1));
    let stale = group.commit(&member, generation, &[(0, 1)]).await;
    assert_eq!(stale, ErrorCode::IllegalGeneration);
    let stranger = group.commit("somebody", next, &[(0, 1)]).await;
    assert_eq!(stranger, ErrorCode::UnknownMemberId);
    cluster.restart(coordinator);
    cluster.wait_ready();
    cluster.wait_in_sync(&["__consumer_offsets"]);
    assert_eq!(group.committed().await, BTreeMap::from([(0, 6), (1, 7)]));

    cluster.kill9_all(&NODES);
    cluster.restart_all(&NODES);
    assert_eq!(group.heartbeat(&member, next).await, ErrorCode::None);
    assert_eq!(group.committed().await, BTreeMap::from([(0, 6), (1, 7)]));
    for id in NODES {
        assert!(cluster.stop(id).success(), "node {id} stops in order");
        cluster.restart(id);
        cluster.wait_ready();
        cluster.wait_in_sync(&["__consumer_offsets"]);
    }
    assert_eq!(group.committed().await, BTreeMap::from([(0, 6), (1, 7)]));
    assert_eq!(
        group.commit(&member, next, &[(1, 9)]).await,
        ErrorCode::None
    );
    assert_eq!(group.committed().await, BTreeMap::from([(0, 6), (1, 9)]));
}

#[tokio::test(flavor = "multi_thread")]
async fn members_read_everything_while_their_coordinator_dies() {
    let cluster = Cluster::start(3);
    let client = client(&cluster);
    create_topic(&cluster, "read", 4, &[]).await;
    let traffic = Traffic::start(client.clone(), "read", 4);
    let readers = [(); 2].map(|()| Reader::start(&client, Duration::from_secs(10)));
    let seen = || {
        readers
            .iter()
            .flat_map(Reader::seen)
            .collect::<BTreeSet<u64>>()
    };
    eventually("both members read", || async {
        readers
            .iter()
            .all(|reader| !reader.seen().is_empty())
            .then_some(())
    })
    .await;

    let group = RawGroup::new(&cluster, "readers", "read");
    for _round in 0..2 {
        let coordinator = group.coordinator().await;
        cluster.kill9(coordinator);
        traffic.flows().await;
        let before = seen().len();
        eventually("the group reads on", || async {
            (seen().len() > before).then_some(())
        })
        .await;
        cluster.restart(coordinator);
        cluster.wait_ready();
        cluster.wait_in_sync(&["read", "__consumer_offsets"]);
    }
    let sent = traffic.finish(&client).await;
    eventually("the group has read everything", || async {
        (seen() == sent).then_some(())
    })
    .await;
    for reader in readers {
        reader.close().await;
    }
    let mut ends = BTreeMap::new();
    for record in read_all(&client, "read").await {
        let end = ends.entry(record.partition).or_insert(0);
        *end = (*end).max(record.offset + 1);
    }
    assert_eq!(group.committed().await, ends, "committed offsets");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_members_partitions_go_to_the_others() {
    let cluster = shared_cluster();
    let _logs = cluster.logs_on_panic();
    let client = client(cluster);
    create_topic(cluster, "read", 2, &[]).await;
    let session_timeout = Duration::from_secs(6);
    let [survivor, mortal] = [(); 2].map(|()| Reader::start(&client, session_timeout));
    eventually("each member has a partition", || async {
        (survivor.assigned() == 1 && mortal.assigned() == 1).then_some(())
    })
    .await;
    // Without a word to the coordinator.
    mortal.task.abort();
    eventually("the survivor has all partitions", || async {
        (survivor.assigned() == 2).then_some(())
    })
    .await;
    let values: Vec<String> = (0..10).map(|number| number.to_string()).collect();
    produce(&client, "read", 0, &values[..5]).await;
    produce(&client, "read", 1, &values[5..]).await;
    eventually("the survivor reads everything", || async {
        (survivor.seen() == (0..10).collect()).then_some(())
    })
    .await;
    survivor.close().await;
}

/// A member of the group "readers" that notes the numbers that it reads from the topic "read".
struct Reader {
    noted: Arc<Mutex<Noted>>,
    stop: tokio::sync::oneshot::Sender<()>,
    task: JoinHandle<Result<(), ClientError>>,
}

#[derive(Default)]
struct Noted {
    seen: BTreeSet<u64>,
    assigned: usize,
}

impl Reader {
    fn start(client: &Client, session_timeout: Duration) -> Self {
        let options = GroupOptions {
            session_timeout,
            heartbeat_interval: Duration::from_millis(200),
            start: StartOffset::Earliest,
            auto_commit: Some(Duration::from_millis(100)),
            ..GroupOptions::default()
        };
        let member = GroupConsumer::new(client.clone(), "readers", ["read"], options);
        let noted = Arc::new(Mutex::new(Noted::default()));
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let task = tokio::spawn(read(member, noted.clone(), stopped));
        Self { noted, stop, task }
    }

    fn seen(&self) -> BTreeSet<u64> {
        self.noted.lock().unwrap().seen.clone()
    }

    fn assigned(&self) -> usize {
        self.noted.lock().unwrap().assigned
    }

    /// Leaves the group, with the positions committed.
    async fn close(self) {
        let _ = self.stop.send(());
        self.task.await.unwrap().expect("a member reads and leaves");
    }
}

async fn read(
    mut member: GroupConsumer,
    noted: Arc<Mutex<Noted>>,
    mut stopped: tokio::sync::oneshot::Receiver<()>,
) -> Result<(), ClientError> {
    loop {
        let records = tokio::select! {
            records = member.poll() => records.expect("a member reads"),
            _ = &mut stopped => return member.close().await,
        };
        let mut noted = noted.lock().unwrap();
        noted.assigned = member.assignment().len();
        noted.seen.extend(
            records
                .iter()
                .map(|record| text(record).parse::<u64>().unwrap()),
        );
    }
}
