//! Committed offsets: commit, fetch, delete and expiry.

mod commit;
mod delete;
mod expiry;
mod fetch;

pub(crate) use commit::{commit_error, commit_offsets};
pub(crate) use delete::{delete_group, delete_offsets, deleted_topics};
pub(crate) use expiry::expired;
pub(crate) use fetch::fetch_offsets;

use crate::{
    Record,
    image::GroupImage,
    records::{group_tombstone, offset_tombstone},
};
use klamm_protocol::EncodeError;

/// The tombstones of a group and all of its offsets: nothing of it stays in the log.
pub(crate) fn group_tombstones(
    image: &GroupImage,
    group_id: &str,
) -> Result<Vec<Record>, EncodeError> {
    let mut records = Vec::new();
    for (topic, partitions) in image.offsets(group_id).into_iter().flatten() {
        for partition in partitions.keys() {
            records.push(offset_tombstone(group_id, topic, *partition)?);
        }
    }
    if image.groups().contains_key(group_id) {
        records.push(group_tombstone(group_id)?);
    }
    Ok(records)
}
