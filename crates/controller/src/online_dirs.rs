//! Which replicas have a log directory to live in (rule 93).

use klamm_metadata::{Image, Partition};
use klamm_types::{BrokerId, Uuid};

/// The log directories that are online.
#[derive(Clone, Copy)]
pub struct OnlineDirs<'a> {
    image: &'a Image,
    failed: Option<(BrokerId, &'a [Uuid])>,
}

impl<'a> OnlineDirs<'a> {
    /// As the image has them.
    pub fn of(image: &'a Image) -> OnlineDirs<'a> {
        let failed = None;
        OnlineDirs { image, failed }
    }

    /// Without those of a broker that have just failed.
    pub fn without(self, broker: BrokerId, dirs: &'a [Uuid]) -> OnlineDirs<'a> {
        let failed = Some((broker, dirs));
        OnlineDirs { failed, ..self }
    }

    /// Whether a replica's directory is online, as far as is known.
    pub fn has(self, partition: &Partition, id: BrokerId) -> bool {
        let has_failed = self.failed.is_some_and(|(broker, dirs)| {
            let directory = partition.directory(id);
            broker == id && directory.is_some_and(|directory| dirs.contains(&directory))
        });
        !has_failed && self.image.has_directory(partition, id)
    }
}
