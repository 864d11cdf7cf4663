//! Telling the quorum how far the high watermarks have come: rarely, and many in one call.

use crate::{context::Identity, metadata::MetadataCache, partitions::Partitions};
use klamm_metadata::uuid_bytes;
use klamm_rpc::{
    ControllerClient,
    controller::{PartitionHighWatermark, ReportHighWatermarksRequest},
};
use std::{sync::Arc, time::Duration};
use tokio::time::{MissedTickBehavior, interval};
use tracing::debug;

/// The floor is a safety net behind the ISR: it may lag by this much.
const INTERVAL: Duration = Duration::from_secs(5);

/// Partitions in one report; the rest waits for the next one.
const BATCH_MAX: usize = 1000;

const CALL_TIMEOUT: Duration = Duration::from_secs(5);

/// Reports until this future is dropped.
pub(crate) async fn report_floors(
    identity: Arc<Identity>,
    controller: ControllerClient,
    metadata: Arc<MetadataCache>,
    partitions: Arc<Partitions>,
) {
    let mut ticks = interval(INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let reports = risen(&metadata, &partitions);
        if reports.is_empty() {
            continue;
        }
        let request = ReportHighWatermarksRequest {
            broker_id: identity.id.get(),
            broker_epoch: identity.epoch().get(),
            partitions: reports,
        };
        if let Err(error) = controller
            .report_high_watermarks(request, CALL_TIMEOUT)
            .await
        {
            debug!(%error, "cannot report high watermarks");
        }
    }
}

/// The led partitions whose high watermark is above the floor, those furthest above first.
fn risen(metadata: &MetadataCache, partitions: &Partitions) -> Vec<PartitionHighWatermark> {
    let image = metadata.image();
    let mut risen: Vec<(i64, PartitionHighWatermark)> = partitions
        .all()
        .iter()
        .filter_map(|partition| {
            let high_watermark = partition.high_watermark();
            if high_watermark <= 0 {
                return None; // no floor is lower, and nodes have many that are empty
            }
            let leader_epoch = partition.leader_epoch_if_leader()?;
            let floor = image.partition(partition.id)?.high_watermark_floor;
            let report = PartitionHighWatermark {
                topic_id: uuid_bytes(partition.id.topic_id),
                partition: partition.id.partition,
                leader_epoch: leader_epoch.get(),
                high_watermark,
            };
            (high_watermark > floor).then_some((floor - high_watermark, report))
        })
        .collect();
    risen.sort_by_key(|(rise, _)| *rise);
    risen.truncate(BATCH_MAX);
    risen.into_iter().map(|(_, report)| report).collect()
}
