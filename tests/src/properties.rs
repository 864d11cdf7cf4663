//! The `server.properties` of a test node, in the words of Apache Kafka's own file.

use std::path::PathBuf;

use crate::node::NodeAddress;

/// What a node's properties are made from.
#[derive(Debug)]
pub(crate) struct NodeSpec<'a> {
    pub(crate) address: NodeAddress,
    /// It is none of the voters, and asks them.
    pub(crate) joins: bool,
    pub(crate) voters: &'a [NodeAddress],
    pub(crate) brokers: usize,
    pub(crate) data_dirs: &'a [PathBuf],
    pub(crate) extra: &'a [(String, String)],
}

/// Renders the file; `extra` wins over the defaults.
pub(crate) fn server_properties(spec: &NodeSpec<'_>) -> String {
    let mut properties = defaults(spec);
    for (key, value) in spec.extra {
        properties.retain(|(name, _)| name != key);
        properties.push((key.clone(), value.clone()));
    }
    let mut text = String::new();
    for (key, value) in properties {
        text.push_str(&format!("{key}={value}\n"));
    }
    text
}

fn defaults(spec: &NodeSpec<'_>) -> Vec<(String, String)> {
    let replication_factor = spec.brokers.min(3).to_string();
    let min_isr = spec.brokers.min(3).div_ceil(2).to_string();
    let controllers = spec.voters.iter();
    let controllers = controllers.filter_map(|voter| Some((voter.id, voter.controller_port?)));
    let controllers: Vec<String> = match spec.joins {
        true => controllers
            .map(|(_, port)| format!("127.0.0.1:{port}"))
            .collect(),
        false => controllers
            .map(|(id, port)| format!("{id}@127.0.0.1:{port}"))
            .collect(),
    };
    let quorum = match spec.joins {
        true => "controller.quorum.bootstrap.servers",
        false => "controller.quorum.voters",
    };
    let broker = spec
        .address
        .broker_port
        .map(|port| format!("PLAINTEXT://127.0.0.1:{port}"));
    let controller = spec
        .address
        .controller_port
        .map(|port| format!("CONTROLLER://127.0.0.1:{port}"));
    let roles: Vec<&str> = [
        broker.as_ref().map(|_| "broker"),
        controller.as_ref().map(|_| "controller"),
    ]
    .into_iter()
    .flatten()
    .collect();
    let listeners: Vec<String> = broker.clone().into_iter().chain(controller).collect();
    let log_dirs: Vec<String> = (spec.data_dirs.iter())
        .map(|dir| dir.display().to_string())
        .collect();
    let mut properties = vec![
        ("process.roles", roles.join(",")),
        ("node.id", spec.address.id.to_string()),
        (quorum, controllers.join(",")),
        ("listeners", listeners.join(",")),
        (
            "listener.security.protocol.map",
            "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT".to_owned(),
        ),
        ("controller.listener.names", "CONTROLLER".to_owned()),
        ("log.dirs", log_dirs.join(",")),
        ("default.replication.factor", replication_factor.clone()),
        ("min.insync.replicas", min_isr.clone()),
        (
            "offsets.topic.replication.factor",
            replication_factor.clone(),
        ),
        (
            "transaction.state.log.replication.factor",
            replication_factor,
        ),
        ("transaction.state.log.min.isr", min_isr),
        ("group.initial.rebalance.delay.ms", "0".to_owned()),
        // Who is alive must not seem dead when many tests share few cores. Processes that die are found by their
        // connections, as ever.
        ("controller.quorum.election.timeout.ms", "2000".to_owned()),
        ("broker.session.timeout.ms", "6000".to_owned()),
    ];
    if let Some(broker) = broker {
        properties.push(("advertised.listeners", broker));
        properties.push(("inter.broker.listener.name", "PLAINTEXT".to_owned()));
    }
    properties
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .collect()
}
