//! Following the metadata from any controller, the nearest first.

use crate::context::Identity;
use klamm_metadata::{Controller, Delta, Image};
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

/// A change of the metadata, and the image after it.
pub(crate) struct Change {
    pub(crate) delta: Delta,
    pub(crate) image: Image,
}

/// Sends every change to `changes`, in order and without gaps, until the receiver is gone.
///
/// The channel bounds how far the stream runs ahead of those who follow it: a slow broker stops
/// reading, and is sent a snapshot when it falls too far behind.
pub(crate) async fn follow_metadata(
    identity: Arc<Identity>,
    controller: ControllerClient,
    changes: mpsc::Sender<Change>,
) {
    let mut image = Image::new();
    let mut endpoints: Vec<String> = Vec::new();
    while !changes.is_closed() {
        if endpoints.is_empty() {
            endpoints = by_nearness(&identity, &controller);
        }
        let Some(endpoint) = endpoints.pop() else {
            error!("no controller is configured: see controller.quorum.voters");
            return;
        };
        let ended = stream(&identity, &controller, &endpoint, &mut image, &changes).await;
        debug!(endpoint, reason = ended, "the metadata stream has ended");
        sleep(RETRY_PAUSE).await;
    }
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

/// One stream's life; returns why it ended.
async fn stream(
    identity: &Identity,
    controller: &ControllerClient,
    endpoint: &str,
    image: &mut Image,
    changes: &mpsc::Sender<Change>,
) -> String {
    let request = WatchMetadataRequest {
        broker_id: identity.id.get(),
        from_offset: image.offset(),
    };
    let mut updates = match controller.watch_metadata(endpoint, request).await {
        Ok(updates) => updates,
        Err(error) => return error.to_string(),
    };
    loop {
        let kind = match updates.message().await {
            Ok(Some(update)) => update.kind,
            Ok(None) => return "the controller ended it".to_owned(),
            Err(status) => return status.to_string(),
        };
        let delta = match kind {
            Some(Kind::Active(active)) => {
                controller.observe_active(active);
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
                Err(error) => return format!("a snapshot does not replay: {error}"),
            },
            Some(Kind::Batch(batch)) if batch.offset < image.offset() => continue,
            Some(Kind::Batch(batch)) => match image.apply_records(batch.offset, &batch.records) {
                Ok(delta) => delta,
                Err(error) => return format!("a batch does not replay: {error}"),
            },
            None => continue,
        };
        if !delta.changed_controllers.is_empty() {
            controller.learn_endpoints(controllers_of(image));
        }
        let change = Change {
            delta,
            image: image.clone(),
        };
        if changes.send(change).await.is_err() {
            return "nobody follows any more".to_owned();
        }
    }
}
