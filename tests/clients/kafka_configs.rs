//! Apache Kafka's tool for settings, and how its tool for topics shows them.

use crate::foreign::Client;
use crate::kafka_tools::{TOPICS, assert_contains, tool};
use crate::{shared_cluster, unique};

const CONFIGS: &str = "kafka.admin.ConfigCommand";

#[test]
fn configs_of_topics_and_brokers_are_described() {
    if !Client::Java.is_here() {
        return;
    }
    let cluster = shared_cluster();
    let _logs = cluster.logs_on_panic();
    let topic = unique("tools-config");
    cluster.create_topic(&topic, 1);
    let describe = ["--describe", "--all", "--entity-type"];
    let of_topic = tool(
        cluster,
        CONFIGS,
        &[&describe[..], &["topics", "--entity-name", &topic]].concat(),
    )
    .text();
    assert_contains(
        &of_topic,
        &[
            "cleanup.policy=delete",
            "min.insync.replicas=2",
            "segment.bytes=1073741824",
        ],
    );
    let of_broker = tool(
        cluster,
        CONFIGS,
        &[&describe[..], &["brokers", "--entity-name", "1"]].concat(),
    )
    .text();
    assert_contains(
        &of_broker,
        &["log.dirs=", "node.id=1", "process.roles=broker,controller"],
    );
}

#[test]
fn configs_of_topics_and_brokers_are_changed() {
    if !Client::Java.is_here() {
        return;
    }
    let cluster = shared_cluster();
    let _logs = cluster.logs_on_panic();
    let topic = unique("tools-alter");
    cluster.create_topic(&topic, 1);
    let of_topic = ["--entity-type", "topics", "--entity-name", &topic];
    let of_broker = ["--entity-type", "brokers", "--entity-name", "1"];
    let of_all = ["--entity-type", "brokers", "--entity-default"];
    let configs =
        |entity: &[&str], arguments: &[&str]| tool(cluster, CONFIGS, &[entity, arguments].concat());
    let alter = ["--alter", "--add-config"];
    let add = |settings| [&alter[..], &[settings]].concat();

    let settings = "retention.ms=123456,cleanup.policy=[compact,delete],compression.type=zstd";
    let done = configs(&of_topic, &add(settings)).text();
    assert_contains(&done, &["Completed updating config for topic"]);
    let told = configs(&of_topic, &["--describe"]).text();
    assert_contains(
        &told,
        &[
            "retention.ms=123456 sensitive=false synonyms={DYNAMIC_TOPIC_CONFIG:retention.ms=123456}",
            "cleanup.policy=compact,delete",
            "DEFAULT_CONFIG:log.cleanup.policy=delete",
        ],
    );
    let described = tool(cluster, TOPICS, &["--describe", "--topic", &topic]).text();
    let configured = described.split("Configs: ").nth(1).unwrap_or_default();
    assert_contains(
        configured,
        &[
            "compression.type=zstd",
            "cleanup.policy=compact,delete",
            "retention.ms=123456",
        ],
    );
    configs(
        &of_topic,
        &["--alter", "--delete-config", "retention.ms,cleanup.policy"],
    )
    .text();
    let told = configs(&of_topic, &["--describe"]).text();
    assert!(!told.contains("retention.ms"), "{told}");
    assert_contains(&told, &["compression.type=zstd"]);
    let refused = configs(&of_topic, &add("retention.ms=soon")).refusal();
    assert_contains(&refused, &["InvalidConfigurationException", "soon"]);

    configs(&of_all, &add("log.cleaner.backoff.ms=14000")).text();
    configs(&of_broker, &add("log.cleaner.backoff.ms=13000")).text();
    let told = configs(&of_broker, &["--describe"]).text();
    assert_contains(
        &told,
        &[
            "log.cleaner.backoff.ms=13000",
            "DYNAMIC_BROKER_CONFIG:log.cleaner.backoff.ms=13000",
            "DYNAMIC_DEFAULT_BROKER_CONFIG:log.cleaner.backoff.ms=14000",
        ],
    );
    assert_contains(
        &configs(&of_all, &["--describe"]).text(),
        &["log.cleaner.backoff.ms=14000", "min.insync.replicas=2"],
    );
    for entity in [&of_broker[..], &of_all] {
        configs(
            entity,
            &["--alter", "--delete-config", "log.cleaner.backoff.ms"],
        )
        .text();
    }
    let refused = configs(&of_all, &add("node.id=7")).refusal();
    assert_contains(&refused, &["InvalidRequestException", "node.id"]);
}
