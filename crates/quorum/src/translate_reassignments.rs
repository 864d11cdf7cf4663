//! Between the messages about reassignments, elections and brokers that are gone, and the
//! controller's requests and responses.

use crate::translate::outcome;
use klamm_controller as core;
use klamm_controller::{ElectionType, Refusal, Request};
use klamm_metadata::broker_ids;
use klamm_rpc::controller::*;
use klamm_types::BrokerId;
use tonic::Status;

pub(crate) fn alter_reassignments(request: AlterReassignmentsRequest) -> Result<Request, Status> {
    let reassignment = |one: PartitionReassignment| core::Reassignment {
        topic: one.topic,
        partition: one.partition,
        replicas: one.replicas.map(|replicas| broker_ids(&replicas.ids)),
    };
    let partitions = request.partitions.into_iter().map(reassignment);
    Ok(Request::AlterReassignments(core::AlterReassignments {
        partitions: partitions.collect(),
        allows_another_replication_factor: request.allow_replication_factor_change,
    }))
}

pub(crate) fn altered_reassignments(
    result: Result<core::AlteredReassignments, Refusal>,
) -> AlterReassignmentsResponse {
    let (error_code, error_message) = outcome(&result);
    let (results, metadata_offset) = match result {
        Ok(altered) => (altered.results, altered.metadata_offset),
        Err(_) => (Vec::new(), 0),
    };
    AlterReassignmentsResponse {
        error_code,
        error_message,
        partitions: results.iter().map(partition_result).collect(),
        metadata_offset,
    }
}

pub(crate) fn elect_leaders(request: ElectLeadersRequest) -> Result<Request, Status> {
    let named = |all: NamedPartitions| {
        let partitions = all.partitions.into_iter();
        partitions.map(|one| (one.topic, one.partition)).collect()
    };
    Ok(Request::ElectLeaders(core::ElectLeaders {
        election: match request.unclean {
            true => ElectionType::Unclean,
            false => ElectionType::Preferred,
        },
        partitions: request.partitions.map(named),
    }))
}

pub(crate) fn elected_leaders(
    result: Result<core::ElectedLeaders, Refusal>,
) -> ElectLeadersResponse {
    let (error_code, error_message) = outcome(&result);
    let (partitions, metadata_offset) = match result {
        Ok(elected) => (elected.partitions, elected.metadata_offset),
        Err(_) => (Vec::new(), 0),
    };
    let named = |one: core::ElectedLeader| NamedPartitionResult {
        result: Some(partition_result(&one.result)),
        partition: Some(NamedPartition {
            topic: one.topic,
            partition: one.partition,
        }),
    };
    ElectLeadersResponse {
        error_code,
        error_message,
        partitions: partitions.into_iter().map(named).collect(),
        metadata_offset,
    }
}

fn partition_result(result: &Result<(), Refusal>) -> PartitionResult {
    let (error_code, error_message) = outcome(result);
    PartitionResult {
        error_code,
        error_message,
    }
}

pub(crate) fn unregister_broker(request: UnregisterBrokerRequest) -> Result<Request, Status> {
    Ok(Request::UnregisterBroker(BrokerId(request.broker_id)))
}

pub(crate) fn unregistered_broker(result: Result<(), Refusal>) -> UnregisterBrokerResponse {
    let (error_code, error_message) = outcome(&result);
    UnregisterBrokerResponse {
        error_code,
        error_message,
    }
}
