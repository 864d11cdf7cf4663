//! A running broker: puts the parts together, starts and stops them in order.

use crate::{
    auto_topics::AutoTopics,
    cleaner::Cleaner,
    context::{Context, Identity},
    control::{
        DirectoryAssignments, Heartbeats, Lifecycle, Registration, RegistrationError,
        follow_metadata, register, report_floors,
    },
    damage::{DamageReports, Healer, Scrubber},
    fetch_session::FetchSessions,
    flusher::Flusher,
    groups::Groups,
    housekeeping,
    listeners::{advertised, bind, local_addresses},
    log_dirs::{LogDirError, LogDirs},
    metadata::MetadataCache,
    metadata_changes::apply_changes,
    net::BindError,
    partition::PartitionEnv,
    partitions::{Partitions, finish_departures},
    producer_ids::ProducerIds,
    recovery_backlog::RecoveryBacklog,
    replication::{Fetchers, IsrUpdates, ReplicationThrottles, Resignations, Suspects},
};
use klamm_config::ServerConfig;
use klamm_metadata::feature_level::LevelRange;
use klamm_rpc::{ControllerClient, ControllerEndpoint};
use klamm_types::{BrokerId, ErrorCode, Uuid};
use std::{io, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    sync::{mpsc, watch},
    task::{JoinError, JoinSet, spawn_blocking},
    time::timeout,
};
use tracing::{error, info, warn};

/// Metadata changes that may wait for the partitions to follow.
const CHANGES_QUEUED_MAX: usize = 256;

/// How long a broker that stops waits for its partitions to be led elsewhere.
const SHUTDOWN_PATIENCE: Duration = Duration::from_secs(5);

/// Why a broker could not start.
#[derive(Debug, thiserror::Error)]
pub enum BrokerError {
    /// A listener cannot be opened.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// A log directory cannot be used.
    #[error(transparent)]
    LogDir(#[from] LogDirError),
    /// The controller does not take the broker in.
    #[error(transparent)]
    Registration(#[from] RegistrationError),
    /// The data folder and the configuration name different clusters.
    #[error("the data folder belongs to cluster {found}, but CLUSTER_ID is {expected}")]
    Cluster {
        /// Of the folder.
        found: String,
        /// Configured.
        expected: String,
    },
    /// The operating system has no threads, random numbers or addresses to give.
    #[error("{action}: {source}")]
    System {
        /// What was tried.
        action: &'static str,
        /// The system's reason.
        source: io::Error,
    },
    /// Another registration has taken this broker's place.
    #[error("the controller has given this broker up: {0}")]
    Replaced(ErrorCode),
}

/// A running broker. Dropping it stops everything at once, like a crash.
pub struct Broker {
    context: Arc<Context>,
    dirs_id: BrokerId,
    addresses: Vec<(String, SocketAddr)>,
    flusher: Option<Flusher>,
    cleaner: Option<Cleaner>,
    tasks: JoinSet<()>,
    wants_shutdown: watch::Sender<bool>,
    lifecycle: watch::Receiver<Lifecycle>,
    failure: watch::Receiver<Option<String>>,
}

impl Broker {
    /// Starts a broker and waits until it serves clients.
    ///
    /// `cluster_id` is the configured one, if any; a data folder of another cluster is refused.
    /// `metadata_dir_id` is the id under which the quorum knows the directory of the metadata log,
    /// where a controller has it.
    ///
    /// # Errors
    /// See [`BrokerError`]. Addresses and folders are checked first, so a typing error shows at
    /// once.
    pub async fn start(
        config: ServerConfig,
        cluster_id: Option<String>,
        metadata_dir_id: Option<Uuid>,
    ) -> Result<Broker, BrokerError> {
        let config = Arc::new(config);
        let acceptors = bind(&config.network).await?;
        let addresses = local_addresses(&acceptors).map_err(system("find a listener's address"))?;
        let dirs = LogDirs::open(
            config.node_id,
            &config.log_dirs,
            &config.metadata_log_dir,
            metadata_dir_id,
        )?;
        let cluster_id = one_cluster(dirs.cluster_id(), cluster_id)?;
        let registration = Registration {
            id: config.node_id,
            cluster_id: cluster_id.unwrap_or_default(),
            incarnation_id: random_id()?,
            listeners: advertised(&config.network, &addresses),
            rack: config.rack.clone(),
            log_dirs: dirs.ids(),
            has_offline_log_dirs: dirs.has_failed(),
            previous_epoch: dirs.previous_epoch(),
            levels: levels(&config),
        };
        let flusher = Flusher::start().map_err(system("start flusher threads"))?;
        let dirs = Arc::new(dirs);
        let isr_updates = IsrUpdates::default();
        let damage_reports = DamageReports::default();
        let assignments = DirectoryAssignments::default();
        let resignations = Resignations::default();
        let failure = flusher.queue().failure();
        let env = PartitionEnv {
            recovery_backlog: RecoveryBacklog::default(),
            me: config.node_id,
            flush_queue: flusher.queue(),
            isr_updates: isr_updates.clone(),
            damage_reports: damage_reports.clone(),
            lag_time_max_ms: config.replication.lag_time_max_ms,
            dirs: Arc::clone(&dirs),
            assignments: assignments.clone(),
            throttles: Arc::new(ReplicationThrottles::default()),
            resignations: resignations.clone(),
        };
        let context = open(Arc::clone(&config), env).await?;
        let (wants_shutdown, shutdown_wanted) = watch::channel(false);
        let (lifecycle_told, lifecycle) = watch::channel(Lifecycle::default());
        let mut broker = Broker {
            context,
            dirs_id: config.node_id,
            addresses,
            flusher: Some(flusher),
            cleaner: None,
            tasks: JoinSet::new(),
            wants_shutdown,
            lifecycle,
            failure,
        };
        broker
            .join_cluster(&registration, shutdown_wanted, lifecycle_told)
            .await?;
        broker.start_housekeeping(isr_updates, damage_reports);
        broker.tasks.spawn(assignments.run(
            Arc::clone(&broker.context.identity),
            broker.context.controller.clone(),
        ));
        broker.tasks.spawn(resignations.run(
            Arc::clone(&broker.context.identity),
            broker.context.controller.clone(),
            Arc::clone(&broker.context.metadata),
        ));
        let partitions = Arc::clone(&broker.context.partitions);
        let cleaner = Cleaner::start(&broker.context.config.log, partitions);
        broker.cleaner = Some(cleaner.map_err(system("start cleaner threads"))?);
        for acceptor in acceptors {
            broker
                .tasks
                .spawn(acceptor.run(Arc::clone(&broker.context)));
        }
        info!(broker = %broker.dirs_id, "serving clients");
        Ok(broker)
    }

    /// The listeners' names and the addresses they are bound to.
    pub fn addresses(&self) -> &[(String, SocketAddr)] {
        &self.addresses
    }

    /// The cluster's id.
    pub fn cluster_id(&self) -> &str {
        self.context.identity.cluster_id()
    }

    /// Resolves when the broker cannot go on, with the reason.
    pub async fn failed(&self) -> String {
        let mut failure = self.failure.clone();
        match failure.wait_for(Option::is_some).await {
            Ok(reason) => reason.clone().unwrap_or_default(),
            Err(_) => "the flusher is gone".to_owned(),
        }
    }

    /// Hands leadership over, closes connections and logs, and notes that all is in order.
    pub async fn stop(mut self) {
        if self.context.config.network.controlled_shutdown_enable {
            self.wants_shutdown.send_replace(true);
            let handed_over = self.lifecycle.wait_for(|told| told.may_shut_down);
            if timeout(SHUTDOWN_PATIENCE, handed_over).await.is_err() {
                warn!("the controller did not take leadership over in time: stopping all the same");
            }
        }
        self.tasks.shutdown().await;
        self.context.groups.stop();
        let context = Arc::clone(&self.context);
        let (flusher, cleaner) = (self.flusher.take(), self.cleaner.take());
        let closing = spawn_blocking(move || {
            if let Some(cleaner) = cleaner {
                cleaner.stop();
            }
            context.partitions.close(context.identity.epoch());
            if let Some(flusher) = flusher {
                flusher.stop();
            }
        });
        if let Err(error) = closing.await {
            error!(%error, "closing the logs failed");
        }
        info!(broker = %self.dirs_id, "stopped");
    }

    /// Registers, follows the metadata and waits until the controller lets the broker serve.
    async fn join_cluster(
        &mut self,
        registration: &Registration,
        shutdown_wanted: watch::Receiver<bool>,
        lifecycle: watch::Sender<Lifecycle>,
    ) -> Result<(), BrokerError> {
        let context = Arc::clone(&self.context);
        self.tasks
            .spawn(watch_log_dirs(Arc::clone(&context.partitions)));
        let (changes, queue) = mpsc::channel(CHANGES_QUEUED_MAX);
        let metadata_end = watch::Sender::new(0);
        let following = follow_metadata(
            Arc::clone(&context.identity),
            context.controller.clone(),
            changes,
            levels(&context.config),
            metadata_end.subscribe(),
        );
        let failure = self.flusher.as_ref().map(Flusher::queue);
        self.tasks.spawn(async move {
            if let (Err(reason), Some(failure)) = (following.await, failure) {
                failure.report_failure(reason.to_string());
            }
        });
        let patience = millis(i64::from(
            context.config.quorum.initial_broker_registration_timeout_ms,
        ));
        let (cluster_id, epoch) = register(&context.controller, registration, patience).await?;
        context.partitions.belong_to(&cluster_id)?;
        context.identity.registered(cluster_id, epoch);
        self.tasks
            .spawn(apply_changes(Arc::clone(&context), epoch, queue));
        self.tasks
            .spawn(finish_departures(Arc::clone(&context.partitions)));
        let heartbeats = Heartbeats {
            identity: Arc::clone(&context.identity),
            incarnation_id: registration.incarnation_id,
            metadata: Arc::clone(&context.metadata),
            controller: context.controller.clone(),
            log_dirs: Arc::clone(context.partitions.log_dirs()),
            interval: millis(i64::from(
                context.config.quorum.broker_heartbeat_interval_ms,
            )),
            wants_shutdown: shutdown_wanted,
            lifecycle,
            metadata_end,
        };
        let failure = self.flusher.as_ref().map(Flusher::queue);
        let (given_up, mut giving_up) = watch::channel(None);
        self.tasks.spawn(async move {
            let reason = heartbeats.run().await;
            given_up.send_replace(Some(reason));
            if let Some(failure) = failure {
                failure.report_failure(BrokerError::Replaced(reason).to_string());
            }
        });
        tokio::select! {
            _ = self.lifecycle.wait_for(|told| told.is_unfenced) => Ok(()),
            given_up = giving_up.wait_for(Option::is_some) => {
                let reason = given_up.ok().and_then(|reason| *reason);
                Err(BrokerError::Replaced(reason.unwrap_or(ErrorCode::UnknownServerError)))
            }
        }
    }

    fn start_housekeeping(&mut self, isr_updates: IsrUpdates, damage_reports: DamageReports) {
        let context = &self.context;
        let healer = Healer {
            identity: Arc::clone(&context.identity),
            controller: context.controller.clone(),
            metadata: Arc::clone(&context.metadata),
            partitions: Arc::clone(&context.partitions),
            config: Arc::clone(&context.config),
            reports: damage_reports.clone(),
        };
        self.tasks.spawn(healer.run());
        let scrubber = Scrubber {
            partitions: Arc::clone(&context.partitions),
            reports: damage_reports,
            bytes_per_second: context.config.log.scrub_bytes_per_second,
        };
        if scrubber.bytes_per_second > 0 {
            self.tasks.spawn(scrubber.run());
        }
        self.tasks.spawn(isr_updates.run(
            Arc::clone(&context.identity),
            context.controller.clone(),
            Arc::clone(&context.partitions),
        ));
        self.tasks.spawn(report_floors(
            Arc::clone(&context.identity),
            context.controller.clone(),
            Arc::clone(&context.metadata),
            Arc::clone(&context.partitions),
        ));
        housekeeping::start(&mut self.tasks, context);
    }
}

/// Opens the logs and makes the parts that handlers work with.
async fn open(config: Arc<ServerConfig>, env: PartitionEnv) -> Result<Arc<Context>, BrokerError> {
    let identity = Arc::new(Identity::new(config.node_id));
    let metadata = Arc::new(MetadataCache::new());
    let controller = ControllerClient::new(controller_endpoints(&config));
    let suspects = Arc::new(Suspects::default());
    let fetchers = Fetchers::new(
        Arc::clone(&identity),
        Arc::clone(&metadata),
        Arc::clone(&config),
        Arc::clone(&suspects),
        Arc::clone(&env.throttles),
        Arc::clone(&env.dirs),
        tokio::runtime::Handle::current(),
    );
    let opening = Arc::clone(&config);
    let partitions = spawn_blocking(move || Partitions::open(opening, env, fetchers))
        .await
        .map_err(panicked("open the logs"))??;
    let groups = Groups::new(&config, Arc::clone(&metadata));
    partitions.set_groups(Arc::clone(&groups));
    let slots = usize::try_from(config.network.fetch_session_cache_slots).unwrap_or(0);
    Ok(Arc::new(Context {
        fetch_sessions: FetchSessions::new(slots),
        producer_ids: ProducerIds::new(controller.clone(), Arc::clone(&identity)),
        auto_topics: Arc::new(AutoTopics::new(
            Arc::clone(&config),
            controller.clone(),
            Arc::clone(&metadata),
        )),
        partitions: Arc::new(partitions),
        config,
        identity,
        metadata,
        suspects,
        controller,
        groups,
    }))
}

/// Stops what lives in a log directory when it fails.
async fn watch_log_dirs(partitions: Arc<Partitions>) {
    let mut failures = partitions.log_dirs().failures();
    // One may have failed while the logs were opened.
    failures.mark_changed();
    while failures.changed().await.is_ok() {
        let partitions = Arc::clone(&partitions);
        let stopping = spawn_blocking(move || partitions.on_log_dir_failure());
        if let Err(error) = stopping.await {
            error!(%error, "stopping the replicas of a failed log directory has failed");
        }
    }
}

/// The feature levels that this broker supports.
pub(crate) fn levels(config: &ServerConfig) -> LevelRange {
    LevelRange::SUPPORTED.up_to(config.quorum.klamm_version_max)
}

fn controller_endpoints(config: &ServerConfig) -> Vec<ControllerEndpoint> {
    if config.quorum.voters.is_empty() {
        let unknown = config.quorum.bootstrap_servers.iter();
        return unknown
            .map(|endpoint| ControllerEndpoint {
                id: BrokerId::NONE,
                host: endpoint.host.clone(),
                port: endpoint.port,
            })
            .collect();
    }
    let voters = config.quorum.voters.iter();
    voters
        .map(|voter| ControllerEndpoint {
            id: voter.node_id,
            host: voter.endpoint.host.clone(),
            port: voter.endpoint.port,
        })
        .collect()
}

fn one_cluster(
    found: Option<&str>,
    configured: Option<String>,
) -> Result<Option<String>, BrokerError> {
    match (found, configured) {
        (Some(found), Some(expected)) if found != expected => Err(BrokerError::Cluster {
            found: found.to_owned(),
            expected,
        }),
        (Some(found), _) => Ok(Some(found.to_owned())),
        (None, configured) => Ok(configured),
    }
}

fn random_id() -> Result<Uuid, BrokerError> {
    Uuid::random()
        .map_err(|error| io::Error::other(error.to_string()))
        .map_err(system("draw an incarnation id"))
}

fn system(action: &'static str) -> impl FnOnce(io::Error) -> BrokerError {
    move |source| BrokerError::System { action, source }
}

fn panicked(action: &'static str) -> impl FnOnce(JoinError) -> BrokerError {
    move |error| system(action)(io::Error::other(error.to_string()))
}

fn millis(ms: i64) -> Duration {
    Duration::from_millis(u64::try_from(ms).unwrap_or(0))
}
