//! All replicas on this broker, kept in step with the metadata.

mod close;
mod configs;
mod create;
mod departures;
mod moves;
mod upkeep;

pub(crate) use departures::finish_departures;

use crate::{
    clock::now_ms,
    deleted_folders::DeletedFolders,
    groups::Groups,
    log_dirs::{FoundLogs, LogDir, LogDirError, LogDirs},
    partition::{Leadership, Partition, PartitionEnv, RoleKind},
    replica_moves::ReplicaMoves,
    replication::{Fetchers, ReplicationThrottles},
};
use arc_swap::ArcSwap;
use departures::Departures;
use klamm_config::{ServerConfig, TopicConfig};
use klamm_metadata::{Delta, Image, Partition as PartitionMetadata, RecoveryState, Topic};
use klamm_replica::{PartitionState, committed_floor};
use klamm_types::{BrokerEpoch, BrokerId, TopicPartition, Uuid};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::Path,
    sync::{Arc, Mutex, OnceLock, PoisonError, RwLock},
    thread,
    time::Duration,
};
use tracing::{error, info, warn};

/// Between two attempts to open the logs on a full disk.
const ROOM_PAUSE: Duration = Duration::from_millis(250);

/// The topic of the groups.
pub(crate) const OFFSETS_TOPIC: &str = "__consumer_offsets";

/// The replicas of this broker.
pub(crate) struct Partitions {
    me: BrokerId,
    config: Arc<ServerConfig>,
    env: PartitionEnv,
    dirs: Arc<LogDirs>,
    fetchers: Fetchers,
    groups: OnceLock<Arc<Groups>>,
    deleted: Arc<DeletedFolders>,
    moves: ReplicaMoves,
    /// Where replicas are to be made that are not here yet, by topic and index.
    preferred: Mutex<BTreeMap<(String, i32), Arc<LogDir>>>,
    /// The settings of topics without their own, as the metadata has them.
    topic_defaults: Arc<ArcSwap<TopicConfig>>,
    replicas: RwLock<HashMap<TopicPartition, Arc<Partition>>>,
    /// All of `replicas`, once anybody has asked for them. Goes when they change.
    list: Mutex<Option<Arc<[Arc<Partition>]>>>,
    /// Replicas that are to be made as soon as nothing else waits.
    arriving: Mutex<BTreeSet<TopicPartition>>,
    /// Replicas whose logs could not be made for want of room.
    uncreated: Mutex<BTreeSet<TopicPartition>>,
    departures: Departures,
    /// Held while the replicas follow the metadata.
    applying: Mutex<()>,
    /// Logs found at the start that no metadata has claimed yet.
    found: Mutex<FoundLogs>,
    /// Replicas whose log is in a directory that is offline, where it is not open.
    offline: Mutex<BTreeSet<TopicPartition>>,
}

impl Partitions {
    /// Takes over the logs of the log directories.
    ///
    /// # Errors
    /// A log directory cannot be read, or a log in it cannot be recovered.
    pub(crate) fn open(
        config: Arc<ServerConfig>,
        env: PartitionEnv,
        fetchers: Fetchers,
    ) -> Result<Partitions, LogDirError> {
        let dirs = Arc::clone(&env.dirs);
        let mut found = open_logs(&dirs, &config)?;
        let deleted = Arc::new(DeletedFolders::default());
        for folder in found.take_doomed() {
            deleted.push(folder, 0);
        }
        let defaults = config.topic_defaults.clone();
        let topic_defaults = Arc::new(ArcSwap::from_pointee(defaults));
        let (waiting, folders_of) = (Arc::clone(&deleted), Arc::clone(&dirs));
        let settings = Arc::clone(&topic_defaults);
        let delete = move |folder: &Path, log_dir: &LogDir| {
            let delay_ms = settings.load().file_delete_delay_ms;
            moves::doom(&folders_of, &waiting, delay_ms, folder, log_dir);
        };
        let throttles = Arc::clone(&env.throttles);
        let moves = ReplicaMoves::new(env.assignments.clone(), throttles, delete);
        Ok(Partitions {
            me: config.node_id,
            topic_defaults,
            config,
            env,
            dirs,
            fetchers,
            groups: OnceLock::new(),
            deleted,
            moves,
            preferred: Mutex::default(),
            replicas: RwLock::default(),
            list: Mutex::default(),
            arriving: Mutex::default(),
            uncreated: Mutex::default(),
            departures: Departures::default(),
            applying: Mutex::default(),
            found: Mutex::new(found),
            offline: Mutex::default(),
        })
    }

    /// Who hears of leadership of the offsets topic. Set once, before the first metadata.
    pub(crate) fn set_groups(&self, groups: Arc<Groups>) {
        let _ = self.groups.set(groups);
    }

    /// Notes which cluster the log directories belong to from now on.
    ///
    /// # Errors
    /// They belong to another one, or the disk failed.
    pub(crate) fn belong_to(&self, cluster_id: &str) -> Result<(), LogDirError> {
        self.dirs.belong_to(cluster_id)
    }

    /// A replica of this broker.
    pub(crate) fn get(&self, id: TopicPartition) -> Option<Arc<Partition>> {
        self.read_replicas().get(&id).cloned()
    }

    /// Whether a replica cannot be served because its log directory is offline.
    pub(crate) fn is_offline(&self, id: TopicPartition) -> bool {
        lock(&self.offline).contains(&id)
    }

    /// Stops everything in the directories that have failed.
    pub(crate) fn on_log_dir_failure(&self) {
        if let Some(reason) = self.dirs.fatal_failure() {
            self.env.flush_queue.report_failure(reason);
        }
        for partition in self.all() {
            self.stop_if_offline(&partition);
        }
    }

    /// Stops a replica whose log directory has failed, if it has not stopped yet.
    fn stop_if_offline(&self, partition: &Partition) {
        if partition.check_online().is_ok() || partition.role() == RoleKind::None {
            return;
        }
        self.fetchers.unfollow(partition.id);
        partition.go_offline();
        if &*partition.topic == OFFSETS_TOPIC {
            self.tell_groups(|groups| groups.on_resign(partition.id.partition));
        }
    }

    /// Has the controller told where a replica lives, unless it knows or has no need to.
    fn tell_directory(&self, partition: &Partition, metadata: &PartitionMetadata) {
        let known = metadata.directory(self.me).unwrap_or(Uuid::ZERO);
        let actual = partition.place().seat().log_dir().id();
        if self.moves.on_assigned(partition.id, known) {
            return;
        }
        let has_choice = !known.is_zero() || self.dirs.all().len() > 1;
        if known != actual && has_choice {
            self.env.assignments.tell(partition.id, actual);
        }
    }

    /// The log directories.
    pub(crate) fn log_dirs(&self) -> &Arc<LogDirs> {
        &self.dirs
    }

    /// How fast replicas are copied.
    pub(crate) fn throttles(&self) -> &ReplicationThrottles {
        &self.env.throttles
    }

    /// Every replica of this broker.
    pub(crate) fn all(&self) -> Vec<Arc<Partition>> {
        self.read_replicas().values().cloned().collect()
    }

    /// The same, shared with those who ask again before anything changes: whoever walks over tens
    /// of thousands every second is not to count references to each.
    pub(crate) fn list(&self) -> Arc<[Arc<Partition>]> {
        let replicas = self.read_replicas();
        let mut list = lock(&self.list);
        let list = list.get_or_insert_with(|| replicas.values().cloned().collect());
        Arc::clone(list)
    }

    /// Follows a change of the metadata to `image`. Replicas that are not here yet are left to
    /// [`Partitions::create_arriving`].
    pub(crate) fn apply(&self, delta: &Delta, image: &Image) {
        let _applying = lock(&self.applying);
        let removed: Vec<(Uuid, Arc<str>)> = delta
            .removed_topics
            .iter()
            .map(|(id, name)| (*id, Arc::clone(name)))
            .collect();
        for (topic_id, _) in &removed {
            self.remove_topic(*topic_id);
        }
        if let (Some(groups), false) = (self.groups.get(), removed.is_empty()) {
            groups.on_topics_deleted(&removed);
        }
        // Roles and ISRs change with the settings that hold for them: a leader that has been deposed
        // must not commit by a lower minimum before it knows, nor one go by a smaller ISR before
        // it has heard of a higher minimum.
        let configured = self.apply_configs(delta, image);
        // A replica that exists may take over for a leader that is gone; new ones take the disk's
        // time and come after.
        let (known, new): (Vec<TopicPartition>, Vec<_>) =
            (delta.changed_partitions.iter().copied()).partition(|id| self.get(*id).is_some());
        lock(&self.arriving).extend(new);
        for id in known {
            self.apply_one(id, image);
        }
        for partition in configured {
            partition.adopt_min_isr(now_ms());
        }
        if !delta.changed_brokers.is_empty() {
            self.apply_brokers(delta, image);
        }
    }

    /// Follows the metadata of one partition, if there still is one.
    fn apply_one(&self, id: TopicPartition, image: &Image) {
        if let (Some(topic), Some(partition)) = (image.topic(id.topic_id), image.partition(id)) {
            self.apply_partition(id, topic, partition, image);
        }
    }

    fn apply_partition(
        &self,
        id: TopicPartition,
        topic: &Topic,
        metadata: &PartitionMetadata,
        image: &Image,
    ) {
        if !metadata.is_replica(self.me) {
            self.remove(id);
            return;
        }
        let Some(partition) = self.get_or_create(id, topic, image) else {
            return;
        };
        self.tell_directory(&partition, metadata);
        if partition.check_online().is_err() {
            return;
        }
        self.change_role(&partition, topic, metadata);
        // Its directory may have failed meanwhile.
        self.stop_if_offline(&partition);
    }

    /// Leads or follows, as the metadata says.
    fn change_role(&self, partition: &Arc<Partition>, topic: &Topic, metadata: &PartitionMetadata) {
        let id = partition.id;
        let is_offsets = &*topic.name == OFFSETS_TOPIC;
        if metadata.leader == self.me {
            self.fetchers.unfollow(id);
            let floor = committed_floor(
                metadata.high_watermark_floor,
                partition.recorded_high_watermark(),
                metadata.recovery_state == RecoveryState::Recovering,
            );
            let led = partition.lead(&state(metadata), floor, now_ms());
            match led {
                Leadership::Begins(epoch) if is_offsets => self.tell_groups(|groups| {
                    groups.on_leader(id.partition, epoch, Arc::clone(partition));
                }),
                Leadership::Begins(_) | Leadership::GoesOn => {}
                Leadership::Refused => {
                    self.env.damage_reports.report(id);
                    error!(topic = %topic.name, partition = id.partition,
                    log_end_offset = partition.log_end_offset(), committed = floor,
                    "not leading: the log has lost acknowledged records; restore it, or wait for \
                     another replica that has them");
                }
            }
            let log_end_offset = partition.log_end_offset();
            if matches!(led, Leadership::Begins(_)) && log_end_offset < floor {
                error!(topic = %topic.name, partition = id.partition,
                    first_offset = log_end_offset, next_offset = floor,
                    "the only replica has lost these offsets");
            }
            return;
        }
        if partition.follow(metadata.leader, metadata.leader_epoch) && is_offsets {
            self.tell_groups(|groups| groups.on_resign(id.partition));
        }
        if metadata.has_leader() {
            self.fetchers
                .follow(partition, metadata.leader, metadata.leader_epoch);
        } else {
            self.fetchers.unfollow(id);
        }
    }

    fn apply_brokers(&self, delta: &Delta, image: &Image) {
        let now_ms = now_ms();
        let eligible = |id: BrokerId, epoch: BrokerEpoch| is_eligible(image, id, epoch);
        for partition in self.all() {
            partition.on_brokers_change(eligible, now_ms);
        }
        for id in &delta.changed_brokers {
            let registered = |image: &Image| image.broker(*id).map(|broker| broker.epoch);
            if registered(&delta.before) != registered(image) {
                self.fetchers.reconnect(*id);
            }
        }
    }

    fn remove_topic(&self, topic_id: Uuid) {
        lock(&self.offline).retain(|id| id.topic_id != topic_id);
        let ids: Vec<TopicPartition> = self
            .read_replicas()
            .keys()
            .filter(|id| id.topic_id == topic_id)
            .copied()
            .collect();
        for id in ids {
            self.remove(id);
        }
    }

    /// Removes a replica. Its log follows when its disk lets it: those that lead or follow from now
    /// on wait to be told.
    fn remove(&self, id: TopicPartition) {
        self.fetchers.unfollow(id);
        self.moves.cancel(id);
        lock(&self.offline).remove(&id);
        let removed = self.write_replicas().remove(&id);
        let Some(partition) = removed else {
            return;
        };
        if &*partition.topic == OFFSETS_TOPIC {
            self.tell_groups(|groups| groups.on_resign(id.partition));
        }
        partition.remove();
        info!(topic = %partition.topic, partition = id.partition, "removing a replica");
        self.departures.add(partition);
    }

    fn tell_groups(&self, tell: impl FnOnce(&Groups)) {
        if let Some(groups) = self.groups.get() {
            tell(groups);
        }
    }

    fn write_replicas(
        &self,
    ) -> std::sync::RwLockWriteGuard<'_, HashMap<TopicPartition, Arc<Partition>>> {
        let replicas = self
            .replicas
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        *lock(&self.list) = None;
        replicas
    }

    fn read_replicas(
        &self,
    ) -> std::sync::RwLockReadGuard<'_, HashMap<TopicPartition, Arc<Partition>>> {
        self.replicas.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Opens every log, as soon as the disks have the little room that recovering may need.
fn open_logs(dirs: &LogDirs, config: &ServerConfig) -> Result<FoundLogs, LogDirError> {
    let mut is_told = false;
    loop {
        dirs.look_at_space(config.log.dirs_free_bytes_min);
        match dirs.open_logs(&config.topic_defaults) {
            Err(error) if error.is_storage_full() => {
                if !std::mem::replace(&mut is_told, true) {
                    warn!(%error, "the start waits for room on the disk");
                }
                thread::sleep(ROOM_PAUSE);
            }
            opened => return opened,
        }
    }
}

/// Whether a broker may join an ISR under this registration (rule 75).
pub(crate) fn is_eligible(image: &Image, id: BrokerId, epoch: BrokerEpoch) -> bool {
    image
        .broker(id)
        .is_some_and(|broker| broker.is_active() && (epoch.is_none() || broker.epoch == epoch))
}

fn state(metadata: &PartitionMetadata) -> PartitionState {
    PartitionState {
        leader_epoch: metadata.leader_epoch,
        partition_epoch: metadata.partition_epoch,
        replicas: metadata.replicas.clone(),
        isr: metadata.isr.iter().copied().collect(),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
