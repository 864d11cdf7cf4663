//! Who leads the controllers.

use super::{Admin, missing};
use crate::error::ClientError;
use klamm_protocol::messages::describe_quorum_request::{
    DescribeQuorumRequest, PartitionData, TopicData,
};

/// The log of the controllers.
const METADATA_TOPIC: &str = "__cluster_metadata";

impl Admin {
    /// The id of the active controller, −1 if nobody knows. Asks some broker, once.
    ///
    /// # Errors
    /// The broker does not answer, or does not know.
    pub async fn quorum_leader_once(&self) -> Result<i32, ClientError> {
        let request = DescribeQuorumRequest {
            topics: vec![TopicData {
                topic_name: METADATA_TOPIC.to_owned(),
                partitions: vec![PartitionData { partition_index: 0 }],
            }],
        };
        let response = self.client.ask_any(&request).await?;
        let what = "describe quorum";
        ClientError::check(what, response.error_code, response.error_message.as_deref())?;
        let mut partitions = response
            .topics
            .into_iter()
            .flat_map(|topic| topic.partitions);
        let partition = partitions.next().ok_or_else(|| missing(what))?;
        let message = partition.error_message.as_deref();
        ClientError::check(what, partition.error_code, message)?;
        Ok(partition.leader_id)
    }
}
