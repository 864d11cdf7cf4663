//! Replicas that were removed, until the disk has let go of their logs.
//!
//! A log is let go when nobody works on it any more, its checkpoints are written without it, and
//! its folder is renamed. All that waits for the disk, which may hang. So it is done beside the
//! metadata's changes, which tell other replicas to lead or follow. Until then no replica is made
//! in the same place.

use super::{Partitions, lock};
use crate::partition::Partition;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{sync::Notify, task::spawn_blocking, time::sleep};
use tracing::error;

/// How soon it is tried again to let go of logs that somebody works on: about as long as a flush.
const RETRY_PAUSE: Duration = Duration::from_millis(10);

/// Topic and index, which name the folder of a log.
type Name = (Arc<str>, i32);

/// The replicas that were removed. At most as many as the metadata has ever named, each held once.
#[derive(Default)]
pub(super) struct Departures {
    waiting: Mutex<BTreeMap<Name, Arc<Partition>>>,
    /// Held while logs are let go.
    finishing: Mutex<()>,
    /// There are more.
    added: Notify,
    /// Some have gone.
    departed: Notify,
}

impl Departures {
    pub(super) fn add(&self, partition: Arc<Partition>) {
        let name = (Arc::clone(&partition.topic), partition.id.partition);
        lock(&self.waiting).insert(name, partition);
        self.added.notify_one();
    }

    /// Whether the log of a removed replica has the folder of this topic and index.
    pub(super) fn has(&self, topic: &Arc<str>, index: i32) -> bool {
        let waiting = lock(&self.waiting);
        !waiting.is_empty() && waiting.contains_key(&(Arc::clone(topic), index))
    }

    fn is_empty(&self) -> bool {
        lock(&self.waiting).is_empty()
    }

    fn all(&self) -> Vec<Arc<Partition>> {
        lock(&self.waiting).values().cloned().collect()
    }

    fn remove(&self, partition: &Partition) {
        let name = (Arc::clone(&partition.topic), partition.id.partition);
        lock(&self.waiting).remove(&name);
        self.departed.notify_one();
    }
}

impl Partitions {
    /// Resolves when a removed replica has left its place since the last call.
    pub(crate) async fn has_departed(&self) {
        self.departures.departed.notified().await;
    }

    /// Lets go of the logs of removed replicas that nobody works on, and has their folders deleted
    /// in a while. Blocks for as long as the disk takes.
    pub(crate) fn finish_departures(&self) {
        let _finishing = lock(&self.departures.finishing);
        for partition in self.departures.all() {
            // A directory that is offline keeps what is in it.
            if partition.check_online().is_err() || partition.try_abandon() {
                self.delete_log(&partition);
                self.departures.remove(&partition);
            }
        }
    }

    fn delete_log(&self, partition: &Partition) {
        let place = partition.place();
        let log_dir = place.seat().log_dir();
        log_dir.forget_later(&partition.topic, partition.id.partition);
        self.delete_later(place.folder(), log_dir);
    }
}

/// Lets go of the logs of removed replicas, until the task is aborted.
pub(crate) async fn finish_departures(partitions: Arc<Partitions>) {
    loop {
        partitions.departures.added.notified().await;
        while !partitions.departures.is_empty() {
            let finishing = Arc::clone(&partitions);
            if let Err(error) = spawn_blocking(move || finishing.finish_departures()).await {
                error!(%error, "letting go of removed replicas failed");
            }
            if !partitions.departures.is_empty() {
                sleep(RETRY_PAUSE).await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        context::Identity,
        flusher::Flusher,
        log_dirs::LogDirs,
        metadata::MetadataCache,
        partition::lab::{self, ME},
        replication::{Fetchers, Suspects},
    };
    use klamm_config::ServerConfig;
    use klamm_metadata::{Image, proto};
    use klamm_types::{TopicPartition, Uuid};
    use std::{path::Path, sync::mpsc, thread};
    use tokio::runtime;

    /// Before a test gives up.
    const PATIENCE: Duration = Duration::from_secs(30);

    fn open(dir: &Path, flusher: &Flusher, runtime: runtime::Handle) -> Arc<Partitions> {
        let properties = [
            ("process.roles", "broker"),
            ("node.id", "1"),
            ("controller.quorum.voters", "9@localhost:9093"),
            ("controller.listener.names", "CONTROLLER"),
            ("listeners", "PLAINTEXT://localhost:9092"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
        let (config, _) = ServerConfig::from_properties(&properties.into()).unwrap();
        let config = Arc::new(config);
        let dirs = LogDirs::open(ME, &[dir.to_owned()], dir, None).unwrap();
        let env = lab::env(Arc::new(dirs), flusher.queue());
        let fetchers = Fetchers::new(
            Arc::new(Identity::new(ME)),
            Arc::new(MetadataCache::new()),
            Arc::clone(&config),
            Arc::new(Suspects::default()),
            Arc::clone(&env.throttles),
            Arc::clone(&env.dirs),
            runtime,
        );
        Arc::new(Partitions::open(config, env, fetchers).unwrap())
    }

    fn id(topic: u8) -> TopicPartition {
        TopicPartition {
            topic_id: Uuid([topic; 16]),
            partition: 0,
        }
    }

    fn topic(topic: u8, name: &str) -> [proto::Record; 2] {
        let topic_id = vec![topic; 16];
        let topic = proto::TopicRecord {
            topic_id: topic_id.clone(),
            name: name.to_owned(),
        };
        let partition = proto::PartitionRecord {
            topic_id,
            replicas: vec![ME.get()],
            isr: vec![ME.get()],
            leader: ME.get(),
            ..Default::default()
        };
        [topic.into(), partition.into()]
    }

    fn without_topic(topic: u8) -> proto::Record {
        let topic_id = vec![topic; 16];
        proto::RemoveTopicRecord { topic_id }.into()
    }

    /// Lets the partitions follow a change, on another thread: it must not wait for what the test
    /// holds.
    fn follow(partitions: &Arc<Partitions>, image: &mut Image, records: &[proto::Record]) {
        let delta = image.apply_records(image.offset(), records).unwrap();
        let (partitions, image) = (Arc::clone(partitions), image.clone());
        let (done, is_done) = mpsc::channel();
        thread::spawn(move || {
            partitions.apply(&delta, &image);
            done.send(())
        });
        let applied = is_done.recv_timeout(PATIENCE);
        applied.expect("the metadata is followed while a log is held");
    }

    #[test]
    fn who_leads_hears_of_it_while_the_log_of_a_removed_replica_hangs() {
        let dir = tempfile::tempdir().unwrap();
        let flusher = Flusher::start().unwrap();
        let runtime = runtime::Runtime::new().unwrap();
        let partitions = open(dir.path(), &flusher, runtime.handle().clone());
        let mut image = Image::new();
        follow(&partitions, &mut image, &topic(1, "old"));
        assert!(partitions.create_arriving(&image, true));

        let removed = partitions.get(id(1)).unwrap();
        let hung = lab::hold_log(&removed);
        let [namesake, its_partition] = topic(3, "old");
        let [other, its_only] = topic(2, "other");
        let change = [without_topic(1), other, its_only, namesake, its_partition];
        follow(&partitions, &mut image, &change);
        assert!(partitions.get(id(1)).is_none());
        partitions.finish_departures();
        assert!(partitions.create_arriving(&image, true));
        assert!(partitions.get(id(2)).is_some());
        assert!(partitions.get(id(3)).is_none(), "the folder is not free");
        assert!(partitions.has_arriving());

        drop(hung);
        while partitions.departures.has(&"old".into(), 0) {
            partitions.finish_departures();
        }
        runtime.block_on(partitions.has_departed());
        assert!(partitions.create_arriving(&image, true));
        assert!(!partitions.has_arriving());
        let new = partitions.get(id(3)).expect("its place is free");
        assert!(new.leader_epoch_if_leader().is_some());
        flusher.stop();
    }
}
