//! `klamm storage`.
use crate::failure::Failure;

/// Storage.
#[derive(clap::Args)]
pub(crate) struct StorageArgs {}

pub(crate) fn run(_: &StorageArgs) -> Result<(), Failure> {
    Ok(())
}
