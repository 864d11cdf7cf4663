//! Producer ids, in blocks that the controller hands out.
//!
//! The next block is fetched while the present one is still in use, so a producer waits for the
//! controller only where ids go faster than blocks come. An id is given out once, by whichever
//! broker; ids of a block that a broker did not use up are lost, as in Kafka.

use crate::{api::error_code, context::Identity};
use klamm_rpc::{
    ControllerClient,
    controller::{AllocateProducerIdsRequest, AllocateProducerIdsResponse},
};
use klamm_types::{ErrorCode, ProducerId};
use std::{
    ops::Range,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    sync::{Semaphore, watch},
    time::{Instant, sleep, timeout_at},
};
use tracing::warn;

/// The next block is fetched when the present one holds fewer ids than this: a tenth of a block,
/// as in Kafka.
const PREFETCH_BELOW: i64 = 100;

/// How long one request for a block may take, changes of the active controller included.
const BLOCK_PATIENCE: Duration = Duration::from_secs(5);

/// How long a producer waits for an id; then it is told to come again.
const ID_PATIENCE: Duration = Duration::from_secs(10);

/// How long to pause after the controller has refused a block.
const REFUSED_PAUSE: Duration = Duration::from_millis(50);

/// Producers that may wait for an id at a time; others are told to come again at once.
const WAITERS_MAX: usize = 1_000;

/// Hands out producer ids.
pub(crate) struct ProducerIds(Arc<Inner>);

struct Inner {
    controller: ControllerClient,
    identity: Arc<Identity>,
    blocks: Mutex<Blocks>,
    /// Counts the fetches of blocks that have ended.
    fetches: watch::Sender<u64>,
    waiters: Semaphore,
}

/// What the controller has handed out to this broker.
#[derive(Default)]
struct Blocks {
    present: Range<i64>,
    next: Option<Range<i64>>,
    is_fetching: bool,
}

impl Blocks {
    /// The next id, if there is one here.
    fn take(&mut self) -> Option<ProducerId> {
        if self.present.is_empty() {
            self.present = self.next.take()?;
        }
        let id = self.present.start;
        self.present.start += 1;
        Some(ProducerId(id))
    }

    /// Whether it is time to fetch the next block and nobody does so.
    fn should_fetch(&self) -> bool {
        let left = self.present.end - self.present.start;
        !self.is_fetching && self.next.is_none() && left < PREFETCH_BELOW
    }

    fn add(&mut self, block: Range<i64>) {
        if self.present.is_empty() {
            self.present = block;
        } else {
            self.next = Some(block);
        }
    }
}

impl ProducerIds {
    pub(crate) fn new(controller: ControllerClient, identity: Arc<Identity>) -> ProducerIds {
        ProducerIds(Arc::new(Inner {
            controller,
            identity,
            blocks: Mutex::default(),
            fetches: watch::Sender::new(0),
            waiters: Semaphore::new(WAITERS_MAX),
        }))
    }

    /// A producer id that nobody has had before.
    ///
    /// # Errors
    /// COORDINATOR_LOAD_IN_PROGRESS, which producers retry, if none comes in time or too many
    /// producers wait already.
    pub(crate) async fn next(&self) -> Result<ProducerId, ErrorCode> {
        // Subscribed first: a fetch that ends after the look below is noticed.
        let mut fetches = self.0.fetches.subscribe();
        if let Some(id) = self.0.take() {
            return Ok(id);
        }
        let come_again = ErrorCode::CoordinatorLoadInProgress;
        let _place = self.0.waiters.try_acquire().map_err(|_| come_again)?;
        let deadline = Instant::now() + ID_PATIENCE;
        loop {
            match timeout_at(deadline, fetches.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) | Err(_) => return Err(come_again),
            }
            if let Some(id) = self.0.take() {
                return Ok(id);
            }
        }
    }
}

impl Inner {
    fn take(self: &Arc<Self>) -> Option<ProducerId> {
        let mut blocks = self.blocks();
        let id = blocks.take();
        if blocks.should_fetch() {
            blocks.is_fetching = true;
            let this = Arc::clone(self);
            tokio::spawn(async move {
                let fetched = Fetched(&this);
                this.fetch().await;
                drop(fetched);
            });
        }
        id
    }

    /// Asks for one block. Those who wait for it ask again if none comes.
    async fn fetch(&self) {
        let request = AllocateProducerIdsRequest {
            broker_id: self.identity.id.get(),
            broker_epoch: self.identity.epoch().get(),
        };
        let answer = self
            .controller
            .allocate_producer_ids(request, BLOCK_PATIENCE);
        match answer.await {
            Ok(response) => match block(&response) {
                Ok(block) => self.blocks().add(block),
                Err(error) => {
                    warn!(%error, "the controller refused a block of producer ids");
                    sleep(REFUSED_PAUSE).await;
                }
            },
            Err(error) => {
                warn!(%error, "cannot get a block of producer ids");
                sleep(REFUSED_PAUSE).await;
            }
        }
    }

    fn blocks(&self) -> std::sync::MutexGuard<'_, Blocks> {
        self.blocks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Says that a fetch has ended, however it did.
struct Fetched<'a>(&'a Inner);

impl Drop for Fetched<'_> {
    fn drop(&mut self) {
        self.0.blocks().is_fetching = false;
        self.0.fetches.send_modify(|fetches| *fetches += 1);
    }
}

/// The ids of a response, if they are any.
fn block(response: &AllocateProducerIdsResponse) -> Result<Range<i64>, ErrorCode> {
    error_code(response.error_code).ok()?;
    let first = response.first_producer_id;
    match first.checked_add(i64::from(response.count)) {
        Some(end) if first >= 0 && end > first => Ok(first..end),
        _ => Err(ErrorCode::UnknownServerError),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(error_code: i32, first: i64, count: i32) -> AllocateProducerIdsResponse {
        AllocateProducerIdsResponse {
            error_code,
            first_producer_id: first,
            count,
        }
    }

    #[test]
    fn only_whole_blocks_are_taken() {
        assert_eq!(block(&response(0, 1_000, 1_000)), Ok(1_000..2_000));
        for bad in [
            response(0, -1, 1_000),
            response(0, 0, 0),
            response(0, i64::MAX, 1),
            response(77, 0, 1_000),
        ] {
            assert!(block(&bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn the_next_block_is_fetched_before_the_present_one_is_used_up() {
        let mut blocks = Blocks::default();
        assert!(blocks.should_fetch());
        assert_eq!(blocks.take(), None);
        blocks.add(0..1_000);
        let mut taken = 0;
        while !blocks.should_fetch() {
            assert_eq!(blocks.take(), Some(ProducerId(taken)));
            taken += 1;
        }
        assert_eq!(taken, 901);
        blocks.is_fetching = true;
        assert!(!blocks.should_fetch());
        blocks.add(5_000..6_000);
        blocks.is_fetching = false;
        assert!(!blocks.should_fetch());
        for expected in (taken..1_000).chain(5_000..6_000) {
            assert_eq!(blocks.take(), Some(ProducerId(expected)));
        }
        assert_eq!(blocks.take(), None);
    }
}
