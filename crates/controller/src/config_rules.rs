//! What the controller asks of those who know the configs' names, types and rules.

use crate::Refusal;
use klamm_metadata::{ConfigResource, Configs};

/// Knows the configs that resources can have.
pub trait ConfigRules {
    /// The value that a config has where the resource itself sets none, its elements by comma;
    /// `None` if the config is no list.
    fn list_default(
        &self,
        resource: &ConfigResource,
        name: &str,
        of_all_brokers: &Configs,
    ) -> Option<String>;

    /// Judges what would be set.
    ///
    /// # Errors
    /// What is wrong, with the code that clients are told.
    fn check(&self, proposed: &ProposedConfigs) -> Result<(), Refusal>;
}

/// The configs of a resource as they would be.
#[derive(Clone, Copy, Debug)]
pub struct ProposedConfigs<'a> {
    /// Whose.
    pub resource: &'a ConfigResource,
    /// Everything that would be set on it.
    pub configs: &'a Configs,
    /// Those that the request sets.
    pub changed: &'a [&'a str],
    /// What is set for all brokers, which topics and brokers inherit.
    pub of_all_brokers: &'a Configs,
}
