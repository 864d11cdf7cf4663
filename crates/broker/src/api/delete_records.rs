//! DeleteRecords (21), versions 0–2: removes the records below an offset.
//!
//! v2 is flexible. The leader of a partition moves its log start; the answer tells the smallest
//! log start of all living replicas, and comes when that has reached the offset (rule 26).

use super::{Answer, Call, Refusal};
use crate::{
    clock::now_ms,
    context::Context,
    partition::{Partition, Waker},
    partitions::OFFSETS_TOPIC,
};
use klamm_metadata::Image;
use klamm_protocol::{
    Decoder,
    messages::{
        delete_records_request::{DeleteRecordsPartition, DeleteRecordsRequest},
        delete_records_response::{
            DeleteRecordsPartitionResult, DeleteRecordsResponse, DeleteRecordsTopicResult,
        },
    },
};
use klamm_types::{BrokerId, ErrorCode};
use std::{sync::Arc, time::Duration};
use tokio::time::{Instant, timeout_at};

/// What the answer says where there is no low watermark.
const NO_LOW_WATERMARK: i64 = -1;

pub(super) fn start(
    context: &Arc<Context>,
    call: Call,
    body: &mut Decoder,
) -> Result<Answer, Refusal> {
    super::later(context, call, body, handle)
}

/// A partition's part of the request.
struct Deletion {
    index: i32,
    state: State,
}

enum State {
    /// The leader's log starts at the offset; not all replicas' logs do.
    Waiting {
        partition: Arc<Partition>,
        offset: i64,
        low_watermark: i64,
    },
    Done {
        low_watermark: i64,
    },
    Failed(ErrorCode),
}

async fn handle(
    context: Arc<Context>,
    _call: Call,
    request: DeleteRecordsRequest,
) -> DeleteRecordsResponse {
    let patience = Duration::from_millis(request.timeout_ms.max(0).unsigned_abs().into());
    let deadline = Instant::now() + patience;
    let image = context.metadata.image();
    let mut topics: Vec<(String, Vec<Deletion>)> = request
        .topics
        .into_iter()
        .map(|topic| {
            let asked = topic.partitions.iter();
            let deletions = asked.map(|asked| delete(&context, &image, &topic.name, asked));
            let deletions = deletions.collect();
            (topic.name, deletions)
        })
        .collect();
    let all: Vec<&mut Deletion> = topics.iter_mut().flat_map(|(_, all)| all).collect();
    wait_for_replicas(&context, all, deadline).await;
    DeleteRecordsResponse {
        topics: topics
            .into_iter()
            .map(|(name, deletions)| DeleteRecordsTopicResult {
                name,
                partitions: deletions.into_iter().map(Deletion::result).collect(),
            })
            .collect(),
        ..Default::default()
    }
}

fn delete(
    context: &Context,
    image: &Image,
    topic: &str,
    asked: &DeleteRecordsPartition,
) -> Deletion {
    let index = asked.partition_index;
    let begin = || {
        if topic == OFFSETS_TOPIC {
            return Err(ErrorCode::InvalidTopicException);
        }
        let known = image.topic_by_name(topic);
        let known = known.ok_or(ErrorCode::UnknownTopicOrPartition)?;
        let partition = super::produce::find(context, image, known.topic_partition(index))?;
        let offset = partition.delete_records(asked.offset, now_ms())?;
        Ok(State::Waiting {
            partition,
            offset,
            low_watermark: NO_LOW_WATERMARK,
        })
    };
    Deletion {
        index,
        state: begin().unwrap_or_else(State::Failed),
    }
}

/// Waits until all is done, or time is up.
async fn wait_for_replicas(context: &Context, mut all: Vec<&mut Deletion>, deadline: Instant) {
    let waker = Waker::default();
    let partitions: Vec<Arc<Partition>> = all.iter().filter_map(|d| d.partition()).collect();
    // Registered first, then looked: nothing that comes in between is missed.
    let registrations: Vec<_> = partitions
        .iter()
        .map(|partition| partition.low_watermarks.register(&waker))
        .collect();
    loop {
        let image = context.metadata.image();
        let is_alive = |id: BrokerId| image.broker(id).is_some_and(|broker| broker.is_active());
        all.iter_mut().for_each(|deletion| deletion.look(is_alive));
        let is_done = all.iter().all(|deletion| deletion.partition().is_none());
        if is_done || timeout_at(deadline, waker.news.notified()).await.is_err() {
            break;
        }
    }
    drop(registrations);
}

impl Deletion {
    fn partition(&self) -> Option<Arc<Partition>> {
        match &self.state {
            State::Waiting { partition, .. } => Some(Arc::clone(partition)),
            State::Done { .. } | State::Failed(_) => None,
        }
    }

    fn look(&mut self, is_alive: impl Fn(BrokerId) -> bool) {
        let State::Waiting {
            partition,
            offset,
            low_watermark,
        } = &mut self.state
        else {
            return;
        };
        match partition.low_watermark(is_alive) {
            Ok(low) if low >= *offset => self.state = State::Done { low_watermark: low },
            Ok(low) => *low_watermark = low,
            Err(error) => self.state = State::Failed(error),
        }
    }

    fn result(self) -> DeleteRecordsPartitionResult {
        let (low_watermark, error) = match self.state {
            State::Done { low_watermark } => (low_watermark, ErrorCode::None),
            State::Waiting { low_watermark, .. } => (low_watermark, ErrorCode::RequestTimedOut),
            State::Failed(error) => (NO_LOW_WATERMARK, error),
        };
        DeleteRecordsPartitionResult {
            partition_index: self.index,
            low_watermark,
            error_code: error.code(),
        }
    }
}
