//! Moving leaders: the order of replicas, and elections of the first one.

use super::{Admin, missing};
use crate::error::ClientError;
use klamm_protocol::messages::{
    alter_partition_reassignments_request::{
        AlterPartitionReassignmentsRequest, ReassignablePartition, ReassignableTopic,
    },
    elect_leaders_request::{ElectLeadersRequest, TopicPartitions},
};
use klamm_types::ErrorCode;
use std::collections::BTreeMap;

/// The kind of election in which the first replica becomes the leader.
const PREFERRED: i8 = 0;

impl Admin {
    /// Gives partitions of a topic other replicas, or the same ones in another order. Asks once.
    ///
    /// # Errors
    /// The cluster refuses, or has no such API.
    pub async fn reassign_once(
        &self,
        topic: &str,
        replicas: &BTreeMap<i32, Vec<i32>>,
    ) -> Result<(), ClientError> {
        let partition = |(index, replicas): (&i32, &Vec<i32>)| ReassignablePartition {
            partition_index: *index,
            replicas: Some(replicas.clone()),
        };
        let request = AlterPartitionReassignmentsRequest {
            timeout_ms: self.timeout_ms(),
            topics: vec![ReassignableTopic {
                name: topic.to_owned(),
                partitions: replicas.iter().map(partition).collect(),
            }],
            ..AlterPartitionReassignmentsRequest::default()
        };
        let what = "reassign partitions";
        let response = self.ask(&request).await?;
        ClientError::check(what, response.error_code, response.error_message.as_deref())?;
        let results = response
            .responses
            .into_iter()
            .flat_map(|topic| topic.partitions);
        let results: Vec<_> = results.collect();
        if results.len() < replicas.len() {
            return Err(missing(what));
        }
        results.iter().try_for_each(|result| {
            ClientError::check(what, result.error_code, result.error_message.as_deref())
        })
    }

    /// Makes the first replica of each partition its leader. Asks once.
    ///
    /// # Errors
    /// The cluster refuses, or has no such API. Partitions whose first replica leads already are no error.
    pub async fn elect_preferred_once(
        &self,
        topic: &str,
        partitions: &[i32],
    ) -> Result<(), ClientError> {
        let request = ElectLeadersRequest {
            election_type: PREFERRED,
            topic_partitions: Some(vec![TopicPartitions {
                topic: topic.to_owned(),
                partitions: partitions.to_vec(),
            }]),
            timeout_ms: self.timeout_ms(),
        };
        let what = "elect leaders";
        let response = self.ask(&request).await?;
        ClientError::check(what, response.error_code, None)?;
        let mut results = response
            .replica_election_results
            .into_iter()
            .flat_map(|topic| topic.partition_result);
        results.try_for_each(|result| match ErrorCode::from(result.error_code) {
            ErrorCode::ElectionNotNeeded => Ok(()),
            code => ClientError::check(what, code.code(), result.error_message.as_deref()),
        })
    }

    /// Whether the cluster has the APIs that move leaders.
    ///
    /// # Errors
    /// No broker answers.
    pub async fn can_move_leaders(&self) -> Result<bool, ClientError> {
        use klamm_protocol::ApiKey::{AlterPartitionReassignments, ElectLeaders};
        let connection = self.client.any_broker().await?;
        let versions = connection.versions().await?;
        let has = |key| versions.of(key).is_some();
        Ok(has(AlterPartitionReassignments) && has(ElectLeaders))
    }
}
