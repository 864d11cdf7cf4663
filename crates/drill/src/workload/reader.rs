//! A consumer that reads all partitions from the beginning on, outside of any group.

use super::{REST, Stage, polled, reading};
use crate::history::{Action, Kind, MicroOp, Operation};
use klamm_client::{ClientError, ConsumedRecord, Consumer, StartOffset};
use tokio::{sync::watch, time::sleep};

/// What a reader is told.
#[derive(Debug, Clone)]
pub(super) struct Control {
    pub(super) go_on: watch::Receiver<bool>,
    pub(super) is_paused: watch::Receiver<bool>,
}

impl Control {
    /// Waits as long as readers are to rest. Returns whether to go on.
    pub(super) async fn go_on(&mut self) -> bool {
        // Whoever holds the other end is the workload; without it there is nothing to do.
        let unpaused = self.is_paused.wait_for(|paused| !paused).await.is_ok();
        unpaused && *self.go_on.borrow()
    }
}

/// Reads until told otherwise.
pub(super) async fn read(stage: Stage, slot: usize, mut control: Control) {
    let mut consumer = begin(&stage, slot);
    while control.go_on().await {
        poll(&stage, slot, &mut consumer).await;
        sleep(REST).await;
    }
}

/// A consumer of all partitions, its assignment recorded.
pub(super) fn begin(stage: &Stage, slot: usize) -> Consumer {
    let client = stage.options.client(&format!("consumer-{slot}"));
    let mut consumer = Consumer::new(client, reading());
    let assign = || Action::Assign {
        keys: stage.options.all_keys(),
        seek_to_beginning: true,
    };
    stage.record(slot, Kind::Invoke, assign());
    for name in stage.options.keys.iter() {
        consumer.assign(&name.topic, name.partition, StartOffset::Earliest);
    }
    stage.record(slot, Kind::Ok, assign());
    consumer
}

/// Polls once and records it.
pub(super) async fn poll(stage: &Stage, slot: usize, consumer: &mut Consumer) {
    stage.record(
        slot,
        Kind::Invoke,
        Action::Poll(vec![MicroOp::Poll(Vec::new())]),
    );
    let outcome = consumer.poll().await;
    stage.journal.record(poll_outcome(stage, slot, outcome));
}

/// What a poll brought, as an operation.
pub(super) fn poll_outcome(
    stage: &Stage,
    slot: usize,
    outcome: Result<Vec<ConsumedRecord>, ClientError>,
) -> Operation {
    let (kind, read, error) = match outcome {
        Ok(records) => (Kind::Ok, polled(&stage.options, &records), None),
        Err(error) => (Kind::Fail, Vec::new(), Some(error.to_string())),
    };
    let action = Action::Poll(vec![MicroOp::Poll(read)]);
    Operation {
        error,
        ..Operation::new(stage.process(slot), kind, action, 0)
    }
}
