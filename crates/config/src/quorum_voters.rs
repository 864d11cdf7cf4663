//! The controllers: who votes, and where they listen.

use crate::{config_value::list_elements, error::ConfigError, listener::split_host_port};
use klamm_types::BrokerId;
use std::fmt;

/// A host and a port.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HostPort {
    /// A host name or address, without brackets; never empty.
    pub host: String,
    /// The port, from 1.
    pub port: u16,
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// A controller that votes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuorumVoter {
    /// Its `node.id`.
    pub node_id: BrokerId,
    /// Where the others reach it.
    pub endpoint: HostPort,
}

impl fmt::Display for QuorumVoter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.node_id, self.endpoint)
    }
}

/// Parses `controller.quorum.voters`: `id@host:port` for each.
pub(crate) fn parse_voters(value: &str) -> Result<Vec<QuorumVoter>, ConfigError> {
    const KEY: &str = "controller.quorum.voters";
    let mut voters: Vec<QuorumVoter> = Vec::new();
    for element in list_elements(value) {
        let voter = parse_voter(element).ok_or_else(|| {
            let allowed = format!("{element} is not id@host:port, such as 1@localhost:9093");
            ConfigError::invalid(KEY, value, allowed)
        })?;
        if voters.iter().any(|other| other.node_id == voter.node_id) {
            let allowed = format!(
                "each voter needs an id of its own, not {} twice",
                voter.node_id
            );
            return Err(ConfigError::invalid(KEY, value, allowed));
        }
        voters.push(voter);
    }
    Ok(voters)
}

fn parse_voter(text: &str) -> Option<QuorumVoter> {
    let (id, endpoint) = text.split_once('@')?;
    let id: i32 = id.trim().parse().ok().filter(|id| *id >= 0)?;
    Some(QuorumVoter {
        node_id: BrokerId(id),
        endpoint: parse_host_port(endpoint)?,
    })
}

fn parse_host_port(text: &str) -> Option<HostPort> {
    let (host, port) = split_host_port(text.trim())?;
    (!host.is_empty() && port != 0).then_some(HostPort { host, port })
}

/// Parses `controller.quorum.bootstrap.servers`: `host:port` for each.
pub(crate) fn parse_bootstrap_servers(value: &str) -> Result<Vec<HostPort>, ConfigError> {
    list_elements(value)
        .map(|element| {
            parse_host_port(element).ok_or_else(|| {
                let allowed = format!("{element} is not host:port, such as localhost:9093");
                ConfigError::invalid("controller.quorum.bootstrap.servers", value, allowed)
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn voters_parse_and_print() {
        let text = "1@localhost:9093,2@10.0.0.2:9093,3@[::1]:9093";
        let voters = parse_voters(text).unwrap();
        let printed: Vec<String> = voters.iter().map(ToString::to_string).collect();
        assert_eq!(printed.join(","), text);
        assert_eq!(voters[2].node_id, BrokerId(3));
        assert_eq!(voters[2].endpoint.host, "::1");
    }

    #[test]
    fn malformed_voters_name_the_key() {
        for text in [
            "localhost:9093",
            "1@localhost",
            "x@h:1",
            "-1@h:1",
            "1@:9093",
            "1@h:0",
            "1@h:1,1@g:1",
        ] {
            let message = parse_voters(text).unwrap_err().to_string();
            assert!(
                message.starts_with(&format!("controller.quorum.voters={text}")),
                "{message}"
            );
        }
        assert!(parse_bootstrap_servers("localhost").is_err());
    }
}
