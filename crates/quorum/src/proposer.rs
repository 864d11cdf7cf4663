//! From requests to committed records, many at a time.
//!
//! Each request is decided on a *scratch* image that already holds what earlier requests changed,
//! so that nobody waits for the commit of another's records before being decided. The records of
//! all requests that came together are one batch, one entry of the log. An answer leaves when the
//! batch that its decision rests on has been applied here.
//!
//! ```text
//! committed image.offset ≤ base of oldest batch in flight ≤ … ≤ base of staged ≤ scratch.offset
//! ```

use crate::{
    entry_cut::cut,
    raft_types::{Applied, EncodedBatch, Raft, TypeConfig},
};
use klamm_controller::{Context, Request, Response, decide};
use klamm_metadata::{
    Image,
    feature_level::level_of,
    proto::{Record, RecordBatch},
};
use openraft::{
    impls::ProgressResponder, raft::ClientWriteResult, type_config::alias::OneshotReceiverOf,
};
use prost::Message;
use std::collections::VecDeque;
use tokio::sync::oneshot;

/// Batches that may be under way at once.
const IN_FLIGHT_MAX: usize = 8;
/// Records after which a batch is full.
const BATCH_RECORDS_MAX: usize = 10_000;

/// Leadership was lost, or a batch fell away: what was under way may or may not be committed,
/// and the scratch image is worthless.
#[derive(Debug, thiserror::Error)]
#[error("not committed: {0}")]
pub(crate) struct Lost(String);

impl Lost {
    pub(crate) fn because(reason: impl Into<String>) -> Lost {
        Lost(reason.into())
    }
}

/// Proposes for one term, until it is [`Lost`].
pub(crate) struct Proposer {
    raft: Raft,
    term: u64,
    scratch: Image,
    staged: Vec<Record>,
    /// The answers that wait for the staged records.
    answers: Vec<Answer>,
    in_flight: VecDeque<InFlight>,
}

struct Answer {
    response: Response,
    to: oneshot::Sender<Response>,
}

struct InFlight {
    outcome: OneshotReceiverOf<TypeConfig, ClientWriteResult<TypeConfig>>,
    answers: Vec<Answer>,
}

impl Proposer {
    /// Proposes as the leader of `term`, building on `image`, which is committed.
    pub(crate) fn new(raft: Raft, term: u64, image: Image) -> Proposer {
        Proposer {
            raft,
            term,
            scratch: image,
            staged: Vec::new(),
            answers: Vec::new(),
            in_flight: VecDeque::new(),
        }
    }

    /// The image that the next request is decided on.
    pub(crate) fn scratch(&self) -> &Image {
        &self.scratch
    }

    /// Whether more requests may be decided now.
    pub(crate) fn has_room(&self) -> bool {
        self.in_flight.len() < IN_FLIGHT_MAX && self.staged.len() < BATCH_RECORDS_MAX
    }

    /// Decides on `request` and stages its records. The answer goes to `to`, if anybody waits
    /// for it, once everything that it rests on is committed.
    pub(crate) fn decide(
        &mut self,
        request: &Request,
        ctx: &Context<'_>,
        to: Option<oneshot::Sender<Response>>,
    ) {
        if let (Some(response), Some(to)) = (self.decide_alone(request, ctx), to) {
            self.answers.push(Answer { response, to });
        }
    }

    /// Decides on `request` and stages its records. What would be answered; it rests on what is not
    /// committed yet.
    pub(crate) fn decide_alone(
        &mut self,
        request: &Request,
        ctx: &Context<'_>,
    ) -> Option<Response> {
        let decision = decide(&self.scratch, request, ctx);
        let offset = self.scratch.offset();
        let level = self.scratch.level();
        if decision
            .records
            .iter()
            .any(|record| level_of(record) > level)
        {
            // Others could not read it. Nothing was proposed; the request fails.
            tracing::error!(level, ?request, "a decision is above the cluster's level");
            return None;
        }
        if let Err(error) = self.scratch.apply_records(offset, &decision.records) {
            // The controller contradicts itself. Nothing was proposed; the request fails.
            tracing::error!(%error, ?request, "a decision cannot be replayed");
            return None;
        }
        self.staged.extend(decision.records);
        Some(decision.response)
    }

    /// Proposes what is staged. Answers that rest on nothing new join the newest batch in
    /// flight, or leave at once if there is none.
    pub(crate) async fn propose(&mut self, now_ms: i64) -> Result<(), Lost> {
        let answers = std::mem::take(&mut self.answers);
        if self.staged.is_empty() {
            match self.in_flight.back_mut() {
                Some(newest) => newest.answers.extend(answers),
                None => send(answers),
            }
            return Ok(());
        }
        let records = std::mem::take(&mut self.staged);
        let mut base_offset = self.scratch.offset() - records.len() as i64;
        for records in cut(records) {
            let count = records.len() as i64;
            let batch = RecordBatch {
                base_offset,
                timestamp_ms: now_ms,
                records,
            };
            self.write(batch).await?;
            base_offset += count;
        }
        // Should an earlier one fall away, so does the last.
        if let Some(last) = self.in_flight.back_mut() {
            last.answers = answers;
        }
        Ok(())
    }

    async fn write(&mut self, batch: RecordBatch) -> Result<(), Lost> {
        let encoded = EncodedBatch(batch.encode_to_vec().into());
        let (responder, outcome) = ProgressResponder::complete_only();
        self.raft
            .write(encoded)
            .with_leader(self.term)
            .responder(responder)
            .await
            .map_err(|fatal| Lost(fatal.to_string()))?;
        let answers = Vec::new();
        self.in_flight.push_back(InFlight { outcome, answers });
        Ok(())
    }

    /// Waits for the oldest batch in flight and sends its answers; for ever if there is none.
    /// Nothing is lost if the wait is given up.
    pub(crate) async fn next_applied(&mut self) -> Result<(), Lost> {
        let Some(oldest) = self.in_flight.front_mut() else {
            return std::future::pending().await;
        };
        match (&mut oldest.outcome).await {
            Ok(Ok(written)) if written.data == Applied::Applied => {}
            Ok(Ok(_)) => return Err(Lost("the batch fell away".into())),
            Ok(Err(error)) => return Err(Lost(error.to_string())),
            Err(_) => return Err(Lost("raft stopped".into())),
        }
        if let Some(applied) = self.in_flight.pop_front() {
            send(applied.answers);
        }
        Ok(())
    }

    /// Whether nothing waits to be applied.
    pub(crate) fn is_idle(&self) -> bool {
        self.in_flight.is_empty() && self.staged.is_empty()
    }
}

fn send(answers: Vec<Answer>) {
    for answer in answers {
        // Whoever asked may have given up.
        let _ = answer.to.send(answer.response);
    }
}
