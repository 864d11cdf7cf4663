//! What a client knows of a cluster.

use klamm_protocol::messages::metadata_response::{
    MetadataResponse, MetadataResponsePartition, MetadataResponseTopic,
};
use klamm_types::{ErrorCode, Uuid};
use std::collections::BTreeMap;

/// Brokers and topics as the last metadata responses showed them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClusterView {
    /// The id of the cluster, empty if unknown.
    pub cluster_id: String,
    /// The node that clients should send administrative requests to, −1 if unknown.
    pub controller_id: i32,
    /// Brokers that are alive.
    pub brokers: BTreeMap<i32, BrokerView>,
    /// Topics that were asked for.
    pub topics: BTreeMap<String, TopicView>,
}

/// One broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokerView {
    /// `host:port`.
    pub address: String,
    /// Its rack, if it has one.
    pub rack: Option<String>,
}

/// One topic.
#[derive(Clone, Debug, PartialEq)]
pub struct TopicView {
    /// Its id, zero if the broker is too old to tell.
    pub id: Uuid,
    /// Whether the cluster keeps its own state in it.
    pub internal: bool,
    /// Its partitions, ordered by index.
    pub partitions: Vec<PartitionView>,
}

/// One partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionView {
    /// Its number.
    pub index: i32,
    /// Whether something is wrong with it, usually that there is no leader.
    pub error: ErrorCode,
    /// The broker that leads it, −1 if there is none.
    pub leader: i32,
    /// The epoch of that leader, −1 if unknown.
    pub leader_epoch: i32,
    /// Brokers that should have it, the preferred leader first.
    pub replicas: Vec<i32>,
    /// Brokers whose copy is complete.
    pub isr: Vec<i32>,
}

impl ClusterView {
    /// Takes over a response: brokers are replaced, topics added, replaced or removed if they do not exist.
    pub(crate) fn update(&mut self, response: MetadataResponse) {
        self.cluster_id = response.cluster_id.unwrap_or_default();
        self.controller_id = response.controller_id;
        self.brokers = response
            .brokers
            .into_iter()
            .map(|broker| {
                let address = address(&broker.host, broker.port);
                (
                    broker.node_id,
                    BrokerView {
                        address,
                        rack: broker.rack,
                    },
                )
            })
            .collect();
        for topic in response.topics {
            self.update_topic(topic);
        }
    }

    fn update_topic(&mut self, topic: MetadataResponseTopic) {
        let Some(name) = topic.name else {
            return;
        };
        match ErrorCode::from(topic.error_code) {
            ErrorCode::UnknownTopicOrPartition => {
                self.topics.remove(&name);
            }
            ErrorCode::None | ErrorCode::LeaderNotAvailable => {
                let mut partitions: Vec<PartitionView> = topic
                    .partitions
                    .into_iter()
                    .map(PartitionView::from)
                    .collect();
                partitions.sort_by_key(|partition| partition.index);
                self.keep_newer(&name, topic.topic_id, &mut partitions);
                let (id, internal) = (topic.topic_id, topic.is_internal);
                self.topics.insert(
                    name,
                    TopicView {
                        id,
                        internal,
                        partitions,
                    },
                );
            }
            _ => {}
        }
    }

    /// A broker that was cut off or frozen tells old news: who leads since a newer epoch is kept.
    fn keep_newer(&self, name: &str, id: Uuid, partitions: &mut [PartitionView]) {
        // Without an id it may be another topic of the same name, whose epochs begin anew.
        if id.is_zero() || self.topics.get(name).is_none_or(|known| known.id != id) {
            return;
        }
        for told in partitions {
            if let Some(known) = self.partition(name, told.index)
                && known.leader_epoch > told.leader_epoch
            {
                *told = known.clone();
            }
        }
    }

    /// A partition, if it is known.
    pub fn partition(&self, topic: &str, index: i32) -> Option<&PartitionView> {
        let partitions = &self.topics.get(topic)?.partitions;
        let place = partitions
            .binary_search_by_key(&index, |partition| partition.index)
            .ok()?;
        partitions.get(place)
    }
}

impl From<MetadataResponsePartition> for PartitionView {
    fn from(partition: MetadataResponsePartition) -> PartitionView {
        PartitionView {
            index: partition.partition_index,
            error: partition.error_code.into(),
            leader: partition.leader_id,
            leader_epoch: partition.leader_epoch,
            replicas: partition.replica_nodes,
            isr: partition.isr_nodes,
        }
    }
}

/// `host:port`, with brackets where the host is an IPv6 address.
pub(crate) fn address(host: &str, port: i32) -> String {
    if host.contains(':') {
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(id: u8, leader: i32, leader_epoch: i32) -> MetadataResponse {
        MetadataResponse {
            topics: vec![MetadataResponseTopic {
                name: Some("t".to_owned()),
                topic_id: Uuid([id; 16]),
                partitions: vec![MetadataResponsePartition {
                    leader_id: leader,
                    leader_epoch,
                    ..MetadataResponsePartition::default()
                }],
                ..MetadataResponseTopic::default()
            }],
            ..MetadataResponse::default()
        }
    }

    #[test]
    fn old_news_of_a_leader_do_not_count() {
        let mut view = ClusterView::default();
        for (response, leader) in [
            (told(1, 1, 4), 1),
            (told(1, 2, 5), 2),
            (told(1, 1, 4), 2),
            (told(1, -1, 5), -1),
            (told(9, 3, 0), 3),
        ] {
            view.update(response);
            assert_eq!(view.partition("t", 0).map(|p| p.leader), Some(leader));
        }
    }
}
