//! Records of `__consumer_offsets`: Kafka's schemas in Kafka's framing.
//!
//! A key is a type and a message; a value is a version and a message; no value is a tombstone.
//! Written are the versions that Kafka 4.3 writes; read are all.

use bytes::Bytes;
use klamm_protocol::{
    DecodeError, EncodeError, Message,
    messages::{
        group_metadata_key::GroupMetadataKey, group_metadata_value::GroupMetadataValue,
        offset_commit_key::OffsetCommitKey, offset_commit_value::OffsetCommitValue,
    },
    record,
};
use klamm_types::{ErrorCode, Uuid};

/// The version of [`GroupMetadataValue`] that is written.
const GROUP_METADATA_VERSION: i16 = 3;
/// The version of [`OffsetCommitValue`] that is written.
const OFFSET_COMMIT_VERSION: i16 = 4;
/// The only version with an expire timestamp, for commits of OffsetCommit 2–4 that set one.
const OFFSET_COMMIT_EXPIRING_VERSION: i16 = 1;

/// What a record needs in a batch beside its key and value, at most: five varints and the
/// attributes.
const RECORD_OVERHEAD_BYTES: usize = 32;

/// The type of an offset's key that Kafka wrote before 0.9, same fields.
const LEGACY_OFFSET_COMMIT: i16 = 0;

/// A record to append, or one read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Type and key.
    pub key: Bytes,
    /// Version and value; `None` is a tombstone.
    pub value: Option<Bytes>,
}

impl Record {
    /// An upper estimate of the record's size in a batch.
    pub fn size_bytes_max(&self) -> usize {
        self.key.len() + self.value.as_ref().map_or(0, Bytes::len) + RECORD_OVERHEAD_BYTES
    }
}

/// A committed offset, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OffsetAndMetadata {
    /// The next offset to consume.
    pub offset: i64,
    /// The leader epoch of the last consumed record, −1 for unknown.
    pub leader_epoch: i32,
    /// Whatever the consumer wanted to note.
    pub metadata: String,
    /// When it was committed.
    pub commit_timestamp_ms: i64,
    /// When it expires, if its commit said so.
    pub expire_timestamp_ms: Option<i64>,
    /// The topic, zero if unknown.
    pub topic_id: Uuid,
}

/// A decoded record: a key and what stands under it from now on.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Entry {
    Offset {
        group_id: String,
        topic: String,
        partition: i32,
        value: Option<OffsetAndMetadata>,
    },
    Group {
        group_id: String,
        value: Option<GroupMetadataValue>,
    },
    /// Of another group type, or of a later version.
    Other { record_type: i16 },
}

impl Entry {
    /// The group it is about.
    pub(crate) fn group_id(&self) -> Option<&str> {
        match self {
            Entry::Offset { group_id, .. } | Entry::Group { group_id, .. } => Some(group_id),
            Entry::Other { .. } => None,
        }
    }

    /// Whether one of them would replace the other.
    pub(crate) fn has_key_of(&self, other: &Entry) -> bool {
        match (self, other) {
            (
                Entry::Offset {
                    group_id,
                    topic,
                    partition,
                    ..
                },
                Entry::Offset {
                    group_id: other_group_id,
                    topic: other_topic,
                    partition: other_partition,
                    ..
                },
            ) => (group_id, topic, partition) == (other_group_id, other_topic, other_partition),
            (
                Entry::Group { group_id, .. },
                Entry::Group {
                    group_id: other_group_id,
                    ..
                },
            ) => group_id == other_group_id,
            _ => false,
        }
    }
}

/// A record of the log makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    /// The key is not what its type says.
    #[error("decode the key of a coordinator record: {0}")]
    Key(DecodeError),
    /// The value is not what the key's type and its own version say.
    #[error("decode the value of a coordinator record of type {record_type}: {source}")]
    Value {
        /// The type, from the key.
        record_type: i16,
        /// What is wrong.
        source: DecodeError,
    },
}

/// The record of a committed offset.
///
/// # Errors
/// A name is longer than the format can hold.
pub(crate) fn offset_record(
    group_id: &str,
    topic: &str,
    partition: i32,
    value: &OffsetAndMetadata,
) -> Result<Record, EncodeError> {
    let version = match value.expire_timestamp_ms {
        Some(_) => OFFSET_COMMIT_EXPIRING_VERSION,
        None => OFFSET_COMMIT_VERSION,
    };
    let message = OffsetCommitValue {
        offset: value.offset,
        leader_epoch: value.leader_epoch,
        metadata: value.metadata.clone(),
        commit_timestamp: value.commit_timestamp_ms,
        expire_timestamp: value.expire_timestamp_ms.unwrap_or(-1),
        topic_id: value.topic_id,
    };
    Ok(Record {
        key: offset_key(group_id, topic, partition)?,
        value: Some(record::encode_versioned(version, &message)?),
    })
}

/// The tombstone of a committed offset.
///
/// # Errors
/// A name is longer than the format can hold.
pub(crate) fn offset_tombstone(
    group_id: &str,
    topic: &str,
    partition: i32,
) -> Result<Record, EncodeError> {
    Ok(Record {
        key: offset_key(group_id, topic, partition)?,
        value: None,
    })
}

/// The record of a group.
///
/// # Errors
/// A name is longer than the format can hold.
pub(crate) fn group_record(
    group_id: &str,
    value: &GroupMetadataValue,
) -> Result<Record, EncodeError> {
    Ok(Record {
        key: group_key(group_id)?,
        value: Some(record::encode_versioned(GROUP_METADATA_VERSION, value)?),
    })
}

/// The tombstone of a group.
///
/// # Errors
/// The group id is longer than the format can hold.
pub(crate) fn group_tombstone(group_id: &str) -> Result<Record, EncodeError> {
    Ok(Record {
        key: group_key(group_id)?,
        value: None,
    })
}

/// What clients see when a record cannot be encoded: as with any fault of the server's own.
pub(crate) fn encode_error(_: EncodeError) -> ErrorCode {
    ErrorCode::UnknownServerError
}

fn offset_key(group_id: &str, topic: &str, partition: i32) -> Result<Bytes, EncodeError> {
    record::encode_key(&OffsetCommitKey {
        group: group_id.to_owned(),
        topic: topic.to_owned(),
        partition,
    })
}

fn group_key(group_id: &str) -> Result<Bytes, EncodeError> {
    record::encode_key(&GroupMetadataKey {
        group: group_id.to_owned(),
    })
}

impl Entry {
    /// Gives the entry memory of its own. Otherwise it keeps alive what it was decoded from, which
    /// may be a large piece of the log.
    pub(crate) fn detach(&mut self) {
        if let Entry::Group {
            value: Some(value), ..
        } = self
        {
            for member in &mut value.members {
                member.subscription = Bytes::copy_from_slice(&member.subscription);
                member.assignment = Bytes::copy_from_slice(&member.assignment);
            }
        }
    }
}

/// Decodes a record of the log.
///
/// # Errors
/// Key or value are malformed.
pub(crate) fn decode(key: &Bytes, value: Option<&Bytes>) -> Result<Entry, ReplayError> {
    let (record_type, mut d) = record::decode_key_type(key.clone()).map_err(ReplayError::Key)?;
    match record_type {
        LEGACY_OFFSET_COMMIT | OffsetCommitKey::API_KEY => {
            let key = OffsetCommitKey::decode(&mut d, 0).map_err(ReplayError::Key)?;
            let value = decode_value(record_type, value)?.map(offset_from_value);
            Ok(Entry::Offset {
                group_id: key.group,
                topic: key.topic,
                partition: key.partition,
                value,
            })
        }
        GroupMetadataKey::API_KEY => {
            let key = GroupMetadataKey::decode(&mut d, 0).map_err(ReplayError::Key)?;
            Ok(Entry::Group {
                group_id: key.group,
                value: decode_value(record_type, value)?,
            })
        }
        _ => Ok(Entry::Other { record_type }),
    }
}

fn decode_value<M: Message>(
    record_type: i16,
    value: Option<&Bytes>,
) -> Result<Option<M>, ReplayError> {
    value
        .map(|bytes| record::decode_versioned(bytes.clone()))
        .transpose()
        .map_err(|source| ReplayError::Value {
            record_type,
            source,
        })
}

fn offset_from_value(value: OffsetCommitValue) -> OffsetAndMetadata {
    OffsetAndMetadata {
        offset: value.offset,
        leader_epoch: value.leader_epoch,
        metadata: value.metadata,
        commit_timestamp_ms: value.commit_timestamp,
        expire_timestamp_ms: (value.expire_timestamp >= 0).then_some(value.expire_timestamp),
        topic_id: value.topic_id,
    }
}
