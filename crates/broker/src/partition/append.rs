//! Appending as the leader.

use super::{AckFuture, Partition, lock, role::Role, stored_codec::in_stored_codec};
use crate::clock::now_ms;
use bytes::{Bytes, BytesMut};
use klamm_config::TopicConfig;
use klamm_records::{
    DECOMPRESSED_BYTES_MAX_DEFAULT, InvalidBatch, ProducePolicy, TimestampType, ValidatedBatch,
    validate_produce,
};
use klamm_storage::{StorageError, Verdict};
use klamm_types::{ErrorCode, LeaderEpoch};

/// When an append is acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Acks {
    /// Never.
    None,
    /// When it is durable on the leader.
    Leader,
    /// When it is committed.
    All,
}

/// A batch that a client wants to append.
pub(crate) struct AppendRequest {
    /// Exactly one record batch.
    pub(crate) records: Bytes,
    /// When to acknowledge.
    pub(crate) acks: Acks,
    /// The version of the Produce request.
    pub(crate) produce_version: i16,
}

/// A batch that has its place in the log.
pub(crate) struct Appended {
    /// The offset of its first record.
    pub(crate) base_offset: i64,
    /// When the broker stamped it, −1 if the producer's own timestamps stand.
    pub(crate) log_append_time_ms: i64,
    /// Resolves when it is acknowledged.
    pub(crate) acked: AckFuture,
}

/// Why a batch was not appended. Nothing of it is in the log.
#[derive(Debug)]
pub(crate) enum AppendError {
    /// The partition does not take it.
    Refused(ErrorCode),
    /// The batch itself is bad.
    Invalid(InvalidBatch),
    /// The disk has no room for it.
    NoRoom,
}

/// What a client is told whose records find no room on the disk: nothing was written, try again.
pub(crate) const NO_ROOM: ErrorCode = ErrorCode::KafkaStorageError;

impl From<ErrorCode> for AppendError {
    fn from(error: ErrorCode) -> Self {
        AppendError::Refused(error)
    }
}

impl Partition {
    /// Validates and appends what a producer sent.
    ///
    /// # Errors
    /// The batch is bad, the partition is not led from here, the ISR is too small for acks=all,
    /// the producer's sequence does not follow, or the disk is nearly full or failed.
    pub(crate) fn append(&self, request: AppendRequest) -> Result<Appended, AppendError> {
        self.check_online()?;
        if self.leader_epoch_if_leader().is_none() {
            return Err(ErrorCode::NotLeaderOrFollower.into());
        }
        let now_ms = now_ms();
        let policy = self.produce_policy(request.produce_version);
        let validated =
            validate_produce(&request.records, &policy, now_ms).map_err(AppendError::Invalid)?;
        if validated.header.is_transactional {
            return Err(ErrorCode::InvalidTxnState.into());
        }
        let config = self.config.load();
        let (records, validated) = in_stored_codec(&request.records, validated, &config, &policy)?;
        self.append_validated(&records, &validated, request.acks, None, now_ms)
    }

    /// Appends a batch that the broker made itself, with acks=all, if it still leads in
    /// `leader_epoch`.
    ///
    /// # Errors
    /// As [`Partition::append`], but NOT_ENOUGH_REPLICAS if the disk is nearly full: coordinators
    /// make "not available" of it, which keeps clients from looking for them elsewhere.
    pub(crate) fn append_internal(
        &self,
        batch: Bytes,
        leader_epoch: LeaderEpoch,
    ) -> Result<Appended, ErrorCode> {
        let now_ms = now_ms();
        // Whatever time a topic takes from clients, the broker's own records have theirs.
        let policy = ProducePolicy {
            timestamp_before_max_ms: i64::MAX,
            timestamp_after_max_ms: i64::MAX,
            ..self.produce_policy(i16::MAX)
        };
        let validated =
            validate_produce(&batch, &policy, now_ms).map_err(|error| error.error_code())?;
        self.append_validated(&batch, &validated, Acks::All, Some(leader_epoch), now_ms)
            .map_err(|error| match error {
                AppendError::Refused(error) => error,
                AppendError::Invalid(invalid) => invalid.error_code(),
                AppendError::NoRoom => ErrorCode::NotEnoughReplicas,
            })
    }

    fn append_validated(
        &self,
        records: &Bytes,
        validated: &ValidatedBatch,
        acks: Acks,
        expected_epoch: Option<LeaderEpoch>,
        now_ms: i64,
    ) -> Result<Appended, AppendError> {
        let mut log = lock(&self.log);
        let leader_epoch = self.may_append(acks, expected_epoch)?;
        match log.producers().check(&validated.header) {
            Verdict::Append => {}
            Verdict::Duplicate {
                base_offset,
                last_offset,
                timestamp,
            } => {
                return Ok(Appended {
                    base_offset,
                    log_append_time_ms: self.log_append_time_ms(timestamp),
                    acked: self.wait_for_ack(acks, last_offset + 1),
                });
            }
            Verdict::Reject(error) => return Err(error.into()),
        }
        if !self.takes_room(validated.batch_size()) {
            return Err(AppendError::NoRoom);
        }
        let mut batch = BytesMut::from(&records[..validated.batch_size()]);
        let header = validated.assign(&mut batch, log.log_end_offset(), leader_epoch);
        if let Err(error) = log.append_at(&batch, now_ms) {
            return Err(self.append_failed(&error));
        }
        self.env.recovery_backlog.add(batch.len());
        let end_offset = header.next_offset();
        // Registered before anything can release it, within the append lock.
        let acked = self.wait_for_ack(acks, end_offset);
        self.advance_leader(now_ms);
        drop(log);
        if self.check_online().is_err() {
            self.fail_waiters();
        }
        self.request_flush_if_due(now_ms);
        self.followers.wake();
        Ok(Appended {
            base_offset: header.base_offset,
            log_append_time_ms: validated.log_append_time_ms(),
            acked,
        })
    }

    /// Whether the disk has room for an append, which is taken off it.
    pub(super) fn takes_room(&self, bytes: usize) -> bool {
        self.place.load().seat().log_dir().space.take(bytes)
    }

    /// Whether the disk is so full that nothing is to be appended.
    pub(crate) fn lacks_room(&self) -> bool {
        self.place.load().seat().log_dir().space.is_low()
    }

    /// A disk that is full refuses; one that fails takes the log offline.
    pub(super) fn append_failed(&self, error: &StorageError) -> AppendError {
        if error.is_storage_full() {
            self.place.load().seat().log_dir().space.set_low();
            return AppendError::NoRoom;
        }
        self.storage_error("append", error).into()
    }

    /// Whether this replica leads and may take an append now. The append lock is held: nothing
    /// changes until it is released.
    fn may_append(
        &self,
        acks: Acks,
        expected_epoch: Option<LeaderEpoch>,
    ) -> Result<LeaderEpoch, ErrorCode> {
        self.check_online()?;
        let role = lock(&self.role);
        let Role::Leader(leader) = &*role else {
            return Err(ErrorCode::NotLeaderOrFollower);
        };
        if expected_epoch.is_some_and(|epoch| epoch != leader.leader_epoch()) {
            return Err(ErrorCode::NotLeaderOrFollower);
        }
        if acks == Acks::All && !leader.has_enough_replicas() {
            return Err(ErrorCode::NotEnoughReplicas);
        }
        Ok(leader.leader_epoch())
    }

    fn wait_for_ack(&self, acks: Acks, end_offset: i64) -> AckFuture {
        match acks {
            Acks::None => AckFuture::Ready(Ok(())),
            Acks::Leader => self.durable(end_offset),
            Acks::All => {
                let mut commits = lock(&self.commits);
                if self.high_watermark() >= end_offset {
                    AckFuture::Ready(Ok(()))
                } else if self.is_removed() {
                    AckFuture::Ready(Err(ErrorCode::NotLeaderOrFollower))
                } else {
                    commits.wait_for(end_offset)
                }
            }
        }
    }

    /// Resolves when everything below `end_offset` is durable here; sees to it that it will be.
    pub(crate) fn durable(&self, end_offset: i64) -> AckFuture {
        let mut flushes = lock(&self.flushes);
        if self.durable_end_offset() >= end_offset {
            return AckFuture::Ready(Ok(()));
        }
        // Those who waited for a replica that was removed have been told; whoever comes later would
        // not be.
        if self.is_removed() {
            return AckFuture::Ready(Err(ErrorCode::NotLeaderOrFollower));
        }
        let waiting = flushes.wait_for(end_offset);
        drop(flushes);
        self.request_flush();
        waiting
    }

    fn log_append_time_ms(&self, timestamp: i64) -> i64 {
        match timestamp_type(&self.config.load()) {
            TimestampType::CreateTime => -1,
            TimestampType::LogAppendTime => timestamp,
        }
    }

    fn produce_policy(&self, produce_version: i16) -> ProducePolicy {
        let config = self.config.load();
        ProducePolicy {
            message_bytes_max: bytes(config.max_message_bytes),
            segment_bytes_max: bytes(config.segment_bytes),
            decompressed_bytes_max: DECOMPRESSED_BYTES_MAX_DEFAULT,
            timestamp_type: timestamp_type(&config),
            timestamp_before_max_ms: config.message_timestamp_before_max_ms,
            timestamp_after_max_ms: config.message_timestamp_after_max_ms,
            compacted: config.cleanup_policy.compact,
            produce_version,
        }
    }
}

fn timestamp_type(config: &TopicConfig) -> TimestampType {
    match config.message_timestamp_type {
        klamm_config::TimestampType::CreateTime => TimestampType::CreateTime,
        klamm_config::TimestampType::LogAppendTime => TimestampType::LogAppendTime,
    }
}

/// A size from the settings, which are never negative.
fn bytes(setting: i32) -> usize {
    usize::try_from(setting).unwrap_or(0)
}
