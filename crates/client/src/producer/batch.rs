//! Records on their way into batches.

use super::{Delivered, ProducerRecord, window::Stamp};
use crate::error::ClientError;
use bytes::Bytes;
use klamm_records::{BatchBuilder, BuildError, Compression};
use std::time::Duration;
use tokio::{
    sync::{OwnedSemaphorePermit, mpsc, oneshot},
    time::Instant,
};

/// A record without an answer.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) record: ProducerRecord,
    pub(super) bytes: usize,
    pub(super) timestamp_ms: i64,
    /// When it was sent by whoever produces.
    pub(super) since: Instant,
    pub(super) answer: oneshot::Sender<Result<Delivered, ClientError>>,
    pub(super) _memory: OwnedSemaphorePermit,
}

/// Records that share a fate.
#[derive(Debug)]
pub(super) struct Batch {
    records: Vec<Pending>,
    /// As it was last sent.
    built: Option<(Option<Stamp>, Bytes)>,
    /// Why it is not written yet.
    pub(super) last_error: Option<ClientError>,
}

impl Batch {
    /// How many records it has.
    pub(super) fn len(&self) -> usize {
        self.records.len()
    }

    /// Since when its oldest record waits.
    pub(super) fn since(&self) -> Option<Instant> {
        self.records.first().map(|pending| pending.since)
    }

    /// Its bytes with this stamp.
    pub(super) fn build(
        &mut self,
        compression: Compression,
        stamp: Option<Stamp>,
    ) -> Result<Bytes, BuildError> {
        if let Some((built_with, bytes)) = &self.built
            && *built_with == stamp
        {
            return Ok(bytes.clone());
        }
        let mut builder = BatchBuilder::new(0).compression(compression);
        if let Some(Stamp {
            identity,
            base_sequence,
        }) = stamp
        {
            builder = builder.producer(identity.id, identity.epoch, base_sequence);
        }
        for pending in &self.records {
            let record = &pending.record;
            let headers: Vec<(&[u8], Option<&[u8]>)> = record
                .headers
                .iter()
                .map(|(key, value)| (&key[..], value.as_deref()))
                .collect();
            let (key, value) = (record.key.as_deref(), record.value.as_deref());
            builder.append(pending.timestamp_ms, key, value, &headers);
        }
        let bytes = builder.build()?;
        self.built = Some((stamp, bytes.clone()));
        Ok(bytes)
    }

    /// Tells those who wait that the records are there; −1 if the offset is unknown.
    pub(super) fn written(self, partition: i32, base_offset: i64) {
        for (i, pending) in (0..).zip(self.records) {
            let offset = if base_offset < 0 { -1 } else { base_offset + i };
            // The sender may not be interested.
            let _ = pending.answer.send(Ok(Delivered { partition, offset }));
        }
    }

    /// Tells those who wait that the records were given up.
    pub(super) fn failed(self, error: &ClientError) {
        for pending in self.records {
            // The sender may not be interested.
            let _ = pending.answer.send(Err(error.clone()));
        }
    }
}

/// Gathers the records of one partition into batches.
#[derive(Debug)]
pub(super) struct Collector {
    bytes_max: usize,
    linger: Duration,
    open: Vec<Pending>,
    open_bytes: usize,
    close_at: Option<Instant>,
    /// A record that did not fit into the open batch.
    left_over: Option<Pending>,
}

impl Collector {
    pub(super) fn new(bytes_max: usize, linger: Duration) -> Collector {
        Collector {
            bytes_max,
            linger,
            open: Vec::new(),
            open_bytes: 0,
            close_at: None,
            left_over: None,
        }
    }

    /// Whether it has no record.
    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// Whether the open batch takes no more.
    pub(super) fn is_full(&self) -> bool {
        self.left_over.is_some() || self.open_bytes >= self.bytes_max
    }

    /// Until when the open batch waits for more records.
    pub(super) fn close_at(&self) -> Option<Instant> {
        self.close_at.filter(|_| !self.is_full())
    }

    /// Takes what waits in the queue, as far as it fits. Returns whether more may come.
    pub(super) fn drain(&mut self, records: &mut mpsc::UnboundedReceiver<Pending>) -> bool {
        while !self.is_full() {
            match records.try_recv() {
                Ok(pending) => self.add(pending),
                Err(mpsc::error::TryRecvError::Empty) => return true,
                Err(mpsc::error::TryRecvError::Disconnected) => return false,
            }
        }
        true
    }

    /// Adds a record; the collector must not be full.
    pub(super) fn add(&mut self, pending: Pending) {
        if !self.open.is_empty() && self.open_bytes + pending.bytes > self.bytes_max {
            self.left_over = Some(pending);
            return;
        }
        self.close_at
            .get_or_insert_with(|| Instant::now() + self.linger);
        self.open_bytes += pending.bytes;
        self.open.push(pending);
    }

    /// The open batch if it is full, has waited long enough, or nothing more will come.
    pub(super) fn take(&mut self, now: Instant, more_may_come: bool) -> Option<Batch> {
        let is_due = self.is_full() || self.close_at.is_some_and(|at| at <= now) || !more_may_come;
        if !is_due || self.open.is_empty() {
            return None;
        }
        let records = std::mem::take(&mut self.open);
        (self.open_bytes, self.close_at) = (0, None);
        if let Some(pending) = self.left_over.take() {
            self.add(pending);
        }
        Some(Batch {
            records,
            built: None,
            last_error: None,
        })
    }
}
