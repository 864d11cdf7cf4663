//! What readers of committed records ask of a log.

use crate::error::ReadError;
use crate::log_reader::{LogRead, LogReader};
use crate::log_state::Segments;
use crate::segment::Segment;
use crate::transaction_index::AbortedTransaction;
use std::{io, sync::Arc};

/// How often a search starts over because an index was cut under it.
const ATTEMPTS_MAX: usize = 3;

impl LogReader {
    /// Where the first transaction begins that is undecided, given that everything below the
    /// high watermark is committed: it has no marker, or one that is not below. `None` if there
    /// is none; otherwise at least the log start offset. The last stable offset is the smaller
    /// of this and the high watermark (rule 54).
    ///
    /// After a restart, transactions whose marker was on disk by then count as decided.
    pub fn first_undecided_offset(&self, high_watermark: i64) -> Option<i64> {
        let first_offset = self.state.undecided().first_offset(high_watermark)?;
        Some(first_offset.max(self.log_start_offset()))
    }

    /// The aborted transactions of which there may be records in `from_offset..to_offset`, in
    /// the order of their markers. All of them, if `to_offset` is at most the last stable
    /// offset.
    ///
    /// # Errors
    /// `from_offset` is not in the log any more, or the disk failed.
    pub fn aborted_transactions(
        &self,
        from_offset: i64,
        to_offset: i64,
    ) -> Result<Vec<AbortedTransaction>, ReadError> {
        self.unless_replaced(|segments| self.aborted_in(segments, from_offset, to_offset))
    }

    /// Reads as [`LogReader::read`] does, and the aborted transactions of which there may be
    /// records in it. Both are as of one moment: a compaction that removes aborted records
    /// removes what the index says of them, too.
    ///
    /// # Errors
    /// See [`LogReader::read`].
    pub fn read_with_aborted(
        &self,
        start_offset: i64,
        bytes_max: usize,
        offset_max: i64,
        at_least_one: bool,
    ) -> Result<(LogRead, Vec<AbortedTransaction>), ReadError> {
        self.unless_replaced(|segments| {
            let read =
                self.read_from(segments, start_offset, bytes_max, offset_max, at_least_one)?;
            let aborted = match read.records.is_empty() {
                true => Vec::new(),
                false => self.aborted_in(segments, start_offset, read.next_offset)?,
            };
            Ok((read, aborted))
        })
    }

    fn aborted_in(
        &self,
        segments: &Segments,
        from_offset: i64,
        to_offset: i64,
    ) -> Result<Vec<AbortedTransaction>, ReadError> {
        let mut attempt = 1;
        loop {
            match search_aborted(segments, from_offset, to_offset) {
                // An index was cut between two looks at it.
                Err(ReadError::Io { source, .. })
                    if attempt < ATTEMPTS_MAX && source.kind() == io::ErrorKind::UnexpectedEof =>
                {
                    attempt += 1;
                }
                Err(_) if from_offset < self.log_start_offset() => {
                    return Err(ReadError::OffsetOutOfRange {
                        offset: from_offset,
                        log_start_offset: self.log_start_offset(),
                        log_end_offset: self.log_end_offset(),
                    });
                }
                found => return found,
            }
        }
    }
}

/// The aborted transactions in segments of which there may be records in
/// `from_offset..to_offset`.
pub(crate) fn search_aborted(
    segments: &[Arc<Segment>],
    from_offset: i64,
    to_offset: i64,
) -> Result<Vec<AbortedTransaction>, ReadError> {
    let first = segments.partition_point(|segment| segment.base_offset() <= from_offset);
    let mut found = Vec::new();
    for segment in &segments[first.saturating_sub(1)..] {
        let index = segment.transaction_index();
        let goes_on = index
            .collect(from_offset, to_offset, &mut found)
            .map_err(ReadError::io(index.path()))?;
        if !goes_on {
            break;
        }
    }
    Ok(found)
}
