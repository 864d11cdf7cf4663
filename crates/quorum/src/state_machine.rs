//! What committed entries amount to: the image, replayed.

use crate::{
    identity::FolderLock,
    metadata_feed::MetadataFeed,
    raft_types::{
        Applied, EncodedBatch, LogId, Snapshot, SnapshotMeta, StoredMembership, TypeConfig,
        epoch_of,
    },
    snapshot_file::SnapshotFolder,
};
use bytes::Bytes;
use futures_util::{Stream, TryStreamExt};
use klamm_metadata::{
    Image,
    feature_level::{KLAMM_VERSION, LevelRange},
    proto::{self, RecordBatch},
};
use klamm_rpc::controller::CommittedBatch;
use openraft::{
    EntryPayload, OptionalSend, RaftSnapshotBuilder,
    storage::{EntryResponder, RaftStateMachine},
};
use prost::Message;
use std::{io, path::Path, sync::Arc};
use tokio::task;

/// The image in memory, as of the last applied entry. It is rebuilt from the newest snapshot
/// and the log after a restart.
#[derive(Debug)]
pub(crate) struct StateMachine {
    image: Image,
    last_applied: Option<LogId>,
    membership: StoredMembership,
    snapshots: SnapshotFolder,
    feed: Arc<MetadataFeed>,
    levels: LevelRange,
}

/// Writes the image of one moment to disk.
#[derive(Debug)]
pub(crate) struct SnapshotBuilder {
    image: Image,
    meta: SnapshotMeta,
    snapshots: SnapshotFolder,
}

impl StateMachine {
    /// The state of the newest snapshot in `folder`, or the state before the first entry.
    ///
    /// # Errors
    /// The disk refused or the snapshot is damaged.
    pub(crate) fn open(folder: &Path, lock: FolderLock) -> io::Result<StateMachine> {
        let snapshots = SnapshotFolder::new(folder, lock);
        let (image, meta) = match snapshots.load()? {
            Some(snapshot) => (decode_image(&snapshot.snapshot)?, snapshot.meta),
            None => (Image::new(), SnapshotMeta::default()),
        };
        Ok(StateMachine {
            feed: Arc::new(MetadataFeed::new(image.clone())),
            image,
            last_applied: meta.last_log_id,
            membership: meta.last_membership,
            snapshots,
            levels: LevelRange::SUPPORTED,
        })
    }

    /// Takes no part where the cluster is at another level.
    ///
    /// # Errors
    /// It is at one already.
    pub(crate) fn supporting(self, levels: LevelRange) -> io::Result<StateMachine> {
        check_level(levels, &self.image)?;
        Ok(StateMachine { levels, ..self })
    }

    /// Where everything that is applied can be followed.
    pub(crate) fn feed(&self) -> Arc<MetadataFeed> {
        self.feed.clone()
    }

    /// Refuses a log that was purged beyond the snapshot: what lies between is lost.
    pub(crate) fn check_reaches(&self, purged: Option<LogId>) -> io::Result<()> {
        if purged <= self.last_applied {
            return Ok(());
        }
        let index_of = |log_id: Option<LogId>| log_id.map_or(-1, |id| i128::from(id.index));
        let what = format!(
            "the log begins behind entry {}, but the snapshot ends with entry {}",
            index_of(purged),
            index_of(self.last_applied)
        );
        Err(io::Error::new(io::ErrorKind::InvalidData, what))
    }

    fn apply_batch(&mut self, term: u64, encoded: &EncodedBatch) -> io::Result<Applied> {
        let batch = RecordBatch::decode(encoded.0.clone())
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        if let Err(error) = self.image.apply(&batch) {
            if error.is_of_newer_release() {
                // Others apply it: falling away here would part this image from theirs.
                return Err(io::Error::new(io::ErrorKind::InvalidData, error));
            }
            // Every replica refuses it alike: the proposer was deposed, or decided wrongly.
            tracing::warn!(%error, term, "a batch of metadata records falls away");
            return Ok(Applied::FellAway);
        }
        check_level(self.levels, &self.image)?;
        let committed = CommittedBatch {
            offset: batch.base_offset,
            controller_epoch: epoch_of(term),
            timestamp_ms: batch.timestamp_ms,
            records: batch.records,
        };
        if !committed.records.is_empty() {
            self.feed.publish(self.image.clone(), committed);
        }
        Ok(Applied::Applied)
    }
}

fn check_level(levels: LevelRange, image: &Image) -> io::Result<()> {
    let level = image.level();
    if levels.contains(level) {
        return Ok(());
    }
    let what = format!(
        "the cluster is at {KLAMM_VERSION} {level}, and this node supports {levels}: it needs \
         another release"
    );
    Err(io::Error::new(io::ErrorKind::InvalidData, what))
}

pub(crate) fn decode_image(data: &Bytes) -> io::Result<Image> {
    let invalid = |error: &dyn std::error::Error| {
        io::Error::new(io::ErrorKind::InvalidData, error.to_string())
    };
    let snapshot = proto::Snapshot::decode(data.clone()).map_err(|error| invalid(&error))?;
    Image::from_snapshot(&snapshot).map_err(|error| invalid(&error))
}

/// Runs what blocks where it may.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    task::spawn_blocking(work).await.map_err(io::Error::other)?
}

impl RaftStateMachine<TypeConfig> for StateMachine {
    type SnapshotData = Bytes;
    type SnapshotBuilder = SnapshotBuilder;

    async fn applied_state(&mut self) -> io::Result<(Option<LogId>, StoredMembership)> {
        Ok((self.last_applied, self.membership.clone()))
    }

    async fn apply<S>(&mut self, mut entries: S) -> io::Result<()>
    where
        S: Stream<Item = io::Result<EntryResponder<TypeConfig>>> + Unpin + OptionalSend,
    {
        while let Some((entry, responder)) = entries.try_next().await? {
            let applied = match entry.payload {
                EntryPayload::Blank => Applied::Applied,
                EntryPayload::Normal(batch) => {
                    self.feed.count_bytes(batch.0.len());
                    self.apply_batch(entry.log_id.leader_id.term, &batch)?
                }
                EntryPayload::Membership(membership) => {
                    self.membership = StoredMembership::new(Some(entry.log_id), membership);
                    Applied::Applied
                }
            };
            self.last_applied = Some(entry.log_id);
            self.feed.advance_term(entry.log_id.leader_id.term);
            if let Some(responder) = responder {
                responder.send(applied);
            }
        }
        Ok(())
    }

    async fn get_snapshot_builder(&mut self) -> SnapshotBuilder {
        SnapshotBuilder {
            image: self.image.clone(),
            meta: SnapshotMeta {
                last_log_id: self.last_applied,
                last_membership: self.membership.clone(),
            },
            snapshots: self.snapshots.clone(),
        }
    }

    async fn install_snapshot(&mut self, meta: &SnapshotMeta, data: Bytes) -> io::Result<()> {
        let (snapshots, owned) = (self.snapshots.clone(), meta.clone());
        let levels = self.levels;
        let image = blocking(move || {
            let image = decode_image(&data)?;
            check_level(levels, &image)?;
            snapshots.save(&owned, &data)?;
            Ok(image)
        })
        .await?;
        self.image = image.clone();
        self.last_applied = meta.last_log_id;
        self.membership = meta.last_membership.clone();
        self.feed.replace(image);
        Ok(())
    }

    async fn get_current_snapshot(&mut self) -> io::Result<Option<Snapshot>> {
        let snapshots = self.snapshots.clone();
        blocking(move || snapshots.load()).await
    }
}

impl RaftSnapshotBuilder<TypeConfig> for SnapshotBuilder {
    type SnapshotData = Bytes;

    async fn build_snapshot(&mut self) -> io::Result<Snapshot> {
        let (image, meta) = (self.image.clone(), self.meta.clone());
        let snapshots = self.snapshots.clone();
        blocking(move || {
            let snapshot = Bytes::from(image.to_snapshot().encode_to_vec());
            snapshots.save(&meta, &snapshot)?;
            Ok(Snapshot { meta, snapshot })
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use klamm_metadata::proto::{ClusterRecord, FeatureLevelRecord, Record};

    fn batch(base_offset: i64, record: impl Into<Record>) -> EncodedBatch {
        let batch = RecordBatch {
            base_offset,
            timestamp_ms: 0,
            records: vec![record.into()],
        };
        EncodedBatch(batch.encode_to_vec().into())
    }

    #[test]
    fn the_batch_of_a_deposed_leader_falls_away() {
        let temp = tempfile::tempdir().unwrap();
        let mut machine = StateMachine::open(temp.path(), FolderLock::default()).unwrap();
        let feature = |level| FeatureLevelRecord {
            name: "metadata.version".into(),
            level,
        };
        // Both were decided on the empty image: the new leader's came first.
        let new = machine.apply_batch(2, &batch(0, feature(2))).unwrap();
        let old = machine.apply_batch(1, &batch(0, feature(1))).unwrap();
        assert_eq!((new, old), (Applied::Applied, Applied::FellAway));
        assert_eq!(machine.feed.image().features()["metadata.version"], 2);
        assert_eq!(machine.feed.image().offset(), 1);

        let cluster_id = "a".to_owned();
        let next = machine.apply_batch(2, &batch(1, ClusterRecord { cluster_id }));
        assert_eq!(next.unwrap(), Applied::Applied);
    }

    #[test]
    fn a_hole_between_snapshot_and_log_is_noticed() {
        let temp = tempfile::tempdir().unwrap();
        let mut machine = StateMachine::open(temp.path(), FolderLock::default()).unwrap();
        let at = |index| LogId::new(1.into(), index);
        assert!(machine.check_reaches(None).is_ok());
        assert!(machine.check_reaches(Some(at(0))).is_err());
        machine.last_applied = Some(at(4));
        assert!(machine.check_reaches(Some(at(4))).is_ok());
        assert!(machine.check_reaches(Some(at(5))).is_err());
    }

    #[test]
    fn a_level_or_record_of_a_newer_release_stops_the_machine() {
        let temp = tempfile::tempdir().unwrap();
        let machine = StateMachine::open(temp.path(), FolderLock::default()).unwrap();
        let mut machine = machine.supporting(LevelRange::default()).unwrap();
        let unknown = machine.apply_batch(1, &batch(0, Record { kind: None }));
        let unknown = unknown.unwrap_err().to_string();
        assert!(unknown.contains("does not know"), "{unknown}");
        let level = |level| FeatureLevelRecord {
            name: KLAMM_VERSION.into(),
            level,
        };
        assert!(machine.apply_batch(1, &batch(0, level(1))).is_ok());
        let refused = machine.apply_batch(1, &batch(1, level(2)));
        let refused = refused.unwrap_err().to_string();
        assert!(refused.contains("klamm.version 2"), "{refused}");
        assert!(machine.supporting(LevelRange::default()).is_err());
    }

    #[test]
    fn a_batch_that_cannot_be_read_stops_the_machine() {
        let temp = tempfile::tempdir().unwrap();
        let mut machine = StateMachine::open(temp.path(), FolderLock::default()).unwrap();
        let garbage = EncodedBatch(Bytes::from_static(&[0xff; 9]));
        assert!(machine.apply_batch(1, &garbage).is_err());
    }
}
