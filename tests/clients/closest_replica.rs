//! Consumers of other makes that read from the replica in their rack (KIP-392).

use std::fs;

use klamm_tests::Cluster;

use crate::foreign::{Client, java_logging, kcat};
use crate::kafka_tools::{CONSOLE_CONSUMER, fill};
use crate::process::{TOOL_TIMEOUT, run};

const TOPIC: &str = "racked";
const RECORDS: u32 = 20;

/// The Java client says at this level which replica it reads from.
const LOGGING: &str = "
appender.stderr.type = Console
appender.stderr.name = stderr
appender.stderr.target = SYSTEM_ERR
appender.stderr.layout.type = PatternLayout
appender.stderr.layout.pattern = %m%n
rootLogger.level = WARN
rootLogger.appenderRef.stderr.ref = stderr
logger.fetches.name = org.apache.kafka.clients.consumer.internals
logger.fetches.level = DEBUG
";

fn rack(id: i32) -> String {
    format!("rack-{id}")
}

/// A cluster of a rack for each broker, and a topic with records.
fn racked() -> Cluster {
    let cluster = Cluster::builder(3)
        .property(
            "replica.selector.class",
            "org.apache.kafka.common.replica.RackAwareReplicaSelector",
        )
        .create();
    for id in cluster.broker_ids() {
        cluster.set_property(id, "broker.rack", &rack(id));
    }
    cluster.restart_all(&cluster.broker_ids());
    cluster.wait_ready();
    cluster.create_topic(TOPIC, 1);
    cluster
}

#[test]
fn consumers_read_from_the_replica_in_their_rack() {
    let clients = [Client::Java, Client::Kcat];
    let here: Vec<Client> = clients.into_iter().filter(|one| one.is_here()).collect();
    if !here.contains(&Client::Java) {
        return;
    }
    let cluster = racked();
    fill(&cluster, TOPIC, RECORDS, 100);
    let leader = cluster.leader(TOPIC, 0);
    let closest = leader % 3 + 1;
    let count = RECORDS.to_string();
    let logging = tempfile::Builder::new().suffix(".properties").tempfile();
    let logging = logging.expect("create a file");
    fs::write(logging.path(), LOGGING).expect("write a file");
    for client in here {
        let rack = format!("client.rack={}", rack(closest));
        let (mut command, told) = match client {
            Client::Java => {
                let mut command = java_logging(CONSOLE_CONSUMER, logging.path());
                command
                    .args(["--bootstrap-server", &cluster.bootstrap()])
                    .args(["--topic", TOPIC, "--from-beginning"])
                    .args(["--max-messages", &count, "--command-property", &rack]);
                let told = format!("preferred read replica for partition {TOPIC}-0 to {closest}");
                (command, told)
            }
            _ => {
                let mut command = kcat();
                command
                    .args(["-C", "-b", &cluster.bootstrap(), "-t", TOPIC, "-c", &count])
                    .args(["-o", "beginning", "-X", &rack, "-X", "debug=fetch,topic"]);
                let told = format!("to {closest} (leader is {leader}): preferred replica");
                (command, told)
            }
        };
        let (records, said) = run(&mut command, None, TOOL_TIMEOUT).text_and_complaints();
        assert_eq!(records.lines().count(), RECORDS as usize, "{client:?}");
        assert!(said.contains(&told), "{client:?} says no {told:?}:\n{said}");
    }
}
