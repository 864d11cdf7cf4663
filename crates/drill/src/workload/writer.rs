//! An idempotent producer that sends unique values at a fixed rate.

use super::Stage;
use crate::history::{Action, Key, Kind, MicroOp, Operation};
use bytes::Bytes;
use futures_util::stream::{FuturesUnordered, StreamExt};
use klamm_client::{ClientError, Delivered, Producer, ProducerOptions, ProducerRecord};
use std::{future::Future, pin::Pin, time::Duration};
use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};

/// The longest pause of a producer between attempts. Kafka's second would be measured along with each failover.
const RETRY_BACKOFF_MAX: Duration = Duration::from_millis(100);

const NANOS_PER_SECOND: u64 = 1_000_000_000;

/// A send without an answer.
struct Sent {
    slot: usize,
    key: Key,
    value: u64,
}

type Outcome = (Sent, Result<Delivered, ClientError>);
type Outstanding = FuturesUnordered<Pin<Box<dyn Future<Output = Outcome> + Send>>>;

/// Waits until sending is to end.
async fn end(go_on: &mut watch::Receiver<bool>) {
    // Without the workload it ends as well.
    let _ = go_on.wait_for(|go_on| !go_on).await.is_ok();
}

/// One producer.
pub(super) struct Writer {
    stage: Stage,
    number: u32,
    producer: Producer,
    free_slots: Vec<usize>,
    /// There was a time without a free slot.
    ran_out: bool,
    begun: std::time::Instant,
    interval_ns: u64,
    /// How many sends there were.
    sends: u64,
}

impl Writer {
    pub(super) fn new(stage: Stage, number: u32) -> Writer {
        let client = stage.options.client(&format!("producer-{number}"));
        let options = ProducerOptions {
            delivery_timeout: stage.options.delivery_timeout,
            retry_backoff_max: RETRY_BACKOFF_MAX,
            ..ProducerOptions::default()
        };
        let producers = u64::from(stage.options.producers.max(1));
        let rate = u64::from(stage.options.sends_per_second.max(1));
        let interval_ns = NANOS_PER_SECOND * producers / rate;
        let slots = stage.options.outstanding_max();
        let first_slot = number as usize * slots;
        Writer {
            producer: Producer::new(client, options),
            free_slots: (first_slot..first_slot + slots).rev().collect(),
            ran_out: false,
            // Producers take turns.
            begun: std::time::Instant::now()
                + Duration::from_nanos(interval_ns / producers * u64::from(number)),
            interval_ns,
            sends: 0,
            stage,
            number,
        }
    }

    /// Sends until told otherwise, then waits for all answers.
    pub(super) async fn run(mut self, mut go_on: watch::Receiver<bool>) {
        let mut outstanding = Outstanding::new();
        loop {
            let due = self.due();
            tokio::select! {
                Some((sent, outcome)) = outstanding.next() => self.complete(&sent, outcome),
                () = end(&mut go_on) => break,
                () = sleep_until(Instant::from_std(due)), if !self.free_slots.is_empty() => {
                    self.send(due, &mut outstanding).await;
                }
            }
        }
        while let Some((sent, outcome)) = outstanding.next().await {
            self.complete(&sent, outcome);
        }
    }

    /// When the next send is due.
    fn due(&self) -> std::time::Instant {
        self.begun + Duration::from_nanos(self.interval_ns.saturating_mul(self.sends))
    }

    async fn send(&mut self, due: std::time::Instant, outstanding: &mut Outstanding) {
        let Some(slot) = self.free_slots.pop() else {
            return;
        };
        if self.free_slots.is_empty() && !self.ran_out {
            self.ran_out = true;
            self.remark_standstill();
        }
        let options = self.stage.options.clone();
        let place = self.sends % options.keys.len().max(1) as u64;
        let value = self.sends * u64::from(options.producers) + u64::from(self.number);
        self.sends += 1;
        let key = Key(u32::try_from(place).unwrap_or(0));
        let Some(name) = options.keys.get(key.0 as usize) else {
            return;
        };
        let sent = Sent { slot, key, value };
        let invocation = Operation {
            due_ns: Some(self.stage.journal.nanos(due)),
            ..self.operation(&sent, Kind::Invoke, None)
        };
        self.stage.journal.record(invocation);
        let record = ProducerRecord {
            partition: Some(name.partition),
            ..ProducerRecord::new(&name.topic, None::<Bytes>, value.to_string())
        };
        match self.producer.send(record).await {
            Ok(delivery) => outstanding.push(Box::pin(async move { (sent, delivery.await) })),
            Err(error) => {
                // It was not even queued.
                let failed = Operation {
                    error: Some(error.to_string()),
                    ..self.operation(&sent, Kind::Fail, None)
                };
                self.stage.journal.record(failed);
                self.free_slots.push(slot);
            }
        }
    }

    /// From now on all partitions are charged for those that stand still.
    fn remark_standstill(&self) {
        let count = self.stage.options.outstanding_max();
        let text = format!(
            "producer {} had {count} sends without an answer, as many as it may: it sent late to all partitions",
            self.number
        );
        let remark = Operation::nemesis(Action::Remark(text), 0);
        self.stage.journal.record(remark);
    }

    fn complete(&mut self, sent: &Sent, outcome: Result<Delivered, ClientError>) {
        let operation = match outcome {
            Ok(delivered) => {
                self.stage.journal.acknowledge();
                let offset = Some(delivered.offset).filter(|offset| *offset >= 0);
                self.operation(sent, Kind::Ok, offset)
            }
            // Some attempt may have reached a broker, and may be carried out even now.
            Err(error) => Operation {
                error: Some(error.to_string()),
                ..self.operation(sent, Kind::Info, None)
            },
        };
        let is_unknown = operation.kind == Kind::Info;
        self.stage.journal.record(operation);
        if is_unknown {
            self.stage.retire(sent.slot);
        }
        self.free_slots.push(sent.slot);
    }

    fn operation(&self, sent: &Sent, kind: Kind, offset: Option<i64>) -> Operation {
        let action = Action::Send(vec![MicroOp::Send {
            key: sent.key,
            value: sent.value,
            offset,
        }]);
        Operation {
            producer: Some(self.number),
            ..Operation::new(self.stage.process(sent.slot), kind, action, 0)
        }
    }
}
