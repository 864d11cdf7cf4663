//! The task that writes the records of one partition.
//!
//! It collects records into batches, sends those that the [`Window`] names, and tells it what came of them. All
//! that it waits for ends in one `select`; nothing is awaited while acting on what came.

use super::{
    ProducerOptions,
    backoff::Backoff,
    batch::{Batch, Collector, Pending},
    route::Route,
    window::{Answer, Identity, Next, Stamp, Ticket, Verdict, Window},
};
use crate::error::ClientError;
use futures_util::stream::{FuturesUnordered, StreamExt};
use klamm_types::ErrorCode;
use std::{future::Future, pin::Pin, sync::Arc, time::Duration};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until},
};

/// How often it is looked whether others have found a new leader meanwhile.
const LOOK_INTERVAL: Duration = Duration::from_millis(50);

/// A leader that is silent for so long may be none any more: others are asked, again and again.
const SILENCE_MAX: Duration = Duration::from_millis(500);
const ASK_INTERVAL: Duration = Duration::from_millis(200);

type Attempt = Pin<Box<dyn Future<Output = (Ticket, Result<i64, ClientError>)> + Send>>;
type Errand = Pin<Box<dyn Future<Output = Done> + Send>>;

/// What an errand brought.
enum Done {
    LookedUp,
    Identified(Result<Identity, ClientError>),
}

pub(super) struct PartitionWriter {
    route: Arc<Route>,
    collector: Collector,
    window: Window<Batch>,
    attempts: FuturesUnordered<Attempt>,
    /// Something that must be known before more is sent, or might change where it is sent.
    errand: Option<Errand>,
    identified_before: bool,
    /// No attempt before this time.
    not_before: Instant,
    backoff: Backoff,
    /// The epoch of the leader that has the attempts in flight, and how long it may be silent.
    asked_epoch: i32,
    silent_until: Instant,
    /// When it is looked next whether others have found a new leader.
    look_at: Instant,
}

impl PartitionWriter {
    pub(super) fn new(route: Route) -> PartitionWriter {
        let ProducerOptions {
            batch_bytes_max,
            linger,
            in_flight_max,
            retry_backoff,
            retry_backoff_max,
            ..
        } = route.options;
        let is_idempotent = route.options.is_idempotent();
        let now = Instant::now();
        PartitionWriter {
            route: Arc::new(route),
            collector: Collector::new(batch_bytes_max, linger),
            window: Window::new(is_idempotent, in_flight_max),
            attempts: FuturesUnordered::new(),
            errand: None,
            identified_before: false,
            not_before: now,
            backoff: Backoff::new(retry_backoff, retry_backoff_max),
            asked_epoch: -1,
            silent_until: now,
            look_at: now,
        }
    }

    /// Writes until the producer is dropped and all records were written or given up.
    pub(super) async fn run(mut self, mut records: mpsc::UnboundedReceiver<Pending>) {
        let mut more = true;
        loop {
            let now = Instant::now();
            more = more && self.collector.drain(&mut records);
            self.fill_window(now, more);
            self.expire(now);
            self.look_around(now);
            self.send(now);
            if !more && self.collector.is_empty() && self.window.is_empty() {
                return;
            }
            let wake = self.wake_at(now);
            tokio::select! {
                pending = records.recv(), if more && !self.collector.is_full() => match pending {
                    Some(pending) => self.collector.add(pending),
                    None => more = false,
                },
                Some((ticket, outcome)) = self.attempts.next() => self.take(ticket, outcome),
                done = finish(&mut self.errand) => self.take_errand(done),
                () = sleep_until(wake.unwrap_or(now)), if wake.is_some() => {}
            }
        }
    }

    fn fill_window(&mut self, now: Instant, more_may_come: bool) {
        while self.window.has_room() {
            let Some(batch) = self.collector.take(now, more_may_come) else {
                return;
            };
            let deadline = batch.since().unwrap_or(now) + self.route.options.delivery_timeout;
            let records = batch.len();
            self.window.push(batch, records, deadline);
        }
    }

    fn expire(&mut self, now: Instant) {
        for batch in self.window.expire(now) {
            let error = batch.last_error.clone().unwrap_or(ClientError::Timeout {
                what: "produce",
                after: self.route.options.delivery_timeout,
            });
            batch.failed(&error);
        }
    }

    /// Sends what may be sent now.
    fn send(&mut self, now: Instant) {
        if now < self.not_before || self.errand.is_some() {
            return;
        }
        loop {
            let is_first = !self.window.is_in_flight();
            match self.window.next() {
                Next::Wait => return,
                Next::Identify => return self.identify(),
                Next::Send(ticket, stamp) => {
                    if is_first {
                        self.look_at = now + LOOK_INTERVAL;
                        self.asked_epoch = self.route.leader_epoch();
                        self.silent_until = now + SILENCE_MAX;
                    }
                    self.attempt(ticket, stamp);
                }
            }
        }
    }

    fn attempt(&mut self, ticket: Ticket, stamp: Option<Stamp>) {
        let compression = self.route.options.compression;
        let Some(batch) = self.window.batch(ticket) else {
            return;
        };
        match batch.build(compression, stamp) {
            Ok(bytes) => {
                let route = self.route.clone();
                self.attempts
                    .push(Box::pin(async move { (ticket, route.write(bytes).await) }));
            }
            Err(error) => {
                let error = ClientError::Records {
                    topic: self.route.topic.clone(),
                    partition: self.route.partition,
                    reason: error.to_string().into(),
                };
                self.take(ticket, Err(error));
            }
        }
    }

    fn identify(&mut self) {
        let (route, first) = (self.route.clone(), !self.identified_before);
        self.errand = Some(Box::pin(async move {
            Done::Identified(route.identity(first).await)
        }));
    }

    fn look_up_leader(&mut self) {
        if self.errand.is_none() {
            let route = self.route.clone();
            self.errand = Some(Box::pin(async move {
                route.look_up_leader().await;
                Done::LookedUp
            }));
        }
    }

    /// Takes the outcome of an attempt.
    fn take(&mut self, ticket: Ticket, outcome: Result<i64, ClientError>) {
        self.silent_until = Instant::now() + SILENCE_MAX;
        let (answer, base_offset, error) = match outcome {
            Ok(base_offset) => (Answer::Written, base_offset, None),
            Err(error) => (
                meaning(&error, self.route.options.is_idempotent()),
                -1,
                Some(error),
            ),
        };
        match self.window.answer(ticket, answer) {
            Verdict::Written(batch) => {
                self.backoff.reset();
                batch.written(self.route.partition, base_offset);
            }
            Verdict::GivenUp(batch) => {
                if let Some(error) = error {
                    batch.failed(&error);
                }
            }
            Verdict::Again => {
                tracing::debug!(
                    topic = &*self.route.topic,
                    partition = self.route.partition,
                    error = error.as_ref().map(tracing::field::display),
                    "a batch is sent again"
                );
                let code = error.as_ref().and_then(ClientError::code);
                if let Some(batch) = self.window.batch(ticket) {
                    batch.last_error = error;
                }
                self.back_off(code == Some(ErrorCode::NotLeaderOrFollower));
                if answer == Answer::TryAgain {
                    self.look_up_leader();
                }
            }
            Verdict::Forgotten => {}
        }
    }

    fn take_errand(&mut self, done: Done) {
        match done {
            Done::LookedUp => self.follow_leader(),
            Done::Identified(Ok(identity)) => {
                self.identified_before = true;
                self.window.identify(identity);
            }
            Done::Identified(Err(error)) if error.is_retriable() => self.back_off(false),
            Done::Identified(Err(error)) => {
                for batch in self.window.give_up_all() {
                    batch.failed(&error);
                }
            }
        }
    }

    /// Turns to a newer leader, if one is known. Only if brokers recognize repeated batches, without waiting for
    /// what the old one still says.
    fn follow_leader(&mut self) {
        if self.asked_epoch < 0 || self.route.leader_epoch() <= self.asked_epoch {
            return;
        }
        if self.route.options.is_idempotent() {
            tracing::debug!(
                topic = &*self.route.topic,
                partition = self.route.partition,
                "another broker leads: its predecessor is not waited for"
            );
            self.attempts.clear();
            self.window.abandon();
        }
        self.backoff.reset();
        self.not_before = Instant::now();
    }

    /// Looks, now and then, whether the leader that has the attempts still leads.
    fn look_around(&mut self, now: Instant) {
        if now < self.look_at || !self.window.is_in_flight() {
            return;
        }
        self.look_at = now + LOOK_INTERVAL;
        self.follow_leader();
        if self.silent_until <= now {
            self.silent_until = now + ASK_INTERVAL;
            self.look_up_leader();
        }
    }

    fn back_off(&mut self, is_no_leader: bool) {
        let now = Instant::now();
        if self.not_before <= now {
            self.not_before = now + self.backoff.pause(now, is_no_leader);
        }
    }

    /// When something may have to be done though nothing happens.
    fn wake_at(&self, now: Instant) -> Option<Instant> {
        let look = self.window.is_in_flight().then_some(self.look_at);
        // The window may have got room since it was filled.
        let close = match self.window.has_room() {
            true if self.collector.is_full() => Some(now),
            true => self.collector.close_at(),
            false => None,
        };
        let retry = Some(self.not_before).filter(|at| *at > now);
        let times = [look, close, retry, self.window.deadline()];
        times.into_iter().flatten().min()
    }
}

/// Waits for the end of an errand; for ever if there is none.
async fn finish(errand: &mut Option<Errand>) -> Done {
    match errand {
        Some(running) => {
            let done = running.await;
            *errand = None;
            done
        }
        None => std::future::pending().await,
    }
}

/// What an error says about the batch.
fn meaning(error: &ClientError, is_idempotent: bool) -> Answer {
    match error.code() {
        Some(ErrorCode::OutOfOrderSequenceNumber | ErrorCode::UnknownProducerId)
            if is_idempotent =>
        {
            Answer::OutOfSequence
        }
        _ if error.is_retriable() => Answer::TryAgain,
        Some(ErrorCode::UnknownServerError) => Answer::Unknown,
        None if matches!(error, ClientError::Decode { .. }) => Answer::Unknown,
        _ => Answer::Refused,
    }
}
