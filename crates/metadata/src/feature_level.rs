//! Feature levels: what the nodes of a cluster may write, so that all of them can read it.
//!
//! The level that is in force stands in the metadata, as the feature [`KLAMM_VERSION`]. A node
//! supports a range of levels. Nothing that came with a level is written below it, and a node
//! that does not support the level in force does not take part. A cluster that was made before
//! there were levels is at the first one.
//!
//! One thing is written below its level, because the next level depends on it: which levels a node
//! supports. Who does not tell, or whose word an older node has dropped, supports the first alone.

use crate::{
    Image,
    proto::{self, record::Kind},
};
use std::fmt;

/// The feature whose level this is.
pub const KLAMM_VERSION: &str = "klamm.version";

/// The feature of Kafka that says whether voters can change: it follows from the level.
pub const KRAFT_VERSION: &str = "kraft.version";

/// The level of clusters that know no levels.
pub const FIRST_LEVEL: i32 = 1;

/// Voters are known by their folders, and controllers may leave.
pub const VOTERS_LEVEL: i32 = 2;

/// A level and what came with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level {
    /// Its number; each is one above the one before.
    pub number: i32,
    /// What came with it, for people.
    pub brought: &'static str,
    /// Going back below it loses what may have been written meanwhile.
    pub is_lossy: bool,
}

/// Every level of this release.
pub const LEVELS: &[Level] = &[
    Level {
        number: FIRST_LEVEL,
        brought: "everything of the first releases",
        is_lossy: false,
    },
    Level {
        number: VOTERS_LEVEL,
        brought: "controllers are added and removed at run time; voters are known by their folders",
        is_lossy: true,
    },
];

/// The levels that a node supports, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LevelRange {
    /// The lowest.
    pub min: i32,
    /// The highest.
    pub max: i32,
}

impl LevelRange {
    /// What this release supports.
    pub const SUPPORTED: LevelRange = LevelRange {
        min: FIRST_LEVEL,
        max: VOTERS_LEVEL,
    };

    /// The same up to `max`, but never nothing.
    pub fn up_to(self, max: i32) -> LevelRange {
        LevelRange {
            min: self.min,
            max: self.max.min(max).max(self.min),
        }
    }

    /// Whether the level is one of them.
    pub fn contains(self, level: i32) -> bool {
        (self.min..=self.max).contains(&level)
    }
}

impl Default for LevelRange {
    /// Of nodes that do not tell.
    fn default() -> LevelRange {
        LevelRange {
            min: FIRST_LEVEL,
            max: FIRST_LEVEL,
        }
    }
}

impl fmt::Display for LevelRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.min, self.max)
    }
}

impl From<Option<proto::LevelRange>> for LevelRange {
    fn from(range: Option<proto::LevelRange>) -> LevelRange {
        range.map_or_else(LevelRange::default, |range| LevelRange {
            min: range.min,
            max: range.max,
        })
    }
}

impl From<LevelRange> for Option<proto::LevelRange> {
    fn from(range: LevelRange) -> Option<proto::LevelRange> {
        let LevelRange { min, max } = range;
        (range != LevelRange::default()).then_some(proto::LevelRange { min, max })
    }
}

/// The level of [`KRAFT_VERSION`] that a level of the cluster stands for.
pub fn kraft_version(level: i32) -> i32 {
    i32::from(level >= VOTERS_LEVEL)
}

/// The level that a record came with.
pub fn level_of(record: &proto::Record) -> i32 {
    match record.kind {
        Some(
            Kind::Cluster(_)
            | Kind::RegisterBroker(_)
            | Kind::BrokerChange(_)
            | Kind::UnregisterBroker(_)
            | Kind::Topic(_)
            | Kind::Partition(_)
            | Kind::PartitionChange(_)
            | Kind::RemoveTopic(_)
            | Kind::Config(_)
            | Kind::ProducerIds(_)
            | Kind::HighWatermarkFloor(_)
            | Kind::FeatureLevel(_)
            | Kind::RegisterController(_),
        ) => FIRST_LEVEL,
        Some(Kind::UnregisterController(_)) => VOTERS_LEVEL,
        None => i32::MAX,
    }
}

impl Image {
    /// The level that is in force.
    pub fn level(&self) -> i32 {
        let level = self.features().get(KLAMM_VERSION);
        level.copied().unwrap_or(FIRST_LEVEL)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_follow_one_another() {
        let numbers: Vec<i32> = LEVELS.iter().map(|level| level.number).collect();
        let LevelRange { min, max } = LevelRange::SUPPORTED;
        assert_eq!(numbers, (min..=max).collect::<Vec<_>>());
    }

    #[test]
    fn records_name_the_level_that_they_came_with() {
        let left = proto::UnregisterControllerRecord { controller_id: 1 };
        assert_eq!(level_of(&left.into()), VOTERS_LEVEL);
        assert_eq!(level_of(&proto::TopicRecord::default().into()), FIRST_LEVEL);
        assert_eq!(level_of(&proto::Record { kind: None }), i32::MAX);
    }

    #[test]
    fn a_range_is_never_empty_and_the_silent_support_the_first() {
        let supported = LevelRange::SUPPORTED;
        assert_eq!(supported.up_to(i32::MAX), supported);
        assert_eq!(supported.up_to(1), LevelRange::default());
        assert_eq!(supported.up_to(-5), LevelRange::default());
        assert_eq!(LevelRange::from(None), LevelRange::default());
        assert_eq!(
            Option::from(LevelRange::default()),
            None::<proto::LevelRange>
        );
        assert_eq!(LevelRange::from(Option::from(supported)), supported);
        assert_eq!(Image::new().level(), FIRST_LEVEL);
    }
}
