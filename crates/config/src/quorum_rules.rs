//! Rules across the properties that say who the controllers are.

use crate::{
    error::ConfigError,
    listener::{self, Listener},
    quorum_voters::{self, HostPort, QuorumVoter},
    server_config::{ProcessRoles, Values},
    server_settings::NetworkSettings,
};
use klamm_types::BrokerId;

/// The voters that found the cluster, and the bootstrap servers.
///
/// A controller whose only bootstrap server is itself is a quorum by itself, as Kafka's
/// `server.properties` starts it. One that names others joins their cluster.
pub(crate) fn voters(
    values: &Values<'_>,
    node_id: BrokerId,
    roles: ProcessRoles,
    network: &NetworkSettings,
) -> Result<(Vec<QuorumVoter>, Vec<HostPort>), ConfigError> {
    const KEY: &str = "controller.quorum.voters";
    const BOOTSTRAP_KEY: &str = "controller.quorum.bootstrap.servers";
    let text = values.text(KEY).unwrap_or_default();
    let voters = quorum_voters::parse_voters(text)?;
    let bootstrap_text = values.text(BOOTSTRAP_KEY).unwrap_or_default();
    let bootstrap_servers = quorum_voters::parse_bootstrap_servers(bootstrap_text)?;
    let is_voter = voters.iter().any(|voter| voter.node_id == node_id);
    if voters.is_empty() {
        return match (roles.controller, bootstrap_servers.as_slice()) {
            (_, []) => Err(ConfigError::Missing {
                key: KEY,
                needed: "it must list the controllers as id@host:port, such as 1@localhost:9093"
                    .to_owned(),
            }),
            (true, [endpoint]) if is_own(endpoint, network) => {
                let alone = QuorumVoter {
                    node_id,
                    endpoint: endpoint.clone(),
                };
                Ok((vec![alone], bootstrap_servers))
            }
            _ => Ok((voters, bootstrap_servers)),
        };
    }
    if is_voter != roles.controller {
        let allowed = if roles.controller {
            "a node with the controller role must be one of the voters; one that joins a cluster names controller.quorum.bootstrap.servers instead"
        } else {
            "a node with only the broker role must not be one of the voters"
        };
        return Err(ConfigError::Conflict {
            key: "node.id",
            value: node_id.to_string(),
            other_key: KEY,
            other_value: text.to_owned(),
            allowed: allowed.to_owned(),
        });
    }
    Ok((voters, bootstrap_servers))
}

/// Whether a controller of this configuration listens there.
fn is_own(endpoint: &HostPort, network: &NetworkSettings) -> bool {
    const HERE: [&str; 3] = ["localhost", "127.0.0.1", "::1"];
    let advertised = network.advertised_controller_listener.iter();
    let mut own = network.controller_listeners.iter().chain(advertised);
    own.any(|listener| {
        listener.port == endpoint.port
            && (listener.host == endpoint.host || HERE.contains(&endpoint.host.as_str()))
    })
}

/// What a controller advertises: `advertised.listeners` for its first listener, or that itself.
pub(crate) fn advertised_controller(
    values: &Values<'_>,
    controller_listeners: &[Listener],
) -> Result<Option<Listener>, ConfigError> {
    const KEY: &str = "advertised.listeners";
    let Some(first) = controller_listeners.first() else {
        return Ok(None);
    };
    let text = values.text(KEY).unwrap_or_default();
    let advertised = listener::parse_listeners(KEY, text)?;
    let own = advertised.into_iter().find(|own| own.name == first.name);
    Ok(Some(own.unwrap_or_else(|| first.clone())))
}
