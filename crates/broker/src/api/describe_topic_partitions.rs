//! DescribeTopicPartitions (75), version 0: topics in pages, with eligible leaders (KIP-966).
//!
//! Topics come sorted by name; the cursor names the first partition of the page, and the next
//! cursor that of the next one, which may be of a topic that does not exist (rule 21).

use super::{
    Answer, Call, Refusal, authorized_operations as operations,
    metadata::{View, missing, numbers},
};
use crate::{context::Context, topic_name};
use klamm_metadata::{Partition, Topic};
use klamm_protocol::{
    Decoder,
    messages::{
        describe_topic_partitions_request::{self, DescribeTopicPartitionsRequest},
        describe_topic_partitions_response::{
            Cursor, DescribeTopicPartitionsResponse, DescribeTopicPartitionsResponsePartition,
            DescribeTopicPartitionsResponseTopic,
        },
    },
};
use klamm_types::{BrokerId, ErrorCode};
use std::{collections::BTreeSet, sync::Arc};

pub(super) fn start(
    context: &Arc<Context>,
    call: Call,
    body: &mut Decoder,
) -> Result<Answer, Refusal> {
    super::now(context, call, body, handle)
}

fn handle(
    context: &Arc<Context>,
    call: &Call,
    request: DescribeTopicPartitionsRequest,
) -> DescribeTopicPartitionsResponse {
    let image = context.metadata.image();
    let view = View {
        image: &image,
        listener: &call.connection.listener,
        version: call.version,
    };
    let all = request.topics.is_empty();
    let first = request.cursor.as_ref();
    let first_name = first.map_or("", |cursor| cursor.topic_name.as_str());
    let names: BTreeSet<&str> = if all {
        let names = image.topics_by_name().map(|topic| &*topic.name);
        names.filter(|name| *name >= first_name).collect()
    } else {
        let names = request.topics.iter().map(|topic| topic.name.as_str());
        names.filter(|name| *name >= first_name).collect()
    };
    if let Some(cursor) = first
        && (cursor.partition_index < 0 || (!all && !names.contains(first_name)))
    {
        return refuse(&request, ErrorCode::InvalidRequest);
    }
    let limit = context.config.network.max_request_partition_size_limit;
    let mut page = Page {
        view,
        left: usize::try_from(request.response_partition_limit.min(limit))
            .unwrap_or(1)
            .max(1),
        response: DescribeTopicPartitionsResponse::default(),
    };
    for name in names {
        let start = match first {
            Some(cursor) if cursor.topic_name == name => cursor.partition_index,
            _ => 0,
        };
        if !page.add(name, start, all) {
            break;
        }
    }
    page.response
}

/// Every topic of a request that makes no sense.
fn refuse(
    request: &DescribeTopicPartitionsRequest,
    error: ErrorCode,
) -> DescribeTopicPartitionsResponse {
    let topic = |topic: &describe_topic_partitions_request::TopicRequest| {
        DescribeTopicPartitionsResponseTopic {
            error_code: error.code(),
            name: Some(topic.name.clone()),
            ..Default::default()
        }
    };
    DescribeTopicPartitionsResponse {
        topics: request.topics.iter().map(topic).collect(),
        ..Default::default()
    }
}

/// A page as it fills.
struct Page<'a> {
    view: View<'a>,
    /// Partitions that still fit.
    left: usize,
    response: DescribeTopicPartitionsResponse,
}

impl Page<'_> {
    /// Adds a topic from partition `start` on; returns whether the page has room for another.
    fn add(&mut self, name: &str, start: i32, only_existing: bool) -> bool {
        if self.left == 0 {
            self.set_next(name, 0);
            return false;
        }
        match self.view.image.topic_by_name(name) {
            Some(topic) => self.add_partitions(topic, start),
            None => {
                if !only_existing {
                    self.response.topics.push(unknown(name));
                }
                true
            }
        }
    }

    fn add_partitions(&mut self, topic: &Arc<Topic>, start: i32) -> bool {
        let skipped = usize::try_from(start).unwrap_or(usize::MAX);
        let partitions: Vec<_> = topic
            .partitions()
            .skip(skipped)
            .take(self.left)
            .map(|(index, partition)| self.partition(index, partition))
            .collect();
        let end = skipped.saturating_add(partitions.len());
        self.left -= partitions.len();
        self.response
            .topics
            .push(DescribeTopicPartitionsResponseTopic {
                name: Some(topic.name.to_string()),
                topic_id: topic.id,
                is_internal: topic_name::is_internal(&topic.name),
                partitions,
                topic_authorized_operations: operations::TOPIC,
                ..Default::default()
            });
        match i32::try_from(end) {
            Ok(next) if end < topic.partitions.len() => {
                self.set_next(&topic.name, next);
                false
            }
            _ => true,
        }
    }

    fn partition(
        &self,
        index: i32,
        partition: &Partition,
    ) -> DescribeTopicPartitionsResponsePartition {
        let view = self.view.look_at(partition);
        DescribeTopicPartitionsResponsePartition {
            partition_index: index,
            leader_id: view.leader.unwrap_or(BrokerId::NONE).get(),
            leader_epoch: partition.leader_epoch.get(),
            replica_nodes: numbers(&partition.replicas),
            isr_nodes: numbers(&partition.isr),
            eligible_leader_replicas: Some(numbers(&partition.elr)),
            last_known_elr: Some(numbers(&partition.last_known_elr)),
            offline_replicas: view.offline_replicas,
            ..Default::default()
        }
    }

    fn set_next(&mut self, name: &str, partition_index: i32) {
        self.response.next_cursor = Some(Cursor {
            topic_name: name.to_owned(),
            partition_index,
        });
    }
}

fn unknown(name: &str) -> DescribeTopicPartitionsResponseTopic {
    DescribeTopicPartitionsResponseTopic {
        error_code: missing(name).code(),
        name: Some(name.to_owned()),
        is_internal: topic_name::is_internal(name),
        topic_authorized_operations: operations::TOPIC,
        ..Default::default()
    }
}
