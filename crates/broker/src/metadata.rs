//! The broker's copy of the cluster's metadata.

use arc_swap::ArcSwap;
use klamm_metadata::Image;
use std::{sync::Arc, time::Duration};
use tokio::{sync::watch, time::timeout};

/// The latest image, for everybody to read without a lock.
///
/// ```text
/// applied offset ≤ offset of the published image
/// ```
pub(crate) struct MetadataCache {
    image: ArcSwap<Image>,
    applied: watch::Sender<i64>,
}

impl MetadataCache {
    pub(crate) fn new() -> MetadataCache {
        MetadataCache {
            image: ArcSwap::from_pointee(Image::new()),
            applied: watch::Sender::new(0),
        }
    }

    /// The latest image.
    pub(crate) fn image(&self) -> Arc<Image> {
        self.image.load_full()
    }

    /// Publishes a newer image.
    pub(crate) fn publish(&self, image: Image) {
        self.image.store(Arc::new(image));
    }

    /// The partitions of this broker have followed the published image.
    pub(crate) fn mark_applied(&self) {
        self.applied.send_replace(self.image.load().offset());
    }

    /// The offset of the last image that the partitions have followed.
    pub(crate) fn applied_offset(&self) -> i64 {
        *self.applied.borrow()
    }

    /// Tells when the partitions have followed another image.
    pub(crate) fn applied(&self) -> watch::Receiver<i64> {
        self.applied.subscribe()
    }

    /// Waits until an image that satisfies `condition` has been followed, at most for
    /// `patience`; returns whether it was.
    pub(crate) async fn wait_until(
        &self,
        patience: Duration,
        condition: impl Fn(&Image) -> bool,
    ) -> bool {
        let mut applied = self.applied.subscribe();
        let waiting = applied.wait_for(|_| condition(&self.image.load()));
        matches!(timeout(patience, waiting).await, Ok(Ok(_)))
    }
}
