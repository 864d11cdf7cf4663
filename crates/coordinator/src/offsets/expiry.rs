//! Which offsets and groups have outlived their use (rule 107).

use crate::{
    GroupConfig, OffsetAndMetadata, Record, group::ClassicGroup, image::GroupImage,
    offsets::group_tombstones, records::offset_tombstone,
};
use klamm_protocol::EncodeError;
use std::collections::BTreeMap;

/// What expires of one group.
pub(crate) struct ExpiredGroup {
    pub(crate) group_id: String,
    /// Tombstones.
    pub(crate) records: Result<Vec<Record>, EncodeError>,
    /// Whether nothing is left of the group.
    pub(crate) is_gone: bool,
}

/// Since when an offset has been of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum UnusedSince {
    /// Since it was committed.
    Commit,
    /// Since the group became empty.
    Empty(i64),
    /// It is in use.
    Never,
}

/// Everything that has expired at `wall_ms`, group by group.
pub(crate) fn expired(
    image: &GroupImage,
    groups: &BTreeMap<String, ClassicGroup>,
    config: &GroupConfig,
    wall_ms: i64,
) -> Vec<ExpiredGroup> {
    let expiry = Expiry { config, wall_ms };
    let groups = groups.iter();
    groups
        .filter_map(|(group_id, group)| expiry.of_group(image, group_id, group))
        .collect()
}

struct Expiry<'a> {
    config: &'a GroupConfig,
    wall_ms: i64,
}

impl Expiry<'_> {
    fn of_group(
        &self,
        image: &GroupImage,
        group_id: &str,
        group: &ClassicGroup,
    ) -> Option<ExpiredGroup> {
        let mut expired = Vec::new();
        let mut alive = 0_usize;
        for (topic, partitions) in image.offsets(group_id).into_iter().flatten() {
            let since = unused_since(group, topic);
            for (partition, offset) in partitions {
                match self.is_expired(offset, since) {
                    true => expired.push((topic, *partition)),
                    false => alive += 1,
                }
            }
        }
        let is_gone = alive == 0 && group.is_idle();
        if !is_gone && expired.is_empty() {
            return None;
        }
        let records = match is_gone {
            true => group_tombstones(image, group_id),
            false => expired
                .into_iter()
                .map(|(topic, partition)| offset_tombstone(group_id, topic, partition))
                .collect(),
        };
        Some(ExpiredGroup {
            group_id: group_id.to_owned(),
            records,
            is_gone,
        })
    }

    fn is_expired(&self, offset: &OffsetAndMetadata, since: UnusedSince) -> bool {
        let since_ms = match since {
            UnusedSince::Never => return false,
            UnusedSince::Commit => offset.commit_timestamp_ms,
            UnusedSince::Empty(since_ms) => since_ms,
        };
        match offset.expire_timestamp_ms {
            Some(expire_timestamp_ms) => self.wall_ms >= expire_timestamp_ms,
            None => self.wall_ms.saturating_sub(since_ms) >= self.config.offsets_retention_ms,
        }
    }
}

fn unused_since(group: &ClassicGroup, topic: &str) -> UnusedSince {
    if group.protocol_type().is_none() {
        return UnusedSince::Commit;
    }
    if group.is_empty() {
        let since_ms = group.state_timestamp_ms();
        return since_ms.map_or(UnusedSince::Commit, UnusedSince::Empty);
    }
    match group.subscribed_topics() {
        Some(topics) if group.is_stable() && !topics.contains(topic) => UnusedSince::Commit,
        _ => UnusedSince::Never,
    }
}
