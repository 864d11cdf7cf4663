//! Reading, for consumers and followers.

use super::{Partition, lock, role::Role};
use bytes::Bytes;
use klamm_replica::{
    FollowerFetch,
    divergence::{EpochEnd, diverging_epoch},
};
use klamm_storage::ReadError;
use klamm_types::{ErrorCode, LeaderEpoch};
use rustix::io::Errno;
use tracing::error;

/// How far a fetch may read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FetchIsolation {
    /// To the log end: followers.
    LogEnd,
    /// To the high watermark: consumers.
    HighWatermark,
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
    /// The client's log is not a prefix of this one; nothing was read.
    pub(crate) diverging_epoch: Option<EpochEnd>,
}

impl Partition {
    /// Reads whole batches from `fetch_offset` on.
    ///
    /// # Errors
    /// The leader epoch does not match, this replica may not serve it, the offset is out of
    /// range, or the disk failed.
    pub(crate) fn read(&self, request: &ReadRequest) -> Result<ReadResult, ErrorCode> {
        self.may_read(request.current_leader_epoch, request.from_follower_allowed)?;
        let high_watermark = self.high_watermark();
        let mut result = ReadResult {
            records: Bytes::new(),
            high_watermark,
            // Without transactions nothing is undecided.
            last_stable_offset: high_watermark,
            log_start_offset: self.log_start_offset(),
            diverging_epoch: None,
        };
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
            FetchIsolation::HighWatermark => high_watermark,
        };
        if request.fetch_offset < end_offset {
            let read = self.reader().read(
                request.fetch_offset,
                request.bytes_max,
                end_offset,
                request.min_one_batch,
            );
            result.records = read.map_err(|error| self.read_error(&error))?.records;
        }
        Ok(result)
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
        let read = self
            .reader()
            .read(start_offset, bytes_max, end_offset, true);
        Ok(read.map_err(|error| self.read_error(&error))?.records)
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
    /// compared with the log as it was then.
    ///
    /// # Errors
    /// NOT_LEADER_OR_FOLLOWER if this is not the leader any more, FENCED_LEADER_EPOCH if it leads
    /// in another epoch; else as the leader decides.
    pub(crate) fn on_follower_fetch(
        &self,
        fetch: FollowerFetch,
        leader_epoch: LeaderEpoch,
        now_ms: i64,
    ) -> Result<(), ErrorCode> {
        match &mut *lock(&self.role) {
            Role::Leader(leader)
                if !leader_epoch.is_none() && leader.leader_epoch() != leader_epoch =>
            {
                Err(ErrorCode::FencedLeaderEpoch)
            }
            Role::Leader(leader) => {
                let effects = leader.on_fetch(fetch, now_ms)?;
                self.carry_out(effects);
                Ok(())
            }
            _ => Err(ErrorCode::NotLeaderOrFollower),
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
        if !current_leader_epoch.is_none() && current_leader_epoch != epoch {
            return Err(if current_leader_epoch < epoch {
                ErrorCode::FencedLeaderEpoch
            } else {
                ErrorCode::UnknownLeaderEpoch
            });
        }
        if leads || from_follower_allowed {
            Ok(())
        } else {
            Err(ErrorCode::NotLeaderOrFollower)
        }
    }

    /// What the client is told of a failed read; a broken disk or log is reported here.
    pub(crate) fn read_error(&self, failure: &ReadError) -> ErrorCode {
        if !matches!(failure, ReadError::OffsetOutOfRange { .. }) {
            error!(topic = %self.topic, partition = self.id.partition, reason = %failure,
                "cannot read the log");
        }
        if is_disk_failure(failure) {
            self.fail("read", failure);
        }
        failure.error_code()
    }
}

/// Whether the disk does not give what it was given, rather than something that passes or that
/// concerns one file.
fn is_disk_failure(failure: &ReadError) -> bool {
    const REASONS: [Errno; 5] = [
        Errno::IO,
        Errno::NXIO,
        Errno::NODEV,
        Errno::STALE,
        Errno::UCLEAN,
    ];
    match failure {
        ReadError::Io { source, .. } => {
            Errno::from_io_error(source).is_some_and(|errno| REASONS.contains(&errno))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    #[test]
    fn only_a_sick_disk_takes_the_directory_offline() {
        let check = |source: io::Error, expected| {
            let path = String::new();
            let failure = ReadError::Io { path, source };
            assert_eq!(is_disk_failure(&failure), expected, "{failure}");
        };
        check(Errno::IO.into(), true);
        check(Errno::STALE.into(), true);
        check(Errno::MFILE.into(), false);
        check(Errno::NOENT.into(), false);
        check(io::ErrorKind::InvalidData.into(), false);
    }
}
