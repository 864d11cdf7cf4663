//! The data folders of a node.
use crate::failure::Failure;
use klamm_config::ServerConfig;

pub(crate) fn prepare(_config: &ServerConfig, given: Option<String>) -> Result<Option<String>, Failure> {
    Ok(given)
}
