//! Log directories.

use super::Scene;
use crate::asking::assert_code;
use klamm_protocol::messages::{
    alter_replica_log_dirs_request::{
        AlterReplicaLogDir, AlterReplicaLogDirTopic, AlterReplicaLogDirsRequest,
    },
    describe_log_dirs_request::{DescribableLogDirTopic, DescribeLogDirsRequest},
};
use klamm_types::ErrorCode;

pub(super) fn describe_log_dirs(scene: &Scene, version: i16) {
    let topic = DescribableLogDirTopic {
        topic: scene.topic.clone(),
        partitions: vec![0, 9],
    };
    let mut request = DescribeLogDirsRequest {
        topics: Some(vec![topic]),
    };
    let mut leader = scene.leader(0);
    let answer = leader.ask(&request, version);
    assert_code("request", answer.error_code, ErrorCode::None);
    let [dir] = answer.results.as_slice() else {
        panic!("one directory: {:?}", answer.results)
    };
    assert_code("directory", dir.error_code, ErrorCode::None);
    assert!(dir.log_dir.starts_with('/'), "{}", dir.log_dir);
    if version >= 4 {
        assert!(dir.total_bytes >= dir.usable_bytes && dir.usable_bytes > 0);
    }
    assert_eq!(dir.topics.len(), 1);
    assert_eq!(dir.topics[0].name, scene.topic);
    let [partition] = dir.topics[0].partitions.as_slice() else {
        panic!("partition 0 alone: {:?}", dir.topics)
    };
    assert_eq!(partition.partition_index, 0);
    assert!(partition.partition_size > 0);
    assert_eq!((partition.offset_lag, partition.is_future_key), (0, false));

    request.topics = None;
    let answer = leader.ask(&request, version);
    let topics = &answer.results[0].topics;
    let mut names = topics.iter().map(|topic| &topic.name);
    assert!(names.any(|name| *name == scene.topic));

    request.topics = Some(Vec::new());
    let answer = leader.ask(&request, version);
    assert!(answer.results[0].topics.is_empty());
}

fn move_request(path: &str, topic: &str) -> AlterReplicaLogDirsRequest {
    AlterReplicaLogDirsRequest {
        dirs: vec![AlterReplicaLogDir {
            path: path.to_owned(),
            topics: vec![AlterReplicaLogDirTopic {
                name: topic.to_owned(),
                partitions: vec![0],
            }],
        }],
    }
}

/// To where it is already, which is no move.
pub(super) fn alter_replica_log_dirs(scene: &Scene, version: i16) {
    let mut leader = scene.leader(0);
    let nothing = DescribeLogDirsRequest {
        topics: Some(Vec::new()),
    };
    let described = leader.ask(&nothing, version);
    let request = move_request(&described.results[0].log_dir, &scene.topic);
    let answer = leader.ask(&request, version);
    let [topic] = answer.results.as_slice() else {
        panic!("one topic: {:?}", answer.results)
    };
    assert_eq!(topic.topic_name, scene.topic);
    assert_eq!(topic.partitions.len(), 1);
    assert_eq!(topic.partitions[0].partition_index, 0);
    assert_code("move", topic.partitions[0].error_code, ErrorCode::None);
}

pub(super) fn alter_to_nowhere(scene: &Scene, version: i16) {
    let request = move_request("/nowhere", &scene.topic);
    let answer = scene.leader(0).ask(&request, version);
    let partition = &answer.results[0].partitions[0];
    assert_code("move", partition.error_code, ErrorCode::LogDirNotFound);
}
