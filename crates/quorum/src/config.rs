//! How a controller is configured.

use crate::{
    QuorumError,
    raft_types::{NodeId, node_id_of},
};
use klamm_controller::{
    ChoreConfig, ConfigRules, ProposedConfigs, Refusal, SessionConfig, Settings,
};
use klamm_metadata::{ConfigResource, Configs, feature_level::LevelRange};
use klamm_rpc::ControllerEndpoint;
use klamm_types::{BrokerId, Uuid};
use openraft::{Config, SnapshotPolicy};
use std::{collections::BTreeMap, fmt, path::PathBuf, sync::Arc, time::Duration};

/// Everything a controller needs to start.
#[derive(Debug)]
pub struct QuorumConfig {
    /// This node.
    pub node_id: BrokerId,
    /// `controller.quorum.voters`: those who found the cluster, the same on every one of them.
    /// Where this node is not among them, it joins a cluster that is there.
    pub voters: Vec<Voter>,
    /// Other addresses (`host:port`) of controllers to ask for the quorum.
    pub bootstrap: Vec<String>,
    /// Where the others reach this node; its id is [`QuorumConfig::node_id`].
    pub advertised: Voter,
    /// Whether this node becomes a voter by itself when it joins.
    pub auto_join: bool,
    /// Where to listen.
    pub listen: ListenOn,
    /// The folder for log, vote and snapshots; made if it is not there.
    pub metadata_dir: PathBuf,
    /// The cluster that this node is to belong to; `None`: that of its folder, or of the
    /// others, or one that the first active controller draws.
    pub cluster_id: Option<String>,
    /// The id of the folder's place if it has one (`meta.properties`); `None`: it is drawn.
    pub directory_id: Option<Uuid>,
    /// Other folders of this node are marked with a cluster while `metadata_dir`'s is not. A new
    /// cluster marks them all: so this one is lost, and this node founds no cluster.
    pub belongs_already: bool,
    /// What decisions depend on besides the metadata.
    pub controller: ControllerConfig,
    /// How long things may take.
    pub timings: Timings,
    /// When the log is cut.
    pub snapshot: SnapshotConfig,
}

/// A controller, as `controller.quorum.voters` names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Voter {
    /// Its node id.
    pub id: BrokerId,
    /// A host name or address; an IPv6 address in brackets.
    pub host: String,
    /// The port of its controller listener.
    pub port: u16,
}

impl Voter {
    /// `host:port`.
    pub fn endpoint(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }
}

/// Where the controller listener is.
#[derive(Debug)]
pub enum ListenOn {
    /// `host:port`, bound at the start.
    Address(String),
    /// A socket that listens already.
    Socket(tokio::net::TcpListener),
}

/// Every config is fine, and none is a list.
struct AnyConfig;

impl ConfigRules for AnyConfig {
    fn list_default(&self, _: &ConfigResource, _: &str, _: &Configs) -> Option<String> {
        None
    }

    fn check(&self, _: &ProposedConfigs) -> Result<(), Refusal> {
        Ok(())
    }
}

/// What decisions depend on besides the metadata.
#[derive(Clone)]
pub struct ControllerConfig {
    /// The defaults of the cluster.
    pub settings: Settings,
    /// Knows the configs.
    pub config_rules: Arc<dyn ConfigRules + Send + Sync>,
    /// How often what is due by the clock is done.
    pub chores: ChoreConfig,
    /// The feature levels that this node supports; a new cluster begins with the highest.
    pub levels: LevelRange,
    /// The name of the controller listener, as controllers register it.
    pub listener_name: String,
}

impl Default for ControllerConfig {
    /// Kafka's defaults; every config value passes.
    fn default() -> ControllerConfig {
        ControllerConfig {
            settings: Settings::default(),
            config_rules: Arc::new(AnyConfig),
            chores: ChoreConfig::default(),
            levels: LevelRange::SUPPORTED,
            listener_name: "CONTROLLER".into(),
        }
    }
}

impl fmt::Debug for ControllerConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ControllerConfig")
            .field("settings", &self.settings)
            .field("chores", &self.chores)
            .field("levels", &self.levels)
            .field("listener_name", &self.listener_name)
            .finish_non_exhaustive()
    }
}

/// How long things may take, in milliseconds. The defaults hold on a loaded two-core machine: a
/// leader that dies is noticed by its connections long before an election timeout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timings {
    /// Between a leader's signs of life.
    pub heartbeat_interval_ms: u64,
    /// The shortest silence of a leader, beyond its lease, before an election.
    pub election_timeout_ms_min: u64,
    /// The longest; also the leader's lease, during which no other gets a vote.
    pub election_timeout_ms_max: u64,
    /// The sessions of brokers.
    pub sessions: SessionConfig,
}

impl Default for Timings {
    fn default() -> Timings {
        Timings {
            heartbeat_interval_ms: 133,
            election_timeout_ms_min: 400,
            election_timeout_ms_max: 667,
            sessions: SessionConfig {
                session_timeout_ms: 1500,
                broken_stream_grace_ms: 300,
                takeover_grace_ms: 800,
            },
        }
    }
}

/// When the log is cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotConfig {
    /// Entries between two snapshots.
    pub entries: u64,
    /// Bytes of records between two snapshots; what lies before the last two goes.
    pub bytes: u64,
    /// Entries kept behind a snapshot, for followers that are a little late.
    pub entries_kept: u64,
}

impl Default for SnapshotConfig {
    fn default() -> SnapshotConfig {
        SnapshotConfig {
            entries: 5_000,
            bytes: 20 << 20,
            entries_kept: 5_000,
        }
    }
}

impl QuorumConfig {
    /// openraft's configuration.
    pub(crate) fn raft_config(&self) -> Result<Config, QuorumError> {
        let config = Config {
            cluster_name: "klamm".into(),
            heartbeat_interval: self.timings.heartbeat_interval_ms,
            election_timeout_min: self.timings.election_timeout_ms_min,
            election_timeout_max: self.timings.election_timeout_ms_max,
            install_snapshot_timeout: 20_000,
            max_payload_entries: 1_000,
            snapshot_policy: SnapshotPolicy::LogsSinceLast(self.snapshot.entries),
            replication_lag_threshold: self.snapshot.entries + self.snapshot.entries_kept + 1,
            max_in_snapshot_log_to_keep: self.snapshot.entries_kept,
            purge_batch_size: 1 + self.snapshot.entries / 16,
            backoff: "20ms 40ms 80ms ...200ms".into(),
            // Followers get entries while the leader still syncs its own copy.
            broadcast_submitted_on_append: Some(true),
            enable_pre_vote: Some(true),
            // A restarted leader has lost what only its process knew: it stands for election.
            enable_leader_restore: Some(false),
            // A follower that lost its folder must not stop the leader. What it promised before is
            // lost all the same: see `vote_guard.rs`.
            allow_log_reversion: Some(true),
            ..Config::default()
        };
        config
            .validate()
            .map_err(|error| QuorumError::Raft(error.to_string()))
    }

    /// How long a leader may be out of touch with its quorum: long enough for elections to go
    /// first.
    pub(crate) fn patience(&self) -> Duration {
        Duration::from_millis(2 * self.timings.election_timeout_ms_max)
    }

    /// Those who make the first entry of a new cluster; nobody where this node is none of them.
    pub(crate) fn founders(&self) -> BTreeMap<NodeId, String> {
        match self.voters.iter().any(|voter| voter.id == self.node_id) {
            true => self.endpoints(),
            false => BTreeMap::new(),
        }
    }

    /// Where the controllers are that the configuration names.
    pub(crate) fn endpoints(&self) -> BTreeMap<NodeId, String> {
        let endpoint = |voter: &Voter| (node_id_of(voter.id), voter.endpoint());
        self.voters.iter().map(endpoint).collect()
    }

    /// Whom to ask who leads: everybody that the configuration names.
    pub(crate) fn known_controllers(&self) -> Vec<ControllerEndpoint> {
        let bootstrap = self.bootstrap.iter().filter_map(|address| {
            let (host, port) = address.rsplit_once(':')?;
            Some(Voter {
                id: BrokerId::NONE,
                host: host.to_owned(),
                port: port.parse().ok()?,
            })
        });
        let everybody = self.voters.iter().cloned().chain(bootstrap);
        everybody
            .map(|voter| ControllerEndpoint {
                id: voter.id,
                host: voter.host,
                port: voter.port,
            })
            .collect()
    }
}
