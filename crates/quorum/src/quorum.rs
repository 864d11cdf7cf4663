//! A running controller: starts everything, knows who leads, stops cleanly.

use crate::{
    QuorumConfig,
    active_controller::{self, ActiveController as Controller},
    address_book::AddressBook,
    clock::Clock,
    cluster_id::ClusterId,
    config::ListenOn,
    controller_service::ControllerServer,
    first_election,
    follower_progress::FollowerProgress,
    founding::Founding,
    identity::Folder,
    joining::Joiner,
    leader_loss::{self, LeaderProbe},
    leadership::{self, LeaderContact, Leadership, LeadershipWatch},
    log_bounds,
    log_store::LogStore,
    membership::Membership,
    metadata_feed::MetadataFeed,
    network::Network,
    raft_service::RaftServer,
    raft_types::{NodeId, Raft, node_id_of},
    room::Room,
    state_machine::StateMachine,
    stopping::Stopping,
    vote_guard::VoteGuard,
};
use klamm_rpc::{ActiveController, ChannelConfig, MESSAGE_BYTES_MAX};
use klamm_types::Uuid;
use openraft::async_runtime::watch::WatchReceiver;
use std::{
    io,
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};
use tokio::{
    net::TcpListener,
    sync::{Mutex, watch},
    task::{self, JoinHandle, JoinSet},
    time::timeout,
};
use tonic::transport::server::TcpIncoming;

/// How long a stopping leader waits for another one to take over.
const TRANSFER_TIMEOUT: Duration = Duration::from_secs(1);
/// How long calls under way may take when this controller stops.
const DRAIN_TIMEOUT: Duration = Duration::from_millis(250);

/// Why a controller did not start.
#[derive(Debug, thiserror::Error)]
pub enum QuorumError {
    /// The controller listener cannot be opened.
    #[error("the controller listener cannot listen on {address}: {source}")]
    Bind {
        /// `host:port`.
        address: String,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// Two voters have the same id, or a voter's address is none.
    #[error("controller.quorum.voters: {0}")]
    BadVoters(String),
    /// The folder belongs to another node or cluster.
    #[error("{} belongs to {what}", path.display())]
    ForeignFolder {
        /// The folder.
        path: PathBuf,
        /// Whose it is.
        what: String,
    },
    /// Another process uses the folder.
    #[error("{} is in use by another process", .0.display())]
    FolderInUse(PathBuf),
    /// The disk refused, or what lies there is damaged.
    #[error("the controller's folder {}: {source}", path.display())]
    Storage {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Raft could not recover from what lies on disk.
    #[error("the controller's raft did not start: {0}")]
    Raft(String),
}

/// A running controller.
///
/// [`Quorum::stop`] stops it cleanly. One that is dropped stops deciding and taking part, but
/// connections that are open may live on: end the process.
#[derive(Debug)]
pub struct Quorum {
    node_id: NodeId,
    directory_id: Uuid,
    local_addr: SocketAddr,
    raft: Raft,
    cluster_id: ClusterId,
    leadership: LeadershipWatch,
    active: watch::Sender<ActiveController>,
    handle: active_controller::Handle,
    failed: watch::Receiver<Option<String>>,
    stopping: watch::Sender<bool>,
    running: Mutex<Option<Running>>,
}

/// What ends with the controller.
#[derive(Debug)]
struct Running {
    server: JoinHandle<()>,
    /// Aborted when dropped.
    tasks: JoinSet<()>,
}

impl Quorum {
    /// Starts a controller: binds its listener, recovers from disk, serves. Does not wait for a
    /// leader.
    ///
    /// # Errors
    /// See [`QuorumError`]. Nothing keeps running.
    pub async fn start(mut config: QuorumConfig) -> Result<Quorum, QuorumError> {
        check_voters(&config)?;
        let mut raft_config = config.raft_config()?;
        let listen = std::mem::replace(&mut config.listen, ListenOn::Address(String::new()));
        let (listener, local_addr) = bind(listen).await?;
        let disk = recover(&config).await?;

        let node_id = node_id_of(config.node_id);
        let directory_id = disk.folder.directory_id();
        let guard = Arc::new(VoteGuard::new(disk.folder.clone(), disk.has_log));
        raft_config.enable_elect = guard.is_whole();
        let book = AddressBook::new(config.endpoints());
        let cluster_id = ClusterId::new(disk.cluster_id);
        let channel = ChannelConfig {
            connect_timeout: Duration::from_millis(500),
            ..ChannelConfig::default()
        };
        let network = Network::new(cluster_id.clone(), book.clone(), channel);
        let feed = disk.state_machine.feed();
        let raft = Raft::new(
            node_id,
            Arc::new(raft_config),
            network.clone(),
            disk.log_store,
            disk.state_machine,
        )
        .await
        .map_err(|fatal| QuorumError::Raft(fatal.to_string()))?;

        let (now, now_watch) = watch::channel(Leadership::default());
        let (failed_sender, failed) = watch::channel(None);
        let (stopping, stopping_watch) = watch::channel(false);
        let stopping_watch = Stopping(stopping_watch);
        let leadership = leadership::watch_of(now_watch, book.clone(), config.patience());
        let contact = LeaderContact::start();
        let probe = LeaderProbe {
            node_id,
            network: network.clone(),
            leadership: leadership.clone(),
            guard: guard.clone(),
        };
        let clock = Clock::start();
        let mut tasks = JoinSet::new();
        tasks.spawn(leadership::follow(
            raft.clone(),
            now,
            contact.clone(),
            config.patience(),
            failed_sender.clone(),
            book.clone(),
        ));
        let membership = Membership {
            raft: raft.clone(),
            book,
            network: network.clone(),
            turn: Arc::default(),
        };
        tasks.spawn(membership.clone().keep_settled());
        tasks.spawn(guard.clone().watch(raft.clone()));
        let bytes = config.snapshot.bytes;
        tasks.spawn(log_bounds::keep(raft.clone(), feed.clone(), bytes));
        let progress = FollowerProgress::default();
        tasks.spawn(progress.clone().watch(raft.clone(), clock));
        let joiner = Joiner::new(
            &config,
            disk.folder.clone(),
            cluster_id.clone(),
            leadership.clone(),
            failed_sender.clone(),
        );
        tasks.spawn(joiner.run());
        tasks.spawn(leader_loss::watch_leaders(probe.clone(), raft.clone()));
        tasks.spawn(learn_cluster_id(
            feed.clone(),
            cluster_id.clone(),
            disk.folder,
            failed_sender,
        ));
        let active = watch::Sender::new(leadership.active());
        tasks.spawn(publish_active(leadership.clone(), active.clone()));
        let handle = Controller {
            raft: raft.clone(),
            leadership: leadership.clone(),
            feed: feed.clone(),
            session_config: config.timings.sessions,
            cluster_id: config.cluster_id.clone(),
            config: config.controller.clone(),
            clock,
        }
        .spawn(&mut tasks);
        tasks.spawn(first_election::hold(
            raft.clone(),
            leadership.clone(),
            Founding {
                founders: config.founders(),
                elsewhere: config.bootstrap.clone(),
                belongs_already: config.belongs_already,
                network,
                guard: guard.clone(),
                patience: config.patience(),
            },
        ));

        let raft_server = RaftServer {
            raft: raft.clone(),
            cluster_id: cluster_id.clone(),
            leadership: leadership.clone(),
            probe,
            stopping: stopping_watch.clone(),
            guard,
            contact,
            directory_id,
        };
        let controller_server = ControllerServer {
            raft: raft.clone(),
            active: handle.clone(),
            leadership: leadership.clone(),
            feed,
            membership,
            progress,
            cluster_id: cluster_id.clone(),
            listener_name: config.controller.listener_name,
            clock,
            streams: Arc::new(AtomicU64::new(0)),
            observers: Arc::default(),
            stopping: stopping_watch,
        };
        let server = serve(listener, raft_server, controller_server);
        Ok(Quorum {
            node_id,
            directory_id,
            local_addr,
            raft,
            cluster_id,
            leadership,
            active,
            handle,
            failed,
            stopping,
            running: Mutex::new(Some(Running { server, tasks })),
        })
    }

    /// The address of the controller listener.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Tells the folder of this controller from one that takes its place.
    pub fn directory_id(&self) -> Uuid {
        self.directory_id
    }

    /// The id of the cluster, as soon as it is committed.
    pub fn cluster_id(&self) -> watch::Receiver<Option<String>> {
        self.cluster_id.watch()
    }

    /// Who leads, as this controller knows; controller id −1 if nobody is known to.
    pub fn active(&self) -> watch::Receiver<ActiveController> {
        self.active.subscribe()
    }

    /// Whether this node is the active controller and serves.
    pub fn is_active(&self) -> bool {
        self.handle.serving.borrow().is_some()
    }

    /// The reason, once the controller stopped for good because its disk failed or because it
    /// belongs to another cluster: the process should end.
    pub fn failed(&self) -> watch::Receiver<Option<String>> {
        self.failed.clone()
    }

    /// Hands the leadership over if it has it, ends what is under way and stops. Does nothing
    /// the second time.
    pub async fn stop(&self) {
        let Some(running) = self.running.lock().await.take() else {
            return;
        };
        self.hand_over().await;
        self.stopping.send_replace(true);
        let mut server = running.server;
        if timeout(DRAIN_TIMEOUT, &mut server).await.is_err() {
            server.abort();
        }
        drop(running.tasks);
        if let Err(error) = self.raft.shutdown().await {
            tracing::warn!(%error, "raft did not stop cleanly");
        }
    }

    /// Transfers the leadership to the follower that has come furthest.
    async fn hand_over(&self) {
        if !self.leadership.get().leads {
            return;
        }
        let replication = self.raft.metrics().borrow_watched().replication.clone();
        let voters = self.leadership.book.voters();
        let furthest = replication
            .unwrap_or_default()
            .into_iter()
            .filter(|(id, _)| *id != self.node_id && voters.contains(id))
            .max_by_key(|(_, matched)| *matched);
        let Some((to, Some(_))) = furthest else {
            return;
        };
        if self.raft.trigger().transfer_leader(to).await.is_err() {
            return;
        }
        let mut now = self.leadership.now.clone();
        let moved = now.wait_for(|now| now.other_leader().is_some());
        if timeout(TRANSFER_TIMEOUT, moved).await.is_err() {
            tracing::warn!(to, "the leadership was not taken over in time");
        }
    }
}

fn check_voters(config: &QuorumConfig) -> Result<(), QuorumError> {
    let bad = |what: String| Err(QuorumError::BadVoters(what));
    let mut ids = std::collections::BTreeSet::new();
    for voter in &config.voters {
        if voter.id.is_none() || !ids.insert(voter.id) {
            return bad(format!("the id {} is not allowed or not unique", voter.id));
        }
        if klamm_rpc::channel(&voter.endpoint(), &ChannelConfig::default()).is_err() {
            return bad(format!("{} is not host:port", voter.endpoint()));
        }
    }
    if config.voters.is_empty() && config.bootstrap.is_empty() {
        return bad("no controller is named".to_owned());
    }
    Ok(())
}

async fn bind(listen: ListenOn) -> Result<(TcpListener, SocketAddr), QuorumError> {
    let (bound, address) = match listen {
        ListenOn::Socket(listener) => (Ok(listener), String::from("a given socket")),
        ListenOn::Address(address) => (TcpListener::bind(&address).await, address),
    };
    let bind = |source| QuorumError::Bind {
        address: address.clone(),
        source,
    };
    let listener = bound.map_err(bind)?;
    let local_addr = listener.local_addr().map_err(bind)?;
    Ok((listener, local_addr))
}

/// What lies on disk.
struct Recovered {
    folder: Arc<Folder>,
    has_log: bool,
    cluster_id: Option<String>,
    log_store: LogStore,
    state_machine: StateMachine,
}

async fn recover(config: &QuorumConfig) -> Result<Recovered, QuorumError> {
    let path = config.metadata_dir.clone();
    let (node_id, wanted) = (config.node_id.0, config.cluster_id.clone());
    let directory_id = config.directory_id;
    let levels = config.controller.levels;
    let storage = {
        let path = path.clone();
        move |source| QuorumError::Storage { path, source }
    };
    let recovering = task::spawn_blocking(move || {
        let room = Room::of(&path);
        room.prepare(&path);
        let (folder, cluster_id) = Folder::open(&path, node_id, wanted.as_deref(), directory_id)?;
        let open = || {
            let log_store = room.wait(|| LogStore::open(folder.path(), folder.lock()))?;
            let state_machine =
                StateMachine::open(folder.path(), folder.lock())?.supporting(levels)?;
            state_machine.check_reaches(log_store.purged())?;
            let has_log = log_store.has_entries()?;
            Ok((log_store, state_machine, has_log))
        };
        let (log_store, state_machine, has_log) =
            open().map_err(|source| QuorumError::Storage { path, source })?;
        Ok(Recovered {
            folder: Arc::new(folder),
            has_log,
            cluster_id,
            log_store,
            state_machine,
        })
    });
    match recovering.await {
        Ok(recovered) => recovered,
        Err(panicked) => Err(storage(io::Error::other(panicked))),
    }
}

/// Serves both services until `stopping`.
fn serve(listener: TcpListener, raft: RaftServer, controller: ControllerServer) -> JoinHandle<()> {
    let mut stopping = raft.stopping.clone();
    let raft = klamm_rpc::RaftServer::new(raft)
        .max_decoding_message_size(MESSAGE_BYTES_MAX)
        .max_encoding_message_size(MESSAGE_BYTES_MAX);
    let controller = klamm_rpc::ControllerServer::new(controller)
        .max_decoding_message_size(MESSAGE_BYTES_MAX)
        .max_encoding_message_size(MESSAGE_BYTES_MAX);
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    let serving = klamm_rpc::server()
        .add_service(raft)
        .add_service(controller)
        .serve_with_incoming_shutdown(incoming, async move { stopping.wait().await });
    tokio::spawn(async move {
        if let Err(error) = serving.await {
            tracing::error!(%error, "the controller listener failed");
        }
    })
}

/// Remembers the cluster's id as soon as it is committed. A controller that was told another one
/// has met a foreign cluster.
async fn learn_cluster_id(
    feed: Arc<MetadataFeed>,
    cluster_id: ClusterId,
    folder: Arc<Folder>,
    failed: watch::Sender<Option<String>>,
) {
    let mut offset = feed.offset();
    loop {
        offset.mark_unchanged();
        if let Some(committed) = feed.image().cluster_id() {
            match cluster_id.get() {
                Some(known) if known == committed => {}
                Some(known) => {
                    let reason = format!("the folder is of cluster {known}, not {committed}");
                    failed.send_replace(Some(reason));
                }
                None => {
                    if let Err(error) = folder.belong_to(committed) {
                        failed.send_replace(Some(format!("remember the cluster id: {error}")));
                    }
                    cluster_id.learn(committed);
                }
            }
            break;
        }
        if offset.changed().await.is_err() {
            break;
        }
    }
    // Holds the lock of the folder for as long as this controller runs.
    let _folder = folder;
    std::future::pending().await
}

async fn publish_active(mut leadership: LeadershipWatch, active: watch::Sender<ActiveController>) {
    loop {
        leadership.now.mark_unchanged();
        active.send_replace(leadership.active());
        if leadership.now.changed().await.is_err() {
            return;
        }
    }
}
