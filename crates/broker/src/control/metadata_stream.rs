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
use std::{sync::Arc, time::Duration};
use tokio::{sync::mpsc, time::sleep};
use tracing::{debug, error, info};

/// Pause before another controller is tried.
const RETRY_PAUSE: Duration = Duration::from_millis(20);

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
) -> Result<(), NewerRelease> {
    let mut image = Image::new();
    let mut endpoints: Vec<String> = Vec::new();
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
        };
        let ended = follower.stream(&endpoint, &mut image).await?;
        debug!(endpoint, reason = ended, "the metadata stream has ended");
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
        .map(|endpoint| format!("{}:{}", endpoint.host, endpoint.port))
        .collect()
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

/// Who follows, and how far it may.
struct Follower<'a> {
    identity: &'a Identity,
    controller: &'a ControllerClient,
    changes: &'a mpsc::Sender<Change>,
    levels: LevelRange,
}

impl Follower<'_> {
    /// One stream's life; returns why it ended.
    async fn stream(&self, endpoint: &str, image: &mut Image) -> Result<String, NewerRelease> {
        let request = WatchMetadataRequest {
            broker_id: self.identity.id.get(),
            from_offset: image.offset(),
        };
        let mut updates = match self.controller.watch_metadata(endpoint, request).await {
            Ok(updates) => updates,
            Err(error) => return Ok(error.to_string()),
        };
        loop {
            let kind = match updates.message().await {
                Ok(Some(update)) => update.kind,
                Ok(None) => return Ok("the controller ended it".to_owned()),
                Err(status) => return Ok(status.to_string()),
            };
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
                    Err(error) => return Ok(format!("a snapshot does not replay: {error}")),
                },
                Some(Kind::Batch(batch)) if batch.offset < image.offset() => continue,
                Some(Kind::Batch(batch)) => {
                    match image.apply_records(batch.offset, &batch.records) {
                        Ok(delta) => delta,
                        Err(error) if error.is_of_newer_release() => {
                            return Err(NewerRelease::Record);
                        }
                        Err(error) => return Ok(format!("a batch does not replay: {error}")),
                    }
                }
                None => continue,
            };
            self.check_level(image)?;
            if !delta.changed_controllers.is_empty() {
                self.controller.learn_endpoints(controllers_of(image));
            }
            let change = Change {
                delta,
                image: image.clone(),
            };
            if self.changes.send(change).await.is_err() {
                return Ok("nobody follows any more".to_owned());
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
