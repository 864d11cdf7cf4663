//! Fetch (1), versions 4–18: reads record batches, for consumers and followers.
//!
//! v5 added log start offsets, v7 sessions (KIP-227), v9 leader epochs, v11 racks (KIP-392),
//! v12 is flexible and finds divergence (KIP-595), v13 names topics by id, v15 carries the
//! replica's broker epoch (KIP-903), v16 names the current leader (KIP-951), v17 directories, v18
//! the follower's high watermark. Rules 37, 58–69.

mod preferred_replica;
mod reading;

use super::{Answer, Call, Refusal};
use crate::{
    clock::now_ms,
    context::Context,
    fetch_session::{Arrival, FetchContext, FetchKey, FetchKind, Reader, Wanted, locked},
    partition::{FetchIsolation, Partition, ReadRequest, ReadResult},
};
use bytes::Bytes;
use klamm_config::{CompressionType, ReplicaSelector};
use klamm_metadata::{Image, Topic};
use klamm_protocol::{
    Decoder, Message,
    messages::{
        fetch_request::FetchRequest,
        fetch_response::{
            AbortedTransaction, EpochEndOffset, FetchResponse, FetchableTopicResponse,
            LeaderIdAndEpoch, NodeEndpoint, PartitionData,
        },
    },
};
use klamm_types::{BrokerEpoch, BrokerId, ErrorCode, LeaderEpoch, Uuid};
use reading::{Looked, Reading, Reads};
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};
use tokio::time::Instant;

const TOPIC_ID_VERSION: i16 = 13;
const REPLICA_STATE_VERSION: i16 = 15;
const CURRENT_LEADER_VERSION: i16 = 16;
/// The isolation level of who wants to see committed records only (KIP-98).
const READ_COMMITTED: i8 = 1;
/// From here on followers serve consumers too (KIP-392).
const FOLLOWER_FETCH_VERSION: i16 = 11;
/// Before it, clients do not know zstd (KIP-110): who asks for a topic that stores it is told.
const ZSTD_VERSION: i16 = 10;
/// Up to here, clients do not know KAFKA_STORAGE_ERROR (rule 39).
const NO_STORAGE_ERROR_VERSION: i16 = 5;

pub(super) fn start(
    context: &Arc<Context>,
    call: Call,
    body: &mut Decoder,
) -> Result<Answer, Refusal> {
    let request = FetchRequest::decode(body, call.version)?;
    // Before its turn: what its client has parked here ends when the client goes on in the session.
    let goes_on = request.session_epoch > 0;
    let arrival = goes_on.then(|| context.fetch_sessions.arrive(request.session_id));
    let context = Arc::clone(context);
    Ok(Answer::Later(Box::pin(async move {
        let response = handle(context, &call, request, arrival.flatten()).await;
        call.respond(&response)
    })))
}

/// Who fetches, and how.
struct Fetcher {
    /// The follower, [`BrokerId::NONE`] for a consumer; below it, tools that look into replicas.
    replica: BrokerId,
    broker_epoch: BrokerEpoch,
    isolation: FetchIsolation,
    from_follower_allowed: bool,
    /// The consumer's rack, if it may be sent to a replica there.
    rack: Option<String>,
    bytes_max: usize,
    bytes_min: usize,
}

async fn handle(
    context: Arc<Context>,
    call: &Call,
    request: FetchRequest,
    arrival: Option<Arrival>,
) -> FetchResponse {
    let fetcher = Fetcher::of(&context, call, &request);
    let deadline =
        Instant::now() + Duration::from_millis(request.max_wait_ms.max(0).unsigned_abs().into());
    let sessions = &context.fetch_sessions;
    let begun = sessions.begin(&request, call.version, now_ms());
    drop(request);
    let fetch = match begun {
        Ok(fetch) => fetch,
        Err(error) => {
            return FetchResponse {
                error_code: error.code(),
                ..Default::default()
            };
        }
    };
    let reads = Reads {
        context: &context,
        call,
        fetcher: &fetcher,
        fetch: &fetch,
        arrival,
    };
    let reading = reads.read(deadline).await;
    respond(&context, call, &fetcher, &fetch, reading)
}

impl Fetcher {
    fn of(context: &Context, call: &Call, request: &FetchRequest) -> Fetcher {
        let (replica, broker_epoch) = if call.version >= REPLICA_STATE_VERSION {
            let state = &request.replica_state;
            (BrokerId(state.replica_id), BrokerEpoch(state.replica_epoch))
        } else {
            (BrokerId(request.replica_id), BrokerEpoch::NONE)
        };
        let is_follower = !replica.is_none();
        let is_consumer = replica == BrokerId::NONE;
        let bytes_max = request
            .max_bytes
            .min(context.config.network.fetch_max_bytes);
        let from_any = is_consumer && call.version >= FOLLOWER_FETCH_VERSION;
        let is_sent_on = from_any
            && context.config.replication.selector == ReplicaSelector::RackAware
            && !request.rack_id.is_empty();
        Fetcher {
            replica,
            broker_epoch,
            isolation: match request.isolation_level {
                _ if !is_consumer => FetchIsolation::LogEnd,
                READ_COMMITTED => FetchIsolation::LastStableOffset,
                _ => FetchIsolation::HighWatermark,
            },
            // Whoever is neither looks into replicas, as Kafka's tools do.
            from_follower_allowed: from_any || !(is_consumer || is_follower),
            rack: is_sent_on.then(|| request.rack_id.clone()),
            bytes_max: usize::try_from(bytes_max).unwrap_or(0),
            bytes_min: usize::try_from(request.min_bytes).unwrap_or(0),
        }
    }

    fn is_follower(&self) -> bool {
        !self.replica.is_none()
    }

    fn reader(&self, call: &Call) -> Reader {
        Reader {
            replica: self.replica,
            broker_epoch: self.broker_epoch,
            isolation: self.isolation,
            from_follower_allowed: self.from_follower_allowed,
            version: call.version,
        }
    }

    fn read_request(&self, wanted: &Wanted, bytes_left: usize, is_first: bool) -> ReadRequest {
        let params = &wanted.params;
        let partition_max = usize::try_from(params.partition_max_bytes).unwrap_or(0);
        ReadRequest {
            fetch_offset: params.fetch_offset,
            bytes_max: partition_max.min(bytes_left),
            current_leader_epoch: LeaderEpoch(params.current_leader_epoch),
            last_fetched_epoch: LeaderEpoch(params.last_fetched_epoch),
            isolation: self.isolation,
            from_follower_allowed: self.from_follower_allowed,
            min_one_batch: is_first,
        }
    }
}

fn find(
    context: &Context,
    image: &Image,
    call: &Call,
    key: &FetchKey,
) -> Result<Arc<Partition>, ErrorCode> {
    let topic = topic_of(image, call, key).ok_or(if call.version >= TOPIC_ID_VERSION {
        ErrorCode::UnknownTopicId
    } else {
        ErrorCode::UnknownTopicOrPartition
    })?;
    let partition = super::produce::find(context, image, topic.topic_partition(key.partition))?;
    let knows_zstd = call.version >= ZSTD_VERSION;
    if !knows_zstd && partition.config().compression_type == CompressionType::Zstd {
        return Err(ErrorCode::UnsupportedCompressionType);
    }
    Ok(partition)
}

fn topic_of<'a>(image: &'a Image, call: &Call, key: &FetchKey) -> Option<&'a Arc<Topic>> {
    if call.version >= TOPIC_ID_VERSION {
        image.topic(key.topic_id)
    } else {
        image.topic_by_name(&key.topic)
    }
}

fn success(partition: i32, read: ReadResult) -> PartitionData {
    let diverging_epoch = read
        .diverging_epoch
        .map_or_else(EpochEndOffset::default, |end| EpochEndOffset {
            epoch: end.epoch.get(),
            end_offset: end.end_offset,
        });
    PartitionData {
        partition_index: partition,
        high_watermark: read.high_watermark,
        last_stable_offset: read.last_stable_offset,
        log_start_offset: read.log_start_offset,
        diverging_epoch,
        preferred_read_replica: read.preferred_replica.get(),
        // Empty, not absent, for who asks for committed records only (rule 54).
        aborted_transactions: read.aborted_transactions.map(|aborted| {
            let told = aborted.iter().map(|transaction| AbortedTransaction {
                producer_id: transaction.producer_id.0,
                first_offset: transaction.first_offset,
            });
            told.collect()
        }),
        records: Some(read.records),
        ..Default::default()
    }
}

fn failure(call: &Call, image: &Image, key: &FetchKey, error: ErrorCode) -> PartitionData {
    let error = match error {
        ErrorCode::KafkaStorageError if call.version <= NO_STORAGE_ERROR_VERSION => {
            ErrorCode::NotLeaderOrFollower
        }
        error => error,
    };
    let mut data = PartitionData {
        partition_index: key.partition,
        error_code: error.code(),
        high_watermark: -1,
        aborted_transactions: None,
        records: Some(Bytes::new()),
        ..Default::default()
    };
    let names_leader = matches!(
        error,
        ErrorCode::NotLeaderOrFollower | ErrorCode::FencedLeaderEpoch
    );
    if call.version >= CURRENT_LEADER_VERSION
        && names_leader
        && let Some(metadata) =
            topic_of(image, call, key).and_then(|topic| topic.partition(key.partition))
    {
        data.current_leader = LeaderIdAndEpoch {
            leader_id: metadata.leader.get(),
            leader_epoch: metadata.leader_epoch.get(),
        };
    }
    data
}

/// Puts the response together and lets the session remember what it says.
fn respond(
    context: &Context,
    call: &Call,
    fetcher: &Fetcher,
    fetch: &FetchContext,
    reading: Reading,
) -> FetchResponse {
    let results = tell(context, call, fetch, reading);
    let session_id = match fetch.kind {
        FetchKind::Sessionless => 0,
        FetchKind::New(request) => {
            let sessions = &context.fetch_sessions;
            sessions.keep(&fetch.session, fetcher.replica, request, now_ms())
        }
        FetchKind::Incremental(id) => id,
    };
    let node_endpoints = leaders(context, call, &results);
    FetchResponse {
        session_id,
        responses: by_topic(results),
        node_endpoints,
        ..Default::default()
    }
}

/// What the client is told: whatever is news in its session.
fn tell(
    context: &Context,
    call: &Call,
    fetch: &FetchContext,
    reading: Reading,
) -> Vec<(FetchKey, PartitionData)> {
    let session = &mut *locked(&fetch.session);
    let image = context.metadata.image();
    let mut results = Vec::new();
    for Looked { tag, result, .. } in reading.looked {
        if !session.is_news(tag, &result) {
            continue;
        }
        session.note(tag, &result);
        let Some(key) = session.wanted(tag).map(|wanted| wanted.key.clone()) else {
            continue;
        };
        let data = match result {
            Ok(read) => success(key.partition, read),
            Err(error) => failure(call, &image, &key, error),
        };
        results.push((key, data));
    }
    results
}

/// Groups results by topic, in the order in which topics first appear.
fn by_topic(results: Vec<(FetchKey, PartitionData)>) -> Vec<FetchableTopicResponse> {
    let mut topics: Vec<FetchableTopicResponse> = Vec::new();
    let mut places: HashMap<(Uuid, String), usize> = HashMap::new();
    for (key, data) in results {
        let place = *places
            .entry((key.topic_id, key.topic.clone()))
            .or_insert_with(|| {
                topics.push(FetchableTopicResponse {
                    topic: key.topic,
                    topic_id: key.topic_id,
                    partitions: Vec::new(),
                });
                topics.len() - 1
            });
        topics[place].partitions.push(data);
    }
    topics
}

fn leaders(
    context: &Context,
    call: &Call,
    results: &[(FetchKey, PartitionData)],
) -> Vec<NodeEndpoint> {
    let image = context.metadata.image();
    let mut endpoints = BTreeMap::new();
    for (_, data) in results {
        let leader = BrokerId(data.current_leader.leader_id);
        let Some(broker) = image.broker(leader) else {
            continue;
        };
        if let Some(listener) = broker.listener(&call.connection.listener) {
            endpoints.entry(leader).or_insert_with(|| NodeEndpoint {
                node_id: leader.get(),
                host: listener.host.clone(),
                port: listener.port.into(),
                rack: broker.rack.clone(),
            });
        }
    }
    endpoints.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_grouped_by_topic_in_order() {
        let result = |topic: &str, partition| {
            let key = FetchKey {
                topic_id: Uuid::ZERO,
                topic: topic.to_owned(),
                partition,
            };
            let data = PartitionData {
                partition_index: partition,
                ..Default::default()
            };
            (key, data)
        };
        let grouped = by_topic(vec![result("b", 1), result("a", 0), result("b", 0)]);
        let shape: Vec<(&str, Vec<i32>)> = grouped
            .iter()
            .map(|t| {
                let partitions = t.partitions.iter().map(|p| p.partition_index).collect();
                (t.topic.as_str(), partitions)
            })
            .collect();
        assert_eq!(shape, [("b", vec![1, 0]), ("a", vec![0])]);
    }
}
