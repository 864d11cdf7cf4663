//! All replicas on this broker, kept in step with the metadata.

mod moves;

use crate::{
    clock::now_ms,
    deleted_folders::DeletedFolders,
    dynamic_configs::{changed_topic_defaults, dynamic_configs},
    groups::Groups,
    log_dirs::{FoundLog, FoundLogs, LogDir, LogDirError, LogDirs, SpaceReport},
    partition::{Leadership, Partition, PartitionEnv, RoleKind},
    replica_moves::ReplicaMoves,
    replication::{Fetchers, ReplicationThrottles},
    segment_jitter::jittered_log_config,
};
use arc_swap::ArcSwap;
use klamm_config::{ServerConfig, TopicConfig};
use klamm_metadata::{
    ConfigResource, Delta, Image, Partition as PartitionMetadata, RecoveryState, Topic,
};
use klamm_replica::PartitionState;
use klamm_storage::CheckpointKind;
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

/// Logs that are closed at the same time.
const CLOSE_THREADS: usize = 8;

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
    topic_defaults: ArcSwap<TopicConfig>,
    replicas: RwLock<HashMap<TopicPartition, Arc<Partition>>>,
    /// Replicas whose logs could not be made for want of room.
    uncreated: Mutex<BTreeSet<TopicPartition>>,
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
        let delay_ms = config.topic_defaults.file_delete_delay_ms;
        let (waiting, folders_of) = (Arc::clone(&deleted), Arc::clone(&dirs));
        let delete = move |folder: &Path, log_dir: &LogDir| {
            moves::doom(&folders_of, &waiting, delay_ms, folder, log_dir);
        };
        let throttles = Arc::clone(&env.throttles);
        let moves = ReplicaMoves::new(env.assignments.clone(), throttles, delete);
        Ok(Partitions {
            me: config.node_id,
            topic_defaults: ArcSwap::from_pointee(config.topic_defaults.clone()),
            config,
            env,
            dirs,
            fetchers,
            groups: OnceLock::new(),
            deleted,
            moves,
            preferred: Mutex::default(),
            replicas: RwLock::default(),
            uncreated: Mutex::default(),
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

    /// Follows a change of the metadata to `image`.
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
        self.apply_configs(delta, image);
        // A replica that exists may take over for a leader that is gone; new ones take the disk's
        // time and come after.
        let (known, new): (Vec<&TopicPartition>, Vec<_>) = delta
            .changed_partitions
            .iter()
            .partition(|id| self.get(**id).is_some());
        for id in known.into_iter().chain(new) {
            if let (Some(topic), Some(partition)) = (image.topic(id.topic_id), image.partition(*id))
            {
                self.apply_partition(*id, topic, partition, image);
            }
        }
        if !delta.changed_brokers.is_empty() {
            self.apply_brokers(delta, image);
        }
    }

    /// Tries again to make the logs of replicas that there was no room for. `image` is the latest
    /// that the broker knows.
    pub(crate) fn create_missing(&self, image: impl FnOnce() -> Arc<Image>) {
        let _applying = lock(&self.applying);
        let missing = std::mem::take(&mut *lock(&self.uncreated));
        if missing.is_empty() {
            return;
        }
        let image = image();
        for id in missing {
            if let (Some(topic), Some(partition)) = (image.topic(id.topic_id), image.partition(id))
            {
                self.apply_partition(id, topic, partition, &image);
            }
        }
    }

    /// Looks at the free space of the log directories.
    pub(crate) fn look_at_space(&self) -> SpaceReport {
        self.dirs.look_at_space(self.config.log.dirs_free_bytes_min)
    }

    /// Sets aside the logs that no metadata claims: of topics that were deleted, or replicas that
    /// were moved, while this broker was down. Called once the metadata is known to be current.
    pub(crate) fn set_strays_aside(&self) {
        let (strays, copies) = lock(&self.found).take_rest();
        for (id, found) in strays {
            warn!(dir = %found.dir.display(), topic_id = %id.topic_id,
                "no topic claims this log any more: set aside as -stray");
            if let Err(error) = self.dirs.set_aside(found) {
                error!(%error, "cannot set a stray log aside");
            }
        }
        for copy in copies {
            self.delete_later(&copy.dir, copy.seat.log_dir());
        }
    }

    /// Lets every leader look for laggards.
    pub(crate) fn tick(&self) {
        let now_ms = now_ms();
        for partition in self.all() {
            partition.tick(now_ms);
        }
    }

    /// Forgets idempotent producers that have been idle for `producer.id.expiration.ms`.
    pub(crate) fn expire_producers(&self) {
        let now_ms = now_ms();
        let expiration_ms = self.config.transaction.producer_id_expiration_ms;
        for partition in self.all() {
            partition.expire_producers(now_ms, expiration_ms.into());
        }
    }

    /// Writes checkpoints of every log directory.
    pub(crate) fn checkpoint(&self, kinds: &[CheckpointKind]) {
        if kinds.contains(&CheckpointKind::RecoveryPoint) {
            self.env.recovery_backlog.clear();
            // Before the recovery points: those make them count.
            self.all()
                .iter()
                .for_each(|p| p.snapshot_producers_if_far());
        }
        self.dirs.checkpoint(&self.all(), kinds);
    }

    /// Flushes the logs whose topic wants it by now.
    pub(crate) fn flush_due(&self) {
        let now_ms = now_ms();
        for partition in self.all() {
            partition.request_flush_if_due(now_ms);
        }
    }

    /// Unlinks the files of removed segments and the folders of removed replicas that are due,
    /// all of them `at_once` if need be.
    pub(crate) fn purge_removed(&self, at_once: bool) {
        let now_ms = now_ms();
        for partition in self.all() {
            partition.purge_removed(now_ms, at_once);
        }
        self.deleted.delete_due(now_ms, at_once);
    }

    /// Records recovery points before their time, if a start after a crash would take long.
    pub(crate) fn shorten_recovery(&self) {
        if self.env.recovery_backlog.is_long() {
            self.checkpoint(&[CheckpointKind::RecoveryPoint]);
        }
    }

    /// Closes every log cleanly, so that the next start scans nothing.
    pub(crate) fn close(&self, broker_epoch: BrokerEpoch) {
        self.fetchers.stop();
        self.moves.stop();
        let partitions = self.all();
        let unclean = close_all(&partitions);
        self.checkpoint(&CheckpointKind::ALL);
        for dir in self
            .dirs
            .online()
            .filter(|dir| !unclean.contains(&dir.id()))
        {
            self.dirs.mark_clean(dir, broker_epoch);
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
            // An unclean election gives up what was committed.
            let recorded = match metadata.recovery_state {
                RecoveryState::Recovered => partition.recorded_high_watermark(),
                RecoveryState::Recovering => 0,
            };
            let floor = metadata.high_watermark_floor.max(recorded);
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

    /// What is set for brokers concerns every topic without its own.
    fn apply_configs(&self, delta: &Delta, image: &Image) {
        let Some(defaults) = changed_topic_defaults(delta, image, &self.config) else {
            for topic in delta.changed_topic_configs() {
                self.apply_config(topic, image);
            }
            return;
        };
        self.topic_defaults.store(Arc::new(defaults));
        let rates = dynamic_configs(image, self.me).replication_rates();
        self.env.throttles.set(rates);
        let topics: BTreeSet<Arc<str>> = self
            .read_replicas()
            .values()
            .map(|partition| Arc::clone(&partition.topic))
            .collect();
        for topic in topics {
            self.apply_config(&topic, image);
        }
    }

    fn apply_config(&self, topic: &str, image: &Image) {
        let Some(metadata) = image.topic_by_name(topic) else {
            return;
        };
        let config = self.topic_config(topic, image);
        for (index, _) in metadata.partitions() {
            if let Some(partition) = self.get(metadata.topic_partition(index)) {
                partition.set_config(config.clone(), now_ms());
            }
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

    fn get_or_create(
        &self,
        id: TopicPartition,
        topic: &Topic,
        image: &Image,
    ) -> Option<Arc<Partition>> {
        if let Some(partition) = self.get(id) {
            return Some(partition);
        }
        let config = self.topic_config(&topic.name, image);
        let directory = image
            .partition(id)
            .and_then(|partition| partition.directory(self.me))
            .unwrap_or(Uuid::ZERO);
        let mut log = match self.open_or_create(id, topic, directory, &config) {
            Ok(Some(log)) => log,
            Ok(None) => {
                lock(&self.offline).insert(id);
                return None;
            }
            Err(error) if error.is_storage_full() => {
                lock(&self.uncreated).insert(id);
                error!(topic = %topic.name, partition = id.partition, %error,
                    "no room for the log of a new replica");
                return None;
            }
            Err(error) => {
                error!(topic = %topic.name, partition = id.partition, %error,
                    "cannot open the log of a replica");
                lock(&self.offline).insert(id);
                return None;
            }
        };
        lock(&self.offline).remove(&id);
        // A log that was found had been opened before anybody knew the topic's settings.
        log.log.set_config(jittered_log_config(id, &config));
        let topic = Arc::clone(&topic.name);
        let partition = Partition::new(id, topic, log, config, self.env.clone());
        self.replicas
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(id, Arc::clone(&partition));
        partition.report_damage();
        self.resume_moves(&partition);
        Some(partition)
    }

    /// The log that was found, or a new one. `None` if it is in a directory that is offline.
    fn open_or_create(
        &self,
        id: TopicPartition,
        topic: &Topic,
        directory: Uuid,
        config: &TopicConfig,
    ) -> Result<Option<FoundLog>, LogDirError> {
        let (found, others) = lock(&self.found).claim(id, directory);
        for other in others {
            warn!(dir = %other.dir.display(),
                "the replica has a log in another directory as well: set aside as -stray");
            let log_dir = Arc::clone(other.seat.log_dir());
            // The log that counts is to be had all the same.
            if let Err(error) = self.dirs.set_aside(other) {
                error!(dir = %log_dir.path().display(), %error, "cannot set the other log aside");
                log_dir.on_error(&error);
            }
        }
        if let Some(found) = found {
            return Ok(found.seat.log_dir().is_online().then_some(found));
        }
        let preferred = lock(&self.preferred).remove(&(topic.name.to_string(), id.partition));
        let preferred = preferred.filter(|dir| dir.is_online());
        let home = self.dirs.by_id(directory).or(preferred.as_ref());
        if home.is_none() && !directory.is_zero() && self.dirs.has_failed() {
            return Ok(None);
        }
        self.clear_the_place(id, &topic.name);
        let created = self.dirs.create_log(id, &topic.name, config, home)?;
        Ok(Some(created))
    }

    /// A log of a topic of the same name that was deleted while this broker was down makes room.
    fn clear_the_place(&self, id: TopicPartition, topic: &str) {
        let namesakes = lock(&self.found).claim_namesakes(topic, id.partition);
        for log in namesakes {
            if let Err(error) = self.dirs.set_aside(log) {
                error!(%error, "cannot set the log of a deleted topic aside");
            }
        }
    }

    fn topic_config(&self, topic: &str, image: &Image) -> TopicConfig {
        let none = BTreeMap::new();
        let overrides = image
            .configs(&ConfigResource::Topic(topic.to_owned()))
            .unwrap_or(&none);
        TopicConfig::resolve(overrides, &self.topic_defaults.load())
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

    /// Removes a replica and its log.
    fn remove(&self, id: TopicPartition) {
        self.fetchers.unfollow(id);
        self.moves.cancel(id);
        lock(&self.offline).remove(&id);
        let removed = self
            .replicas
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&id);
        let Some(partition) = removed else {
            return;
        };
        if &*partition.topic == OFFSETS_TOPIC {
            self.tell_groups(|groups| groups.on_resign(id.partition));
        }
        partition.abandon();
        info!(topic = %partition.topic, partition = id.partition, "removing a replica");
        let place = partition.place();
        let log_dir = place.seat().log_dir();
        log_dir.forget_later(&partition.topic, id.partition);
        self.delete_later(place.folder(), log_dir);
    }

    fn tell_groups(&self, tell: impl FnOnce(&Groups)) {
        if let Some(groups) = self.groups.get() {
            tell(groups);
        }
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

/// Closes logs, several at a time since each waits for the disk. The directories where that went
/// wrong.
fn close_all(partitions: &[Arc<Partition>]) -> BTreeSet<Uuid> {
    let share = partitions.len().div_ceil(CLOSE_THREADS).max(1);
    thread::scope(|scope| {
        let threads: Vec<_> = partitions
            .chunks(share)
            .map(|chunk| scope.spawn(|| chunk.iter().filter_map(|p| close(p)).collect::<Vec<_>>()))
            .collect();
        let all = || partitions.iter().map(|p| p.place().seat().log_dir().id());
        let failures = threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|_| all().collect()));
        failures.flatten().collect()
    })
}

/// Closes a log; the directory it is in, if that went wrong.
fn close(partition: &Partition) -> Option<Uuid> {
    let place = partition.place();
    let log_dir = place.seat().log_dir();
    if !log_dir.is_online() {
        return None;
    }
    partition.retire();
    let error = partition.close().err()?;
    if partition.is_abandoned() {
        return None;
    }
    error!(topic = %partition.topic, partition = partition.id.partition, %error,
        "cannot close the log");
    Some(log_dir.id())
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
