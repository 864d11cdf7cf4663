//! What a log's writer learns of producers and transactions from the batches it appends.

use crate::error::StorageError;
use crate::log::Log;
use crate::producer_recovery::{self, Producers, Trust};
use crate::producer_states::TransactionChange;
use crate::segment::Segment;
use klamm_records::BatchHeader;
use std::sync::Arc;

impl Log {
    /// Learns of its producer from a batch that is about to be written; `bytes` begin with it.
    pub(crate) fn note_producer(&mut self, header: &BatchHeader, bytes: &[u8]) {
        let marker = producer_recovery::marker_of(header, bytes);
        let undecided = self.state.undecided();
        match self.producers.update(header, marker) {
            Some(TransactionChange::Began { first_offset }) => undecided.begin(first_offset),
            Some(TransactionChange::Ended {
                transaction,
                is_aborted,
            }) => {
                undecided.end(transaction.first_offset, transaction.last_offset);
                if is_aborted {
                    self.active.note_aborted(transaction);
                }
            }
            None => {}
        }
    }

    /// Writes the index of the transactions that noted batches abort, before readers see these.
    pub(crate) fn write_aborted(&mut self) -> Result<(), StorageError> {
        let written = self.active.write_aborted();
        let index = self.active.segment().transaction_index();
        if written.map_err(StorageError::io("append to", index.path()))? {
            self.state.sync_later(index.path().to_path_buf());
        }
        Ok(())
    }

    /// Takes the producers back to the end of a log that was cut.
    pub(crate) fn reload_producers(
        &mut self,
        segments: &[Arc<Segment>],
        end_offset: i64,
    ) -> Result<(), StorageError> {
        if self.producers.is_empty() {
            // Nothing to take back, but snapshots from before they were forgotten.
            return self.remove_snapshots(|offset| offset > end_offset);
        }
        let trust = Trust {
            snapshots_to: end_offset,
            transactions_to: end_offset,
        };
        let dir = self.state.dir();
        let producers = producer_recovery::load(dir, segments, end_offset, trust)
            .map_err(StorageError::io("read producer states in", dir))?;
        self.set_producers(producers);
        Ok(())
    }

    pub(crate) fn set_producers(&mut self, producers: Producers) {
        self.producers = producers.states;
        self.state.undecided().replace(producers.undecided);
    }
}
