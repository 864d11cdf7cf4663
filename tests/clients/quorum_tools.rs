//! Kafka's tools for the controllers: who votes, and how that changes.

use klamm_tests::Cluster;

use crate::foreign::Client;
use crate::kafka_tools::{assert_contains, tool};

const QUORUM: &str = "org.apache.kafka.tools.MetadataQuorumCommand";
const FEATURES: &str = "org.apache.kafka.tools.FeatureCommand";
const CLUSTER: &str = "org.apache.kafka.tools.ClusterTool";

/// How often a tool is asked that takes seconds itself.
const LOOKS: usize = 15;

#[test]
fn a_controller_is_added_and_removed_by_the_quorum_tool() {
    if !Client::Java.is_here() {
        return;
    }
    let cluster = Cluster::builder(3).joining_nodes(1).start();
    let quorum = |arguments: &[&str]| tool(&cluster, QUORUM, arguments);
    let endpoint = |id| format!("CONTROLLER://{}", cluster.controller_address(id));

    let mut status = String::new();
    let has_folders = (0..LOOKS).any(|_| {
        status = quorum(&["describe", "--status"]).text();
        status.matches("directoryId").count() == 3
    });
    assert!(has_folders, "{status}");
    assert_contains(
        &status,
        &["LeaderId:", "MaxFollowerLag:", "MaxFollowerLagTimeMs:"],
    );
    for id in 1..=3 {
        assert_contains(&status, &[&endpoint(id)]);
    }

    cluster.restart(4);
    let replication = || quorum(&["describe", "--replication"]).text();
    let role_of_4 = |text: &str| {
        let mut lines = text.lines().map(|line| line.split_whitespace());
        let line = lines.find(|line| line.clone().next() == Some("4"))?;
        let fields: Vec<&str> = line.collect();
        Some((fields.get(1)?.to_string(), fields.last()?.to_string()))
    };
    let mut seen = String::new();
    let observes = (0..LOOKS).any(|_| {
        seen = replication();
        role_of_4(&seen).is_some_and(|(directory, role)| {
            role == "Observer" && Some(directory) == directory_of_4(&cluster)
        })
    });
    assert!(observes, "{seen}");

    let config = cluster.node_dir(4).join("server.properties");
    let config = config.to_str().unwrap();
    let added = quorum(&["--command-config", config, "add-controller"]).text();
    let directory = directory_of_4(&cluster).unwrap();
    assert_contains(&added, &["Added controller 4", &directory, &endpoint(4)]);
    let status = quorum(&["describe", "--status"]).text();
    assert_contains(&status, &[&endpoint(4), &directory]);
    let again = quorum(&["--command-config", config, "add-controller"]).refusal();
    assert_contains(&again, &["DuplicateVoterException"]);

    let removal = |directory: &str| {
        let arguments = "remove-controller --controller-id 4 --controller-directory-id";
        let arguments: Vec<&str> = arguments.split(' ').chain([directory]).collect();
        quorum(&arguments)
    };
    let other = removal("AAAAAAAAAAAAAAAAAAAAAQ").refusal();
    assert_contains(&other, &["VoterNotFoundException"]);
    assert_contains(&removal(&directory).text(), &["Removed", "4", &directory]);
    let status = quorum(&["describe", "--status"]).text();
    assert_eq!(status.matches("CONTROLLER://").count(), 3, "{status}");

    let id = tool_of_the_cluster(&cluster, "cluster-id");
    assert_contains(&id, &["Cluster ID:"]);
    assert_contains(&status, &[id.trim().rsplit(' ').next().unwrap()]);
}

#[test]
fn feature_levels_are_told_and_changed() {
    if !Client::Java.is_here() {
        return;
    }
    let cluster = Cluster::start(1);
    let features = |arguments: &str| {
        let arguments: Vec<&str> = arguments.split(' ').collect();
        tool(&cluster, FEATURES, &arguments)
    };
    let described = features("describe").text();
    let line = |name: &str| {
        let mut lines = described.lines().filter(|line| line.contains(name));
        let line = lines.next().unwrap_or_else(|| panic!("{described}"));
        line.split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_contains(
        &line("klamm.version"),
        &["SupportedMinVersion: 1 SupportedMaxVersion: 2 FinalizedVersionLevel: 2"],
    );
    assert_contains(
        &line("kraft.version"),
        &["SupportedMinVersion: 0 SupportedMaxVersion: 1 FinalizedVersionLevel: 1"],
    );
    let refused = features("downgrade --feature klamm.version=1").refusal();
    assert_contains(&refused, &["not safe to leave"]);
    let tried = features("downgrade --unsafe --dry-run --feature klamm.version=1").text();
    assert_contains(&tried, &["can be downgraded to 1"]);
    let lowered = features("downgrade --unsafe --feature klamm.version=1").text();
    assert_contains(&lowered, &["was downgraded to 1"]);
    let refused = features("upgrade --feature klamm.version=3").refusal();
    assert_contains(&refused, &["only supports versions 1-2"]);
    let raised = features("upgrade --feature klamm.version=2").text();
    assert_contains(&raised, &["was upgraded to 2"]);
}

/// As `meta.properties` says, where `kafka-metadata-quorum.sh` finds it.
fn directory_of_4(cluster: &Cluster) -> Option<String> {
    let path = cluster.data_dir(4)?.join("meta.properties");
    let text = std::fs::read_to_string(path).ok()?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("directory.id="))?;
    Some(line.replace('\\', ""))
}

fn tool_of_the_cluster(cluster: &Cluster, command: &str) -> String {
    let mut java = crate::foreign::java(CLUSTER);
    java.args([command, "--bootstrap-server", &cluster.bootstrap()]);
    crate::process::run(&mut java, None, crate::process::TOOL_TIMEOUT).text()
}
