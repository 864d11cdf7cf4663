//! Between the messages of `controller.proto` and the controller's requests and responses.

use klamm_controller as core;
use klamm_controller::{BrokerRef, Refusal, Request};
use klamm_metadata::{ConfigResource, Listener, RecoveryState, uuid_bytes};
use klamm_rpc::controller::*;
use klamm_types::{
    BrokerEpoch, BrokerId, ErrorCode, LeaderEpoch, PartitionEpoch, TopicPartition, Uuid,
};
use tonic::Status;

fn uuid(bytes: &[u8], field: &'static str) -> Result<Uuid, Status> {
    Uuid::from_slice(bytes)
        .ok_or_else(|| Status::invalid_argument(format!("{field}: not an id of 16 bytes")))
}

fn uuids(list: &[Vec<u8>], field: &'static str) -> Result<Vec<Uuid>, Status> {
    list.iter().map(|bytes| uuid(bytes, field)).collect()
}

fn broker_ref(id: i32, epoch: i64) -> BrokerRef {
    BrokerRef {
        id: BrokerId(id),
        epoch: BrokerEpoch(epoch),
    }
}

fn partition_id(topic_id: &[u8], partition: i32) -> Result<TopicPartition, Status> {
    Ok(TopicPartition {
        topic_id: uuid(topic_id, "topic_id")?,
        partition,
    })
}

fn code(code: ErrorCode) -> i32 {
    code.code().into()
}

/// Error code and message of a result.
pub(crate) fn outcome<T>(result: &Result<T, Refusal>) -> (i32, String) {
    match result {
        Ok(_) => (code(ErrorCode::None), String::new()),
        Err(refusal) => (code(refusal.code), refusal.message.clone()),
    }
}

pub(crate) fn register_broker(request: RegisterBrokerRequest) -> Result<Request, Status> {
    let listeners = request
        .listeners
        .iter()
        .map(Listener::try_from)
        .collect::<Result<_, _>>()
        .map_err(|error| Status::invalid_argument(error.to_string()))?;
    Ok(Request::RegisterBroker(core::RegisterBroker {
        cluster_id: request.cluster_id,
        broker_id: BrokerId(request.broker_id),
        incarnation_id: uuid(&request.incarnation_id, "incarnation_id")?,
        listeners,
        rack: request.rack,
        log_dirs: uuids(&request.log_dirs, "log_dirs")?,
        has_offline_log_dirs: request.has_offline_log_dirs,
        previous_epoch: BrokerEpoch(request.previous_broker_epoch),
        version: request.version,
        levels: request.levels.into(),
    }))
}

pub(crate) fn registered_broker(
    result: Result<core::RegisteredBroker, Refusal>,
) -> RegisterBrokerResponse {
    let (error_code, error_message) = outcome(&result);
    let (broker_epoch, cluster_id) = match result {
        Ok(registered) => (registered.epoch.0, registered.cluster_id),
        Err(_) => (BrokerEpoch::NONE.0, String::new()),
    };
    RegisterBrokerResponse {
        error_code,
        error_message,
        broker_epoch,
        cluster_id,
    }
}

pub(crate) fn alter_partition(request: AlterPartitionRequest) -> Result<Request, Status> {
    let partitions = request
        .partitions
        .into_iter()
        .map(|partition| {
            Ok(core::PartitionIsr {
                id: partition_id(&partition.topic_id, partition.partition)?,
                leader_epoch: LeaderEpoch(partition.leader_epoch),
                partition_epoch: PartitionEpoch(partition.partition_epoch),
                recovery_state: RecoveryState::try_from(partition.leader_recovery_state)
                    .map_err(|error| Status::invalid_argument(error.to_string()))?,
                new_isr: partition.new_isr.iter().map(isr_member).collect(),
                high_watermark: partition.high_watermark,
            })
        })
        .collect::<Result<_, Status>>()?;
    Ok(Request::AlterPartition(core::AlterPartition {
        broker: broker_ref(request.broker_id, request.broker_epoch),
        partitions,
    }))
}

fn isr_member(member: &IsrMember) -> core::IsrMember {
    core::IsrMember {
        id: BrokerId(member.broker_id),
        epoch: BrokerEpoch(member.broker_epoch),
    }
}

pub(crate) fn altered_partitions(
    result: Result<Vec<core::AlteredPartition>, Refusal>,
) -> AlterPartitionResponse {
    let (error_code, _) = outcome(&result);
    let partitions = result.unwrap_or_default();
    AlterPartitionResponse {
        error_code,
        partitions: partitions.into_iter().map(altered_partition).collect(),
    }
}

fn altered_partition(altered: core::AlteredPartition) -> PartitionIsrResult {
    let id = altered.id;
    let mut result = PartitionIsrResult {
        topic_id: uuid_bytes(id.topic_id),
        partition: id.partition,
        ..PartitionIsrResult::default()
    };
    match altered.result {
        Ok(state) => {
            result.leader = state.leader.0;
            result.leader_epoch = state.leader_epoch.0;
            result.partition_epoch = state.partition_epoch.0;
            result.isr = state.isr.iter().map(|id| id.0).collect();
        }
        Err(error) => result.error_code = code(error),
    }
    result
}

pub(crate) fn resign_leadership(request: ResignLeadershipRequest) -> Result<Request, Status> {
    let partitions = request
        .partitions
        .iter()
        .map(|partition| {
            Ok(core::Resignation {
                id: partition_id(&partition.topic_id, partition.partition)?,
                leader_epoch: LeaderEpoch(partition.leader_epoch),
            })
        })
        .collect::<Result<_, Status>>()?;
    Ok(Request::ResignLeadership(core::ResignLeadership {
        broker: broker_ref(request.broker_id, request.broker_epoch),
        partitions,
    }))
}

pub(crate) fn resigned_leadership(
    result: Result<Vec<core::Resigned>, Refusal>,
) -> ResignLeadershipResponse {
    let (error_code, _) = outcome(&result);
    let partitions = result.unwrap_or_default().into_iter();
    let partitions = partitions.map(|resigned| ResignationResult {
        topic_id: uuid_bytes(resigned.id.topic_id),
        partition: resigned.id.partition,
        error_code: code(resigned.result.err().unwrap_or(ErrorCode::None)),
    });
    ResignLeadershipResponse {
        error_code,
        partitions: partitions.collect(),
    }
}

pub(crate) fn report_high_watermarks(
    request: ReportHighWatermarksRequest,
) -> Result<Request, Status> {
    let partitions = request
        .partitions
        .iter()
        .map(|partition| {
            Ok(core::PartitionHighWatermark {
                id: partition_id(&partition.topic_id, partition.partition)?,
                leader_epoch: LeaderEpoch(partition.leader_epoch),
                high_watermark: partition.high_watermark,
            })
        })
        .collect::<Result<_, Status>>()?;
    Ok(Request::ReportHighWatermarks(core::ReportHighWatermarks {
        broker: broker_ref(request.broker_id, request.broker_epoch),
        partitions,
    }))
}

pub(crate) fn reported_high_watermarks(
    result: Result<(), Refusal>,
) -> ReportHighWatermarksResponse {
    let (error_code, _) = outcome(&result);
    ReportHighWatermarksResponse { error_code }
}

/// What a heartbeat says of failed log directories; `None`: nothing.
pub(crate) fn failed_log_dirs(heartbeat: &BrokerHeartbeat) -> Result<Option<Request>, Status> {
    if heartbeat.offline_log_dirs.is_empty() {
        return Ok(None);
    }
    Ok(Some(Request::FailLogDirs(core::FailLogDirs {
        broker: broker_ref(heartbeat.broker_id, heartbeat.broker_epoch),
        log_dirs: uuids(&heartbeat.offline_log_dirs, "offline_log_dirs")?,
    })))
}

pub(crate) fn assign_directories(request: AssignDirectoriesRequest) -> Result<Request, Status> {
    let replicas = request
        .partitions
        .iter()
        .map(|replica| {
            Ok(core::ReplicaDirectory {
                id: partition_id(&replica.topic_id, replica.partition)?,
                directory: uuid(&replica.directory, "directory")?,
            })
        })
        .collect::<Result<_, Status>>()?;
    Ok(Request::AssignDirectories(core::AssignDirectories {
        broker: broker_ref(request.broker_id, request.broker_epoch),
        replicas,
    }))
}

pub(crate) fn assigned_directories(result: Result<(), Refusal>) -> AssignDirectoriesResponse {
    let (error_code, _) = outcome(&result);
    AssignDirectoriesResponse { error_code }
}

pub(crate) fn create_topics(request: CreateTopicsRequest) -> Result<Request, Status> {
    let topics = request.topics.into_iter().map(creatable_topic).collect();
    Ok(Request::CreateTopics(core::CreateTopics {
        topics,
        validate_only: request.validate_only,
    }))
}

fn creatable_topic(topic: CreatableTopic) -> core::CreatableTopic {
    let configs = topic.configs.into_iter();
    core::CreatableTopic {
        name: topic.name,
        num_partitions: topic.num_partitions,
        replication_factor: topic.replication_factor,
        assignments: topic.assignments.iter().map(assignment).collect(),
        configs: configs.map(|config| (config.name, config.value)).collect(),
    }
}

fn assignment(assignment: &ReplicaAssignment) -> core::ReplicaAssignment {
    core::ReplicaAssignment {
        partition: assignment.partition,
        broker_ids: assignment
            .broker_ids
            .iter()
            .copied()
            .map(BrokerId)
            .collect(),
    }
}

pub(crate) fn created_topics(topics: Vec<core::CreatedTopic>) -> CreateTopicsResponse {
    let topics = topics.into_iter().map(|topic| {
        let (error_code, error_message) = outcome(&topic.result);
        let created = topic.result.ok();
        CreatedTopic {
            name: topic.name,
            topic_id: uuid_bytes(created.map_or(Uuid::ZERO, |created| created.topic_id)),
            error_code,
            error_message,
            num_partitions: created.map_or(-1, |created| created.num_partitions),
            replication_factor: created.map_or(-1, |created| created.replication_factor),
        }
    });
    CreateTopicsResponse {
        topics: topics.collect(),
    }
}

pub(crate) fn delete_topics(request: DeleteTopicsRequest) -> Result<Request, Status> {
    let topics = request
        .topics
        .into_iter()
        .map(|topic| {
            let topic_id = topic.topic_id.map(|id| uuid(&id, "topic_id")).transpose()?;
            Ok(core::TopicRef {
                name: topic.name,
                topic_id,
            })
        })
        .collect::<Result<_, Status>>()?;
    Ok(Request::DeleteTopics(core::DeleteTopics { topics }))
}

pub(crate) fn deleted_topics(topics: Vec<core::DeletedTopic>) -> DeleteTopicsResponse {
    let topics = topics.into_iter().map(|topic| {
        let (error_code, error_message) = outcome(&topic.result);
        DeletedTopic {
            name: topic.name,
            topic_id: uuid_bytes(topic.topic_id),
            error_code,
            error_message,
        }
    });
    DeleteTopicsResponse {
        topics: topics.collect(),
    }
}

pub(crate) fn create_partitions(request: CreatePartitionsRequest) -> Result<Request, Status> {
    let growth = |topic: TopicGrowth| core::TopicGrowth {
        name: topic.name,
        count: topic.count,
        assignments: topic
            .assignments
            .map(|all| all.partitions.iter().map(assignment).collect()),
    };
    Ok(Request::CreatePartitions(core::CreatePartitions {
        topics: request.topics.into_iter().map(growth).collect(),
        validate_only: request.validate_only,
    }))
}

pub(crate) fn grown_topics(topics: Vec<core::GrownTopic>) -> CreatePartitionsResponse {
    let topics = topics.into_iter().map(|topic| {
        let (error_code, error_message) = outcome(&topic.result);
        TopicResult {
            name: topic.name,
            error_code,
            error_message,
        }
    });
    CreatePartitionsResponse {
        topics: topics.collect(),
    }
}

pub(crate) fn alter_configs(request: AlterConfigsRequest) -> Result<Request, Status> {
    let resources = request.resources.into_iter().map(resource_change);
    Ok(Request::AlterConfigs(core::AlterConfigs {
        resources: resources.collect::<Result<_, _>>()?,
        validate_only: request.validate_only,
    }))
}

fn resource_change(configs: ResourceConfigs) -> Result<core::ResourceChange, Status> {
    let resource = ConfigResource::parse(configs.resource_type, &configs.resource_name);
    let ops = configs.changes.into_iter().map(|change| {
        let op = match ConfigOperation::try_from(change.operation) {
            Ok(ConfigOperation::Set) => core::ConfigOp::Set(change.value),
            Ok(ConfigOperation::Delete) => core::ConfigOp::Delete,
            Ok(ConfigOperation::Append) => core::ConfigOp::Append(change.value),
            Ok(ConfigOperation::Subtract) => core::ConfigOp::Subtract(change.value),
            Err(unknown) => return Err(Status::invalid_argument(unknown.to_string())),
        };
        Ok((change.name, op))
    });
    Ok(core::ResourceChange {
        resource: resource.ok_or_else(|| Status::invalid_argument("no such resource"))?,
        ops: ops.collect::<Result<_, _>>()?,
        replace: configs.replace,
    })
}

pub(crate) fn altered_configs(altered: core::AlteredConfigs) -> AlterConfigsResponse {
    let resources = altered.resources.iter().map(|resource| {
        let (error_code, error_message) = outcome(&resource.result);
        ResourceResult {
            error_code,
            error_message,
        }
    });
    AlterConfigsResponse {
        resources: resources.collect(),
        metadata_offset: altered.metadata_offset,
    }
}

pub(crate) fn allocate_producer_ids(
    request: AllocateProducerIdsRequest,
) -> Result<Request, Status> {
    let broker = broker_ref(request.broker_id, request.broker_epoch);
    Ok(Request::AllocateProducerIds(broker))
}

pub(crate) fn allocated_producer_ids(
    result: Result<core::ProducerIdBlock, Refusal>,
) -> AllocateProducerIdsResponse {
    let (error_code, _) = outcome(&result);
    let block = result.ok();
    AllocateProducerIdsResponse {
        error_code,
        first_producer_id: block.map_or(-1, |block| block.first_producer_id),
        count: block.map_or(0, |block| block.count),
    }
}
