//! A follower's loop: ask the leader, append, flush, ask again.
//!
//! The fetch offset tells the leader what is durable here, so a request waits for the flush of
//! what the one before it brought. A partition that comes is asked for at once, by a request that
//! overtakes the parked one in the same session: the leader's long poll would otherwise delay a failover.

use super::{
    ReplicationThrottles, Suspects,
    fetch_state::{FetchLimits, Position, SessionState},
    following::{Changes, Followed, Following},
};
use crate::{
    context::Identity,
    log_dirs::LogDirs,
    metadata::MetadataCache,
    partition::{AckFuture, FollowError},
};
use futures_util::{StreamExt, stream::FuturesOrdered};
use klamm_client::{ClientError, Connection, ConnectionOptions};
use klamm_config::ServerConfig;
use klamm_protocol::messages::{
    fetch_request::FetchRequest,
    fetch_response::{FetchResponse, PartitionData},
    list_offsets_request::{ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic},
    list_offsets_response::ListOffsetsResponse,
};
use klamm_replica::divergence::{EpochEnd, OutOfRange, out_of_range};
use klamm_types::{BrokerId, ErrorCode, LeaderEpoch, TopicPartition};
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::watch,
    time::{Instant, sleep, sleep_until, timeout_at},
};
use tracing::{debug, info, warn};

const FETCH_VERSION: i16 = 18;
const LIST_OFFSETS_VERSION: i16 = 9;
const EARLIEST: i64 = -2;
const LATEST: i64 = -1;

/// The largest response: a fetch of `replica.fetch.response.max.bytes` plus what one oversized
/// batch and the frame around it take.
const RESPONSE_BYTES_MAX: usize = 256 << 20;

/// How long connecting may take. Where a leader is cut off, the system repeats itself ever less often.
const CONNECT_TIMEOUT_MAX: Duration = Duration::from_secs(1);

/// How long a leader's host may not acknowledge what was sent to it. Whoever is silent for so long leads nothing any more, and
/// when it is back and leads again, what is asked of it must not wait for a repetition that is seconds away.
const UNACKED_MAX: Duration = Duration::from_secs(2);

/// Pause after a failed connection or request.
const RECONNECT_PAUSE: Duration = Duration::from_millis(50);

/// Pause for a partition that the leader does not serve yet.
const PARTITION_PAUSE: Duration = Duration::from_millis(20);

/// How long the answer to a request may take when partitions have come that it does not ask for.
/// Where there is something to fetch it comes within this time; and those that come together, as
/// in a failover, are asked for together.
const ANSWER_PATIENCE: Duration = Duration::from_millis(5);

/// Requests under way: one that is parked, and one that overtakes it.
const IN_FLIGHT_MAX: usize = 2;

/// How long a request waits for the flushes of what the last one brought. Longer than they take on
/// any healthy disk: what is left out of a request is asked for later than the rest.
const FLUSH_PATIENCE: Duration = Duration::from_millis(50);

/// Pause for a partition whose log the leader cannot read: that takes a repair.
const SICK_LEADER_PAUSE: Duration = Duration::from_millis(250);

/// Pause for a partition whose disk has no room: as often as that is looked at.
const NO_ROOM_PAUSE: Duration = Duration::from_millis(250);

/// The longest pause of a throttled partition: a rate that was raised shall be felt soon.
const THROTTLED_PAUSE_MAX: Duration = Duration::from_secs(1);

/// Fetches until the task is aborted.
pub(super) async fn run(fetcher: Fetcher) {
    let mut is_failing = false;
    loop {
        if let Err(error) = fetcher.session(&mut is_failing).await {
            // Said once: a leader that is down is retried many times a second.
            if !is_failing {
                fetcher.suspects.lost(fetcher.leader);
                info!(leader = %fetcher.leader, %error, "fetching from the leader failed");
            }
            is_failing = true;
            sleep(RECONNECT_PAUSE).await;
        }
    }
}

/// Who fetches from a leader.
pub(super) struct Fetcher {
    pub(super) leader: BrokerId,
    pub(super) following: Arc<Following>,
    pub(super) identity: Arc<Identity>,
    pub(super) metadata: Arc<MetadataCache>,
    pub(super) config: Arc<ServerConfig>,
    pub(super) suspects: Arc<Suspects>,
    pub(super) throttles: Arc<ReplicationThrottles>,
    pub(super) dirs: Arc<LogDirs>,
}

impl Fetcher {
    /// One connection's life. Ends well when another connection is to go on. With the first answer the leader `is_failing` no more.
    async fn session(&self, is_failing: &mut bool) -> Result<(), ClientError> {
        let mut changes = self.following.changes();
        let registrations = changes.borrow_and_update().registrations;
        let connection = self.connect().await?;
        let ask = async |request: FetchRequest| -> Result<FetchResponse, ClientError> {
            connection.request(&request, FETCH_VERSION).await
        };
        let mut session = SessionState::default();
        let mut answers = FuturesOrdered::new();
        let mut asked_at = Instant::now();
        self.following.change_all();
        loop {
            // Before the look at what is due: what comes later is not in the request.
            let known = *changes.borrow_and_update();
            if known.registrations != registrations {
                return Ok(());
            }
            if let Some(request) = self.next_request(&mut session, answers.len()).await {
                answers.push_back(ask(request));
                asked_at = Instant::now();
            }
            if answers.is_empty() {
                wait_for_work(&mut changes, self.following.next_due()).await;
            }
            // What came is told before anything new is asked for.
            let mut is_behind = false;
            while !answers.is_empty() {
                let has_room = answers.len() < IN_FLIGHT_MAX && !is_behind;
                let patience = asked_at + ANSWER_PATIENCE;
                let next_due = self.following.next_due().map(|at| at.max(patience));
                let response = tokio::select! {
                    // This sends what was asked.
                    biased;
                    Some(answer) = answers.next() => answer?,
                    () = something_new(&mut changes, known, has_room) => {
                        if session.is_refused() {
                            // Nothing can overtake what is parked.
                            return Ok(());
                        }
                        break;
                    }
                    () = due(next_due), if has_room => break,
                };
                if std::mem::take(is_failing) {
                    self.suspects.back(self.leader);
                }
                is_behind = brings_records(&response);
                if self.take(&connection, response, &mut session).await? {
                    continue;
                }
                if !answers.is_empty() {
                    // It has gone on in a session that has ended.
                    return Ok(());
                }
                session.lost();
            }
        }
    }

    /// Takes in an answer. Whether its session goes on.
    async fn take(
        &self,
        connection: &Connection,
        response: FetchResponse,
        session: &mut SessionState,
    ) -> Result<bool, ClientError> {
        match ErrorCode::from(response.error_code) {
            ErrorCode::None => {
                session.answered(response.session_id);
                self.take_in(connection, response, session).await?;
                Ok(!session.is_over())
            }
            error => {
                debug!(leader = %self.leader, %error, "the leader refused a fetch");
                sleep(PARTITION_PAUSE).await;
                Ok(false)
            }
        }
    }

    /// What to ask for now beside so many requests under way.
    async fn next_request(
        &self,
        session: &mut SessionState,
        under_way: usize,
    ) -> Option<FetchRequest> {
        self.update(session).await;
        let limits = self.limits(self.following.next_due());
        let (me, broker_epoch) = (self.identity.id, self.identity.epoch());
        match under_way {
            0 if session.is_empty() => None,
            0 => Some(session.request(me, broker_epoch, &limits)),
            _ => session.request_for_new(me, broker_epoch, &limits),
        }
    }

    /// Finds out where to go on with what has changed. The fetch offset tells the leader what is
    /// durable here, so it is said after the flush. A log that cannot flush says nothing, and keeps
    /// the others no longer than [`FLUSH_PATIENCE`].
    async fn update(&self, session: &mut SessionState) {
        let throttled_for = self.throttles.follower.wait();
        if !throttled_for.is_zero() || self.dirs.lack_room() {
            // What is asked for already is to be put off as well.
            self.following.change_all();
        }
        let changed = self.following.take_changed(Instant::now());
        // All flushes first: they are done together.
        let mut asked: Vec<(&Followed, Position, AckFuture)> = Vec::new();
        for (id, followed) in &changed {
            match followed {
                Some(followed) if self.may_ask(followed, throttled_for) => {
                    let position = followed.position();
                    let flushed = followed.partition.durable(position.fetch_offset);
                    asked.push((followed, position, flushed));
                }
                _ => session.set(*id, None),
            }
        }
        let begun = Instant::now();
        let deadline = begun + FLUSH_PATIENCE;
        for (followed, position, flushed) in asked {
            let id = followed.partition.id;
            let until = if followed.is_late { begun } else { deadline };
            let flushed = timeout_at(until, flushed).await;
            let is_late = flushed.is_err();
            if followed.is_late != is_late {
                self.following.set_late(id, is_late);
            }
            if let Ok(Ok(())) = flushed {
                session.set(id, Some(position));
            } else {
                session.set(id, None);
                self.pause(followed);
            }
        }
    }

    /// Whether a partition is to be asked for now; otherwise it is put off.
    fn may_ask(&self, followed: &Followed, throttled_for: Duration) -> bool {
        let partition = &followed.partition;
        if partition.is_held_back() {
            self.pause(followed);
            return false;
        }
        // What could not be appended is not fetched; the leader goes on without this replica.
        if partition.lacks_room() {
            self.pause_for(followed, NO_ROOM_PAUSE);
            return false;
        }
        if !throttled_for.is_zero() && self.is_throttled(followed) {
            self.pause_for(followed, throttled_for.min(THROTTLED_PAUSE_MAX));
            return false;
        }
        let cut = partition.cut_impossible_epochs(self.leader, followed.leader_epoch);
        cut.map_err(|error| self.complain(followed, &error)).is_ok()
    }

    /// Whether the followers' throttle holds for a replica: not for one in sync (rule 82).
    fn is_throttled(&self, followed: &Followed) -> bool {
        followed.partition.throttles_fetching() && {
            let image = self.metadata.image();
            let known = image.partition(followed.partition.id);
            !known.is_some_and(|partition| partition.isr.contains(&self.identity.id))
        }
    }

    async fn connect(&self) -> Result<Connection, ClientError> {
        let image = self.metadata.image();
        let name = &self.config.network.inter_broker_listener_name;
        let Some(listener) = image.listener(self.leader, name) else {
            return Err(ClientError::Connect {
                address: format!("broker {}", self.leader).into(),
                reason: format!("it has no listener {name}").into(),
            });
        };
        let patience = millis(self.config.replication.socket_timeout_ms);
        let options = ConnectionOptions {
            client_id: format!("broker-{}-fetcher", self.identity.id).into(),
            connect_timeout: patience.min(CONNECT_TIMEOUT_MAX),
            request_timeout: patience,
            unacked_max: Some(UNACKED_MAX),
            in_flight_max: IN_FLIGHT_MAX,
            response_bytes_max: RESPONSE_BYTES_MAX,
        };
        let address = format!("{}:{}", listener.host, listener.port);
        Connection::connect(&address, options).await
    }

    /// A long poll must not outlast a partition that is due earlier.
    fn limits(&self, next_due: Option<Instant>) -> FetchLimits {
        let replication = &self.config.replication;
        let due_ms = next_due.map_or(i32::MAX, |at| {
            let left = at.saturating_duration_since(Instant::now());
            i32::try_from(left.as_millis()).unwrap_or(i32::MAX)
        });
        FetchLimits {
            wait_max_ms: replication.fetch_wait_max_ms.min(due_ms),
            bytes_min: replication.fetch_min_bytes,
            partition_bytes_max: replication.fetch_max_bytes,
            response_bytes_max: replication.fetch_response_max_bytes,
        }
    }

    /// Appends what came; the flushes run while the rest is appended.
    async fn take_in(
        &self,
        connection: &Connection,
        response: FetchResponse,
        session: &SessionState,
    ) -> Result<(), ClientError> {
        for topic in response.responses {
            for data in topic.partitions {
                let id = TopicPartition {
                    topic_id: topic.topic_id,
                    partition: data.partition_index,
                };
                let (Some(followed), Some(asked)) = (self.following.get(id), session.asked(id))
                else {
                    continue;
                };
                // An answer for an older epoch, or to where the log ended before it was cut, is of no
                // use.
                let log_end_offset = followed.partition.log_end_offset();
                if followed.leader_epoch == asked.leader_epoch
                    && log_end_offset == asked.fetch_offset
                {
                    let fetch_offset = asked.fetch_offset;
                    self.take_in_partition(connection, &followed, fetch_offset, data)
                        .await?;
                }
            }
        }
        Ok(())
    }

    async fn take_in_partition(
        &self,
        connection: &Connection,
        followed: &Followed,
        fetch_offset: i64,
        data: PartitionData,
    ) -> Result<(), ClientError> {
        match ErrorCode::from(data.error_code) {
            ErrorCode::None if data.diverging_epoch.end_offset >= 0 => {
                self.truncate(followed, &data);
            }
            ErrorCode::None => self.append(followed, fetch_offset, &data),
            ErrorCode::OffsetOutOfRange => self.meet_range(connection, followed).await?,
            error => {
                debug!(topic = %followed.partition.topic, partition = followed.partition.id.partition,
                    leader = %self.leader, %error, "the leader does not serve a partition");
                self.pause_for(followed, pause_after(error));
            }
        }
        Ok(())
    }

    fn append(&self, followed: &Followed, fetch_offset: i64, data: &PartitionData) {
        let empty = bytes::Bytes::new();
        let records = data.records.as_ref().unwrap_or(&empty);
        let appended = followed.partition.append_as_follower(
            self.leader,
            followed.leader_epoch,
            fetch_offset,
            records,
            data.high_watermark,
            data.log_start_offset,
        );
        if let Err(error) = appended {
            self.complain(followed, &error);
        }
        if !records.is_empty() && self.is_throttled(followed) {
            self.throttles.follower.note(records.len() as u64);
        }
    }

    fn truncate(&self, followed: &Followed, data: &PartitionData) {
        let diverging = EpochEnd {
            epoch: LeaderEpoch(data.diverging_epoch.epoch),
            end_offset: data.diverging_epoch.end_offset,
        };
        let truncated =
            followed
                .partition
                .truncate_to_leader(self.leader, followed.leader_epoch, diverging);
        match truncated {
            Ok(offset) => info!(topic = %followed.partition.topic,
                partition = followed.partition.id.partition, offset, leader = %self.leader,
                "cut the log back to where it meets the leader's"),
            Err(error) => self.complain(followed, &error),
        }
    }

    /// The leader cannot serve our offset: finds out what it has and adapts (rule 79).
    async fn meet_range(
        &self,
        connection: &Connection,
        followed: &Followed,
    ) -> Result<(), ClientError> {
        let start = self.leader_offset(connection, followed, EARLIEST).await?;
        let end = self.leader_offset(connection, followed, LATEST).await?;
        let (Some(start), Some(end)) = (start, end) else {
            self.pause(followed);
            return Ok(());
        };
        let partition = &followed.partition;
        let decision = out_of_range(start, end, partition.log_end_offset());
        if decision != OutOfRange::Retry || self.following.tell_range_once(partition.id) {
            warn!(topic = %partition.topic, partition = partition.id.partition, ?decision,
                "the leader does not have the next offset");
        }
        let epoch = followed.leader_epoch;
        let done = match decision {
            OutOfRange::TruncateTo(offset) => {
                partition.truncate_following(self.leader, epoch, offset)
            }
            OutOfRange::StartAnewAt(offset) => {
                partition.start_anew_following(self.leader, epoch, offset)
            }
            OutOfRange::Retry => {
                self.pause(followed);
                Ok(())
            }
        };
        if let Err(error) = done {
            self.complain(followed, &error);
        }
        Ok(())
    }

    async fn leader_offset(
        &self,
        connection: &Connection,
        followed: &Followed,
        timestamp: i64,
    ) -> Result<Option<i64>, ClientError> {
        let request = ListOffsetsRequest {
            replica_id: self.identity.id.get(),
            topics: vec![ListOffsetsTopic {
                name: followed.partition.topic.to_string(),
                partitions: vec![ListOffsetsPartition {
                    partition_index: followed.partition.id.partition,
                    current_leader_epoch: followed.leader_epoch.get(),
                    timestamp,
                }],
            }],
            ..Default::default()
        };
        let response: ListOffsetsResponse =
            connection.request(&request, LIST_OFFSETS_VERSION).await?;
        let answer = response.topics.first().and_then(|t| t.partitions.first());
        Ok(answer
            .filter(|p| p.error_code == ErrorCode::None.code())
            .map(|p| p.offset))
    }

    fn complain(&self, followed: &Followed, error: &FollowError) {
        if error.is_storage_full() {
            debug!(topic = %followed.partition.topic, partition = followed.partition.id.partition,
                %error, "cannot follow for want of room");
            return self.pause_for(followed, NO_ROOM_PAUSE);
        }
        if !matches!(error, FollowError::RoleChanged | FollowError::Moved { .. }) {
            warn!(topic = %followed.partition.topic, partition = followed.partition.id.partition,
                leader = %self.leader, %error, "cannot follow");
        }
        self.pause(followed);
    }

    fn pause(&self, followed: &Followed) {
        self.pause_for(followed, PARTITION_PAUSE);
    }

    fn pause_for(&self, followed: &Followed, pause: Duration) {
        let until = Instant::now() + pause;
        self.following
            .pause(followed.partition.id, followed.leader_epoch, until);
    }
}

/// Waits until something has happened that the requests under way do not know of, and for the answer a little longer:
/// a registration of the leader, and partitions that have come if there `has_room` for a request.
async fn something_new(changes: &mut watch::Receiver<Changes>, known: Changes, has_room: bool) {
    let is_new =
        |now: &Changes| now.registrations != known.registrations || (has_room && *now != known);
    let changed = changes.wait_for(is_new).await.map(|now| *now);
    // Its sender is the caller's.
    if changed.is_ok_and(|now| now.registrations == known.registrations) {
        sleep(ANSWER_PATIENCE).await;
    }
}

/// Whether an answer brings records: until their end is told, the next one brings them again.
fn brings_records(response: &FetchResponse) -> bool {
    let mut partitions = response
        .responses
        .iter()
        .flat_map(|topic| &topic.partitions);
    partitions.any(|data| {
        data.records
            .as_ref()
            .is_some_and(|records| !records.is_empty())
    })
}

async fn due(next: Option<Instant>) {
    match next {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// Waits until something is due, or something has changed.
async fn wait_for_work(changes: &mut watch::Receiver<Changes>, next_due: Option<Instant>) {
    tokio::select! {
        () = due(next_due) => {}
        // Its sender is the caller's.
        _ = changes.changed() => {}
    }
}

/// How long not to ask a leader again that answered with an error.
fn pause_after(error: ErrorCode) -> Duration {
    match error {
        ErrorCode::KafkaStorageError | ErrorCode::CorruptMessage => SICK_LEADER_PAUSE,
        _ => PARTITION_PAUSE,
    }
}

fn millis(ms: i32) -> Duration {
    Duration::from_millis(u64::try_from(ms).unwrap_or(0))
}

#[cfg(test)]
#[path = "fetch_loop_tests.rs"]
mod tests;
