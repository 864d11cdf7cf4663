//! Following the metadata from any controller, the nearest first.

use crate::context::Identity;
use klamm_metadata::{
    Controller, Delta, Image, ReplayError,
    feature_level::{KLAMM_VERSION, LevelRange},
};
use klamm_rpc::{
    ControllerClient, ControllerEndpoint,
    controller::{WatchMetadataRequest, metadata_update::Kind},
};
use klamm_types::BrokerId;
use std::{pin::pin, sync::Arc, time::Duration};
use tokio::{
    sync::{mpsc, watch},
    time::sleep,
};
use tracing::{debug, error, info};

/// Pause before another controller is tried.
const RETRY_PAUSE: Duration = Duration::from_millis(20);

/// How long a controller may lag behind the active one and send nothing. Controllers tell each other at once what was committed,
/// and a broker that hears of it so late has cost nobody a second.
const SILENCE_MAX: Duration = Duration::from_millis(200);

/// The same at most for the first thing that somebody owes: it doubles for as long as nothing comes from anybody, as where a
/// large snapshot is being made or is on its way.
const PATIENCE_MAX: Duration = Duration::from_secs(30);

/// How long another controller is followed than the one of this very node, which does not tell when it is back.
const VISIT: Duration = Duration::from_secs(5);

/// Why a stream ended.
#[derive(Debug, thiserror::Error)]
enum Reason {
    #[error("another controller has taken over from the one that was followed")]
    Replaced,
    #[error("the active controller has told of metadata that the one followed does not send")]
    Outrun,
    #[error("the controller of this node may have caught up")]
    Home,
    #[error("{0}")]
    Told(String),
}

/// Why this broker cannot follow: a newer release has written the metadata.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NewerRelease {
    /// The cluster is at a level that this broker does not support.
    #[error(
        "the cluster is at {KLAMM_VERSION} {level}, and this broker supports {levels}: it needs another release"
    )]
    Level {
        /// The cluster's.
        level: i32,
        /// What is supported.
        levels: LevelRange,
    },
    /// A record of an unknown kind.
    #[error("the metadata has records of a newer release")]
    Record,
}

/// A change of the metadata, and the image after it.
pub(crate) struct Change {
    pub(crate) delta: Delta,
    pub(crate) image: Image,
}

/// Sends every change to `changes`, in order and without gaps, until the receiver is gone.
///
/// `end` is where the metadata ends, as active controllers tell: whoever is followed and stays behind it in silence, hangs or
/// is cut off.
///
/// The channel bounds how far the stream runs ahead of those who follow it: a slow broker stops
/// reading, and is sent a snapshot when it falls too far behind.
///
/// # Errors
/// The metadata is of a newer release: this broker cannot go on.
pub(crate) async fn follow_metadata(
    identity: Arc<Identity>,
    controller: ControllerClient,
    changes: mpsc::Sender<Change>,
    levels: LevelRange,
    end: watch::Receiver<i64>,
) -> Result<(), NewerRelease> {
    let mut image = Image::new();
    let mut endpoints: Vec<String> = Vec::new();
    let mut patience = SILENCE_MAX;
    while !changes.is_closed() {
        if endpoints.is_empty() {
            endpoints = by_nearness(&identity, &controller);
        }
        let Some(endpoint) = endpoints.pop() else {
            error!("no controller is configured: see controller.quorum.voters");
            return Ok(());
        };
        let follower = Follower {
            identity: &identity,
            controller: &controller,
            changes: &changes,
            levels,
            end: &end,
            patience,
            visit: is_away(&identity, &controller, &endpoint).then_some(VISIT),
        };
        let begun_at = image.offset();
        let ended = follower.stream(&endpoint, &mut image).await?;
        patience = match ended.reason {
            Reason::Outrun if image.offset() == begun_at => PATIENCE_MAX.min(2 * patience),
            _ => SILENCE_MAX,
        };
        debug!(
            endpoint,
            reason = %ended.reason,
            "the metadata stream has ended"
        );
        if ended.has_served || matches!(ended.reason, Reason::Home) {
            // The others were not tried for a while: the nearest may be back.
            endpoints = by_nearness(&identity, &controller);
            ask_last(
                &mut endpoints,
                &endpoint,
                matches!(ended.reason, Reason::Outrun),
            );
        }
        sleep(RETRY_PAUSE).await;
    }
    Ok(())
}

/// The controllers' endpoints, the one of this very node last: it is popped first.
fn by_nearness(identity: &Identity, controller: &ControllerClient) -> Vec<String> {
    let mut endpoints: Vec<_> = controller.endpoints();
    endpoints.sort_by_key(|endpoint| (endpoint.id == identity.id, endpoint.id));
    endpoints
        .into_iter()
        .map(|endpoint| endpoint.address())
        .collect()
}

/// Whether this node has a controller, at another endpoint.
fn is_away(identity: &Identity, controller: &ControllerClient, endpoint: &str) -> bool {
    let own = (controller.endpoints().into_iter()).find(|own| own.id == identity.id);
    own.is_some_and(|own| own.address() != endpoint)
}

/// Has a controller asked after the others; this very node, which lives if this lives, only if `even_near`.
fn ask_last(endpoints: &mut [String], endpoint: &str, even_near: bool) {
    // They are popped from the end.
    let movable = endpoints.len().saturating_sub(usize::from(!even_near));
    if let Some(at) = endpoints[..movable]
        .iter()
        .position(|other| other == endpoint)
    {
        endpoints[..=at].rotate_right(1);
    }
}

/// The controllers that the metadata names: some may not stand in the configuration.
fn controllers_of(image: &Image) -> Vec<ControllerEndpoint> {
    let endpoint = |(id, controller): (BrokerId, &Controller)| {
        let listener = controller.listeners.first()?;
        Some(ControllerEndpoint {
            id,
            host: listener.host.clone(),
            port: listener.port,
        })
    };
    image.controllers().filter_map(endpoint).collect()
}

/// What became of a stream.
struct Ended {
    reason: Reason,
    /// Something came.
    has_served: bool,
}

/// Who follows, and how far it may.
struct Follower<'a> {
    identity: &'a Identity,
    controller: &'a ControllerClient,
    changes: &'a mpsc::Sender<Change>,
    levels: LevelRange,
    end: &'a watch::Receiver<i64>,
    /// How long it may take until the first of what is missing comes.
    patience: Duration,
    /// How long this one is followed at most.
    visit: Option<Duration>,
}

impl Follower<'_> {
    /// One stream's life.
    async fn stream(&self, endpoint: &str, image: &mut Image) -> Result<Ended, NewerRelease> {
        let mut has_served = false;
        let reason = self.follow(endpoint, image, &mut has_served).await?;
        Ok(Ended { reason, has_served })
    }

    /// Waits until the controller at `endpoint` was active and another one is: it may be dead, and
    /// connections tell of that late.
    async fn replaced(&self, endpoint: &str) {
        let mut active = self.controller.active();
        let mut was_active = false;
        let is_replaced = active.wait_for(|now| match now.controller_id {
            ..0 => false,
            _ => std::mem::replace(&mut was_active, now.endpoint == endpoint) && !was_active,
        });
        if is_replaced.await.is_err() {
            std::future::pending().await
        }
    }

    /// Waits until the metadata has been known to go on behind `offset` for too long: what is awaited meanwhile came not.
    async fn outrun(&self, offset: i64, patience: Duration) {
        let mut end = self.end.clone();
        if end.wait_for(|end| *end > offset).await.is_err() {
            std::future::pending().await
        }
        sleep(patience).await;
    }

    async fn visited(&self) {
        match self.visit {
            Some(visit) => sleep(visit).await,
            None => std::future::pending().await,
        }
    }

    /// Follows one stream; returns why it ended.
    async fn follow(
        &self,
        endpoint: &str,
        image: &mut Image,
        has_served: &mut bool,
    ) -> Result<Reason, NewerRelease> {
        let request = WatchMetadataRequest {
            broker_id: self.identity.id.get(),
            from_offset: image.offset(),
        };
        let mut replaced = pin!(self.replaced(endpoint));
        let mut visited = pin!(self.visited());
        // Who has begun to send is able to, and who owes nothing has nothing large to prepare: from then on silence tells. Until then it is
        // not gone home from either.
        let mut patience = match *self.end.borrow() > image.offset() {
            true => self.patience,
            false => SILENCE_MAX,
        };
        let opened = tokio::select! {
            opened = self.controller.watch_metadata(endpoint, request) => opened,
            () = &mut replaced => return Ok(Reason::Replaced),
            () = self.outrun(image.offset(), patience) => return Ok(Reason::Outrun),
            () = &mut visited, if patience == SILENCE_MAX => return Ok(Reason::Home),
        };
        let mut updates = match opened {
            Ok(updates) => updates,
            Err(error) => return Ok(Reason::Told(error.to_string())),
        };
        loop {
            let update = tokio::select! {
                // What has come counts, however late this task is.
                biased;
                update = updates.message() => update,
                () = &mut replaced => return Ok(Reason::Replaced),
                () = self.outrun(image.offset(), patience) => return Ok(Reason::Outrun),
                () = &mut visited, if patience == SILENCE_MAX => return Ok(Reason::Home),
            };
            let kind = match update {
                Ok(Some(update)) => update.kind,
                Ok(None) => return Ok(Reason::Told("the controller ended it".to_owned())),
                Err(status) => return Ok(Reason::Told(status.to_string())),
            };
            *has_served = true;
            let delta = match kind {
                Some(Kind::Active(active)) => {
                    self.controller.observe_active(active);
                    continue;
                }
                Some(Kind::Snapshot(snapshot)) => match Image::from_snapshot(&snapshot) {
                    Ok(newer) if newer.offset() < image.offset() => {
                        // A controller that lags behind: what it has is old news.
                        continue;
                    }
                    Ok(newer) => {
                        info!(offset = newer.offset(), "took over a metadata snapshot");
                        let delta = Delta::between(image, &newer);
                        *image = newer;
                        delta
                    }
                    Err(ReplayError::UnknownKind) => return Err(NewerRelease::Record),
                    Err(error) => {
                        return Ok(Reason::Told(format!("a snapshot does not replay: {error}")));
                    }
                },
                Some(Kind::Batch(batch)) if batch.offset < image.offset() => continue,
                Some(Kind::Batch(batch)) => {
                    match image.apply_records(batch.offset, &batch.records) {
                        Ok(delta) => delta,
                        Err(error) if error.is_of_newer_release() => {
                            return Err(NewerRelease::Record);
                        }
                        Err(error) => {
                            return Ok(Reason::Told(format!("a batch does not replay: {error}")));
                        }
                    }
                }
                None => continue,
            };
            patience = SILENCE_MAX;
            self.check_level(image)?;
            if !delta.changed_controllers.is_empty() {
                self.controller.learn_endpoints(controllers_of(image));
            }
            let change = Change {
                delta,
                image: image.clone(),
            };
            if self.changes.send(change).await.is_err() {
                return Ok(Reason::Told("nobody follows any more".to_owned()));
            }
        }
    }

    fn check_level(&self, image: &Image) -> Result<(), NewerRelease> {
        let (level, levels) = (image.level(), self.levels);
        match levels.contains(level) {
            true => Ok(()),
            false => Err(NewerRelease::Level { level, levels }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use klamm_rpc::{
        ActiveController,
        controller::{CommittedBatch, MetadataUpdate},
        testing::FakeController,
    };
    use std::task::{Context, Waker};
    use tokio::time::timeout;

    /// What never happens in a test that passes.
    const LIMIT: Duration = Duration::from_secs(20);

    #[test]
    fn whose_stream_broke_is_asked_last_unless_it_is_near() {
        let asked = |failed: &str, even_near| {
            let mut endpoints = ["c", "b", "near"].map(str::to_owned);
            ask_last(&mut endpoints, failed, even_near);
            endpoints.iter().rev().cloned().collect::<Vec<_>>().concat()
        };
        assert_eq!(asked("b", false), "nearcb");
        assert_eq!(asked("c", false), "nearbc");
        assert_eq!(asked("near", false), "nearbc");
        assert_eq!(asked("near", true), "bcnear");
        assert_eq!(asked("b", true), "nearcb");
        assert_eq!(asked("unknown", true), "nearbc");
    }

    fn endpoint(id: i32) -> ControllerEndpoint {
        ControllerEndpoint {
            id: BrokerId(id),
            host: format!("controller-{id}"),
            port: 9093,
        }
    }

    fn active(id: i32, controller_epoch: i32) -> ActiveController {
        ActiveController {
            controller_id: id,
            controller_epoch,
            endpoint: format!("controller-{id}:9093"),
        }
    }

    #[test]
    fn this_very_node_is_asked_first() {
        let controller = ControllerClient::new([1, 2, 3].map(endpoint).to_vec());
        let mut endpoints = by_nearness(&Identity::new(BrokerId(2)), &controller);
        assert_eq!(endpoints.pop().as_deref(), Some("controller-2:9093"));
        assert_eq!(endpoints.len(), 2);
    }

    #[test]
    fn other_controllers_are_visited() {
        let controller = ControllerClient::new([1, 2, 3].map(endpoint).to_vec());
        let is_away = |id| {
            let identity = Identity::new(BrokerId(id));
            is_away(&identity, &controller, "controller-2:9093")
        };
        assert!(is_away(1));
        assert!(!is_away(2));
        assert!(!is_away(7), "it has none to come home to");
    }

    #[tokio::test]
    async fn a_stream_ends_when_another_controller_takes_over_from_the_one_followed() {
        let controller = ControllerClient::new(Vec::new());
        let (changes, _receiver) = mpsc::channel(1);
        let follower = Follower {
            identity: &Identity::new(BrokerId(1)),
            controller: &controller,
            changes: &changes,
            levels: LevelRange::default(),
            end: &watch::Sender::new(0).subscribe(),
            patience: SILENCE_MAX,
            visit: None,
        };
        let mut first = pin!(follower.replaced("controller-1:9093"));
        let mut third = pin!(follower.replaced("controller-3:9093"));
        let mut context = Context::from_waker(Waker::noop());
        assert!(
            first.as_mut().poll(&mut context).is_pending(),
            "nobody is active"
        );
        controller.observe_active(active(1, 1));
        assert!(first.as_mut().poll(&mut context).is_pending());
        assert!(third.as_mut().poll(&mut context).is_pending());
        controller.observe_active(active(2, 2));
        assert!(first.as_mut().poll(&mut context).is_ready());
        assert!(
            third.as_mut().poll(&mut context).is_pending(),
            "it was never active"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_ends_when_the_active_controller_knows_more_and_nothing_comes() {
        let controller = ControllerClient::new(Vec::new());
        let (changes, _receiver) = mpsc::channel(1);
        let end = watch::Sender::new(0);
        let follower = Follower {
            identity: &Identity::new(BrokerId(1)),
            controller: &controller,
            changes: &changes,
            levels: LevelRange::default(),
            end: &end.subscribe(),
            patience: SILENCE_MAX,
            visit: None,
        };
        let long = 10 * SILENCE_MAX;
        end.send_replace(7);
        let outrun = |offset| follower.outrun(offset, SILENCE_MAX);
        timeout(long, outrun(7)).await.unwrap_err();
        timeout(long, outrun(6)).await.unwrap();
        timeout(SILENCE_MAX / 2, outrun(6)).await.unwrap_err();
    }

    /// Why a stream ends that was owed something and got something.
    async fn end_of_patience(visit: Option<Duration>) -> Reason {
        let (fake, mut watchers) = FakeController::start(2).await.unwrap();
        let endpoint = fake.endpoint().clone();
        let controller = ControllerClient::new(vec![endpoint.clone()]);
        let (changes, _receiver) = mpsc::channel(1);
        let end = watch::Sender::new(7);
        let follower = Follower {
            identity: &Identity::new(BrokerId(1)),
            controller: &controller,
            changes: &changes,
            levels: LevelRange::default(),
            end: &end.subscribe(),
            patience: 3 * LIMIT,
            visit,
        };
        let (mut image, endpoint) = (Image::new(), endpoint.address());
        let mut stream = pin!(follower.stream(&endpoint, &mut image));
        let updates = tokio::select! {
            ended = &mut stream => panic!("{}", ended.unwrap().reason),
            updates = timeout(LIMIT, watchers.recv()) => updates.unwrap().unwrap(),
        };
        timeout(2 * SILENCE_MAX, &mut stream).await.err().unwrap();
        // Nothing of what is missing, but it can send.
        let nothing = Kind::Batch(CommittedBatch::default());
        let update = MetadataUpdate {
            kind: Some(nothing),
        };
        updates.send(Ok(update)).unwrap();
        let ended = timeout(LIMIT, stream).await.unwrap().unwrap();
        ended.reason
    }

    #[tokio::test]
    async fn long_patience_is_for_the_first_answer_only() {
        let stays = end_of_patience(None).await;
        assert!(matches!(stays, Reason::Outrun), "{stays}");
        let visits = end_of_patience(Some(Duration::from_millis(1))).await;
        assert!(matches!(visits, Reason::Home), "{visits}");
    }
}
