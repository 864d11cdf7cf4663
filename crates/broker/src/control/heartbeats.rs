//! Staying alive in the controller's eyes: one stream of heartbeats to the active controller.
//!
//! The stream breaks when this process dies, which is how the controller notices at once. When
//! the controller goes, the stream is opened to its successor as soon as one is known.

use crate::{context::Identity, log_dirs::LogDirs, metadata::MetadataCache};
use klamm_metadata::uuid_bytes;
use klamm_rpc::{
    ActiveController, CallError, ControllerClient,
    controller::{BrokerHeartbeat, HeartbeatAck},
};
use klamm_types::{ErrorCode, Uuid};
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, MissedTickBehavior, interval, sleep},
};
use tokio_stream::wrappers::ReceiverStream;
use tracing::{debug, info, warn};

/// Pause before the stream is opened again.
const RETRY_PAUSE: Duration = Duration::from_millis(20);

/// How long to look for the active controller at a time.
const FIND_TIMEOUT: Duration = Duration::from_secs(1);

/// Heartbeats without an answer before others are asked whether somebody else is active.
const ANSWERS_MISSED: u32 = 2;

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
    pub(crate) log_dirs: Arc<LogDirs>,
    /// Becomes true when the broker wants to stop.
    pub(crate) wants_shutdown: watch::Receiver<bool>,
    pub(crate) lifecycle: watch::Sender<Lifecycle>,
    /// Where the metadata ends, as active controllers tell.
    pub(crate) metadata_end: watch::Sender<i64>,
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
        let mut known = self.controller.active();
        let moved = known.wait_for(|now| is_other(now, &active));
        let heard = watch::Sender::new(Instant::now());
        let patience = ANSWERS_MISSED * self.interval;
        let controller = self.controller.clone();
        let doubting = controller.doubt_active(heard.subscribe(), patience);
        let lived = tokio::select! {
            // Also while the stream is being opened: a host that is gone takes long to say so.
            _ = moved => return Ok(None),
            () = doubting => return Ok(None),
            lived = self.stream_to(&active, &heard) => lived,
        };
        // It may be dead, and the session is short: others are asked who is active now.
        self.controller.forget_active(&active);
        lived
    }

    async fn stream_to(
        &mut self,
        active: &ActiveController,
        heard: &watch::Sender<Instant>,
    ) -> Result<Option<ErrorCode>, CallError> {
        let (heartbeats, queue) = mpsc::channel(QUEUE);
        // The first one goes out with the call.
        let _ = heartbeats.try_send(self.heartbeat());
        let mut acks = self
            .controller
            .heartbeat_stream(&active.endpoint, ReceiverStream::new(queue))
            .await?;
        let mut offsets = self.metadata.applied();
        let mut failures = self.log_dirs.failures();
        let mut ticks = interval(self.interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // While one is unanswered no other falls due: who cannot hear would be held to live for as long as its heartbeats get out.
        // What is urgent is said regardless.
        let mut is_answered = false;
        loop {
            tokio::select! {
                ack = acks.message() => match ack {
                    Ok(Some(ack)) => {
                        is_answered = true;
                        heard.send_replace(Instant::now());
                        if let Some(error) = self.hear(&ack) {
                            return Ok(Some(error));
                        }
                    }
                    Ok(None) => return Ok(None),
                    Err(status) => return Err(CallError::Refused(Box::new(status))),
                },
                _ = ticks.tick(), if is_answered => {
                    is_answered = false;
                    self.send(&heartbeats);
                }
                // Told at once: the controller waits for it to unfence the broker.
                Ok(()) = offsets.changed(), if !self.lifecycle.borrow().is_unfenced => self.send(&heartbeats),
                // Told at once: what lives there is to be led by others.
                Ok(()) = failures.changed() => self.send(&heartbeats),
                Ok(()) = self.wants_shutdown.changed() => self.send(&heartbeats),
            }
        }
    }

    fn heartbeat(&self) -> BrokerHeartbeat {
        let failed = self.log_dirs.failed_ids();
        BrokerHeartbeat {
            broker_id: self.identity.id.get(),
            broker_epoch: self.identity.epoch().get(),
            incarnation_id: uuid_bytes(self.incarnation_id),
            metadata_offset: self.metadata.applied_offset(),
            want_fence: false,
            want_shut_down: *self.wants_shutdown.borrow(),
            offline_log_dirs: failed.into_iter().map(uuid_bytes).collect(),
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
        self.metadata_end.send_if_modified(|known| {
            let before = std::mem::replace(known, ack.metadata_offset.max(*known));
            before != *known
        });
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

#[cfg(test)]
mod tests {
    use super::*;
    use klamm_rpc::{ControllerEndpoint, testing::FakeController};
    use klamm_types::BrokerId;
    use std::path::Path;
    use tokio::{net::TcpListener, time::timeout};

    /// What never happens in a test that passes.
    const LIMIT: Duration = Duration::from_secs(20);

    fn active(
        controller_id: i32,
        controller_epoch: i32,
        listener: &TcpListener,
    ) -> ActiveController {
        ActiveController {
            controller_id,
            controller_epoch,
            endpoint: listener.local_addr().unwrap().to_string(),
        }
    }

    fn heartbeats_to(controller: &ControllerClient) -> Heartbeats {
        Heartbeats {
            identity: Arc::new(Identity::new(BrokerId(7))),
            incarnation_id: Uuid::ZERO,
            metadata: Arc::new(MetadataCache::new()),
            controller: controller.clone(),
            interval: Duration::from_millis(100),
            log_dirs: Arc::new(LogDirs::open(BrokerId(7), &[], Path::new(""), None).unwrap()),
            wants_shutdown: watch::channel(false).1,
            lifecycle: watch::Sender::new(Lifecycle::default()),
            metadata_end: watch::Sender::new(0),
        }
    }

    #[tokio::test]
    async fn a_controller_that_does_not_answer_holds_nobody_up() {
        // Connections are taken and nothing is said, as by a host that has lost its power.
        let old = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let new = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let controller = ControllerClient::new(Vec::<ControllerEndpoint>::new());
        controller.observe_active(active(1, 1, &old));
        let mut heartbeats = heartbeats_to(&controller);
        let running = tokio::spawn(async move { heartbeats.stream().await });
        let _connection = timeout(LIMIT, old.accept()).await.unwrap().unwrap();
        controller.observe_active(active(2, 2, &new));
        let ended = timeout(LIMIT, running).await.unwrap().unwrap();
        assert!(matches!(ended, Ok(None)), "{ended:?}");
        assert_eq!(controller.active().borrow().controller_id, 2);
    }

    #[tokio::test]
    async fn a_controller_that_refuses_is_forgotten() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let gone = active(1, 1, &listener);
        drop(listener);
        let controller = ControllerClient::new(Vec::<ControllerEndpoint>::new());
        controller.observe_active(gone);
        let mut heartbeats = heartbeats_to(&controller);
        let ended = timeout(LIMIT, heartbeats.stream()).await.unwrap();
        assert!(ended.is_err(), "{ended:?}");
        assert_eq!(controller.active().borrow().controller_id, -1);
    }

    #[tokio::test]
    async fn who_is_not_answered_falls_silent() {
        let (fake, _watchers) = FakeController::start(1).await.unwrap();
        let controller = ControllerClient::new(vec![fake.endpoint().clone()]);
        controller.observe_active(fake.as_active(1));
        let mut heartbeats = heartbeats_to(&controller);
        heartbeats.interval = Duration::from_millis(1);
        tokio::spawn(async move { heartbeats.stream().await });
        let (mut heard, mut answered) = (fake.heartbeats(), 0);
        for more in [3, 2] {
            fake.answer(more);
            answered += more;
            let unanswered = heard.wait_for(|heard| *heard > answered);
            drop(timeout(LIMIT, unanswered).await.unwrap().unwrap());
            // A hundred intervals.
            let second = heard.wait_for(|heard| *heard > answered + 1);
            let second = timeout(Duration::from_millis(100), second).await;
            assert!(second.is_err(), "it went on unanswered");
        }
    }

    #[tokio::test]
    async fn a_controller_that_hears_but_is_not_heard_is_left_for_its_successor() {
        let (old, _watchers) = FakeController::start(1).await.unwrap();
        let (new, _watchers) = FakeController::start(2).await.unwrap();
        let endpoints = [&old, &new].map(|fake| fake.endpoint().clone());
        let controller = ControllerClient::new(endpoints.to_vec());
        controller.observe_active(old.as_active(1));
        new.believe(new.as_active(2));
        let mut heartbeats = heartbeats_to(&controller);
        let ended = timeout(LIMIT, heartbeats.stream()).await.unwrap();
        assert!(matches!(ended, Ok(None)), "{ended:?}");
        assert_eq!(*controller.active().borrow(), new.as_active(2));
    }
}
