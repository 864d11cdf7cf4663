//! Whether transaction indexes tell the truth: they have no checksum.
//!
//! An index that is missing as a whole, or cut between two entries, is not noticed, nor is one
//! that lets a transaction begin with another one of its producer that was committed: only a
//! walk over all batches would tell.

use crate::batch_scan::BatchAt;
use crate::epochs_check::BatchesOf;
use crate::segment::Segment;
use crate::transaction_index::AbortedTransaction;
use klamm_types::ProducerId;
use std::{collections::BTreeMap, io, sync::Arc};

/// Latest entries of a log that are looked at. Each costs three look-ups.
const CHECKED_MAX: u64 = 64;

/// Takes the indexes out of use of whose latest entries one contradicts the batches or a later
/// entry. The base offset of the first of them, from which on all are to be made anew, and their
/// count. Where batches are damaged or were compacted away, nothing is known against an entry.
pub(crate) fn drop_damaged(
    segments: &[Arc<Segment>],
    log_end_offset: i64,
) -> io::Result<Option<(i64, usize)>> {
    let log = BatchesOf { segments };
    let mut end_offset = log_end_offset;
    let mut left = CHECKED_MAX;
    let mut damaged = None;
    // Where the transactions of each producer begin that have been looked at.
    let mut begun = BTreeMap::new();
    for segment in segments.iter().rev() {
        let entries = segment.transaction_index().latest(left)?;
        left -= entries.len() as u64;
        let mut fits = entries.iter().all(|entry| entry.last_offset < end_offset);
        for entry in entries.iter().rev() {
            let next = begun.insert(entry.producer_id, entry.first_offset);
            fits &= next.is_none_or(|next| entry.last_offset < next);
            fits = fits && fits_batches(entry, &log)?;
        }
        end_offset = segment.base_offset();
        if !fits {
            segment.drop_transaction_index();
            let count = damaged.map_or(0, |(_, count)| count);
            damaged = Some((segment.base_offset(), count + 1));
        }
        if left == 0 {
            break;
        }
    }
    Ok(damaged)
}

fn fits_batches(entry: &AbortedTransaction, log: &BatchesOf<'_>) -> io::Result<bool> {
    let is_own = |id: ProducerId| id == entry.producer_id;
    let marker = starting_at(entry.last_offset, log)?;
    let first = starting_at(entry.first_offset, log)?;
    let mut fits = is_or_unknown(&marker, |b| {
        b.header.is_control && is_own(b.header.producer_id)
    });
    fits &= is_or_unknown(&first, |b| is_data(b) && is_own(b.header.producer_id));
    if entry.last_stable_offset <= entry.last_offset {
        let other = starting_at(entry.last_stable_offset, log)?;
        fits &= is_or_unknown(&other, |b| is_data(b) && !is_own(b.header.producer_id));
    }
    Ok(fits)
}

/// What there is at an offset.
enum At {
    /// A batch that begins with it.
    Batch(BatchAt),
    /// It lies within a batch.
    Within,
    /// Nothing, or nothing that can be read.
    Unknown,
}

fn starting_at(offset: i64, log: &BatchesOf<'_>) -> io::Result<At> {
    Ok(match log.batch_at(offset)? {
        Some(batch) if batch.header.base_offset == offset => At::Batch(batch),
        Some(batch) if batch.header.base_offset < offset => At::Within,
        _ => At::Unknown,
    })
}

fn is_or_unknown(at: &At, is_right: impl Fn(&BatchAt) -> bool) -> bool {
    match at {
        At::Batch(batch) => is_right(batch),
        At::Within => false,
        At::Unknown => true,
    }
}

fn is_data(batch: &BatchAt) -> bool {
    batch.header.is_transactional && !batch.header.is_control
}
