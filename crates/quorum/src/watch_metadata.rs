//! A follower's metadata stream: a snapshot where it is needed, then every batch.

use crate::{
    leadership::LeadershipWatch,
    metadata_feed::{MetadataFeed, Next},
    stopping::Stopping,
};
use klamm_metadata::Image;
use klamm_rpc::controller::{MetadataUpdate, metadata_update::Kind};
use std::sync::Arc;
use tokio::{
    sync::mpsc,
    task,
    time::{Instant, sleep_until},
};
use tonic::Status;

/// Updates on their way to one follower. One that takes them too slowly falls behind what the
/// feed keeps and must start over.
const UPDATES_MAX: usize = 32;

type Updates = mpsc::Sender<Result<MetadataUpdate, Status>>;

/// Why a stream ended.
enum End {
    /// The follower went away.
    Gone,
    /// It is told why.
    Told(Status),
}

/// Streams what an image with `offset` needs, from now until the follower goes away, this
/// controller stops, or knows of no leader for a while: then another one may know more.
pub(crate) fn watch(
    feed: Arc<MetadataFeed>,
    leadership: LeadershipWatch,
    stopping: Stopping,
    offset: i64,
) -> mpsc::Receiver<Result<MetadataUpdate, Status>> {
    let (updates, receiver) = mpsc::channel(UPDATES_MAX);
    tokio::spawn(async move {
        let end = run(&feed, leadership, stopping, offset, &updates).await;
        if let Err(End::Told(status)) = end {
            // The follower may be gone by now.
            let _ = updates.send(Err(status)).await;
        }
    });
    receiver
}

async fn run(
    feed: &MetadataFeed,
    mut leadership: LeadershipWatch,
    mut stopping: Stopping,
    mut offset: i64,
    updates: &Updates,
) -> Result<(), End> {
    let mut feed_offset = feed.offset();
    let mut may_start_over = true;
    leadership.now.mark_changed();
    let mut leaderless_since = Instant::now();
    loop {
        let knows_leader = leadership.get().leader.is_some();
        if knows_leader {
            leaderless_since = Instant::now();
        }
        let end_of_patience = sleep_until(leaderless_since + leadership.patience);
        tokio::select! {
            biased;
            () = updates.closed() => return Err(End::Gone),
            () = stopping.wait() => return Err(End::Told(Stopping::status())),
            changed = leadership.now.changed() => {
                changed.map_err(|_| End::Gone)?;
                send(updates, Kind::Active(leadership.active())).await?;
            }
            // After the change, which may have been in time: both are there when a machine is busy.
            () = end_of_patience, if !knows_leader => {
                let status = Status::unavailable("this controller knows of no leader");
                return Err(End::Told(status));
            }
            changed = feed_offset.changed() => changed.map_err(|_| End::Gone)?,
        }
        feed_offset.mark_unchanged();
        loop {
            match feed.next(offset) {
                Next::Wait => break,
                Next::Batch(batch) => {
                    offset += batch.records.len() as i64;
                    send(updates, Kind::Batch(batch.as_ref().clone())).await?;
                }
                Next::StartOver(image) if may_start_over => {
                    offset = image.offset();
                    send(updates, snapshot_of(image).await).await?;
                }
                Next::StartOver(_) => {
                    let status = Status::aborted("too far behind: begin a new stream");
                    return Err(End::Told(status));
                }
            }
            may_start_over = false;
        }
    }
}

async fn send(updates: &Updates, kind: Kind) -> Result<(), End> {
    let update = MetadataUpdate { kind: Some(kind) };
    updates.send(Ok(update)).await.map_err(|_| End::Gone)
}

/// A large image takes a while to write down.
async fn snapshot_of(image: Image) -> Kind {
    let copy = image.clone();
    match task::spawn_blocking(move || copy.to_snapshot()).await {
        Ok(snapshot) => Kind::Snapshot(snapshot),
        Err(_) => Kind::Snapshot(image.to_snapshot()),
    }
}
