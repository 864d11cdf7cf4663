//! What this controller has applied, for everybody who follows: the image, and the batches
//! that led to it.

use klamm_metadata::Image;
use klamm_rpc::controller::CommittedBatch;
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::watch;

/// Batches kept for those who follow at their own pace.
const BATCHES_MAX: usize = 4096;
/// Records in all those batches together: bounds their memory to some tens of MiB.
const RECORDS_MAX: usize = 100_000;

/// The image and the newest batches.
///
/// ```text
/// recent.front.offset ≤ … ≤ end of recent.back = image.offset
/// ```
#[derive(Debug)]
pub(crate) struct MetadataFeed {
    inner: Mutex<Inner>,
    offset: watch::Sender<i64>,
    /// The term of the last entry that was applied.
    term: watch::Sender<u64>,
    /// Bytes of records applied since this controller started.
    bytes: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Inner {
    image: Image,
    recent: VecDeque<Arc<CommittedBatch>>,
    recent_records: usize,
}

/// What a follower at some offset needs next.
#[derive(Debug)]
pub(crate) enum Next {
    /// The batch at its offset.
    Batch(Arc<CommittedBatch>),
    /// The batch at its offset is not kept, or none begins there: start over with this.
    StartOver(Image),
    /// It has everything.
    Wait,
}

impl MetadataFeed {
    pub(crate) fn new(image: Image) -> MetadataFeed {
        let offset = watch::Sender::new(image.offset());
        let inner = Inner {
            image,
            ..Inner::default()
        };
        MetadataFeed {
            inner: Mutex::new(inner),
            offset,
            term: watch::Sender::new(0),
            bytes: watch::Sender::new(0),
        }
    }

    pub(crate) fn image(&self) -> Image {
        self.lock().image.clone()
    }

    /// The offset of the image, now and from now on.
    pub(crate) fn offset(&self) -> watch::Receiver<i64> {
        self.offset.subscribe()
    }

    /// What somebody whose image has `offset` needs next.
    pub(crate) fn next(&self, offset: i64) -> Next {
        let inner = self.lock();
        if offset >= inner.image.offset() {
            return Next::Wait;
        }
        match inner
            .recent
            .binary_search_by_key(&offset, |batch| batch.offset)
        {
            Ok(at) => Next::Batch(inner.recent[at].clone()),
            Err(_) => Next::StartOver(inner.image.clone()),
        }
    }

    /// `batch` was applied and led to `image`.
    pub(crate) fn publish(&self, image: Image, batch: CommittedBatch) {
        let offset = image.offset();
        let mut inner = self.lock();
        inner.image = image;
        inner.recent_records += batch.records.len();
        inner.recent.push_back(Arc::new(batch));
        while inner.recent.len() > BATCHES_MAX || inner.recent_records > RECORDS_MAX {
            let Some(oldest) = inner.recent.pop_front() else {
                break;
            };
            inner.recent_records -= oldest.records.len();
        }
        drop(inner);
        self.offset.send_replace(offset);
    }

    /// The image was replaced by that of a snapshot: what led to it is not known.
    pub(crate) fn replace(&self, image: Image) {
        let offset = image.offset();
        *self.lock() = Inner {
            image,
            ..Inner::default()
        };
        self.offset.send_replace(offset);
    }

    /// An entry of `term` was applied.
    pub(crate) fn advance_term(&self, term: u64) {
        self.term
            .send_if_modified(|known| std::mem::replace(known, term) != term);
    }

    /// Records of so many bytes were applied, whether they changed anything or not.
    pub(crate) fn count_bytes(&self, bytes: usize) {
        self.bytes.send_modify(|all| *all += bytes as u64);
    }

    /// Bytes of records applied since this controller started.
    pub(crate) fn applied_bytes(&self) -> watch::Receiver<u64> {
        self.bytes.subscribe()
    }

    /// Waits until an entry of `term` has been applied.
    pub(crate) async fn wait_for_term(&self, term: u64) {
        // The sender is in `self`: the channel cannot close.
        let _ = self.term.subscribe().wait_for(|now| *now >= term).await;
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use klamm_metadata::proto::{FeatureLevelRecord, Record};

    fn publish(feed: &MetadataFeed, records: usize) {
        let mut image = feed.image();
        let offset = image.offset();
        let record = Record::from(FeatureLevelRecord {
            name: "metadata.version".into(),
            level: 1,
        });
        let records = vec![record; records];
        image.apply_records(offset, &records).unwrap();
        let batch = CommittedBatch {
            offset,
            controller_epoch: 1,
            timestamp_ms: 0,
            records,
        };
        feed.publish(image, batch);
    }

    fn describe(next: Next) -> String {
        match next {
            Next::Batch(batch) => format!("batch {}", batch.offset),
            Next::StartOver(image) => format!("start over at {}", image.offset()),
            Next::Wait => "wait".into(),
        }
    }

    #[test]
    fn followers_get_batches_in_order_or_start_over() {
        let feed = MetadataFeed::new(Image::new());
        assert_eq!(describe(feed.next(0)), "wait");
        publish(&feed, 2);
        publish(&feed, 3);
        assert_eq!(describe(feed.next(0)), "batch 0");
        assert_eq!(describe(feed.next(2)), "batch 2");
        assert_eq!(describe(feed.next(1)), "start over at 5");
        assert_eq!(describe(feed.next(5)), "wait");
        assert_eq!(describe(feed.next(9)), "wait");
        feed.replace(feed.image());
        assert_eq!(describe(feed.next(2)), "start over at 5");
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let feed = MetadataFeed::new(Image::new());
        for _ in 0..BATCHES_MAX + 1 {
            publish(&feed, 1);
        }
        assert!(matches!(feed.next(0), Next::StartOver(_)));
        assert_eq!(describe(feed.next(1)), "batch 1");
        publish(&feed, RECORDS_MAX);
        assert!(matches!(feed.next(1), Next::StartOver(_)));
    }
}
