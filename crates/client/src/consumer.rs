//! Reading records without a group.
//!
//! One fetch is in flight to each leader of an assigned partition. A fetch that has nothing yet waits at the
//! broker, so that following the end of a partition costs little.

mod fetched;

pub use fetched::ConsumedRecord;

use crate::{client::Client, error::ClientError};
use fetched::Fetched;
use klamm_protocol::{
    Request,
    messages::{
        fetch_request::{FetchPartition, FetchRequest, FetchTopic},
        fetch_response::{FetchResponse, PartitionData},
        list_offsets_request::{ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic},
    },
};
use klamm_types::{ErrorCode, Uuid};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};

/// The last version that names topics instead of giving their ids.
const LAST_VERSION_WITH_NAMES: i16 = 12;
/// How long reading pauses after an error, so that a cluster in trouble is not asked in a loop.
const PAUSE_AFTER_ERROR: Duration = Duration::from_millis(100);

/// Where reading begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartOffset {
    /// At the first record that still exists.
    Earliest,
    /// Behind the last record.
    Latest,
    /// At this offset.
    At(i64),
    /// At the first record with this or a later timestamp, in milliseconds since 1970.
    Since(i64),
}

/// How a consumer behaves.
#[derive(Clone, Debug)]
pub struct ConsumerOptions {
    /// How long a broker waits for `min_bytes`.
    pub wait_max: Duration,
    /// Bytes that a response should have.
    pub min_bytes: i32,
    /// Bytes of a response; one batch always fits.
    pub max_bytes: i32,
    /// Bytes of a response for each partition; one batch always fits.
    pub partition_max_bytes: i32,
    /// Whether records of open and aborted transactions are hidden.
    pub read_committed: bool,
}

impl Default for ConsumerOptions {
    fn default() -> Self {
        ConsumerOptions {
            wait_max: Duration::from_millis(500),
            min_bytes: 1,
            max_bytes: 50 << 20,
            partition_max_bytes: 1 << 20,
            read_committed: false,
        }
    }
}

/// How far a partition was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    /// Its topic.
    pub topic: Arc<str>,
    /// Its partition.
    pub partition: i32,
    /// The offset of the next record, `None` until it was looked up.
    pub offset: Option<i64>,
    /// The end of what can be read (the last stable offset when reading committed records), `None` until a
    /// response told it.
    pub end: Option<i64>,
}

#[derive(Clone, Debug)]
struct Assigned {
    start: StartOffset,
    position: Option<i64>,
    end: Option<i64>,
}

type Key = (Arc<str>, i32);

/// Reads partitions of a cluster.
#[derive(Debug)]
pub struct Consumer {
    client: Client,
    options: ConsumerOptions,
    assigned: BTreeMap<Key, Assigned>,
    fetches: JoinSet<Fetch>,
    /// Leaders with a fetch in flight.
    busy: BTreeSet<i32>,
    /// Since when every fetch failed.
    failing_since: Option<Instant>,
    /// Records that were taken out of responses but not returned yet.
    ready: Vec<ConsumedRecord>,
}

/// What was asked of one leader and what it answered.
#[derive(Debug)]
struct Fetch {
    leader: i32,
    asked: Vec<Asked>,
    response: Result<FetchResponse, ClientError>,
}

#[derive(Clone, Debug)]
struct Asked {
    key: Key,
    topic_id: Uuid,
    offset: i64,
}

impl Consumer {
    /// A consumer that reads nothing yet.
    pub fn new(client: Client, options: ConsumerOptions) -> Consumer {
        Consumer {
            client,
            options,
            assigned: BTreeMap::new(),
            fetches: JoinSet::new(),
            busy: BTreeSet::new(),
            failing_since: None,
            ready: Vec::new(),
        }
    }

    /// Reads a partition from `start` on; again, if it was read before.
    pub fn assign(&mut self, topic: &str, partition: i32, start: StartOffset) {
        let position = match start {
            StartOffset::At(offset) => Some(offset),
            _ => None,
        };
        self.assigned.insert(
            (topic.into(), partition),
            Assigned {
                start,
                position,
                end: None,
            },
        );
    }

    /// Reads all partitions that a topic has now.
    ///
    /// # Errors
    /// There is no such topic.
    pub async fn assign_topic(
        &mut self,
        topic: &str,
        start: StartOffset,
    ) -> Result<(), ClientError> {
        for partition in self.client.partitions(topic).await? {
            self.assign(topic, partition.index, start);
        }
        Ok(())
    }

    /// Stops reading a partition.
    pub fn unassign(&mut self, topic: &str, partition: i32) {
        self.assigned.remove(&(Arc::from(topic), partition));
    }

    /// How far each partition was read: the offsets behind what polls returned.
    pub fn positions(&self) -> Vec<Position> {
        let waiting = |topic: &Arc<str>, partition: i32| {
            let same = |r: &&ConsumedRecord| r.topic == *topic && r.partition == partition;
            self.ready.iter().find(same).map(|record| record.offset)
        };
        let position = |((topic, partition), assigned): (&Key, &Assigned)| Position {
            topic: topic.clone(),
            partition: *partition,
            offset: waiting(topic, *partition).or(assigned.position),
            end: assigned.end,
        };
        self.assigned.iter().map(position).collect()
    }

    /// Whether every partition was read up to the end that its leader last told.
    pub fn at_end(&self) -> bool {
        let done = |assigned: &Assigned| match (assigned.position, assigned.end) {
            (Some(position), Some(end)) => position >= end,
            _ => false,
        };
        self.assigned.values().all(done)
    }

    /// Waits for the next response of some leader and returns its records, perhaps none.
    ///
    /// May be dropped while it waits: nothing is lost.
    ///
    /// # Errors
    /// A position is out of range and there is no rule where to go on, records are damaged, or no fetch
    /// succeeded until the client's deadline.
    pub async fn poll(&mut self) -> Result<Vec<ConsumedRecord>, ClientError> {
        if !self.ready.is_empty() {
            return Ok(std::mem::take(&mut self.ready));
        }
        if let Err(error) = self.send_fetches().await {
            self.tolerate(error).await?;
        }
        let Some(finished) = self.fetches.join_next().await else {
            return match self.assigned.is_empty() {
                true => Err(ClientError::Usage("no partition is assigned")),
                false => Ok(Vec::new()),
            };
        };
        let fetch = finished.map_err(|_| ClientError::Usage("a fetch was aborted"))?;
        self.busy.remove(&fetch.leader);
        let taken = fetch
            .response
            .and_then(|response| self.take(&fetch.asked, response));
        if let Err(error) = taken {
            self.tolerate(error).await?;
        }
        Ok(std::mem::take(&mut self.ready))
    }

    /// Looks up positions and fetches from every leader that has no fetch in flight. Partitions in trouble do
    /// not keep others from being read.
    async fn send_fetches(&mut self) -> Result<(), ClientError> {
        let mut plan: BTreeMap<i32, Vec<(Asked, i32)>> = BTreeMap::new();
        let mut trouble = None;
        let keys: Vec<Key> = self.assigned.keys().cloned().collect();
        for key in keys {
            match self.plan(key).await {
                Ok(Some((leader, asked, leader_epoch))) => {
                    plan.entry(leader).or_default().push((asked, leader_epoch));
                }
                Ok(None) => {}
                Err(error) if error.is_retriable() => trouble = Some(error),
                Err(error) => return Err(error),
            }
        }
        self.spawn_fetches(plan);
        trouble.map_or(Ok(()), Err)
    }

    /// The leader to fetch a partition from, unless it is busy, the question and the leader's epoch.
    async fn plan(&mut self, key: Key) -> Result<Option<(i32, Asked, i32)>, ClientError> {
        let led = self.client.led(&key.0, key.1).await?;
        if self.busy.contains(&led.leader) {
            return Ok(None);
        }
        let offset = self.position(&key).await?;
        let view = self.client.view();
        let topic_id = view
            .topics
            .get(&*key.0)
            .map(|topic| topic.id)
            .unwrap_or_default();
        Ok(Some((
            led.leader,
            Asked {
                key,
                topic_id,
                offset,
            },
            led.leader_epoch,
        )))
    }

    fn spawn_fetches(&mut self, plan: BTreeMap<i32, Vec<(Asked, i32)>>) {
        for (leader, partitions) in plan {
            let request = self.request(&partitions);
            let asked: Vec<Asked> = partitions.into_iter().map(|(asked, _)| asked).collect();
            let with_ids = asked.iter().all(|asked| !asked.topic_id.is_zero());
            let served = FetchRequest::KEY.served();
            let last = if with_ids {
                *served.end()
            } else {
                LAST_VERSION_WITH_NAMES
            };
            let client = self.client.clone();
            let patience = client.options().connection.request_timeout + self.options.wait_max;
            self.busy.insert(leader);
            self.fetches.spawn(async move {
                let response = async {
                    let connection = client.broker(leader).await?;
                    client
                        .ask(&connection, &request, *served.start()..=last, patience)
                        .await
                };
                let response = response.await;
                Fetch {
                    leader,
                    asked,
                    response,
                }
            });
        }
    }

    fn request(&self, partitions: &[(Asked, i32)]) -> FetchRequest {
        let mut topics: Vec<FetchTopic> = Vec::new();
        for (asked, leader_epoch) in partitions {
            let (name, partition) = (&asked.key.0, asked.key.1);
            if topics.last().is_none_or(|topic| *topic.topic != **name) {
                topics.push(FetchTopic {
                    topic: name.to_string(),
                    topic_id: asked.topic_id,
                    partitions: Vec::new(),
                });
            }
            let partition = FetchPartition {
                partition,
                current_leader_epoch: *leader_epoch,
                fetch_offset: asked.offset,
                partition_max_bytes: self.options.partition_max_bytes,
                ..FetchPartition::default()
            };
            topics
                .last_mut()
                .into_iter()
                .for_each(|topic| topic.partitions.push(partition.clone()));
        }
        FetchRequest {
            max_wait_ms: i32::try_from(self.options.wait_max.as_millis()).unwrap_or(i32::MAX),
            min_bytes: self.options.min_bytes,
            max_bytes: self.options.max_bytes,
            isolation_level: i8::from(self.options.read_committed),
            topics,
            ..FetchRequest::default()
        }
    }

    /// Where to read on; asks the leader the first time.
    async fn position(&mut self, key: &Key) -> Result<i64, ClientError> {
        let start = match self.assigned.get(key) {
            Some(Assigned {
                position: Some(position),
                ..
            }) => return Ok(*position),
            Some(assigned) => assigned.start,
            None => return Err(ClientError::Usage("the partition is not assigned")),
        };
        let offset = match start {
            StartOffset::At(offset) => offset,
            StartOffset::Earliest => self.offset_at(key, -2).await?,
            StartOffset::Latest => self.offset_at(key, -1).await?,
            // −1 says that no record is that young: go on behind the last one.
            StartOffset::Since(timestamp) => match self.offset_at(key, timestamp).await? {
                -1 => self.offset_at(key, -1).await?,
                offset => offset,
            },
        };
        if let Some(assigned) = self.assigned.get_mut(key) {
            assigned.position = Some(offset);
        }
        Ok(offset)
    }

    /// The offset of a timestamp; −1 stands for the end, −2 for the beginning.
    async fn offset_at(&self, key: &Key, timestamp: i64) -> Result<i64, ClientError> {
        let (connection, view) = self.client.leader(&key.0, key.1).await?;
        let request = ListOffsetsRequest {
            replica_id: -1,
            isolation_level: i8::from(self.options.read_committed),
            topics: vec![ListOffsetsTopic {
                name: key.0.to_string(),
                partitions: vec![ListOffsetsPartition {
                    partition_index: key.1,
                    current_leader_epoch: view.leader_epoch,
                    timestamp,
                }],
            }],
            ..ListOffsetsRequest::default()
        };
        let patience = self.client.options().connection.request_timeout;
        // Version 2 brought the isolation level.
        let versions = 2..=*ListOffsetsRequest::KEY.served().end();
        let response = self
            .client
            .ask(&connection, &request, versions, patience)
            .await?;
        let answer = response
            .topics
            .into_iter()
            .flat_map(|topic| topic.partitions)
            .next();
        let answer = answer.ok_or(ClientError::Usage(
            "the broker answered without the partition",
        ))?;
        let what = format!("offsets of {}-{}", key.0, key.1);
        ClientError::check(&what, answer.error_code, None)?;
        Ok(answer.offset)
    }

    /// Takes the records out of a response and moves the positions.
    fn take(&mut self, asked: &[Asked], response: FetchResponse) -> Result<(), ClientError> {
        ClientError::check("fetch", response.error_code, None)?;
        let mut trouble = None;
        for topic in response.responses {
            for data in topic.partitions {
                let found = asked.iter().find(|asked| {
                    let same_topic = match topic.topic_id.is_zero() {
                        true => *asked.key.0 == *topic.topic,
                        false => asked.topic_id == topic.topic_id,
                    };
                    same_topic && asked.key.1 == data.partition_index
                });
                let Some(asked) = found else {
                    continue;
                };
                match self.take_partition(asked, data) {
                    Ok(()) => self.failing_since = None,
                    Err(error) if error.is_retriable() => trouble = Some(error),
                    Err(error) => return Err(error),
                }
            }
        }
        trouble.map_or(Ok(()), Err)
    }

    fn take_partition(&mut self, asked: &Asked, data: PartitionData) -> Result<(), ClientError> {
        let (topic, partition) = asked.key.clone();
        // Assigned anew meanwhile: this answer is to an old question.
        let current = self.assigned.get_mut(&asked.key);
        let Some(assigned) = current.filter(|a| a.position == Some(asked.offset)) else {
            return Ok(());
        };
        let resets = matches!(assigned.start, StartOffset::Earliest | StartOffset::Latest);
        if data.error_code == ErrorCode::OffsetOutOfRange.code() && resets {
            assigned.position = None;
            return Ok(());
        }
        ClientError::check(&format!("fetch {topic}-{partition}"), data.error_code, None)?;
        let committed = self.options.read_committed;
        assigned.end = Some(if committed {
            data.last_stable_offset
        } else {
            data.high_watermark
        });
        let aborted = data
            .aborted_transactions
            .filter(|_| committed)
            .unwrap_or_default();
        let records = data.records.unwrap_or_default();
        let fetched = Fetched {
            topic,
            partition,
            from: asked.offset,
            records,
            aborted,
        };
        assigned.position = Some(fetched.records(&mut self.ready)?);
        Ok(())
    }

    /// Pauses and looks at the cluster anew after an error, unless it is final or lasts too long.
    async fn tolerate(&mut self, error: ClientError) -> Result<(), ClientError> {
        let since = *self.failing_since.get_or_insert_with(Instant::now);
        if !error.is_retriable() || since.elapsed() > self.client.options().deadline {
            return Err(error);
        }
        sleep(PAUSE_AFTER_ERROR).await;
        let topics: BTreeSet<&str> = self.assigned.keys().map(|(topic, _)| &**topic).collect();
        let topics: Vec<&str> = topics.into_iter().collect();
        // If this fails as well, so will the next fetch.
        let _ = self.client.refresh(Some(&topics)).await;
        Ok(())
    }
}
