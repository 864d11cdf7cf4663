//! AlterReplicaLogDirs (34), versions 1–2: moves replicas of this broker between its log
//! directories while they serve.
//!
//! v2 is flexible. The answer comes when the moves have begun; DescribeLogDirs shows how far they
//! are. A directory that is not this broker's is LOG_DIR_NOT_FOUND, one that has failed
//! KAFKA_STORAGE_ERROR. For a replica that is not here yet the directory is remembered, and the
//! answer is REPLICA_NOT_AVAILABLE (KIP-113).

use super::{Answer, Call, Refusal};
use crate::{context::Context, log_dirs::LogDir};
use klamm_metadata::Image;
use klamm_protocol::{
    Decoder,
    messages::{
        alter_replica_log_dirs_request::{AlterReplicaLogDir, AlterReplicaLogDirsRequest},
        alter_replica_log_dirs_response::{
            AlterReplicaLogDirPartitionResult, AlterReplicaLogDirTopicResult,
            AlterReplicaLogDirsResponse,
        },
    },
};
use klamm_types::{ErrorCode, Uuid};
use std::{collections::BTreeMap, sync::Arc};

pub(super) fn start(
    context: &Arc<Context>,
    call: Call,
    body: &mut Decoder,
) -> Result<Answer, Refusal> {
    super::now(context, call, body, handle)
}

fn handle(
    context: &Arc<Context>,
    _call: &Call,
    request: AlterReplicaLogDirsRequest,
) -> AlterReplicaLogDirsResponse {
    let image = context.metadata.image();
    // A topic may come under several directories: the answer names it once.
    let mut results: BTreeMap<String, Vec<AlterReplicaLogDirPartitionResult>> = BTreeMap::new();
    for wanted in &request.dirs {
        let dir = find_dir(context, wanted);
        for topic in &wanted.topics {
            let answered = results.entry(topic.name.clone()).or_default();
            for index in &topic.partitions {
                let moved = (dir.as_ref())
                    .map_err(|error| *error)
                    .and_then(|dir| alter(context, &image, &topic.name, *index, dir));
                answered.push(AlterReplicaLogDirPartitionResult {
                    partition_index: *index,
                    error_code: moved.err().unwrap_or(ErrorCode::None).code(),
                });
            }
        }
    }
    let results = results.into_iter();
    let results = results.map(|(topic_name, partitions)| AlterReplicaLogDirTopicResult {
        topic_name,
        partitions,
    });
    AlterReplicaLogDirsResponse {
        results: results.collect(),
        ..Default::default()
    }
}

fn find_dir(context: &Context, wanted: &AlterReplicaLogDir) -> Result<Arc<LogDir>, ErrorCode> {
    let dirs = context.partitions.log_dirs();
    match dirs.by_path(&wanted.path) {
        None => Err(ErrorCode::LogDirNotFound),
        Some(dir) if !dir.is_online() => Err(ErrorCode::KafkaStorageError),
        Some(dir) => Ok(Arc::clone(dir)),
    }
}

fn alter(
    context: &Context,
    image: &Image,
    topic: &str,
    index: i32,
    dir: &Arc<LogDir>,
) -> Result<(), ErrorCode> {
    let partitions = &context.partitions;
    let known = image.topic_by_name(topic);
    let id = known.map(|topic| topic.topic_partition(index));
    if let Some(partition) = id.and_then(|id| partitions.get(id)) {
        partition.check_online()?;
        let metadata = id.and_then(|id| image.partition(id));
        let assigned = metadata.and_then(|known| known.directory(context.identity.id));
        partitions.move_replica(&partition, dir, assigned.unwrap_or(Uuid::ZERO));
        return Ok(());
    }
    if id.is_some_and(|id| partitions.is_offline(id)) {
        return Err(ErrorCode::KafkaStorageError);
    }
    partitions.prefer_dir(topic, index, dir);
    match id.and_then(|id| image.partition(id)) {
        Some(_) => Err(ErrorCode::ReplicaNotAvailable),
        None => Err(ErrorCode::UnknownTopicOrPartition),
    }
}
