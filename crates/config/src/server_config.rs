//! The settings of a server, typed and checked.

use crate::{
    broker_configs,
    config_key::ConfigType,
    config_value::{self, list_elements, parse_boolean},
    error::{ConfigError, Warning},
    quorum_rules, server_rules,
    server_settings::{
        GroupSettings, LogSettings, NetworkSettings, QuorumSettings, ReplicaSelector,
        ReplicationSettings, TransactionSettings,
    },
    suggestion,
    topic_config::TopicConfig,
    topic_configs,
};
use klamm_types::BrokerId;
use std::{collections::BTreeMap, path::PathBuf, str::FromStr};

/// What a process is: `process.roles`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProcessRoles {
    /// It serves clients.
    pub broker: bool,
    /// It is a member of the quorum.
    pub controller: bool,
}

/// The settings of a server.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// `node.id`.
    pub node_id: BrokerId,
    /// `process.roles`.
    pub roles: ProcessRoles,
    /// `broker.rack`.
    pub rack: Option<String>,
    /// `log.dirs`, or else `log.dir`; at least one, all different.
    pub log_dirs: Vec<PathBuf>,
    /// `metadata.log.dir`, or else the first log directory.
    pub metadata_log_dir: PathBuf,
    /// The quorum of controllers.
    pub quorum: QuorumSettings,
    /// Listeners and sockets.
    pub network: NetworkSettings,
    /// Replication between brokers.
    pub replication: ReplicationSettings,
    /// Topics and logs.
    pub log: LogSettings,
    /// Consumer groups.
    pub group: GroupSettings,
    /// Producer ids and transactions.
    pub transaction: TransactionSettings,
    /// The settings of topics without their own.
    pub topic_defaults: TopicConfig,
    /// Every property as it was given, without those that nobody knows.
    pub properties: BTreeMap<String, String>,
}

impl ServerConfig {
    /// Checks all properties and hands out typed settings, with what their owner should know.
    ///
    /// # Errors
    /// The first property that is missing, wrong or contradicts another.
    pub fn from_properties(
        properties: &BTreeMap<String, String>,
    ) -> Result<(ServerConfig, Vec<Warning>), ConfigError> {
        let (mut known, mut warnings) = check_each(properties)?;
        let values = Values(&known);
        let identity = server_rules::identity(&values)?;
        let network = server_rules::network(&values, identity.roles, &mut warnings)?;
        let quorum = quorum(&values, identity.node_id, identity.roles, &network)?;
        server_rules::check_numbers(&values)?;
        let (log_dirs, metadata_log_dir) = server_rules::directories(&values)?;
        let config = ServerConfig {
            node_id: identity.node_id,
            roles: identity.roles,
            rack: values
                .text("broker.rack")
                .filter(|rack| !rack.is_empty())
                .map(str::to_owned),
            log_dirs,
            metadata_log_dir,
            quorum,
            network,
            replication: replication(&values)?,
            log: log(&values)?,
            group: group(&values)?,
            transaction: transaction(&values)?,
            topic_defaults: topic_defaults(&values),
            properties: BTreeMap::new(),
        };
        // Two names of one id: whoever asks for either gets it.
        for name in ["broker.id", "node.id"] {
            known.insert(name.to_owned(), config.node_id.to_string());
        }
        let config = ServerConfig {
            properties: known,
            ..config
        };
        Ok((config, warnings))
    }
}

/// Checks every property for itself. Returns those with a meaning, and warnings for the rest.
fn check_each(
    properties: &BTreeMap<String, String>,
) -> Result<(BTreeMap<String, String>, Vec<Warning>), ConfigError> {
    let mut known = BTreeMap::new();
    let mut warnings = Vec::new();
    for (name, value) in properties {
        let value = value.trim();
        match broker_configs::find(name) {
            Some(key) => config_value::check(key, value)?,
            None if !is_plugin_property(name) => {
                warnings.push(unknown_property(name));
                continue;
            }
            None => {}
        }
        if is_security_property(name) {
            warnings.push(Warning {
                key: name.clone(),
                message: "not in effect: encryption and authentication are not served yet".into(),
            });
        }
        known.insert(name.clone(), value.to_owned());
    }
    Ok((known, warnings))
}

/// Properties of listeners and plugins, whose names no table can list.
fn is_plugin_property(name: &str) -> bool {
    const PREFIXES: [&str; 4] = [
        "listener.name.",
        "rsm.config.",
        "rlmm.config.",
        "config.providers.",
    ];
    const NAMES: [&str; 2] = ["super.users", "allow.everyone.if.no.acl.found"];
    PREFIXES.iter().any(|prefix| name.starts_with(prefix)) || NAMES.contains(&name)
}

fn is_security_property(name: &str) -> bool {
    const PREFIXES: [&str; 4] = ["ssl.", "sasl.", "listener.name.", "delegation.token."];
    const NAMES: [&str; 3] = [
        "authorizer.class.name",
        "super.users",
        "allow.everyone.if.no.acl.found",
    ];
    PREFIXES.iter().any(|prefix| name.starts_with(prefix)) || NAMES.contains(&name)
}

fn unknown_property(name: &str) -> Warning {
    let names = broker_configs::all().map(|key| key.name);
    let hint = suggestion::nearest(name, names)
        .map_or_else(String::new, |nearest| format!(". Did you mean {nearest}?"));
    Warning {
        key: name.to_owned(),
        message: format!("no setting has this name{hint}"),
    }
}

/// Checked properties over the defaults of the table.
pub(crate) struct Values<'a>(pub(crate) &'a BTreeMap<String, String>);

impl Values<'_> {
    /// The value as it was given.
    pub(crate) fn given(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The value, or else the default; `None` is Kafka's null.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.given(name)
            .or_else(|| broker_configs::find(name)?.default)
    }

    /// The elements of a list.
    pub(crate) fn list(&self, name: &str) -> impl Iterator<Item = &str> {
        list_elements(self.text(name).unwrap_or_default())
    }

    /// A number that has a default.
    pub(crate) fn number<T: FromStr>(&self, name: &str) -> Result<T, ConfigError> {
        let text = self.text(name).unwrap_or_default();
        text.parse().map_err(|_| {
            ConfigError::invalid(
                name,
                text,
                format!("it must be {}", ConfigType::Long.name()),
            )
        })
    }

    /// A flag.
    pub(crate) fn flag(&self, name: &str) -> bool {
        self.text(name).and_then(parse_boolean).unwrap_or_default()
    }
}

fn quorum(
    values: &Values<'_>,
    node_id: BrokerId,
    roles: ProcessRoles,
    network: &NetworkSettings,
) -> Result<QuorumSettings, ConfigError> {
    let (voters, bootstrap_servers) = quorum_rules::voters(values, node_id, roles, network)?;
    let (heartbeat_ms, session_ms) = server_rules::liveness(values)?;
    Ok(QuorumSettings {
        voters,
        bootstrap_servers,
        klamm_version_max: values.number("klamm.version.max")?,
        auto_join: values.flag("controller.quorum.auto.join.enable"),
        election_timeout_ms: values.number("controller.quorum.election.timeout.ms")?,
        fetch_timeout_ms: values.number("controller.quorum.fetch.timeout.ms")?,
        request_timeout_ms: values.number("controller.quorum.request.timeout.ms")?,
        retry_backoff_ms: values.number("controller.quorum.retry.backoff.ms")?,
        broker_heartbeat_interval_ms: heartbeat_ms,
        broker_session_timeout_ms: session_ms,
        initial_broker_registration_timeout_ms: values
            .number("initial.broker.registration.timeout.ms")?,
        snapshot_max_record_bytes: values
            .number("metadata.log.max.record.bytes.between.snapshots")?,
        snapshot_max_interval_ms: values.number("metadata.log.max.snapshot.interval.ms")?,
        log_segment_bytes: values.number("metadata.log.segment.bytes")?,
    })
}

fn replication(values: &Values<'_>) -> Result<ReplicationSettings, ConfigError> {
    Ok(ReplicationSettings {
        lag_time_max_ms: values.number("replica.lag.time.max.ms")?,
        socket_timeout_ms: values.number("replica.socket.timeout.ms")?,
        socket_receive_buffer_bytes: values.number("replica.socket.receive.buffer.bytes")?,
        fetch_max_bytes: values.number("replica.fetch.max.bytes")?,
        fetch_wait_max_ms: values.number("replica.fetch.wait.max.ms")?,
        fetch_backoff_ms: values.number("replica.fetch.backoff.ms")?,
        fetch_min_bytes: values.number("replica.fetch.min.bytes")?,
        fetch_response_max_bytes: values.number("replica.fetch.response.max.bytes")?,
        num_fetchers: values.number("num.replica.fetchers")?,
        high_watermark_checkpoint_interval_ms: values
            .number("replica.high.watermark.checkpoint.interval.ms")?,
        auto_leader_rebalance_enable: values.flag("auto.leader.rebalance.enable"),
        leader_imbalance_check_interval_seconds: values
            .number("leader.imbalance.check.interval.seconds")?,
        unclean_leader_election_interval_ms: values
            .number("unclean.leader.election.interval.ms")?,
        selector: selector(values)?,
    })
}

fn selector(values: &Values<'_>) -> Result<ReplicaSelector, ConfigError> {
    const NAME: &str = "replica.selector.class";
    let Some(class) = values.given(NAME).filter(|class| !class.is_empty()) else {
        return Ok(ReplicaSelector::Leader);
    };
    let mut known = ReplicaSelector::CLASSES.iter();
    let found = known.find(|(name, _)| *name == class);
    found.map(|(_, selector)| *selector).ok_or_else(|| {
        let names = ReplicaSelector::CLASSES.map(|(name, _)| name).join(" or ");
        ConfigError::invalid(NAME, class, format!("it must be {names}"))
    })
}

fn log(values: &Values<'_>) -> Result<LogSettings, ConfigError> {
    Ok(LogSettings {
        num_partitions: values.number("num.partitions")?,
        default_replication_factor: values.number("default.replication.factor")?,
        auto_create_topics_enable: values.flag("auto.create.topics.enable"),
        delete_topic_enable: values.flag("delete.topic.enable"),
        num_recovery_threads_per_data_dir: values.number("num.recovery.threads.per.data.dir")?,
        dirs_free_bytes_min: values.number("klamm.log.dirs.free.bytes.min")?,
        retention_check_interval_ms: values.number("log.retention.check.interval.ms")?,
        flush_scheduler_interval_ms: values.number("log.flush.scheduler.interval.ms")?,
        flush_offset_checkpoint_interval_ms: values
            .number("log.flush.offset.checkpoint.interval.ms")?,
        flush_start_offset_checkpoint_interval_ms: values
            .number("log.flush.start.offset.checkpoint.interval.ms")?,
        dir_failure_timeout_ms: values.number("log.dir.failure.timeout.ms")?,
        scrub_bytes_per_second: values.number("klamm.log.scrub.bytes.per.second")?,
        initial_task_delay_ms: values.number("log.initial.task.delay.ms")?,
        cleaner_enable: values.flag("log.cleaner.enable"),
        cleaner_threads: values.number("log.cleaner.threads")?,
        cleaner_backoff_ms: values.number("log.cleaner.backoff.ms")?,
        cleaner_dedupe_buffer_bytes: values.number("log.cleaner.dedupe.buffer.size")?,
        cleaner_io_buffer_bytes: values.number("log.cleaner.io.buffer.size")?,
        cleaner_io_buffer_load_factor: values.number("log.cleaner.io.buffer.load.factor")?,
        cleaner_io_max_bytes_per_second: values.number("log.cleaner.io.max.bytes.per.second")?,
    })
}

fn group(values: &Values<'_>) -> Result<GroupSettings, ConfigError> {
    Ok(GroupSettings {
        min_session_timeout_ms: values.number("group.min.session.timeout.ms")?,
        max_session_timeout_ms: values.number("group.max.session.timeout.ms")?,
        initial_rebalance_delay_ms: values.number("group.initial.rebalance.delay.ms")?,
        max_size: values.number("group.max.size")?,
        offset_metadata_max_bytes: values.number("offset.metadata.max.bytes")?,
        offsets_topic_num_partitions: values.number("offsets.topic.num.partitions")?,
        offsets_topic_replication_factor: values.number("offsets.topic.replication.factor")?,
        offsets_topic_segment_bytes: values.number("offsets.topic.segment.bytes")?,
        offsets_commit_timeout_ms: values.number("offsets.commit.timeout.ms")?,
        offsets_load_buffer_bytes: values.number("offsets.load.buffer.size")?,
        offsets_retention_minutes: values.number("offsets.retention.minutes")?,
        offsets_retention_check_interval_ms: values
            .number("offsets.retention.check.interval.ms")?,
    })
}

fn transaction(values: &Values<'_>) -> Result<TransactionSettings, ConfigError> {
    Ok(TransactionSettings {
        producer_id_expiration_ms: values.number("producer.id.expiration.ms")?,
        producer_id_expiration_check_interval_ms: values
            .number("producer.id.expiration.check.interval.ms")?,
        transactional_id_expiration_ms: values.number("transactional.id.expiration.ms")?,
        max_timeout_ms: values.number("transaction.max.timeout.ms")?,
        state_log_num_partitions: values.number("transaction.state.log.num.partitions")?,
        state_log_replication_factor: values.number("transaction.state.log.replication.factor")?,
        state_log_min_isr: values.number("transaction.state.log.min.isr")?,
        state_log_segment_bytes: values.number("transaction.state.log.segment.bytes")?,
    })
}

pub(crate) fn topic_defaults(values: &Values<'_>) -> TopicConfig {
    let mut config = TopicConfig::default();
    for row in topic_configs::KEYS {
        if let Some(value) = server_value(row, values.0) {
            config.set(row.key.name, &value);
        }
    }
    config
}

/// The value of a topic setting that the server's properties give to topics without their own.
pub(crate) fn server_value(
    row: &topic_configs::TopicConfigKey,
    properties: &BTreeMap<String, String>,
) -> Option<String> {
    let synonyms = broker_configs::synonyms(row.server_synonym?);
    let (name, value) = synonyms
        .into_iter()
        .find_map(|name| Some((name, properties.get(name)?)))?;
    let ms_per_unit: i64 = match name {
        _ if name.ends_with(".hours") => 3_600_000,
        _ if name.ends_with(".minutes") => 60_000,
        _ => 1,
    };
    match value.parse::<i64>() {
        // Any negative retention is no limit.
        Ok(ms) if row.key.name == "retention.ms" && ms < 0 => Some("-1".to_owned()),
        Ok(units) if ms_per_unit > 1 => Some(units.saturating_mul(ms_per_unit).to_string()),
        _ => Some(value.clone()),
    }
}
