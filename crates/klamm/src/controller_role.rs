//! The controller role: Kafka's settings in the words of the quorum.

use crate::{
    config_rules::TableRules,
    data_folder,
    failure::{Context, Failure},
};
use klamm_config::{Listener, ServerConfig};
use klamm_controller::{ChoreConfig, SessionConfig, Settings};
use klamm_metadata::feature_level::LevelRange;
use klamm_quorum::{
    ControllerConfig, ListenOn, Quorum, QuorumConfig, SnapshotConfig, Timings, Voter,
};
use std::sync::Arc;

/// The folder of the metadata log, named as Kafka names it.
const METADATA_LOG: &str = "__cluster_metadata-0";

const MS_PER_SECOND: i64 = 1_000;

/// Heartbeats of a leader that fit into an election timeout.
const HEARTBEATS_PER_ELECTION_TIMEOUT: u64 = 3;

/// Starts the controller of this node.
pub(crate) async fn start(
    config: &ServerConfig,
    cluster_id: Option<String>,
) -> Result<Quorum, Failure> {
    let quorum_config = quorum_config(config, cluster_id)?;
    Quorum::start(quorum_config)
        .await
        .context("start the controller")
}

fn quorum_config(
    config: &ServerConfig,
    cluster_id: Option<String>,
) -> Result<QuorumConfig, Failure> {
    // The rules of the configuration see to it that there is one.
    let listener = config
        .network
        .controller_listeners
        .first()
        .ok_or_else(|| Failure::new("listeners: a controller needs a listener"))?;
    let host = match listener.host.as_str() {
        "" => "0.0.0.0".to_owned(),
        host => in_brackets(host),
    };
    Ok(QuorumConfig {
        node_id: config.node_id,
        voters: voters(config),
        bootstrap: bootstrap(config),
        advertised: advertised(config, listener),
        auto_join: config.quorum.auto_join,
        listen: ListenOn::Address(format!("{host}:{}", listener.port)),
        metadata_dir: config.metadata_log_dir.join(METADATA_LOG),
        cluster_id,
        directory_id: data_folder::directory_id(&config.metadata_log_dir)?,
        belongs_already: data_folder::has_lost_metadata_folder(config)?,
        controller: ControllerConfig {
            settings: settings(config),
            config_rules: Arc::new(TableRules(Arc::new(config.clone()))),
            chores: chores(config),
            levels: LevelRange::SUPPORTED.up_to(config.quorum.klamm_version_max),
            listener_name: listener.name.clone(),
        },
        timings: timings(config),
        snapshot: SnapshotConfig {
            bytes: u64::try_from(config.quorum.snapshot_max_record_bytes).unwrap_or(u64::MAX),
            ..SnapshotConfig::default()
        },
    })
}

fn voters(config: &ServerConfig) -> Vec<Voter> {
    let voter = |voter: &klamm_config::QuorumVoter| Voter {
        id: voter.node_id,
        host: in_brackets(&voter.endpoint.host),
        port: voter.endpoint.port,
    };
    config.quorum.voters.iter().map(voter).collect()
}

fn bootstrap(config: &ServerConfig) -> Vec<String> {
    let servers = config.quorum.bootstrap_servers.iter();
    servers.map(ToString::to_string).collect()
}

/// Where the other nodes reach this controller: as the voters' list says, or as it advertises.
fn advertised(config: &ServerConfig, listener: &Listener) -> Voter {
    let is_me = |voter: &&Voter| voter.id == config.node_id;
    if let Some(me) = voters(config).iter().find(is_me) {
        return me.clone();
    }
    let advertised = config.network.advertised_controller_listener.as_ref();
    let listener = advertised.unwrap_or(listener);
    let host = match listener.host.as_str() {
        "" | "0.0.0.0" | "::" => klamm_broker::host_name(),
        host => host.to_owned(),
    };
    Voter {
        id: config.node_id,
        host: in_brackets(&host),
        port: listener.port,
    }
}

fn in_brackets(host: &str) -> String {
    match host.contains(':') {
        true => format!("[{host}]"),
        false => host.to_owned(),
    }
}

fn settings(config: &ServerConfig) -> Settings {
    Settings {
        num_partitions: config.log.num_partitions,
        default_replication_factor: i32::from(config.log.default_replication_factor),
        min_insync_replicas: config.topic_defaults.min_insync_replicas,
        unclean_leader_election_enable: config.topic_defaults.unclean_leader_election_enable,
        flush_messages: config.topic_defaults.flush_messages,
        delete_topic_enable: config.log.delete_topic_enable,
    }
}

fn chores(config: &ServerConfig) -> ChoreConfig {
    let replication = &config.replication;
    let balance_interval_ms =
        (replication.leader_imbalance_check_interval_seconds).saturating_mul(MS_PER_SECOND);
    ChoreConfig {
        balance_interval_ms: replication
            .auto_leader_rebalance_enable
            .then_some(balance_interval_ms),
        election_interval_ms: replication.unclean_leader_election_interval_ms,
    }
}

fn timings(config: &ServerConfig) -> Timings {
    let defaults = Timings::default();
    let election_ms = u64::try_from(config.quorum.election_timeout_ms).unwrap_or_default();
    let election_ms = election_ms.max(HEARTBEATS_PER_ELECTION_TIMEOUT);
    let session_timeout_ms = i64::from(config.quorum.broker_session_timeout_ms);
    Timings {
        heartbeat_interval_ms: election_ms / HEARTBEATS_PER_ELECTION_TIMEOUT,
        election_timeout_ms_min: election_ms,
        // Voters draw from two thirds of the timeout, so that few stand at the same time.
        election_timeout_ms_max: election_ms + election_ms * 2 / 3 + 1,
        sessions: SessionConfig {
            session_timeout_ms,
            // A new controller gives brokers a whole session to find it, as Kafka does.
            takeover_grace_ms: session_timeout_ms.max(defaults.sessions.takeover_grace_ms),
            ..defaults.sessions
        },
    }
}
