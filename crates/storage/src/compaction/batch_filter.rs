//! What is left of a batch (rule 119).
//!
//! Kept are the last record of each key, records behind what the map of keys covers, and for a
//! time tombstones and transaction markers: from when they are first compacted, a batch carries
//! a delete horizon. An empty batch stays where it is the last one of its producer, whose
//! sequence number it remembers, or the last one of a segment: segments have no gaps between
//! them, so that a lost end shows.

use super::offset_map::OffsetMap;
use super::transactions::{Marker, TransactionTracker, control_type_of};
use crate::transaction_index::AbortedTransaction;
use bytes::Bytes;
use klamm_records::{
    BatchHeader, BatchRewrite, Compression, DECOMPRESSED_BYTES_MAX_DEFAULT, HEADER_SIZE,
    RecordView, RecordViews, decompress, empty_batch,
};
use klamm_types::{ProducerEpoch, ProducerId};
use std::{borrow::Cow, collections::BTreeMap};

/// The last thing that a producer wrote, as far as its log still knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LastWrite {
    pub(crate) epoch: ProducerEpoch,
    /// Offset of its last record of data; `None` if only a marker is left.
    pub(crate) last_offset: Option<i64>,
}

/// What the log's batches are judged by.
#[derive(Debug)]
pub(crate) struct BatchFilter {
    pub(crate) keys: OffsetMap,
    /// The last offset that the map of keys knows of.
    pub(crate) last_mapped_offset: i64,
    pub(crate) now_ms: i64,
    pub(crate) delete_retention_ms: i64,
    pub(crate) active_producers: BTreeMap<ProducerId, LastWrite>,
    pub(crate) transactions: TransactionTracker,
    /// Aborted transactions of which something is left, since they were last taken.
    pub(crate) still_aborted: Vec<AbortedTransaction>,
}

/// What becomes of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    Nothing,
    /// Byte for byte.
    Unchanged,
    Changed(Bytes),
}

impl BatchFilter {
    /// What is left of a batch. Batches come in the order of the log; `is_last` is the last one
    /// of its segment.
    ///
    /// # Errors
    /// Its records cannot be read; a description.
    pub(crate) fn apply(
        &mut self,
        header: &BatchHeader,
        batch: &[u8],
        is_last: bool,
    ) -> Result<Kept, String> {
        let keep_empty = is_last || self.is_last_of_producer(header);
        if header.is_control {
            return self.control(header, batch, keep_empty);
        }
        if self.transactions.on_data(header) {
            return Ok(without_records(header, keep_empty));
        }
        if header.base_offset > self.last_mapped_offset {
            return Ok(Kept::Unchanged);
        }
        if header.records_count == 0 {
            return Ok(without_records(header, keep_empty));
        }
        self.data(header, batch, keep_empty)
    }

    fn control(
        &mut self,
        header: &BatchHeader,
        batch: &[u8],
        keep_empty: bool,
    ) -> Result<Kept, String> {
        let kind = control_type_of(batch)?;
        let marker = self.transactions.on_control(header, kind);
        if let Marker::Aborts(aborted) = marker {
            self.still_aborted.push(aborted);
        }
        let is_needless = marker == Marker::Needless;
        let is_past = header.has_delete_horizon && header.base_timestamp <= self.now_ms;
        if header.records_count == 0 || (is_needless && is_past) {
            return Ok(without_records(header, keep_empty));
        }
        if !is_needless || header.has_delete_horizon {
            return Ok(Kept::Unchanged);
        }
        let records = records_of(header, batch)?;
        self.rewrite(header, &records, |_| true)
    }

    fn data(&self, header: &BatchHeader, batch: &[u8], keep_empty: bool) -> Result<Kept, String> {
        let records = records_of(header, batch)?;
        let (mut kept, mut has_tombstone) = (0, false);
        for record in RecordViews::new(&records, header.records_count) {
            let record = record.map_err(|error| error.to_string())?;
            if self.is_kept(header, &record) {
                kept += 1;
                has_tombstone |= record.value.is_none();
            }
        }
        if kept == 0 {
            return Ok(without_records(header, keep_empty));
        }
        let needs_horizon = has_tombstone && !header.has_delete_horizon;
        if kept == header.records_count && !needs_horizon {
            return Ok(Kept::Unchanged);
        }
        let rewritten = BatchRewrite::new(header, needs_horizon.then(|| self.horizon()));
        self.finish(rewritten, header, &records, |record| {
            self.is_kept(header, record)
        })
    }

    fn rewrite(
        &self,
        header: &BatchHeader,
        records: &[u8],
        is_kept: impl Fn(&RecordView<'_>) -> bool,
    ) -> Result<Kept, String> {
        let rewritten = BatchRewrite::new(header, Some(self.horizon()));
        self.finish(rewritten, header, records, is_kept)
    }

    fn finish(
        &self,
        mut rewritten: BatchRewrite,
        header: &BatchHeader,
        records: &[u8],
        is_kept: impl Fn(&RecordView<'_>) -> bool,
    ) -> Result<Kept, String> {
        for record in RecordViews::new(records, header.records_count) {
            let record = record.map_err(|error| error.to_string())?;
            if is_kept(&record) {
                rewritten.append(&record);
            }
        }
        let batch = rewritten.build().map_err(|error| error.to_string())?;
        Ok(Kept::Changed(batch))
    }

    fn is_kept(&self, header: &BatchHeader, record: &RecordView<'_>) -> bool {
        let offset = header.base_offset + i64::from(record.offset_delta);
        if offset > self.last_mapped_offset {
            return true;
        }
        let Some(key) = record.key else {
            return false;
        };
        let is_latest = self.keys.get(key).is_none_or(|latest| offset >= latest);
        let may_go = header.has_delete_horizon && header.base_timestamp <= self.now_ms;
        is_latest && (record.value.is_some() || !may_go)
    }

    /// Until when tombstones and markers stay that are compacted now for the first time.
    fn horizon(&self) -> i64 {
        self.now_ms.saturating_add(self.delete_retention_ms)
    }

    fn is_last_of_producer(&self, header: &BatchHeader) -> bool {
        let Some(last) = self.active_producers.get(&header.producer_id) else {
            return false;
        };
        match last.last_offset {
            Some(last_offset) => header.last_offset() == last_offset,
            None => header.is_control && header.producer_epoch == last.epoch,
        }
    }
}

fn without_records(header: &BatchHeader, keep_empty: bool) -> Kept {
    match (keep_empty, header.records_count) {
        (false, _) => Kept::Nothing,
        (true, 0) => Kept::Unchanged,
        (true, _) => Kept::Changed(empty_batch(header)),
    }
}

/// The records of a batch, decompressed within the bound that holds for produced ones.
pub(crate) fn records_of<'a>(
    header: &BatchHeader,
    batch: &'a [u8],
) -> Result<Cow<'a, [u8]>, String> {
    let records = batch.get(HEADER_SIZE..).unwrap_or_default();
    if header.compression == Compression::None {
        return Ok(Cow::Borrowed(records));
    }
    decompress(header.compression, records, DECOMPRESSED_BYTES_MAX_DEFAULT)
        .map(Cow::Owned)
        .map_err(|error| error.to_string())
}
