//! The parts of a server's settings, typed. Field names follow Kafka's property names; each field
//! names its own.

use crate::{
    listener::Listener,
    quorum_voters::{HostPort, QuorumVoter},
};

/// The quorum of controllers, and how brokers and controllers watch each other.
#[derive(Clone, Debug)]
pub struct QuorumSettings {
    /// The controllers that found the cluster, by `controller.quorum.voters`. A node that only
    /// knows `controller.quorum.bootstrap.servers` has none here and joins.
    pub voters: Vec<QuorumVoter>,
    /// `controller.quorum.bootstrap.servers`.
    pub bootstrap_servers: Vec<HostPort>,
    /// `klamm.version.max`: no higher feature level is supported.
    pub klamm_version_max: i32,
    /// `controller.quorum.auto.join.enable`: a controller that joins becomes a voter by itself.
    pub auto_join: bool,
    /// `controller.quorum.election.timeout.ms`.
    pub election_timeout_ms: i32,
    /// `controller.quorum.fetch.timeout.ms`.
    pub fetch_timeout_ms: i32,
    /// `controller.quorum.request.timeout.ms`.
    pub request_timeout_ms: i32,
    /// `controller.quorum.retry.backoff.ms`.
    pub retry_backoff_ms: i32,
    /// `broker.heartbeat.interval.ms`; at most half of the session timeout.
    pub broker_heartbeat_interval_ms: i32,
    /// `broker.session.timeout.ms`: a broker silent for so long is fenced.
    pub broker_session_timeout_ms: i32,
    /// `initial.broker.registration.timeout.ms`.
    pub initial_broker_registration_timeout_ms: i32,
    /// `metadata.log.max.record.bytes.between.snapshots`.
    pub snapshot_max_record_bytes: i64,
    /// `metadata.log.max.snapshot.interval.ms`; 0 never snapshots by time.
    pub snapshot_max_interval_ms: i64,
    /// `metadata.log.segment.bytes`.
    pub log_segment_bytes: i32,
}

impl QuorumSettings {
    /// Where to look for controllers: the voters, or else the bootstrap servers.
    pub fn endpoints(&self) -> Vec<HostPort> {
        if self.voters.is_empty() {
            return self.bootstrap_servers.clone();
        }
        self.voters
            .iter()
            .map(|voter| voter.endpoint.clone())
            .collect()
    }
}

/// Listeners, connections and sockets.
#[derive(Clone, Debug)]
pub struct NetworkSettings {
    /// Where clients and other brokers connect; empty without the broker role.
    pub broker_listeners: Vec<Listener>,
    /// What brokers register for others to connect to, one for some or all of
    /// `broker_listeners` by name. An empty host stands for the name of this machine.
    pub advertised_listeners: Vec<Listener>,
    /// The name of the listener that brokers use among themselves.
    pub inter_broker_listener_name: String,
    /// Where other nodes reach this controller; none without the controller role. An empty host or
    /// 0.0.0.0 stands for the name of this machine.
    pub advertised_controller_listener: Option<Listener>,
    /// Where the quorum listens; empty without the controller role.
    pub controller_listeners: Vec<Listener>,
    /// `controller.listener.names`, in capitals; at least one.
    pub controller_listener_names: Vec<String>,
    /// `socket.send.buffer.bytes`; −1 leaves it to the operating system.
    pub socket_send_buffer_bytes: i32,
    /// `socket.receive.buffer.bytes`; −1 leaves it to the operating system.
    pub socket_receive_buffer_bytes: i32,
    /// `socket.request.max.bytes`: the largest request.
    pub socket_request_max_bytes: i32,
    /// `socket.listen.backlog.size`.
    pub socket_listen_backlog_size: i32,
    /// `max.connections`.
    pub max_connections: i32,
    /// `max.connections.per.ip`.
    pub max_connections_per_ip: i32,
    /// `connections.max.idle.ms`; negative never closes idle connections.
    pub connections_max_idle_ms: i64,
    /// `queued.max.requests`.
    pub queued_max_requests: i32,
    /// `queued.max.request.bytes`; zero and below set no limit.
    pub queued_max_request_bytes: i64,
    /// `request.timeout.ms`.
    pub request_timeout_ms: i32,
    /// `fetch.max.bytes`: the most a fetch response holds.
    pub fetch_max_bytes: i32,
    /// `max.incremental.fetch.session.cache.slots`.
    pub fetch_session_cache_slots: i32,
    /// `max.request.partition.size.limit`.
    pub max_request_partition_size_limit: i32,
    /// `controlled.shutdown.enable`.
    pub controlled_shutdown_enable: bool,
}

/// Replication between brokers.
#[derive(Clone, Debug)]
pub struct ReplicationSettings {
    /// `replica.lag.time.max.ms`.
    pub lag_time_max_ms: i64,
    /// `replica.socket.timeout.ms`.
    pub socket_timeout_ms: i32,
    /// `replica.socket.receive.buffer.bytes`.
    pub socket_receive_buffer_bytes: i32,
    /// `replica.fetch.max.bytes`, of each partition.
    pub fetch_max_bytes: i32,
    /// `replica.fetch.wait.max.ms`.
    pub fetch_wait_max_ms: i32,
    /// `replica.fetch.backoff.ms`.
    pub fetch_backoff_ms: i32,
    /// `replica.fetch.min.bytes`.
    pub fetch_min_bytes: i32,
    /// `replica.fetch.response.max.bytes`, of a whole response.
    pub fetch_response_max_bytes: i32,
    /// `num.replica.fetchers`, for each leader broker.
    pub num_fetchers: i32,
    /// `replica.high.watermark.checkpoint.interval.ms`.
    pub high_watermark_checkpoint_interval_ms: i64,
    /// `auto.leader.rebalance.enable`.
    pub auto_leader_rebalance_enable: bool,
    /// `leader.imbalance.check.interval.seconds`.
    pub leader_imbalance_check_interval_seconds: i64,
    /// `unclean.leader.election.interval.ms`.
    pub unclean_leader_election_interval_ms: i64,
    /// `replica.selector.class`.
    pub selector: ReplicaSelector,
}

/// Which replica leaders send consumers to (`replica.selector.class`, KIP-392).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplicaSelector {
    /// The leader itself.
    Leader,
    /// One in the consumer's rack.
    RackAware,
}

impl ReplicaSelector {
    /// Kafka's classes by name.
    pub(crate) const CLASSES: [(&str, ReplicaSelector); 2] = [
        (
            "org.apache.kafka.common.replica.LeaderSelector",
            ReplicaSelector::Leader,
        ),
        (
            "org.apache.kafka.common.replica.RackAwareReplicaSelector",
            ReplicaSelector::RackAware,
        ),
    ];
}

/// Topics and logs, as far as it is not [`ServerConfig::topic_defaults`](crate::ServerConfig::topic_defaults).
#[derive(Clone, Debug)]
pub struct LogSettings {
    /// `num.partitions`, of topics created without a count.
    pub num_partitions: i32,
    /// `default.replication.factor`, of topics created without one.
    pub default_replication_factor: i16,
    /// `auto.create.topics.enable`.
    pub auto_create_topics_enable: bool,
    /// `delete.topic.enable`.
    pub delete_topic_enable: bool,
    /// `num.recovery.threads.per.data.dir`.
    pub num_recovery_threads_per_data_dir: i32,
    /// `klamm.log.dirs.free.bytes.min`: below so many free bytes, a log directory takes no
    /// records; negative: a part of the disk.
    pub dirs_free_bytes_min: i64,
    /// `log.retention.check.interval.ms`.
    pub retention_check_interval_ms: i64,
    /// `log.flush.scheduler.interval.ms`.
    pub flush_scheduler_interval_ms: i64,
    /// `log.flush.offset.checkpoint.interval.ms`.
    pub flush_offset_checkpoint_interval_ms: i32,
    /// `log.flush.start.offset.checkpoint.interval.ms`.
    pub flush_start_offset_checkpoint_interval_ms: i32,
    /// `log.dir.failure.timeout.ms`.
    pub dir_failure_timeout_ms: i64,
    /// `klamm.log.scrub.bytes.per.second`; 0: logs are not read to find damage.
    pub scrub_bytes_per_second: u64,
    /// `log.initial.task.delay.ms`.
    pub initial_task_delay_ms: i64,
    /// `log.cleaner.enable`.
    pub cleaner_enable: bool,
    /// `log.cleaner.threads`.
    pub cleaner_threads: i32,
    /// `log.cleaner.backoff.ms`.
    pub cleaner_backoff_ms: i64,
    /// `log.cleaner.dedupe.buffer.size`, in bytes, of all threads together.
    pub cleaner_dedupe_buffer_bytes: i64,
    /// `log.cleaner.io.buffer.size`, in bytes, of all threads together.
    pub cleaner_io_buffer_bytes: i32,
    /// `log.cleaner.io.buffer.load.factor`.
    pub cleaner_io_buffer_load_factor: f64,
    /// `log.cleaner.io.max.bytes.per.second`, of all threads together.
    pub cleaner_io_max_bytes_per_second: f64,
}

/// Consumer groups and the offsets topic.
#[derive(Clone, Debug)]
pub struct GroupSettings {
    /// `group.min.session.timeout.ms`.
    pub min_session_timeout_ms: i32,
    /// `group.max.session.timeout.ms`.
    pub max_session_timeout_ms: i32,
    /// `group.initial.rebalance.delay.ms`.
    pub initial_rebalance_delay_ms: i32,
    /// `group.max.size`.
    pub max_size: i32,
    /// `offset.metadata.max.bytes`.
    pub offset_metadata_max_bytes: i32,
    /// `offsets.topic.num.partitions`.
    pub offsets_topic_num_partitions: i32,
    /// `offsets.topic.replication.factor`.
    pub offsets_topic_replication_factor: i16,
    /// `offsets.topic.segment.bytes`.
    pub offsets_topic_segment_bytes: i32,
    /// `offsets.commit.timeout.ms`.
    pub offsets_commit_timeout_ms: i32,
    /// `offsets.load.buffer.size`, in bytes.
    pub offsets_load_buffer_bytes: i32,
    /// `offsets.retention.minutes`.
    pub offsets_retention_minutes: i32,
    /// `offsets.retention.check.interval.ms`.
    pub offsets_retention_check_interval_ms: i64,
}

/// Producer ids and the transaction topic.
#[derive(Clone, Debug)]
pub struct TransactionSettings {
    /// `producer.id.expiration.ms`.
    pub producer_id_expiration_ms: i32,
    /// `producer.id.expiration.check.interval.ms`.
    pub producer_id_expiration_check_interval_ms: i32,
    /// `transactional.id.expiration.ms`.
    pub transactional_id_expiration_ms: i32,
    /// `transaction.max.timeout.ms`.
    pub max_timeout_ms: i32,
    /// `transaction.state.log.num.partitions`.
    pub state_log_num_partitions: i32,
    /// `transaction.state.log.replication.factor`.
    pub state_log_replication_factor: i16,
    /// `transaction.state.log.min.isr`.
    pub state_log_min_isr: i32,
    /// `transaction.state.log.segment.bytes`.
    pub state_log_segment_bytes: i32,
}
