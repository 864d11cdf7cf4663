//! What the log of a shard says: the state that survives.
//!
//! Only [`GroupImage::replay`] changes it, with the same records at run time and on loading, so
//! a shard that is loaded again knows what the one before knew. Sessions, pending members and
//! parked requests are not here.

use crate::{
    OffsetAndMetadata, Record, ReplayError,
    records::{self, Entry},
};
use bytes::Bytes;
use klamm_protocol::messages::group_metadata_value::GroupMetadataValue;
use std::collections::BTreeMap;

/// The committed offsets of a group: topic → partition → offset.
pub(crate) type GroupOffsets = BTreeMap<String, BTreeMap<i32, OffsetAndMetadata>>;

/// What became of a replayed record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replayed {
    /// It is part of the state.
    Applied,
    /// Of a type that this version has no use for; worth a warning on loading.
    Ignored {
        /// The type, from the key.
        record_type: i16,
    },
}

/// Groups and offsets of one partition of `__consumer_offsets`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct GroupImage {
    groups: BTreeMap<String, GroupMetadataValue>,
    offsets: BTreeMap<String, GroupOffsets>,
}

impl GroupImage {
    /// Takes over one record, in the order of the log.
    ///
    /// # Errors
    /// The record is malformed; nothing has changed.
    pub(crate) fn replay(
        &mut self,
        key: &Bytes,
        value: Option<&Bytes>,
    ) -> Result<Replayed, ReplayError> {
        let mut entry = records::decode(key, value)?;
        entry.detach();
        if let Entry::Other { record_type } = entry {
            return Ok(Replayed::Ignored { record_type });
        }
        self.apply(entry);
        Ok(Replayed::Applied)
    }

    /// Takes over a record that this shard has just made. Returns what stood under its key.
    ///
    /// # Errors
    /// Never for records of [`records`]: what is encoded decodes.
    pub(crate) fn replay_own(&mut self, record: &Record) -> Result<Entry, ReplayError> {
        let entry = records::decode(&record.key, record.value.as_ref())?;
        Ok(self.apply(entry))
    }

    /// Puts an entry in its place. Returns the one that would undo it.
    pub(crate) fn apply(&mut self, entry: Entry) -> Entry {
        match entry {
            Entry::Offset {
                group_id,
                topic,
                partition,
                value,
            } => {
                let value = match value {
                    Some(value) => self.put_offset(&group_id, &topic, partition, value),
                    None => self.remove_offset(&group_id, &topic, partition),
                };
                Entry::Offset {
                    group_id,
                    topic,
                    partition,
                    value,
                }
            }
            Entry::Group { group_id, value } => {
                let value = match value {
                    Some(value) => self.groups.insert(group_id.clone(), value),
                    None => self.groups.remove(&group_id),
                };
                Entry::Group { group_id, value }
            }
            other @ Entry::Other { .. } => other,
        }
    }

    fn put_offset(
        &mut self,
        group_id: &str,
        topic: &str,
        partition: i32,
        value: OffsetAndMetadata,
    ) -> Option<OffsetAndMetadata> {
        // Most commits replace an offset, which needs no names of their own.
        if let Some(partitions) = self
            .offsets
            .get_mut(group_id)
            .and_then(|t| t.get_mut(topic))
        {
            return partitions.insert(partition, value);
        }
        let topics = self.offsets.entry(group_id.to_owned()).or_default();
        let partitions = topics.entry(topic.to_owned()).or_default();
        partitions.insert(partition, value)
    }

    /// Leaves no empty maps behind.
    fn remove_offset(
        &mut self,
        group_id: &str,
        topic: &str,
        partition: i32,
    ) -> Option<OffsetAndMetadata> {
        let topics = self.offsets.get_mut(group_id)?;
        let partitions = topics.get_mut(topic)?;
        let removed = partitions.remove(&partition);
        if partitions.is_empty() {
            topics.remove(topic);
        }
        if topics.is_empty() {
            self.offsets.remove(group_id);
        }
        removed
    }

    /// The groups with a record of their own.
    pub(crate) fn groups(&self) -> &BTreeMap<String, GroupMetadataValue> {
        &self.groups
    }

    /// The offsets of every group that has any.
    pub(crate) fn all_offsets(&self) -> &BTreeMap<String, GroupOffsets> {
        &self.offsets
    }

    /// The offsets of a group, if it has any.
    pub(crate) fn offsets(&self, group_id: &str) -> Option<&GroupOffsets> {
        self.offsets.get(group_id)
    }

    /// One committed offset.
    pub(crate) fn offset(
        &self,
        group_id: &str,
        topic: &str,
        partition: i32,
    ) -> Option<&OffsetAndMetadata> {
        self.offsets.get(group_id)?.get(topic)?.get(&partition)
    }

    /// Whether the log knows a group, by a record of its own or by an offset.
    pub(crate) fn knows(&self, group_id: &str) -> bool {
        self.groups.contains_key(group_id) || self.offsets.contains_key(group_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use klamm_protocol::messages::group_metadata_value::MemberMetadata;
    use klamm_types::Uuid;

    fn offset(offset: i64) -> OffsetAndMetadata {
        OffsetAndMetadata {
            offset,
            leader_epoch: 3,
            metadata: "note".into(),
            commit_timestamp_ms: 1_000,
            expire_timestamp_ms: None,
            topic_id: Uuid([7; 16]),
        }
    }

    #[test]
    fn records_and_tombstones_replay() {
        let mut image = GroupImage::default();
        let record = records::offset_record("g", "t", 0, &offset(5)).unwrap();
        image.replay_own(&record).unwrap();
        assert_eq!(image.offset("g", "t", 0), Some(&offset(5)));

        let tombstone = records::offset_tombstone("g", "t", 0).unwrap();
        image.replay_own(&tombstone).unwrap();
        image.replay_own(&tombstone).unwrap();
        assert_eq!(image, GroupImage::default());
    }

    #[test]
    fn what_is_replayed_does_not_keep_the_log_in_memory() {
        let value = GroupMetadataValue {
            members: vec![MemberMetadata {
                subscription: Bytes::from_static(b"subscription"),
                assignment: Bytes::from_static(b"assignment"),
                ..Default::default()
            }],
            ..Default::default()
        };
        let record = records::group_record("g", &value).unwrap();
        let log = Bytes::from(record.value.unwrap().to_vec());
        let mut image = GroupImage::default();
        image.replay(&record.key, Some(&log)).unwrap();
        assert!(log.is_unique());
        assert_eq!(image.groups()["g"].members, value.members);
    }

    #[test]
    fn a_commit_with_its_own_expiry_keeps_it() {
        let value = OffsetAndMetadata {
            expire_timestamp_ms: Some(9_000),
            leader_epoch: -1,
            topic_id: Uuid::ZERO,
            ..offset(5)
        };
        let mut image = GroupImage::default();
        let record = records::offset_record("g", "t", 0, &value).unwrap();
        assert_eq!(&record.value.as_ref().unwrap()[..2], [0, 1]);
        image.replay_own(&record).unwrap();
        assert_eq!(image.offset("g", "t", 0), Some(&value));
    }

    #[test]
    fn keys_and_values_are_framed_as_kafka_frames_them() {
        // Dumped from a log of Kafka 4.3.1: key 13 bytes, value 43 bytes, versions 1 and 4.
        let record = records::offset_record("k1", "t", 0, &offset(5)).unwrap();
        assert_eq!(&record.key[..], b"\0\x01\0\x02k1\0\x01t\0\0\0\0");
        assert_eq!(&record.value.unwrap()[..2], [0, 4]);
        let record = records::group_record("k1", &GroupMetadataValue::default()).unwrap();
        assert_eq!(&record.key[..], b"\0\x02\0\x02k1");
        assert_eq!(&record.value.unwrap()[..2], [0, 3]);
    }

    #[test]
    fn what_an_entry_replaces_undoes_it() {
        let mut image = GroupImage::default();
        let records = [
            records::offset_record("g", "t", 0, &offset(5)),
            records::offset_record("g", "t", 0, &offset(6)),
            records::group_record("g", &GroupMetadataValue::default()),
            records::offset_tombstone("g", "t", 0),
            records::group_tombstone("g"),
        ];
        let mut images = Vec::new();
        let mut undos = Vec::new();
        for record in records {
            images.push(image.clone());
            undos.push(image.replay_own(&record.unwrap()).unwrap());
        }
        while let (Some(before), Some(undo)) = (images.pop(), undos.pop()) {
            image.apply(undo);
            assert_eq!(image, before);
        }
    }

    #[test]
    fn other_types_are_ignored_and_garbage_is_an_error() {
        let mut image = GroupImage::default();
        let key = Bytes::from_static(b"\0\x03\0\x01g");
        assert_eq!(
            image.replay(&key, None),
            Ok(Replayed::Ignored { record_type: 3 })
        );
        for key in [&b""[..], b"\0", b"\0\x01\0\x09g", b"\0\x02\xff\xff"] {
            assert!(image.replay(&Bytes::from_static(key), None).is_err());
        }
        let key = Bytes::from_static(b"\0\x02\0\x01g");
        for value in [&b""[..], b"\0\x63", b"\0\x03\0"] {
            let value = Bytes::from_static(value);
            assert!(image.replay(&key, Some(&value)).is_err());
        }
        assert_eq!(image, GroupImage::default());
    }
}
