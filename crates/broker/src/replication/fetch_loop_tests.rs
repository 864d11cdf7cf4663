//! A follower's loop over real logs.

use super::*;
use crate::{
    flusher::Flusher,
    partition::{
        Partition,
        lab::{ME, fill, open_partition},
    },
};
use klamm_types::Uuid;
use std::path::Path;

const LEADER: BrokerId = BrokerId(2);

fn config() -> Arc<ServerConfig> {
    let properties = [
        ("process.roles", "broker"),
        ("node.id", "1"),
        ("controller.quorum.voters", "9@localhost:9093"),
        ("controller.listener.names", "CONTROLLER"),
        ("listeners", "PLAINTEXT://localhost:9092"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let (config, _) = ServerConfig::from_properties(&properties.into()).unwrap();
    Arc::new(config)
}

fn fetcher() -> Fetcher {
    Fetcher {
        leader: LEADER,
        following: Arc::default(),
        identity: Arc::new(Identity::new(ME)),
        metadata: Arc::new(MetadataCache::new()),
        config: config(),
        suspects: Arc::default(),
        throttles: Arc::default(),
    }
}

/// A replica that nobody flushes but the test.
fn unflushed(root: &Path, partition: i32) -> Arc<Partition> {
    let flusher = Flusher::start().unwrap();
    let queue = flusher.queue();
    flusher.stop();
    let id = TopicPartition {
        topic_id: Uuid([1; 16]),
        partition,
    };
    open_partition(&root.join(format!("t-{partition}")), "t", id, queue)
}

/// The partitions that are asked for now.
async fn asked(fetcher: &Fetcher) -> Vec<i32> {
    let (due, _) = fetcher.following.due(Instant::now());
    let positions = fetcher.positions(&due).await;
    positions.keys().map(|id| id.partition).collect()
}

#[tokio::test(start_paused = true)]
async fn a_log_that_cannot_be_flushed_keeps_no_other_from_being_followed() {
    let root = tempfile::tempdir().unwrap();
    let fetcher = fetcher();
    let [hanging, healthy] = [0, 1].map(|index| unflushed(root.path(), index));
    for partition in [&hanging, &healthy] {
        fill(partition, 1, 10);
        fetcher.following.add(Arc::clone(partition), LeaderEpoch(0));
    }
    healthy.flush();
    let begun = Instant::now();
    assert_eq!(asked(&fetcher).await, [1]);
    // Waited for once, and looked at again after a while.
    assert_eq!(begun.elapsed(), FLUSH_PATIENCE);
    assert_eq!(asked(&fetcher).await, [1]);
    sleep(PARTITION_PAUSE).await;
    let begun = Instant::now();
    assert_eq!(asked(&fetcher).await, [1]);
    assert!(begun.elapsed() < FLUSH_PATIENCE, "{:?}", begun.elapsed());

    hanging.flush();
    sleep(PARTITION_PAUSE).await;
    assert_eq!(asked(&fetcher).await, [0, 1]);
    // It is waited for again.
    fill(&hanging, 1, 10);
    let begun = Instant::now();
    assert_eq!(asked(&fetcher).await, [1]);
    assert_eq!(begun.elapsed(), FLUSH_PATIENCE);
}
