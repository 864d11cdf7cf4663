//! Reading, for consumers and followers.

use super::{Partition, Place, lock, role::Role};
use crate::log_dirs::is_disk_failure;
use bytes::Bytes;
use klamm_replica::{
    FollowerFetch, check_leader_epoch,
    divergence::{EpochEnd, diverging_epoch},
};
use klamm_storage::{AbortedTransaction, LogReader, ReadError};
use klamm_types::{BrokerId, ErrorCode, LeaderEpoch};
use std::sync::Arc;
use tracing::error;

/// How far a fetch may read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FetchIsolation {
    /// To the log end: followers.
    LogEnd,
    /// To the high watermark: consumers.
    HighWatermark,
    /// To the last stable offset: consumers of committed records only.
    LastStableOffset,
}

/// What is fetched of one partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ReadRequest {
    pub(crate) fetch_offset: i64,
    pub(crate) bytes_max: usize,
    /// The epoch that the client believes in, [`LeaderEpoch::NONE`]: it does not say.
    pub(crate) current_leader_epoch: LeaderEpoch,
    /// The epoch of the record before `fetch_offset`, [`LeaderEpoch::NONE`]: it does not say.
    pub(crate) last_fetched_epoch: LeaderEpoch,
    pub(crate) isolation: FetchIsolation,
    /// Whether followers serve it too (KIP-392).
    pub(crate) from_follower_allowed: bool,
    /// Whether the first batch comes even if it is larger than `bytes_max` (KIP-74).
    pub(crate) min_one_batch: bool,
}

/// What was read.
#[derive(Clone, Debug)]
pub(crate) struct ReadResult {
    pub(crate) records: Bytes,
    pub(crate) high_watermark: i64,
    pub(crate) last_stable_offset: i64,
    pub(crate) log_start_offset: i64,
    /// The aborted transactions that `records` may have records of, for who reads committed ones
    /// only.
    pub(crate) aborted_transactions: Option<Vec<AbortedTransaction>>,
    /// Whether there was nothing to be read, for want of records that this reader may see.
    pub(crate) is_at_end: bool,
    /// The client's log is not a prefix of this one; nothing was read.
    pub(crate) diverging_epoch: Option<EpochEnd>,
    /// Where the client should read instead, [`BrokerId::NONE`]: here. Else nothing was read.
    pub(crate) preferred_replica: BrokerId,
}

impl Partition {
    /// Reads whole batches from `fetch_offset` on.
    ///
    /// # Errors
    /// The leader epoch does not match, this replica may not serve it, the offset is out of
    /// range, or the disk failed.
    pub(crate) fn read(&self, request: &ReadRequest) -> Result<ReadResult, ErrorCode> {
        self.may_read(request.current_leader_epoch, request.from_follower_allowed)?;
        let mut result = self.nothing_read();
        if !request.last_fetched_epoch.is_none() {
            result.diverging_epoch =
                self.divergence(request.last_fetched_epoch, request.fetch_offset)?;
            if result.diverging_epoch.is_some() {
                return Ok(result);
            }
        }
        let log_end_offset = self.log_end_offset();
        if request.fetch_offset < result.log_start_offset || request.fetch_offset > log_end_offset {
            return Err(ErrorCode::OffsetOutOfRange);
        }
        let end_offset = match request.isolation {
            FetchIsolation::LogEnd => log_end_offset,
            FetchIsolation::HighWatermark => result.high_watermark,
            FetchIsolation::LastStableOffset => result.last_stable_offset,
        };
        result.is_at_end = request.fetch_offset >= end_offset;
        let wants_committed = request.isolation == FetchIsolation::LastStableOffset;
        if !result.is_at_end {
            let offset = request.fetch_offset;
            let (bytes_max, min_one) = (request.bytes_max, request.min_one_batch);
            let (read, aborted) = self.read_with(|reader| {
                if wants_committed {
                    return reader.read_with_aborted(offset, bytes_max, end_offset, min_one);
                }
                let read = reader.read(offset, bytes_max, end_offset, min_one)?;
                Ok((read, Vec::new()))
            })?;
            result.records = read.records;
            result.aborted_transactions = wants_committed.then_some(aborted);
        } else if wants_committed {
            result.aborted_transactions = Some(Vec::new());
        }
        Ok(result)
    }

    /// Sends a reader to another replica (rule 66).
    ///
    /// # Errors
    /// As for [`Partition::read`].
    pub(crate) fn refer(
        &self,
        current_leader_epoch: LeaderEpoch,
        preferred_replica: BrokerId,
    ) -> Result<ReadResult, ErrorCode> {
        self.may_read(current_leader_epoch, true)?;
        Ok(ReadResult {
            preferred_replica,
            ..self.nothing_read()
        })
    }

    fn nothing_read(&self) -> ReadResult {
        let high_watermark = self.high_watermark();
        ReadResult {
            records: Bytes::new(),
            high_watermark,
            last_stable_offset: self.last_stable_offset(high_watermark),
            log_start_offset: self.log_start_offset(),
            aborted_transactions: None,
            is_at_end: false,
            diverging_epoch: None,
            preferred_replica: BrokerId::NONE,
        }
    }

    /// What readers of committed records see ends here: at the first undecided transaction, or
    /// at the high watermark (rule 54).
    pub(crate) fn last_stable_offset(&self, high_watermark: i64) -> i64 {
        self.reader()
            .first_undecided_offset(high_watermark)
            .map_or(high_watermark, |first| first.min(high_watermark))
    }

    /// Reads whole batches below `end_offset`, whatever the role: for the broker's own use.
    ///
    /// # Errors
    /// The offset is out of range, or the disk failed.
    pub(crate) fn read_log(
        &self,
        start_offset: i64,
        bytes_max: usize,
        end_offset: i64,
    ) -> Result<Bytes, ErrorCode> {
        if start_offset >= end_offset {
            return Ok(Bytes::new());
        }
        let read = self.read_with(|log| log.read(start_offset, bytes_max, end_offset, true));
        Ok(read?.records)
    }

    /// Reads the log where it lies; again, if it has moved away meanwhile: what is left of it is
    /// about to be deleted.
    ///
    /// # Errors
    /// What the client is told; see [`Partition::read_error`].
    pub(crate) fn read_with<T>(
        &self,
        read: impl Fn(&LogReader) -> Result<T, ReadError>,
    ) -> Result<T, ErrorCode> {
        loop {
            let place = self.place();
            match read(&place.reader) {
                Ok(read) => return Ok(read),
                Err(_) if !Arc::ptr_eq(&place, &self.place()) => {}
                Err(error) => return Err(self.read_error_at(&place, &error)),
            }
        }
    }

    /// The end of the largest epoch at or below `epoch` (rule 72).
    ///
    /// # Errors
    /// As for [`Partition::read`].
    pub(crate) fn epoch_end(
        &self,
        current_leader_epoch: LeaderEpoch,
        epoch: LeaderEpoch,
    ) -> Result<EpochEnd, ErrorCode> {
        self.may_read(current_leader_epoch, false)?;
        Ok(self.epoch_end_in_log(epoch))
    }

    pub(super) fn epoch_end_in_log(&self, epoch: LeaderEpoch) -> EpochEnd {
        let end = self.reader().end_offset_for_epoch(epoch);
        EpochEnd {
            epoch: end.epoch,
            end_offset: end.end_offset,
        }
    }

    fn divergence(
        &self,
        last_fetched_epoch: LeaderEpoch,
        fetch_offset: i64,
    ) -> Result<Option<EpochEnd>, ErrorCode> {
        let end = self.epoch_end_in_log(last_fetched_epoch);
        if end.end_offset < 0 {
            // An epoch that this log has never heard of.
            return Err(ErrorCode::OffsetOutOfRange);
        }
        Ok(diverging_epoch(end, last_fetched_epoch, fetch_offset))
    }

    /// A follower has fetched; must follow a successful [`Partition::read`] without divergence.
    /// Counts only in the epoch that the follower believed in, if it said: its offset was
    /// compared with the log as it was then. Whether the follower has nothing to report until
    /// something happens.
    ///
    /// # Errors
    /// NOT_LEADER_OR_FOLLOWER if this is not the leader any more, FENCED_LEADER_EPOCH if it leads
    /// in another epoch; else as the leader decides.
    pub(crate) fn on_follower_fetch(
        &self,
        fetch: FollowerFetch,
        leader_epoch: LeaderEpoch,
        now_ms: i64,
    ) -> Result<bool, ErrorCode> {
        match &mut *lock(&self.role) {
            Role::Leader(leader)
                if !leader_epoch.is_none() && leader.leader_epoch() != leader_epoch =>
            {
                Err(ErrorCode::FencedLeaderEpoch)
            }
            Role::Leader(leader) => {
                let effects = leader.on_fetch(fetch, now_ms)?;
                self.carry_out(effects);
                self.low_watermarks.wake();
                Ok(leader.is_settled(fetch.replica))
            }
            _ => Err(ErrorCode::NotLeaderOrFollower),
        }
    }

    /// Whether a broker follows this leader, as far as this one knows.
    ///
    /// # Errors
    /// UNKNOWN_LEADER_EPOCH if it does not: one of the two will learn, and it comes again
    /// (rule 81).
    pub(crate) fn check_follower(&self, replica: BrokerId) -> Result<(), ErrorCode> {
        match self.with_leader(|leader| leader.follower(replica).is_none()) {
            Some(true) => Err(ErrorCode::UnknownLeaderEpoch),
            _ => Ok(()),
        }
    }

    /// Checks the epoch first, then the role (rule 67).
    pub(crate) fn may_read(
        &self,
        current_leader_epoch: LeaderEpoch,
        from_follower_allowed: bool,
    ) -> Result<(), ErrorCode> {
        self.check_online()?;
        let (leads, epoch) = match &*lock(&self.role) {
            Role::Leader(leader) => (true, leader.leader_epoch()),
            Role::Follower { leader_epoch, .. } => (false, *leader_epoch),
            Role::None => return Err(ErrorCode::NotLeaderOrFollower),
        };
        check_leader_epoch(current_leader_epoch, epoch)?;
        if leads || from_follower_allowed {
            Ok(())
        } else {
            Err(ErrorCode::NotLeaderOrFollower)
        }
    }

    /// What the client is told of a failed read; a broken disk or log is reported here.
    pub(crate) fn read_error(&self, failure: &ReadError) -> ErrorCode {
        self.read_error_at(&self.place(), failure)
    }

    fn read_error_at(&self, place: &Place, failure: &ReadError) -> ErrorCode {
        if let ReadError::Damaged { offsets, .. } = failure
            && !offsets.is_empty()
        {
            // The healer says so, once.
            self.report_damage();
            return if self.is_lost() {
                ErrorCode::CorruptMessage
            } else {
                ErrorCode::KafkaStorageError
            };
        }
        if !matches!(failure, ReadError::OffsetOutOfRange { .. }) {
            error!(topic = %self.topic, partition = self.id.partition, reason = %failure,
                "cannot read the log");
        }
        if is_disk_failure(failure) {
            self.fail_at(place, "read", failure);
        }
        failure.error_code()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{flusher::Flusher, partition::lab::open_partition};
    use klamm_records::{BatchBuilder, Batches, EndTransactionMarker};
    use klamm_types::{ProducerEpoch, ProducerId, TopicPartition, Uuid};

    const LEADER: BrokerId = BrokerId(2);
    const EPOCH: LeaderEpoch = LeaderEpoch(0);

    fn batch(offset: i64, producer: i64, is_transactional: bool) -> Bytes {
        let mut builder = BatchBuilder::new(offset)
            .leader_epoch(EPOCH)
            .producer(ProducerId(producer), ProducerEpoch(0), 0)
            .transactional(is_transactional);
        builder.append(1_000, None, Some(b"value"), &[]);
        builder.build().unwrap()
    }

    fn marker(offset: i64, producer: i64, committed: bool) -> Bytes {
        let marker = EndTransactionMarker {
            committed,
            coordinator_epoch: 0,
        };
        let batch = marker.batch(offset, EPOCH, ProducerId(producer), ProducerEpoch(0), 1_000);
        batch.unwrap()
    }

    fn fetch(partition: &Partition, isolation: FetchIsolation, fetch_offset: i64) -> ReadResult {
        let request = ReadRequest {
            fetch_offset,
            bytes_max: 1 << 20,
            current_leader_epoch: EPOCH,
            last_fetched_epoch: LeaderEpoch::NONE,
            isolation,
            from_follower_allowed: true,
            min_one_batch: true,
        };
        partition.read(&request).unwrap()
    }

    fn offsets(read: &ReadResult) -> Vec<i64> {
        Batches::new(&read.records)
            .map(|batch| batch.unwrap().0.base_offset)
            .collect()
    }

    #[test]
    fn committed_reads_end_at_the_last_stable_offset_and_name_what_was_aborted() {
        let dir = tempfile::tempdir().unwrap();
        let flusher = Flusher::start().unwrap();
        let id = TopicPartition {
            topic_id: Uuid([1; 16]),
            partition: 0,
        };
        let partition = open_partition(dir.path(), "t", id, flusher.queue());
        partition.follow(LEADER, EPOCH);
        let log = [
            batch(0, 1, false),
            batch(1, 2, true),
            batch(2, 3, true),
            marker(3, 2, false),
            batch(4, 1, false),
            marker(5, 3, true),
            batch(6, 2, true),
        ];
        // (high watermark, last stable offset, offsets of what is aborted below it)
        let table = [
            (0, 0, vec![]),
            (1, 1, vec![]),
            (3, 1, vec![]),
            (4, 2, vec![(1, 3)]),
            (5, 2, vec![(1, 3)]),
            (6, 6, vec![(1, 3)]),
            (7, 6, vec![(1, 3)]),
        ];
        let all: Bytes = log.concat().into();
        let append = |records: &Bytes, high_watermark| {
            let at = partition.log_end_offset();
            let appended =
                partition.append_as_follower(LEADER, EPOCH, at, records, high_watermark, 0);
            appended.unwrap();
        };
        append(&all, 0);
        for (high_watermark, stable, aborted) in table {
            append(&Bytes::new(), high_watermark);
            let read = fetch(&partition, FetchIsolation::LastStableOffset, 0);
            let what = format!("high watermark {high_watermark}");
            assert_eq!(read.high_watermark, high_watermark);
            assert_eq!(read.last_stable_offset, stable, "{what}");
            assert_eq!(offsets(&read), (0..stable).collect::<Vec<_>>(), "{what}");
            let found = read.aborted_transactions.unwrap();
            let found: Vec<_> = found
                .iter()
                .map(|aborted| (aborted.first_offset, aborted.last_offset))
                .collect();
            assert_eq!(found, aborted, "{what}");

            let read = fetch(&partition, FetchIsolation::HighWatermark, 0);
            assert_eq!(read.last_stable_offset, stable, "{what}");
            assert_eq!(offsets(&read).len() as i64, high_watermark, "{what}");
            assert_eq!(read.aborted_transactions, None, "{what}");
            let read = fetch(&partition, FetchIsolation::LogEnd, 0);
            assert_eq!(offsets(&read).len(), log.len(), "{what}");
            assert_eq!(read.aborted_transactions, None, "{what}");
        }
        let beyond = fetch(&partition, FetchIsolation::LastStableOffset, 7);
        assert_eq!(
            (offsets(&beyond), beyond.aborted_transactions),
            (vec![], Some(vec![]))
        );
        let later = fetch(&partition, FetchIsolation::LastStableOffset, 4);
        assert_eq!(later.aborted_transactions, Some(vec![]));
        flusher.stop();
    }
}
