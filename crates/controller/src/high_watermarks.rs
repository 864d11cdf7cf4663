//! Leaders report how far their high watermarks have come.

use crate::{BrokerRef, Decision, Refusal, broker_state::registered};
use klamm_metadata::{Image, proto, uuid_bytes};
use klamm_types::{LeaderEpoch, TopicPartition};
use std::collections::BTreeMap;

/// A leader's report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportHighWatermarks {
    /// Who reports.
    pub broker: BrokerRef,
    /// What it leads.
    pub partitions: Vec<PartitionHighWatermark>,
}

/// How far a partition has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartitionHighWatermark {
    /// The partition.
    pub id: TopicPartition,
    /// The leader's epoch.
    pub leader_epoch: LeaderEpoch,
    /// Its high watermark.
    pub high_watermark: i64,
}

/// Floors only rise, and only the current leader's word counts; the rest of a report is
/// out of date and passed over.
pub(crate) fn decide(
    image: &Image,
    request: &ReportHighWatermarks,
) -> Decision<Result<(), Refusal>> {
    if let Err(refusal) = registered(image, request.broker) {
        return Decision::refused(refusal);
    }
    let mut floors = BTreeMap::new();
    for report in &request.partitions {
        let Some(partition) = image.partition(report.id) else {
            continue;
        };
        if partition.leader == request.broker.id && partition.leader_epoch == report.leader_epoch {
            let floor = floors
                .entry(report.id)
                .or_insert(partition.high_watermark_floor);
            *floor = report.high_watermark.max(*floor);
        }
    }
    let raised = floors.into_iter().filter(|(id, floor)| {
        let known = image.partition(*id).map(|p| p.high_watermark_floor);
        known.is_some_and(|known| known < *floor)
    });
    let records = raised.map(|(id, floor)| {
        let (topic_id, partition) = (uuid_bytes(id.topic_id), id.partition);
        proto::Record::from(proto::HighWatermarkFloorRecord {
            topic_id,
            partition,
            floor,
        })
    });
    Decision {
        records: records.collect(),
        response: Ok(()),
    }
}
