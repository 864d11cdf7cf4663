//! Properties from environment variables, named as Kafka's container image names them.
//!
//! `KAFKA_LOG_DIRS` is `log.dirs`: the prefix goes, letters become small, `___` becomes `-`,
//! `__` becomes `_`, and `_` becomes `.`.

use std::collections::BTreeMap;

/// What the variables of a property begin with.
const PREFIX: &str = "KAFKA_";

/// Gives the id of a new cluster, as Kafka's container image takes it.
pub const CLUSTER_ID: &str = "CLUSTER_ID";

/// Variables that set up the Java process of Kafka, or its container, and mean nothing here.
const NOT_PROPERTIES: [&str; 12] = [
    "KAFKA_VERSION",
    "KAFKA_HEAP_OPTS",
    "KAFKA_LOG4J_OPTS",
    "KAFKA_OPTS",
    "KAFKA_JMX_OPTS",
    "KAFKA_JMX_HOSTNAME",
    "KAFKA_JMX_PORT",
    "KAFKA_JVM_PERFORMANCE_OPTS",
    "KAFKA_GC_LOG_OPTS",
    "KAFKA_LOG4J_ROOT_LOGLEVEL",
    "KAFKA_LOG4J_LOGGERS",
    "KAFKA_TOOLS_LOG4J_LOGLEVEL",
];

/// Likewise, by their beginning.
const NOT_PROPERTIES_PREFIXES: [&str; 3] = ["KAFKA_HOME", "KAFKA_DEBUG", "KAFKA_CLUSTERS_"];

/// The property that a variable sets, if it sets one.
pub fn property_name(variable: &str) -> Option<String> {
    let name = variable.strip_prefix(PREFIX)?;
    let excluded = NOT_PROPERTIES.contains(&variable)
        || NOT_PROPERTIES_PREFIXES
            .iter()
            .any(|prefix| variable.starts_with(prefix));
    if name.is_empty() || excluded {
        return None;
    }
    // Kafka's image replaces in this order, which decides what longer runs of _ become.
    let name = name.to_lowercase().replace('_', ".");
    Some(name.replace("...", "-").replace("..", "_"))
}

/// The properties that the variables set.
pub fn properties(
    variables: impl IntoIterator<Item = (String, String)>,
) -> BTreeMap<String, String> {
    variables
        .into_iter()
        .filter_map(|(variable, value)| Some((property_name(&variable)?, value)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_map_as_in_kafkas_image() {
        for (variable, property) in [
            ("KAFKA_NODE_ID", Some("node.id")),
            (
                "KAFKA_LISTENER_NAME_EXTERNAL_SSL_KEYSTORE_TYPE",
                Some("listener.name.external.ssl.keystore.type"),
            ),
            ("KAFKA_SOME__PROPERTY", Some("some_property")),
            ("KAFKA_SOME___PROPERTY", Some("some-property")),
            ("KAFKA_A____B", Some("a-.b")),
            ("KAFKA_", None),
            ("KAFKA_HEAP_OPTS", None),
            ("KAFKA_JMX_PORT", None),
            ("KAFKA_LOG4J_LOGGERS", None),
            ("KAFKA_HOME", None),
            ("CLUSTER_ID", None),
            ("PATH", None),
        ] {
            assert_eq!(property_name(variable).as_deref(), property, "{variable}");
        }
    }

    #[test]
    fn only_properties_are_kept() {
        let variables = [
            ("KAFKA_NODE_ID", "1"),
            ("HOME", "/root"),
            ("KAFKA_OPTS", "-x"),
        ];
        let found = properties(variables.map(|(k, v)| (k.to_owned(), v.to_owned())));
        assert_eq!(
            found,
            BTreeMap::from([("node.id".to_owned(), "1".to_owned())])
        );
    }
}
