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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Request,
        lab::{Lab, error},
    };
    use klamm_types::ErrorCode;

    #[test]
    fn floors_rise_and_nothing_else_changes() {
        let lab = Lab::with_topic();
        let epoch = lab.partition().partition_epoch;
        let lab = lab.story(
            "
            report 5  => 1 @0 isr 1,2,3 floor 5
            report 4  => 1 @0 isr 1,2,3 floor 5
            report 6  => 1 @0 isr 1,2,3 floor 6
            fence 1   => 2 @1 isr 2,3 floor 6
            ",
        );
        assert_eq!(lab.partition().partition_epoch, epoch.next());
    }

    #[test]
    fn only_the_current_leader_is_believed() {
        let mut lab = Lab::with_topic();
        let report = PartitionHighWatermark {
            id: lab.id(),
            leader_epoch: LeaderEpoch(0),
            high_watermark: 5,
        };
        let mut ask = |broker, report| {
            let partitions = vec![report];
            let broker = lab.broker(broker);
            let request = ReportHighWatermarks { broker, partitions };
            let response = lab.ask(&Request::ReportHighWatermarks(request));
            assert_eq!(error(&response), ErrorCode::None);
            lab.partition().high_watermark_floor
        };
        assert_eq!(ask(2, report), 0);
        let leader_epoch = LeaderEpoch(1);
        assert_eq!(
            ask(
                1,
                PartitionHighWatermark {
                    leader_epoch,
                    ..report
                }
            ),
            0
        );
        let id = TopicPartition {
            partition: 9,
            ..report.id
        };
        assert_eq!(ask(1, PartitionHighWatermark { id, ..report }), 0);
        assert_eq!(ask(1, report), 5);
    }
}
