//! How the partitions follow the metadata: one change after the other, new replicas in between.

use crate::{context::Context, control::Change};
use klamm_metadata::{Delta, Image};
use klamm_types::BrokerEpoch;
use std::sync::Arc;
use tokio::{sync::mpsc, task::spawn_blocking};
use tracing::error;

/// Lets the partitions follow every change, once the metadata holds this very registration: what
/// comes before is history that this broker has no part in.
pub(crate) async fn apply_changes(
    context: Arc<Context>,
    epoch: BrokerEpoch,
    mut queue: mpsc::Receiver<Change>,
) {
    let me = context.identity.id;
    let mut is_current = false;
    while let Some(change) = next_change(&context, &mut queue).await {
        let registered = |image: &Image| image.broker(me).is_some_and(|b| b.epoch == epoch);
        if !is_current && !registered(&change.image) {
            continue;
        }
        let delta = if is_current {
            change.delta
        } else {
            Delta::between(&Image::new(), &change.image)
        };
        context.metadata.publish(change.image.clone());
        let applying = Arc::clone(&context);
        let first = !is_current;
        let applied = spawn_blocking(move || {
            applying.partitions.apply(&delta, &change.image);
            if first {
                applying.partitions.create_arriving(&change.image, true);
                applying.partitions.set_strays_aside();
            }
        });
        if let Err(error) = applied.await {
            error!(%error, "following the metadata failed");
        }
        is_current = true;
        mark_applied(&context);
    }
}

/// What there is to follow is followed, once every new replica is made.
fn mark_applied(context: &Context) {
    if !context.partitions.has_arriving() {
        context.metadata.mark_applied();
    }
}

/// The next change. New replicas are made while there is none.
async fn next_change(context: &Arc<Context>, queue: &mut mpsc::Receiver<Change>) -> Option<Change> {
    while context.partitions.has_arriving() {
        if let Ok(change) = queue.try_recv() {
            return Some(change);
        }
        let creating = Arc::clone(context);
        let created = spawn_blocking(move || {
            let image = creating.metadata.image();
            creating.partitions.create_arriving(&image, false)
        });
        let are_kept_out = created.await.unwrap_or_else(|error| {
            error!(%error, "making new replicas failed");
            false
        });
        mark_applied(context);
        if are_kept_out && context.partitions.has_arriving() {
            tokio::select! {
                change = queue.recv() => return change,
                () = context.partitions.has_departed() => {}
            }
        }
    }
    queue.recv().await
}
