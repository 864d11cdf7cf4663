//! All replicas on this broker, kept in step with the metadata.

use crate::{
    clock::now_ms,
    deleted_folders::DeletedFolders,
    dynamic_configs::changed_topic_defaults,
    groups::Groups,
    log_dirs::{FoundLog, LogDirError, LogDirs, SpaceReport},
    partition::{Leadership, Partition, PartitionEnv},
    replication::Fetchers,
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
    sync::{Arc, Mutex, OnceLock, PoisonError, RwLock},
    thread,
};
use tracing::{error, info, warn};

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
    deleted: DeletedFolders,
    /// The settings of topics without their own, as the metadata has them.
    topic_defaults: ArcSwap<TopicConfig>,
    replicas: RwLock<HashMap<TopicPartition, Arc<Partition>>>,
    /// Replicas whose logs could not be made for want of room.
    uncreated: Mutex<BTreeSet<TopicPartition>>,
    /// Held while the replicas follow the metadata.
    applying: Mutex<()>,
    /// Logs found at the start that no metadata has claimed yet.
    found: Mutex<BTreeMap<TopicPartition, FoundLog>>,
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
        dirs.look_at_space(config.log.dirs_free_bytes_min);
        let found = dirs.open_logs(&config.topic_defaults)?;
        let deleted = DeletedFolders::default();
        for folder in dirs.doomed_logs()? {
            deleted.push(folder, 0);
        }
        Ok(Partitions {
            me: config.node_id,
            topic_defaults: ArcSwap::from_pointee(config.topic_defaults.clone()),
            config,
            env,
            dirs,
            fetchers,
            groups: OnceLock::new(),
            deleted,
            replicas: RwLock::default(),
            uncreated: Mutex::default(),
            applying: Mutex::default(),
            found: Mutex::new(found),
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
        let strays = std::mem::take(&mut *lock(&self.found));
        for (id, found) in strays {
            warn!(dir = %found.dir.display(), topic_id = %id.topic_id,
                "no topic claims this log any more: set aside as -stray");
            if let Err(error) = self.dirs.set_aside(found) {
                error!(%error, "cannot set a stray log aside");
            }
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
        if let Err(error) = self.dirs.checkpoint(&self.all(), kinds) {
            error!(%error, "cannot write checkpoints");
        }
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
        let partitions = self.all();
        let clean = close_all(&partitions);
        self.checkpoint(&CheckpointKind::ALL);
        if clean && let Err(error) = self.dirs.mark_clean(broker_epoch) {
            error!(%error, "cannot mark the shutdown as clean");
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
                    groups.on_leader(id.partition, epoch, Arc::clone(&partition));
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
                .follow(&partition, metadata.leader, metadata.leader_epoch);
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
        let found = lock(&self.found).remove(&id);
        let opened = match found {
            Some(found) => Ok(found),
            None => {
                self.clear_the_place(id, &topic.name);
                self.dirs.create_log(id, &topic.name, &config)
            }
        };
        let mut log = match opened {
            Ok(log) => log,
            Err(error) if error.is_storage_full() => {
                lock(&self.uncreated).insert(id);
                error!(topic = %topic.name, partition = id.partition, %error,
                    "no room for the log of a new replica");
                return None;
            }
            Err(error) => {
                error!(topic = %topic.name, partition = id.partition, %error,
                    "cannot open the log of a replica");
                self.env.flush_queue.report_failure(error.to_string());
                return None;
            }
        };
        // A log that was found had been opened before anybody knew the topic's settings.
        log.log.set_config(jittered_log_config(id, &config));
        let partition = Partition::new(id, Arc::clone(&topic.name), log, config, self.env.clone());
        self.replicas
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(id, Arc::clone(&partition));
        partition.report_damage();
        Some(partition)
    }

    /// A log of a topic of the same name that was deleted while this broker was down makes room.
    fn clear_the_place(&self, id: TopicPartition, topic: &str) {
        let mut found = lock(&self.found);
        let namesake = found
            .iter()
            .find(|(other, log)| other.partition == id.partition && log.is_of(topic))
            .map(|(other, _)| *other);
        if let Some(log) = namesake.and_then(|other| found.remove(&other))
            && let Err(error) = self.dirs.set_aside(log)
        {
            error!(%error, "cannot set the log of a deleted topic aside");
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
        match self.dirs.doom_log(&partition) {
            Ok(folder) => {
                let delay_ms = self.config.topic_defaults.file_delete_delay_ms;
                self.deleted.push(folder, now_ms().saturating_add(delay_ms));
            }
            Err(error) => error!(topic = %partition.topic, partition = id.partition, %error,
                "cannot delete the log of a removed replica"),
        }
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

/// Closes logs, several at a time since each waits for the disk. Whether all went well.
fn close_all(partitions: &[Arc<Partition>]) -> bool {
    let share = partitions.len().div_ceil(CLOSE_THREADS).max(1);
    thread::scope(|scope| {
        let threads: Vec<_> = partitions
            .chunks(share)
            .map(|chunk| scope.spawn(|| chunk.iter().filter(|p| !close(p)).count()))
            .collect();
        let failures = threads.into_iter().map(|thread| thread.join().unwrap_or(1));
        failures.sum::<usize>() == 0
    })
}

fn close(partition: &Partition) -> bool {
    partition.retire();
    let closed = partition.close();
    if let Err(error) = &closed {
        error!(topic = %partition.topic, partition = partition.id.partition, %error,
            "cannot close the log");
    }
    closed.is_ok()
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
