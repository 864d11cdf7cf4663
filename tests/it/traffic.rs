//! A producer in the background, and the judgement over what became of its records.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use klamm_client::{Client, ConsumedRecord, Delivered, Producer, ProducerOptions, ProducerRecord};
use tokio::task::JoinHandle;

use crate::lab::{PATIENCE, eventually, read_all, text};

/// Between two records: enough of them to be under way whenever something happens, few enough for a busy machine.
const INTERVAL: Duration = Duration::from_millis(2);

/// A record that was acknowledged.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ack {
    number: u64,
    delivered: Delivered,
    at: Instant,
}

/// An idempotent producer (acks=all) that sends numbered records to all partitions of a topic in turn.
///
/// Whatever happens to the cluster, each record is tried for as long as a test waits: one that fails is a failure.
pub(crate) struct Traffic {
    topic: String,
    partitions: i32,
    state: Arc<State>,
    sender: JoinHandle<()>,
}

#[derive(Default)]
struct State {
    stops: AtomicBool,
    sent: AtomicU64,
    acks: Mutex<Vec<Ack>>,
    failures: Mutex<Vec<String>>,
}

impl State {
    fn acks(&self) -> MutexGuard<'_, Vec<Ack>> {
        self.acks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn failures(&self) -> MutexGuard<'_, Vec<String>> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Traffic {
    /// Starts sending.
    pub(crate) fn start(client: Client, topic: &str, partitions: i32) -> Self {
        let state = Arc::new(State::default());
        let options = ProducerOptions {
            delivery_timeout: PATIENCE,
            ..ProducerOptions::default()
        };
        let producer = Producer::new(client, options);
        Self {
            topic: topic.to_owned(),
            partitions,
            state: state.clone(),
            sender: tokio::spawn(send(producer, topic.to_owned(), partitions, state)),
        }
    }

    /// Waits until every partition has acknowledged a record that was sent after this call.
    pub(crate) async fn flows(&self) {
        let sent = self.state.sent.load(Ordering::SeqCst);
        eventually("every partition acknowledges new records", || async {
            let acks = self.state.acks();
            let newer = acks.iter().rev().filter(|ack| ack.number >= sent);
            let partitions: BTreeSet<i32> = newer.map(|ack| ack.delivered.partition).collect();
            (partitions.len() == usize::try_from(self.partitions).unwrap()).then_some(())
        })
        .await;
    }

    /// The longest time since `begin` in which some partition acknowledged nothing.
    pub(crate) fn longest_gap(&self, begin: Instant) -> Duration {
        let mut last: BTreeMap<i32, Instant> = BTreeMap::new();
        let mut longest = Duration::ZERO;
        let acks = self.state.acks();
        for ack in acks.iter().filter(|ack| ack.at >= begin) {
            let before = last.insert(ack.delivered.partition, ack.at);
            longest = longest.max(ack.at - before.unwrap_or(begin));
        }
        longest
    }

    /// Stops sending, waits for the last answers, reads everything and judges: what was acknowledged is there, at the
    /// place that was told, nothing is there twice, and each partition has the order of sending. Returns the numbers of
    /// all records.
    pub(crate) async fn finish(self, client: &Client) -> BTreeSet<u64> {
        self.state.stops.store(true, Ordering::SeqCst);
        self.sender.await.expect("the sender ends");
        let failures = self.state.failures().clone();
        assert!(failures.is_empty(), "records failed: {failures:?}");
        let acks = self.state.acks().clone();
        assert!(!acks.is_empty(), "nothing was acknowledged");
        let places = places(&read_all(client, &self.topic).await);
        for ack in &acks {
            let Delivered { partition, offset } = ack.delivered;
            assert_eq!(
                places.get(&ack.number),
                Some(&(partition, offset)),
                "place of record {} of {}, which was acknowledged",
                ack.number,
                self.topic
            );
        }
        assert_eq!(places.len(), acks.len(), "records there and acknowledged");
        places.into_keys().collect()
    }
}

async fn send(producer: Producer, topic: String, partitions: i32, state: Arc<State>) {
    let mut deliveries = tokio::task::JoinSet::new();
    let mut ticks = tokio::time::interval(INTERVAL);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    while !state.stops.load(Ordering::SeqCst) {
        ticks.tick().await;
        let number = state.sent.fetch_add(1, Ordering::SeqCst);
        let partition = i32::try_from(number % u64::try_from(partitions).unwrap()).unwrap();
        let record = ProducerRecord {
            partition: Some(partition),
            ..ProducerRecord::new(&topic, Some(format!("key-{number}")), number.to_string())
        };
        let delivery = producer.send(record).await.expect("queue a record");
        let state = state.clone();
        deliveries.spawn(async move {
            match delivery.await {
                Ok(delivered) => {
                    let at = Instant::now();
                    state.acks().push(Ack {
                        number,
                        delivered,
                        at,
                    });
                }
                Err(error) => state.failures().push(format!("{number}: {error}")),
            }
        });
    }
    while deliveries.join_next().await.is_some() {}
}

/// Where each numbered record is. Panics if one is there twice, or before an earlier one of its partition.
fn places(records: &[ConsumedRecord]) -> BTreeMap<u64, (i32, i64)> {
    let mut places = BTreeMap::new();
    let mut last: BTreeMap<i32, (i64, u64)> = BTreeMap::new();
    for record in records {
        let number: u64 = text(record).parse().expect("a record of the traffic");
        let place = (record.partition, record.offset);
        if let Some(other) = places.insert(number, place) {
            panic!("record {number} is there twice, at {other:?} and {place:?}");
        }
        let previous = last.insert(record.partition, (record.offset, number));
        assert!(
            previous < Some((record.offset, number)) && previous.is_none_or(|(_, n)| n < number),
            "record {number} at {place:?} comes after {previous:?}"
        );
    }
    places
}
