//! Replicas that the metadata gives this broker: their logs are those that were found at the
//! start, or new ones.

use super::{Partitions, lock};
use crate::{
    log_dirs::{FoundLog, LogDirError},
    partition::Partition,
    segment_jitter::jittered_log_config,
};
use klamm_config::TopicConfig;
use klamm_metadata::{Image, Topic};
use klamm_types::{TopicPartition, Uuid};
use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, Instant},
};
use tracing::{error, warn};

/// How long changes of the metadata wait at most while replicas are made.
const CREATION_TURN: Duration = Duration::from_millis(20);

impl Partitions {
    /// Whether [`Partitions::create_arriving`] has something to do.
    pub(crate) fn has_arriving(&self) -> bool {
        !lock(&self.arriving).is_empty()
    }

    /// Makes replicas that the metadata has given this broker, for a while or until `all` are there:
    /// when many come at once, those that are here already must not wait to be told that they lead.
    /// Whether those that are left all wait for a removed replica to leave their place.
    pub(crate) fn create_arriving(&self, image: &Image, all: bool) -> bool {
        let _applying = lock(&self.applying);
        let begin = Instant::now();
        let mut kept_out = BTreeSet::new();
        let is_turn_over = loop {
            if !all && begin.elapsed() >= CREATION_TURN {
                break true;
            }
            let Some(id) = lock(&self.arriving).pop_first() else {
                break false;
            };
            if self.is_place_taken(id, image) {
                kept_out.insert(id);
            } else {
                self.apply_one(id, image);
            }
        };
        lock(&self.arriving).append(&mut kept_out);
        !is_turn_over
    }

    /// Whether a removed replica still has the place of one that is to be made.
    fn is_place_taken(&self, id: TopicPartition, image: &Image) -> bool {
        let topic = image.topic(id.topic_id);
        topic.is_some_and(|topic| self.departures.has(&topic.name, id.partition))
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
            if self.is_place_taken(id, &image) {
                lock(&self.uncreated).insert(id);
            } else {
                self.apply_one(id, &image);
            }
        }
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

    /// The replica, which is made if it is not here yet. `None` if that is not possible now.
    pub(super) fn get_or_create(
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
        self.write_replicas().insert(id, Arc::clone(&partition));
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
}
