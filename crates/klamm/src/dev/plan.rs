//! What a development cluster will look like, decided before anything is started.

use super::DevArgs;
use crate::failure::{Context, Failure};
use klamm_config::{ServerConfig, properties};
use std::{collections::BTreeMap, path::PathBuf};

/// More would only get in each other's way on one machine.
pub(super) const NODES_MAX: u16 = 9;

/// Controllers that vote, if there are enough nodes: they survive the loss of one.
const VOTERS_MAX: u16 = 3;

/// Controllers listen so many ports above the brokers.
const CONTROLLER_PORT_DISTANCE: u16 = 100;

/// Partitions have as many replicas if there are enough nodes.
const REPLICATION_FACTOR_MAX: u16 = 3;

/// A development cluster.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) data: PathBuf,
    pub(super) host: String,
    pub(super) nodes: Vec<NodePlan>,
}

/// One of its nodes.
#[derive(Debug)]
pub(super) struct NodePlan {
    pub(super) id: u16,
    pub(super) port: u16,
    /// `None`: only a broker.
    pub(super) controller_port: Option<u16>,
    pub(super) properties: BTreeMap<String, String>,
}

impl Plan {
    /// Decides the ports and the settings, and checks the latter.
    pub(super) fn new(args: &DevArgs) -> Result<Plan, Failure> {
        std::fs::create_dir_all(&args.data).context(format!("create {}", args.data.display()))?;
        let data = args
            .data
            .canonicalize()
            .context(format!("find {}", args.data.display()))?;
        super::layout::check_node_count(&data, args.nodes)?;
        let mut plan = Plan {
            data,
            host: args.host.clone(),
            nodes: (1..=args.nodes).map(|id| node_ports(id, args)).collect(),
        };
        let voters = plan.voters();
        for index in 0..plan.nodes.len() {
            let mut properties = plan.node_properties(index, &voters);
            for text in &args.overrides {
                let (key, value) = properties::parse_override(text)
                    .map_err(|error| Failure::new(error.to_string()))?;
                properties.insert(key, value);
            }
            let checked = ServerConfig::from_properties(&properties);
            let (_, warnings) = checked.map_err(|error| Failure::new(error.to_string()))?;
            if index == 0 {
                warnings
                    .iter()
                    .for_each(|warning| eprintln!("warning: {warning}"));
            }
            plan.nodes[index].properties = properties;
        }
        Ok(plan)
    }

    /// Where clients connect first.
    pub(super) fn bootstrap(&self) -> String {
        let addresses = self
            .nodes
            .iter()
            .map(|node| format!("{}:{}", self.host, node.port));
        addresses.collect::<Vec<_>>().join(",")
    }

    fn voters(&self) -> String {
        let voters = self.nodes.iter().filter_map(|node| {
            Some(format!(
                "{}@{}:{}",
                node.id, self.host, node.controller_port?
            ))
        });
        voters.collect::<Vec<_>>().join(",")
    }

    fn node_properties(&self, index: usize, voters: &str) -> BTreeMap<String, String> {
        let node = &self.nodes[index];
        let broker = format!("PLAINTEXT://{}:{}", self.host, node.port);
        let (roles, listeners) = match node.controller_port {
            Some(port) => (
                "broker,controller",
                format!("{broker},CONTROLLER://{}:{port}", self.host),
            ),
            None => ("broker", broker.clone()),
        };
        let replicas = (self.nodes.len() as u16).min(REPLICATION_FACTOR_MAX);
        let in_sync = (replicas - 1).max(1).to_string();
        let replicas = replicas.to_string();
        let data = layout_data_dir(self, node.id);
        [
            ("process.roles", roles),
            ("node.id", &node.id.to_string()),
            ("controller.quorum.voters", voters),
            ("controller.listener.names", "CONTROLLER"),
            ("listeners", &listeners),
            ("advertised.listeners", &broker),
            ("inter.broker.listener.name", "PLAINTEXT"),
            ("log.dirs", &data),
            ("default.replication.factor", &replicas),
            ("min.insync.replicas", &in_sync),
            ("offsets.topic.replication.factor", &replicas),
            ("transaction.state.log.replication.factor", &replicas),
            ("transaction.state.log.min.isr", &in_sync),
            // Whoever develops restarts consumers all day and waits for each.
            ("group.initial.rebalance.delay.ms", "0"),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into()
    }
}

fn layout_data_dir(plan: &Plan, id: u16) -> String {
    super::layout::NodeDir::new(&plan.data, id)
        .data()
        .display()
        .to_string()
}

fn node_ports(id: u16, args: &DevArgs) -> NodePlan {
    let port = args.port + id - 1;
    let voters = if args.nodes < VOTERS_MAX {
        1
    } else {
        VOTERS_MAX
    };
    NodePlan {
        id,
        port,
        controller_port: (id <= voters).then_some(port + CONTROLLER_PORT_DISTANCE),
        properties: BTreeMap::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(nodes: u16, overrides: &[&str]) -> Result<Plan, Failure> {
        let folder = tempfile::tempdir().unwrap();
        Plan::new(&DevArgs {
            data: folder.path().join("data"),
            nodes,
            port: 9092,
            host: "127.0.0.1".to_owned(),
            overrides: overrides.iter().map(|text| text.to_string()).collect(),
            exit_with_parent: false,
            request: None,
        })
    }

    #[test]
    fn three_nodes_vote_and_replicate() {
        let plan = plan(3, &[]).unwrap();
        assert_eq!(
            plan.bootstrap(),
            "127.0.0.1:9092,127.0.0.1:9093,127.0.0.1:9094"
        );
        let (config, warnings) = ServerConfig::from_properties(&plan.nodes[2].properties).unwrap();
        assert!(warnings.is_empty());
        assert_eq!(config.quorum.voters.len(), 3);
        assert_eq!(config.network.controller_listeners[0].port, 9194);
        assert_eq!(config.log.default_replication_factor, 3);
        assert_eq!(config.topic_defaults.min_insync_replicas, 2);
    }

    #[test]
    fn few_nodes_have_one_voter_and_many_have_three() {
        for (nodes, voters) in [(1, 1), (2, 1), (5, 3)] {
            let plan = plan(nodes, &[]).unwrap();
            let last = &plan.nodes[usize::from(nodes) - 1].properties;
            let (config, _) = ServerConfig::from_properties(last).unwrap();
            assert_eq!(config.quorum.voters.len(), voters, "{nodes} nodes");
            assert_eq!(config.roles.controller, usize::from(nodes) <= voters);
        }
    }

    #[test]
    fn overrides_are_checked() {
        let error = plan(1, &["num.partitions=none"]).unwrap_err().to_string();
        assert!(error.contains("num.partitions=none"), "{error}");
        assert_eq!(
            plan(1, &["num.partitions=6"]).unwrap().nodes[0].properties["num.partitions"],
            "6"
        );
    }
}
