//! Leaders that seem to have gone a moment ago.
//!
//! A client that loses its connection to a leader asks another broker for metadata at once,
//! often milliseconds before the controller has decided on a new leader. The old answer would
//! cost it a whole period of its own (a second for librdkafka). This broker has lost its
//! connection at the same time, so it waits a moment for the decision before it answers.
//!
//! At the same time means within milliseconds: the sockets of a process that dies are closed one
//! after the other. A client whose socket was closed early asks before this broker has lost
//! anything. Therefore it answers a few milliseconds late, except to clients that have just
//! connected: they are mostly starting.

use crate::metadata::MetadataCache;
use klamm_types::BrokerId;
use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tokio::time::{Instant, sleep};

/// How long metadata waits for a decision about a leader that seems to have gone.
const PATIENCE: Duration = Duration::from_millis(200);

/// How long before this broker's connections those of a client may break.
const NOTICE: Duration = Duration::from_millis(10);

/// How long clients count as starting.
const STARTING: Duration = Duration::from_secs(1);

/// When connections to leaders broke. Bounded by the number of brokers.
#[derive(Default)]
pub(crate) struct Suspects {
    lost: Mutex<BTreeMap<BrokerId, Instant>>,
}

impl Suspects {
    /// The connection to a leader broke.
    pub(super) fn lost(&self, leader: BrokerId) {
        self.locked().insert(leader, Instant::now());
    }

    /// The leader can be reached.
    pub(super) fn back(&self, leader: BrokerId) {
        self.locked().remove(&leader);
    }

    /// Waits until no leader counts as active that seems to have gone, at most 200 ms from
    /// when it went. Costs 10 ms where all is well, and a lock only if the client has connected
    /// within the last second.
    pub(crate) async fn settle(&self, metadata: &MetadataCache, connected: Instant) {
        if connected.elapsed() > STARTING {
            sleep(NOTICE).await;
        }
        let Some((suspects, until)) = self.recent() else {
            return;
        };
        let patience = until.saturating_duration_since(Instant::now());
        let is_settled =
            |image: &klamm_metadata::Image| !suspects.iter().any(|id| image.is_active(*id));
        metadata.wait_until(patience, is_settled).await;
    }

    /// Who went lately, and until when that is so.
    fn recent(&self) -> Option<(Vec<BrokerId>, Instant)> {
        let mut lost = self.locked();
        if lost.is_empty() {
            return None;
        }
        let now = Instant::now();
        lost.retain(|_, since| now < *since + PATIENCE);
        let last = lost.values().max()?;
        Some((lost.keys().copied().collect(), *last + PATIENCE))
    }

    #[cfg(test)]
    pub(super) fn is_lost(&self, leader: BrokerId) -> bool {
        self.locked().contains_key(&leader)
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, BTreeMap<BrokerId, Instant>> {
        self.lost.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use klamm_metadata::{Image, proto};
    use std::sync::Arc;

    const LEADER: BrokerId = BrokerId(7);

    /// A cluster of the leader alone.
    fn image(fenced: bool) -> Image {
        let record = proto::RegisterBrokerRecord {
            broker_id: LEADER.get(),
            fenced,
            incarnation_id: vec![1; 16],
            ..Default::default()
        };
        let mut image = Image::new();
        image.replay(&record.into()).unwrap();
        image
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_waits_for_the_decision_about_a_leader_that_went() {
        let metadata = Arc::new(MetadataCache::new());
        metadata.publish(image(false));
        let suspects = Arc::new(Suspects::default());
        let begun = Instant::now();
        suspects.settle(&metadata, begun).await;
        assert_eq!(begun.elapsed(), Duration::ZERO);

        suspects.lost(LEADER);
        suspects.settle(&metadata, begun).await;
        assert_eq!(begun.elapsed(), PATIENCE, "nothing was decided");
        suspects.settle(&metadata, begun).await;
        assert_eq!(begun.elapsed(), PATIENCE, "waits once");

        suspects.lost(LEADER);
        let waiting = tokio::spawn({
            let (suspects, metadata) = (Arc::clone(&suspects), Arc::clone(&metadata));
            async move { suspects.settle(&metadata, begun).await }
        });
        tokio::task::yield_now().await;
        metadata.publish(image(true));
        metadata.mark_applied();
        waiting.await.unwrap();
        assert_eq!(begun.elapsed(), PATIENCE, "the decision ends the wait");

        metadata.publish(image(false));
        suspects.lost(LEADER);
        suspects.back(LEADER);
        suspects.settle(&metadata, begun).await;
        assert_eq!(
            begun.elapsed(),
            PATIENCE,
            "whoever is back is waited for no more"
        );
    }
    #[tokio::test(start_paused = true)]
    async fn what_breaks_a_moment_after_the_question_counts() {
        let metadata = Arc::new(MetadataCache::new());
        metadata.publish(image(false));
        let suspects = Arc::new(Suspects::default());
        let connected = Instant::now();
        sleep(STARTING * 2).await;
        let asked = Instant::now();
        suspects.settle(&metadata, connected).await;
        assert_eq!(asked.elapsed(), NOTICE, "all is well");

        let asked = Instant::now();
        let waiting = tokio::spawn({
            let (suspects, metadata) = (Arc::clone(&suspects), Arc::clone(&metadata));
            async move { suspects.settle(&metadata, connected).await }
        });
        sleep(NOTICE / 2).await;
        suspects.lost(LEADER);
        waiting.await.unwrap();
        assert_eq!(asked.elapsed(), NOTICE / 2 + PATIENCE);
    }
}
