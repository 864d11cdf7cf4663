//! Staying alive in the controller's eyes: one stream of heartbeats to the active controller.
//!
//! The stream breaks when this process dies, which is how the controller notices at once. When
//! the controller goes, the stream is opened to its successor as soon as one is known.

use crate::{context::Identity, metadata::MetadataCache};
use klamm_metadata::uuid_bytes;
use klamm_rpc::{
    ActiveController, CallError, ControllerClient,
    controller::{BrokerHeartbeat, HeartbeatAck},
};
use klamm_types::{ErrorCode, Uuid};
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::{mpsc, watch},
    time::{interval, sleep},
};
use tokio_stream::wrappers::ReceiverStream;
use tracing::{debug, info, warn};

/// Pause before the stream is opened again.
const RETRY_PAUSE: Duration = Duration::from_millis(20);

/// How long to look for the active controller at a time.
const FIND_TIMEOUT: Duration = Duration::from_secs(1);

/// Heartbeats under way: one waiting is enough, an older one tells nothing new.
const QUEUE: usize = 1;

/// Where the broker stands, as the controller told last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) struct Lifecycle {
    /// It may lead and join ISRs.
    pub(crate) is_unfenced: bool,
    /// It leads nothing any more and may stop.
    pub(crate) may_shut_down: bool,
}

/// Sends heartbeats.
pub(crate) struct Heartbeats {
    pub(crate) identity: Arc<Identity>,
    pub(crate) incarnation_id: Uuid,
    pub(crate) metadata: Arc<MetadataCache>,
    pub(crate) controller: ControllerClient,
    pub(crate) interval: Duration,
    /// Becomes true when the broker wants to stop.
    pub(crate) wants_shutdown: watch::Receiver<bool>,
    pub(crate) lifecycle: watch::Sender<Lifecycle>,
}

impl Heartbeats {
    /// Sends heartbeats until this future is dropped, or the controller says that this
    /// registration has been replaced.
    pub(crate) async fn run(mut self) -> ErrorCode {
        loop {
            match self.stream().await {
                Ok(Some(error)) => return error,
                Ok(None) => debug!("the heartbeat stream has ended"),
                Err(error) => debug!(%error, "the heartbeat stream has failed"),
            }
            sleep(RETRY_PAUSE).await;
        }
    }

    /// One stream's life. `Some` if this broker must give up.
    async fn stream(&mut self) -> Result<Option<ErrorCode>, CallError> {
        let active = self.controller.find_active(FIND_TIMEOUT).await?;
        let (heartbeats, queue) = mpsc::channel(QUEUE);
        // The first one goes out with the call.
        let _ = heartbeats.try_send(self.heartbeat());
        let mut acks = self
            .controller
            .heartbeat_stream(&active.endpoint, ReceiverStream::new(queue))
            .await?;
        let mut active_changes = self.controller.active();
        let mut offsets = self.metadata.applied();
        let mut ticks = interval(self.interval);
        loop {
            tokio::select! {
                ack = acks.message() => match ack {
                    Ok(Some(ack)) => {
                        if let Some(error) = self.hear(&ack) {
                            return Ok(Some(error));
                        }
                    }
                    Ok(None) => return Ok(None),
                    Err(status) => return Err(CallError::Refused(Box::new(status))),
                },
                _ = ticks.tick() => self.send(&heartbeats),
                // Told at once: the controller waits for it to unfence the broker.
                Ok(()) = offsets.changed(), if !self.lifecycle.borrow().is_unfenced => self.send(&heartbeats),
                Ok(()) = self.wants_shutdown.changed() => self.send(&heartbeats),
                Ok(()) = active_changes.changed() => {
                    if is_other(&active_changes.borrow(), &active) {
                        return Ok(None);
                    }
                }
            }
        }
    }

    fn heartbeat(&self) -> BrokerHeartbeat {
        BrokerHeartbeat {
            broker_id: self.identity.id.get(),
            broker_epoch: self.identity.epoch().get(),
            incarnation_id: uuid_bytes(self.incarnation_id),
            metadata_offset: self.metadata.applied_offset(),
            want_fence: false,
            want_shut_down: *self.wants_shutdown.borrow(),
        }
    }

    fn send(&self, heartbeats: &mpsc::Sender<BrokerHeartbeat>) {
        // A full queue holds a heartbeat that has not gone out yet: it does as well.
        let _ = heartbeats.try_send(self.heartbeat());
    }

    fn hear(&self, ack: &HeartbeatAck) -> Option<ErrorCode> {
        let error = ErrorCode::from(i16::try_from(ack.error_code).unwrap_or(-1));
        match error {
            ErrorCode::None => {}
            ErrorCode::StaleBrokerEpoch | ErrorCode::BrokerIdNotRegistered => return Some(error),
            error => {
                warn!(%error, "the controller refused a heartbeat");
                return None;
            }
        }
        let told = Lifecycle {
            is_unfenced: ack.is_caught_up && !ack.is_fenced,
            may_shut_down: ack.should_shut_down,
        };
        self.lifecycle.send_if_modified(|known| {
            let changed = *known != told;
            if known.is_unfenced != told.is_unfenced {
                info!(
                    unfenced = told.is_unfenced,
                    "the controller decided on this broker"
                );
            }
            *known = told;
            changed
        });
        None
    }
}

fn is_other(now: &ActiveController, then: &ActiveController) -> bool {
    now.controller_id >= 0
        && (now.controller_id != then.controller_id
            || now.controller_epoch != then.controller_epoch)
}
