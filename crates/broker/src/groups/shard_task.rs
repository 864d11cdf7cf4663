//! The task that owns one shard.
//!
//! ```text
//! load ──► wait for the high watermark ──► serve ──► (reload: back to load) ──► end
//! ```
//!
//! While it loads, requests are answered COORDINATOR_LOAD_IN_PROGRESS. What was in the log when
//! loading began is not told to anybody before it is committed. While it serves, appends go to
//! the log in the shard's order, as many as wait in one batch; their results come back in the
//! same order.

use super::{
    load::{LoadError, Loaded, load},
    steady_clock::SteadyClock,
};
use crate::{
    clock::now_ms,
    partition::{AckFuture, Partition, Waker},
};
use klamm_coordinator::{
    AppendId, Effect, GroupConfig, GroupShard, Record, Request, RequestBody, RequestId, Response,
};
use klamm_records::BatchBuilder;
use klamm_types::{ErrorCode, LeaderEpoch, Uuid};
use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    future::{Future, pending},
    pin::pin,
    sync::Arc,
    time::{Duration, Instant as StdInstant},
};
use tokio::{
    select,
    sync::{mpsc, oneshot},
    task::spawn_blocking,
    time::{sleep, sleep_until},
};
use tracing::{error, info, warn};

/// Requests that are taken from the queue at a time: their records share a batch.
const TAKEN_AT_ONCE_MAX: usize = 64;

/// Requests that may be parked in a shard, most of them by members that wait for a rebalance.
const PARKED_MAX: usize = 100_000;

/// Room that is left for the header of a batch, and to spare.
const BATCH_OVERHEAD_BYTES: usize = 1_024;

/// How long to wait before a shard is loaded again after a failed append.
const RELOAD_PAUSE: Duration = Duration::from_millis(100);

/// What is asked of the task.
pub(super) enum Command {
    /// A request, and where its answer goes.
    Ask(Box<Request>, oneshot::Sender<Response>),
    /// Topics are gone, by name.
    TopicsDeleted(Arc<BTreeMap<String, Uuid>>),
}

/// A shard and what it needs.
pub(super) struct ShardTask {
    pub(super) index: i32,
    pub(super) leader_epoch: LeaderEpoch,
    pub(super) partition: Arc<Partition>,
    pub(super) config: GroupConfig,
    pub(super) load_bytes_max: usize,
    pub(super) queue: mpsc::Receiver<Command>,
    /// Resolves when leadership has gone.
    pub(super) stopped: oneshot::Receiver<()>,
}

/// Why a shard is not served any more.
enum End {
    /// Leadership has gone.
    Stopped,
    /// Its state has run ahead of its log.
    Reload(ErrorCode),
}

/// Topics whose deletion the shard is to hear of.
type DeletedTopics = BTreeMap<String, Uuid>;

impl ShardTask {
    /// Runs until leadership has gone.
    pub(super) async fn run(mut self) {
        let mut deleted = DeletedTopics::new();
        loop {
            let Some(shard) = self.load(&mut deleted).await else {
                return self.refuse_all().await;
            };
            let mut serving = Serving::new(&mut self, shard);
            if !deleted.is_empty() {
                serving.topics_deleted(&std::mem::take(&mut deleted));
            }
            match serving.run().await {
                End::Stopped => return,
                End::Reload(error) => {
                    warn!(partition = self.index, %error, "loading groups again: an append failed");
                }
            }
            let pause = sleep(RELOAD_PAUSE);
            if self.refuse_while(pause, &mut deleted).await.is_none() {
                return;
            }
        }
    }

    /// Loads the shard; `None` if that cannot be or leadership has gone.
    async fn load(&mut self, deleted: &mut DeletedTopics) -> Option<GroupShard> {
        let begun = StdInstant::now();
        self.config.append_bytes_max = append_bytes_max(&self.partition);
        let (partition, epoch) = (Arc::clone(&self.partition), self.leader_epoch);
        let (config, bytes_max) = (self.config.clone(), self.load_bytes_max);
        let loading = spawn_blocking(move || load(&partition, epoch, config, bytes_max));
        let loaded = self.refuse_while(loading, deleted).await?;
        let Loaded { shard, end_offset } = match loaded {
            Ok(Ok(loaded)) => loaded,
            Ok(Err(LoadError::Resigned)) => return None,
            Ok(Err(error)) => {
                error!(partition = self.index, %error, "cannot load groups");
                return None;
            }
            // The runtime is shutting down.
            Err(_) => return None,
        };
        let committed = wait_for_commit(Arc::clone(&self.partition), end_offset);
        self.refuse_while(committed, deleted).await?;
        let took_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        info!(partition = self.index, epoch = %self.leader_epoch, end_offset, took_ms,
            "coordinates the groups of this partition");
        Some(shard)
    }

    /// Answers requests with COORDINATOR_LOAD_IN_PROGRESS until `work` is done; `None` if
    /// leadership has gone before.
    async fn refuse_while<F: Future>(
        &mut self,
        work: F,
        deleted: &mut DeletedTopics,
    ) -> Option<F::Output> {
        let mut work = pin!(work);
        loop {
            select! {
                biased;
                _ = &mut self.stopped => return None,
                done = &mut work => return Some(done),
                Some(command) = self.queue.recv() => match command {
                    Command::Ask(request, tell) => {
                        reply(tell, request.refuse(ErrorCode::CoordinatorLoadInProgress));
                    }
                    Command::TopicsDeleted(topics) => {
                        deleted.extend(topics.iter().map(|(name, id)| (name.clone(), *id)));
                    }
                },
            }
        }
    }

    /// Answers requests with NOT_COORDINATOR until leadership has gone: nothing could be loaded.
    async fn refuse_all(&mut self) {
        // Leadership may have gone while it was loaded; that is told only once.
        if self.stopped.is_terminated() {
            return;
        }
        loop {
            select! {
                biased;
                _ = &mut self.stopped => return,
                command = self.queue.recv() => match command {
                    Some(Command::Ask(request, tell)) => {
                        reply(tell, request.refuse(ErrorCode::NotCoordinator));
                    }
                    Some(Command::TopicsDeleted(_)) => {}
                    None => return,
                },
            }
        }
    }
}

/// What fits a batch that the log takes, its header apart.
fn append_bytes_max(partition: &Partition) -> usize {
    let config = partition.config();
    let batch_bytes_max = config.max_message_bytes.min(config.segment_bytes);
    usize::try_from(batch_bytes_max)
        .unwrap_or(0)
        .saturating_sub(BATCH_OVERHEAD_BYTES)
}

/// Waits until the high watermark has reached `end_offset`.
async fn wait_for_commit(partition: Arc<Partition>, end_offset: i64) {
    let waker = Waker::default();
    let _registration = partition.consumers.register(&waker);
    while partition.high_watermark() < end_offset {
        waker.news.notified().await;
    }
}

/// The client may have gone meanwhile: then nobody needs the answer.
fn reply(tell: oneshot::Sender<Response>, response: Response) {
    drop(tell.send(response));
}

/// What a serving task wakes up for.
enum Event {
    Stopped,
    Acked(Result<(), ErrorCode>),
    Commands(Vec<Command>),
    Tick,
}

/// Appends whose result is awaited: one batch.
struct InFlight {
    ids: Vec<AppendId>,
    acked: AckFuture,
}

/// A loaded shard at work.
struct Serving<'a> {
    task: &'a mut ShardTask,
    shard: GroupShard,
    clock: SteadyClock,
    parked: HashMap<RequestId, oneshot::Sender<Response>>,
    next_id: u64,
    in_flight: VecDeque<InFlight>,
    reload: Option<ErrorCode>,
}

impl<'a> Serving<'a> {
    fn new(task: &'a mut ShardTask, mut shard: GroupShard) -> Serving<'a> {
        let clock = SteadyClock::start();
        shard.loaded(clock.now_ms());
        Serving {
            task,
            shard,
            clock,
            parked: HashMap::new(),
            next_id: 0,
            in_flight: VecDeque::new(),
            reload: None,
        }
    }

    async fn run(mut self) -> End {
        loop {
            if let Some(error) = self.reload {
                return End::Reload(error);
            }
            match self.next_event().await {
                Event::Stopped => {
                    let effects = self.shard.resign();
                    self.carry_out(effects);
                    return End::Stopped;
                }
                event => self.apply(event),
            }
        }
    }

    async fn next_event(&mut self) -> Event {
        let deadline = self.shard.next_deadline().map(|ms| self.clock.instant(ms));
        let mut commands = Vec::new();
        select! {
            biased;
            _ = &mut self.task.stopped => Event::Stopped,
            // Before requests: a busy shard keeps its time.
            () = until(deadline) => Event::Tick,
            result = first_acked(&mut self.in_flight) => Event::Acked(result),
            taken = self.task.queue.recv_many(&mut commands, TAKEN_AT_ONCE_MAX) => match taken {
                0 => Event::Stopped,
                _ => Event::Commands(commands),
            },
        }
    }

    fn apply(&mut self, event: Event) {
        let now_ms = self.clock.now_ms();
        self.shard.set_wall_ahead(self.clock.wall_ahead_ms());
        let mut effects = Vec::new();
        match event {
            Event::Stopped => {}
            Event::Tick => effects = self.shard.tick(now_ms),
            Event::Acked(result) => {
                let acked = self.in_flight.pop_front();
                for id in acked.into_iter().flat_map(|batch| batch.ids) {
                    effects.extend(self.shard.on_append_result(now_ms, id, result));
                }
            }
            Event::Commands(commands) => {
                for command in commands {
                    effects.extend(self.handle(now_ms, command));
                }
            }
        }
        self.carry_out(effects);
    }

    fn handle(&mut self, now_ms: i64, command: Command) -> Vec<Effect> {
        match command {
            Command::TopicsDeleted(topics) => self.shard.on_topics_deleted(now_ms, &topics),
            Command::Ask(request, tell) if self.parked.len() >= PARKED_MAX => {
                reply(tell, request.refuse(super::busy(&request.body)));
                Vec::new()
            }
            // Appended, it would be refused, and the shard loaded again each time.
            Command::Ask(request, tell)
                if matches!(request.body, RequestBody::OffsetCommit(_))
                    && self.task.partition.lacks_room() =>
            {
                reply(tell, request.refuse(super::busy(&request.body)));
                Vec::new()
            }
            Command::Ask(mut request, tell) => {
                request.id = RequestId(self.next_id);
                self.next_id += 1;
                self.parked.insert(request.id, tell);
                self.shard.handle(now_ms, *request)
            }
        }
    }

    fn topics_deleted(&mut self, topics: &DeletedTopics) {
        self.shard.set_wall_ahead(self.clock.wall_ahead_ms());
        let effects = self.shard.on_topics_deleted(self.clock.now_ms(), topics);
        self.carry_out(effects);
    }

    fn carry_out(&mut self, effects: Vec<Effect>) {
        let mut batch = Batch::default();
        for effect in effects {
            match effect {
                Effect::Respond { id, response } => {
                    if let Some(tell) = self.parked.remove(&id) {
                        reply(tell, response);
                    }
                }
                Effect::Append { id, records } => {
                    if !batch.has_room_for(&records, self.task.config.append_bytes_max) {
                        self.append(std::mem::take(&mut batch));
                    }
                    batch.add(id, records);
                }
                Effect::Reload { error } => self.reload = Some(error),
            }
        }
        self.append(batch);
    }

    /// Appends a batch. A refusal takes its turn among the results, like an acknowledgement.
    fn append(&mut self, batch: Batch) {
        if batch.ids.is_empty() {
            return;
        }
        let appended = self.task.append(&batch);
        self.in_flight.push_back(InFlight {
            ids: batch.ids,
            acked: appended.unwrap_or_else(|error| AckFuture::Ready(Err(error))),
        });
    }
}

impl ShardTask {
    fn append(&self, batch: &Batch) -> Result<AckFuture, ErrorCode> {
        // The time of day, whatever deadlines go by: the log compares it with that, and retention.
        let now_ms = now_ms();
        let mut builder = BatchBuilder::new(0);
        for record in &batch.records {
            builder.append(now_ms, Some(&record.key), record.value.as_deref(), &[]);
        }
        let bytes = builder.build().map_err(|error| {
            error!(partition = self.index, %error, "cannot build a batch of group records");
            ErrorCode::RecordListTooLarge
        })?;
        let appended = self.partition.append_internal(bytes, self.leader_epoch)?;
        Ok(appended.acked)
    }
}

/// Appends that go to the log together.
#[derive(Default)]
struct Batch {
    ids: Vec<AppendId>,
    records: Vec<Record>,
    bytes: usize,
}

impl Batch {
    fn has_room_for(&self, records: &[Record], bytes_max: usize) -> bool {
        self.ids.is_empty() || self.bytes + size(records) <= bytes_max
    }

    fn add(&mut self, id: AppendId, records: Vec<Record>) {
        self.bytes += size(&records);
        self.ids.push(id);
        self.records.extend(records);
    }
}

fn size(records: &[Record]) -> usize {
    records.iter().map(Record::size_bytes_max).sum()
}

async fn until(deadline: Option<tokio::time::Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => pending().await,
    }
}

async fn first_acked(in_flight: &mut VecDeque<InFlight>) -> Result<(), ErrorCode> {
    match in_flight.front_mut() {
        Some(batch) => (&mut batch.acked).await,
        None => pending().await,
    }
}
