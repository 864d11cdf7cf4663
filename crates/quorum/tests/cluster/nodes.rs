//! A cluster of controllers, each on a runtime of its own, so that one can be killed.

use klamm_metadata::{Image, feature_level::LevelRange};
use klamm_quorum::{
    ControllerConfig, ListenOn, Quorum, QuorumConfig, QuorumError, SnapshotConfig, Timings, Voter,
};
use klamm_rpc::{
    ActiveController, ControllerClient, ControllerEndpoint,
    controller::{
        CommittedBatch, CreatableTopic, CreateTopicsRequest, CreatedTopic, MetadataUpdate,
        WatchMetadataRequest, metadata_update::Kind,
    },
    metadata::{Listener, Snapshot},
};
use klamm_tests::PortBlock;
use klamm_types::BrokerId;
use std::{collections::BTreeMap, net::SocketAddr, time::Duration};
use tempfile::TempDir;
use tokio::{
    runtime::Runtime,
    time::{sleep, timeout},
};
use tonic::{Code, Streaming};

/// What never happens in a test that passes; generous, since tests share their machine.
pub(crate) const LIMIT: Duration = Duration::from_secs(120);

/// How often it is looked whether something has come about.
pub(crate) const POLL: Duration = Duration::from_millis(20);

/// Three controllers with their folders.
pub(crate) struct Cluster {
    pub(crate) voters: Vec<Voter>,
    /// Controllers that joined later, and whether they become voters by themselves.
    joined: BTreeMap<i32, (Voter, bool)>,
    folders: BTreeMap<i32, TempDir>,
    nodes: BTreeMap<i32, Node>,
    snapshot: SnapshotConfig,
    ports: PortBlock,
    ports_used: u16,
    /// Nodes that start have other folders of a cluster.
    pub(crate) belongs_already: bool,
}

struct Node {
    quorum: Quorum,
    runtime: Runtime,
}

/// The brokers of these tests send one heartbeat and keep their stream open. Controllers that share
/// their machine with other tests are given time: who dies is noticed by its connections.
fn timings() -> Timings {
    let mut timings = Timings {
        heartbeat_interval_ms: 500,
        election_timeout_ms_min: 1_500,
        election_timeout_ms_max: 2_500,
        ..Timings::default()
    };
    timings.sessions.session_timeout_ms = 60_000;
    timings
}

/// A runtime for the test itself.
pub(crate) fn run<F: Future>(test: F) -> F::Output {
    runtime().block_on(test)
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap()
}

impl Cluster {
    /// Three controllers that start at the same time.
    pub(crate) async fn start() -> Cluster {
        Cluster::start_with(SnapshotConfig::default()).await
    }

    pub(crate) async fn start_with(snapshot: SnapshotConfig) -> Cluster {
        let mut cluster = Cluster::of_folders(snapshot);
        cluster.start_on_new_ports(&[1, 2, 3]).await;
        cluster
    }

    /// Folders, and nobody who runs.
    pub(crate) fn of_folders(snapshot: SnapshotConfig) -> Cluster {
        if std::env::var("RUST_LOG").is_ok() {
            // Another test of this process may have done it.
            let _ = tracing_subscriber::fmt()
                .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
                .with_test_writer()
                .try_init();
        }
        Cluster {
            voters: Vec::new(),
            joined: BTreeMap::new(),
            folders: (1..=3).map(|id| (id, TempDir::new().unwrap())).collect(),
            nodes: BTreeMap::new(),
            snapshot,
            ports: PortBlock::take(),
            ports_used: 0,
            belongs_already: false,
        }
    }

    /// Starts those, with each other as voters, at addresses that they did not have before.
    pub(crate) async fn start_on_new_ports(&mut self, ids: &[i32]) {
        self.voters.clear();
        for &id in ids {
            let voter = self.at_new_port(id);
            self.voters.push(voter);
        }
        for &id in ids {
            self.start_node(id).await;
        }
    }

    fn at_new_port(&mut self, id: i32) -> Voter {
        let port = self.ports.port(self.ports_used);
        self.ports_used += 1;
        Voter {
            id: BrokerId(id),
            host: "127.0.0.1".into(),
            port,
        }
    }

    /// Starts a node that was killed or stopped. A runtime that is shut down takes a moment to
    /// let go of sockets and files, unlike a process that is killed.
    pub(crate) async fn start_node(&mut self, id: i32) {
        let starting = async {
            while !self.start_node_on(id) {
                sleep(POLL).await;
            }
        };
        timeout(LIMIT, starting).await.unwrap();
    }

    /// Whether the node started; `false` if an earlier life of it still holds what it needs.
    fn start_node_on(&mut self, id: i32) -> bool {
        let runtime = runtime();
        let joined = self.joined.get(&id);
        let (voters, bootstrap) = match joined {
            None => {
                let joined = self.joined.values();
                let joined = joined.map(|(voter, _)| voter.endpoint()).collect();
                (self.voters.clone(), joined)
            }
            Some(_) => (
                Vec::new(),
                self.voters.iter().map(Voter::endpoint).collect(),
            ),
        };
        let config = QuorumConfig {
            node_id: BrokerId(id),
            voters,
            bootstrap,
            advertised: self.voter(id),
            auto_join: joined.is_some_and(|(_, auto_join)| *auto_join),
            directory_id: None,
            belongs_already: self.belongs_already,
            listen: ListenOn::Address(self.address(id).to_string()),
            metadata_dir: self.folders[&id].path().to_owned(),
            cluster_id: None,
            controller: ControllerConfig::default(),
            timings: timings(),
            snapshot: self.snapshot.clone(),
        };
        let quorum = runtime.block_on_elsewhere(Quorum::start(config));
        let started = match quorum {
            Ok(quorum) => {
                self.nodes.insert(id, Node { quorum, runtime });
                return true;
            }
            Err(QuorumError::Bind { .. } | QuorumError::FolderInUse(_)) => false,
            Err(error) => panic!("{error}"),
        };
        runtime.shutdown_background();
        started
    }

    pub(crate) fn address(&self, id: i32) -> SocketAddr {
        self.voter(id).endpoint().parse().unwrap()
    }

    pub(crate) fn voter(&self, id: i32) -> Voter {
        let joined = self.joined.values().map(|(voter, _)| voter);
        let mut everybody = self.voters.iter().chain(joined);
        everybody.find(|voter| voter.id.0 == id).unwrap().clone()
    }

    /// Starts a controller that is new and knows the others.
    pub(crate) async fn join(&mut self, id: i32, auto_join: bool) {
        let voter = self.at_new_port(id);
        self.joined.insert(id, (voter, auto_join));
        self.folders.insert(id, TempDir::new().unwrap());
        self.start_node(id).await;
    }

    /// Kills a controller and takes its folder away.
    pub(crate) fn lose(&mut self, id: i32) {
        self.kill(id);
        self.folders.insert(id, TempDir::new().unwrap());
    }

    /// The snapshots in the folder of a node.
    pub(crate) fn snapshots(&self, id: i32) -> Vec<String> {
        let entries = std::fs::read_dir(self.folders[&id].path()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.ends_with(".snapshot")).collect()
    }

    pub(crate) fn node(&self, id: i32) -> &Quorum {
        &self.nodes[&id].quorum
    }

    /// As kill -9 does it: every task and socket of the node is gone at once.
    pub(crate) fn kill(&mut self, id: i32) {
        let node = self.nodes.remove(&id).unwrap();
        node.runtime.shutdown_background();
    }

    pub(crate) async fn stop(&mut self, id: i32) {
        let node = self.nodes.remove(&id).unwrap();
        node.quorum.stop().await;
        node.runtime.shutdown_background();
    }

    pub(crate) fn client(&self) -> ControllerClient {
        let endpoint = |voter: &Voter| ControllerEndpoint {
            id: voter.id,
            host: voter.host.clone(),
            port: voter.port,
        };
        ControllerClient::new(self.voters.iter().map(endpoint).collect())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for (_, node) in std::mem::take(&mut self.nodes) {
            node.runtime.shutdown_background();
        }
    }
}

/// Runs a future on a runtime from within another one.
trait BlockOnElsewhere {
    fn block_on_elsewhere<F>(&self, future: F) -> F::Output
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static;
}

impl BlockOnElsewhere for Runtime {
    fn block_on_elsewhere<F>(&self, future: F) -> F::Output
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        std::thread::scope(|scope| {
            let thread =
                scope.spawn(|| self.block_on(async { tokio::spawn(future).await.unwrap() }));
            thread.join().unwrap()
        })
    }
}

/// Registers broker `id` and returns its epoch; it listens at `port`.
pub(crate) async fn register_broker(client: &ControllerClient, id: i32, port: u16) -> i64 {
    let request = klamm_rpc::controller::RegisterBrokerRequest {
        cluster_id: String::new(),
        broker_id: id,
        incarnation_id: klamm_types::Uuid::random().unwrap().as_bytes().to_vec(),
        listeners: vec![Listener {
            name: "PLAINTEXT".into(),
            host: "127.0.0.1".into(),
            port: port.into(),
            security_protocol: 0,
        }],
        rack: None,
        log_dirs: vec![klamm_types::Uuid::random().unwrap().as_bytes().to_vec()],
        previous_broker_epoch: -1,
        has_offline_log_dirs: false,
        version: "test".into(),
        levels: LevelRange::SUPPORTED.into(),
    };
    let response = client.register_broker(request, LIMIT).await.unwrap();
    assert_eq!(response.error_code, 0, "{}", response.error_message);
    response.broker_epoch
}

/// Creates a topic of one partition on broker `broker`, which need not be alive.
pub(crate) async fn create_topic(client: &ControllerClient, name: &str) -> CreatedTopic {
    let request = CreateTopicsRequest {
        topics: vec![CreatableTopic {
            name: name.into(),
            num_partitions: 1,
            replication_factor: 1,
            assignments: Vec::new(),
            configs: Vec::new(),
        }],
        validate_only: false,
    };
    let response = client.create_topics(request, LIMIT).await.unwrap();
    response.topics.into_iter().next().unwrap()
}

/// A metadata stream and the image that it leads to.
pub(crate) struct Follower {
    client: ControllerClient,
    endpoint: String,
    updates: Streaming<MetadataUpdate>,
    pub(crate) image: Image,
    pub(crate) active: Option<ActiveController>,
    /// How many records each batch had.
    pub(crate) batches: Vec<usize>,
}

impl Follower {
    /// Follows the controller `id` from an empty image on.
    pub(crate) async fn of(cluster: &Cluster, id: i32) -> Follower {
        let client = cluster.client();
        let endpoint = cluster.address(id).to_string();
        Follower {
            updates: watch(&client, &endpoint, 0).await,
            client,
            endpoint,
            image: Image::new(),
            active: None,
            batches: Vec::new(),
        }
    }

    /// Follows until the image is as wanted.
    pub(crate) async fn until(&mut self, wanted: impl Fn(&Image) -> bool) {
        while !wanted(&self.image) {
            let update = timeout(LIMIT, self.updates.message()).await.unwrap();
            let update = match update {
                Ok(update) => update.unwrap(),
                // The controller itself was brought up to date by a snapshot.
                Err(status) if status.code() == Code::Aborted => {
                    let offset = self.image.offset();
                    self.updates = watch(&self.client, &self.endpoint, offset).await;
                    continue;
                }
                Err(status) => panic!("{status}"),
            };
            match update.kind.unwrap() {
                Kind::Active(active) => self.active = Some(active),
                Kind::Snapshot(snapshot) => self.on_snapshot(&snapshot),
                Kind::Batch(batch) => self.on_batch(&batch),
            }
        }
    }

    /// Follows until the controller ends the stream; returns how it puts it.
    pub(crate) async fn until_it_ends(&mut self) -> Code {
        loop {
            match timeout(LIMIT, self.updates.message()).await.unwrap() {
                Ok(update) => drop(update.unwrap()),
                Err(status) => return status.code(),
            }
        }
    }

    fn on_snapshot(&mut self, snapshot: &Snapshot) {
        let image = Image::from_snapshot(snapshot).unwrap();
        assert!(image.offset() > self.image.offset());
        self.image = image;
    }

    fn on_batch(&mut self, batch: &CommittedBatch) {
        let applied = self.image.apply_records(batch.offset, &batch.records);
        applied.unwrap();
        self.batches.push(batch.records.len());
    }
}

async fn watch(
    client: &ControllerClient,
    endpoint: &str,
    from_offset: i64,
) -> Streaming<MetadataUpdate> {
    let request = WatchMetadataRequest {
        broker_id: -1,
        from_offset,
    };
    client.watch_metadata(endpoint, request).await.unwrap()
}
