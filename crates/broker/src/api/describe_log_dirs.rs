//! DescribeLogDirs (35), versions 1–5: the log directories of this broker and what is in them.
//!
//! v2 is flexible, v3 added the error of the whole request, v4 the sizes of the file systems, v5
//! whether a directory is cordoned. A directory that has failed is KAFKA_STORAGE_ERROR and shows
//! nothing else (KIP-112, KIP-113).

use super::{Answer, Call, Refusal};
use crate::{context::Context, log_dirs::LogDir, partition::Partition, replica_moves::Move};
use klamm_protocol::{
    Decoder,
    messages::{
        describe_log_dirs_request::DescribeLogDirsRequest,
        describe_log_dirs_response::{
            DescribeLogDirsPartition, DescribeLogDirsResponse, DescribeLogDirsResult,
            DescribeLogDirsTopic,
        },
    },
};
use klamm_storage::DiskSpace;
use klamm_types::{ErrorCode, Uuid};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};
use tokio::task::spawn_blocking;
use tracing::error;

/// What is not known of a file system.
const UNKNOWN: i64 = -1;

pub(super) fn start(
    context: &Arc<Context>,
    call: Call,
    body: &mut Decoder,
) -> Result<Answer, Refusal> {
    super::later(context, call, body, handle)
}

async fn handle(
    context: Arc<Context>,
    _call: Call,
    request: DescribeLogDirsRequest,
) -> DescribeLogDirsResponse {
    // A disk may take its time to say how much room it has.
    let described = spawn_blocking(move || describe(&context, &Wanted::of(&request)));
    match described.await {
        Ok(results) => DescribeLogDirsResponse {
            results,
            ..Default::default()
        },
        Err(reason) => {
            error!(%reason, "describing the log directories failed");
            DescribeLogDirsResponse {
                error_code: ErrorCode::UnknownServerError.code(),
                ..Default::default()
            }
        }
    }
}

/// Which partitions are asked for: `None` for all.
struct Wanted(Option<BTreeSet<(String, i32)>>);

impl Wanted {
    fn of(request: &DescribeLogDirsRequest) -> Wanted {
        let topics = request.topics.as_ref();
        let partitions = topics.map(|topics| {
            let named = topics.iter().flat_map(|topic| {
                let named = |index: &i32| (topic.topic.clone(), *index);
                topic.partitions.iter().map(named)
            });
            named.collect()
        });
        Wanted(partitions)
    }

    fn has(&self, topic: &str, index: i32) -> bool {
        let Wanted(partitions) = self;
        (partitions.as_ref()).is_none_or(|wanted| wanted.contains(&(topic.to_owned(), index)))
    }
}

/// What is in each directory, by its id and by topic.
type Contents = BTreeMap<Uuid, BTreeMap<Arc<str>, Vec<DescribeLogDirsPartition>>>;

fn describe(context: &Context, wanted: &Wanted) -> Vec<DescribeLogDirsResult> {
    let mut contents = Contents::new();
    let mut partitions = context.partitions.all();
    partitions.sort_by_key(|partition| partition.id.partition);
    let wanted = |p: &&Arc<Partition>| wanted.has(&p.topic, p.id.partition);
    for partition in partitions.iter().filter(wanted) {
        note(&mut contents, partition);
    }
    for moving in context.partitions.moves().all() {
        if wanted(&&moving.partition) {
            note_move(&mut contents, &moving);
        }
    }
    let dirs = context.partitions.log_dirs().all();
    dirs.iter()
        .map(|dir| describe_dir(dir, contents.remove(&dir.id()).unwrap_or_default()))
        .collect()
}

/// Notes a partition in the directory where its log is.
fn note(contents: &mut Contents, partition: &Partition) {
    let place = partition.place();
    let end_offset = partition.log_end_offset();
    let described = DescribeLogDirsPartition {
        partition_index: partition.id.partition,
        partition_size: bytes(partition.reader().size_bytes()),
        offset_lag: (partition.high_watermark() - end_offset).max(0),
        is_future_key: false,
    };
    add(contents, place.seat().log_dir(), partition, described);
}

/// Notes a copy in the directory to which it is on its way.
fn note_move(contents: &mut Contents, moving: &Move) {
    let partition = &moving.partition;
    let described = DescribeLogDirsPartition {
        partition_index: partition.id.partition,
        partition_size: bytes(moving.size_bytes()),
        offset_lag: (partition.log_end_offset() - moving.end_offset()).max(0),
        is_future_key: true,
    };
    add(contents, &moving.to, partition, described);
}

fn add(
    contents: &mut Contents,
    dir: &LogDir,
    partition: &Partition,
    described: DescribeLogDirsPartition,
) {
    let topics = contents.entry(dir.id()).or_default();
    let topic = topics.entry(Arc::clone(&partition.topic)).or_default();
    topic.push(described);
}

fn describe_dir(
    dir: &LogDir,
    topics: BTreeMap<Arc<str>, Vec<DescribeLogDirsPartition>>,
) -> DescribeLogDirsResult {
    let path = std::path::absolute(dir.path()).unwrap_or_else(|_| dir.path().to_owned());
    let log_dir = path.display().to_string();
    if !dir.is_online() {
        return DescribeLogDirsResult {
            error_code: ErrorCode::KafkaStorageError.code(),
            log_dir,
            total_bytes: UNKNOWN,
            usable_bytes: UNKNOWN,
            ..Default::default()
        };
    }
    let space = DiskSpace::of(dir.path()).ok();
    let topics = topics
        .into_iter()
        .map(|(name, partitions)| DescribeLogDirsTopic {
            name: name.to_string(),
            partitions,
        });
    DescribeLogDirsResult {
        log_dir,
        topics: topics.collect(),
        total_bytes: space.map_or(UNKNOWN, |space| bytes(space.total)),
        usable_bytes: space.map_or(UNKNOWN, |space| bytes(space.available)),
        ..Default::default()
    }
}

/// A size as it travels.
fn bytes(size: u64) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}
