//! The controller's rules about configs: those of the configuration table.

use klamm_config::{
    DynamicConfigs, ServerConfig, broker_list_default, topic_list_default, validate_broker_config,
    validate_broker_configs, validate_group_config, validate_topic_configs,
};
use klamm_controller::{ConfigRules, ProposedConfigs, Refusal};
use klamm_metadata::{ConfigResource, Configs};
use klamm_types::ErrorCode;
use std::sync::Arc;

/// Judges by the table, and by the properties of the controller that decides.
pub(crate) struct TableRules(pub(crate) Arc<ServerConfig>);

impl ConfigRules for TableRules {
    fn list_default(
        &self,
        resource: &ConfigResource,
        name: &str,
        of_all_brokers: &Configs,
    ) -> Option<String> {
        match resource {
            ConfigResource::Topic(_) => topic_list_default(name, &self.0, cluster(of_all_brokers)),
            ConfigResource::Broker(_) => broker_list_default(name, &self.0),
            ConfigResource::Group(_) => None,
        }
    }

    fn check(&self, proposed: &ProposedConfigs) -> Result<(), Refusal> {
        let inherited = cluster(proposed.of_all_brokers);
        let (code, checked) = match proposed.resource {
            ConfigResource::Topic(_) => {
                let defaults = inherited.topic_defaults(&self.0);
                let checked = validate_topic_configs(proposed.configs, &defaults);
                (ErrorCode::InvalidConfig, checked)
            }
            ConfigResource::Broker(broker) => {
                let of_one = broker.map(|_| proposed.configs);
                let dynamic = DynamicConfigs {
                    broker: of_one,
                    ..inherited
                };
                let each = each(proposed, |name, value| {
                    validate_broker_config(name, value, broker.is_none())
                });
                let together = each.and_then(|()| validate_broker_configs(dynamic, &self.0));
                (ErrorCode::InvalidRequest, together)
            }
            ConfigResource::Group(_) => {
                let each = each(proposed, |name, value| {
                    validate_group_config(name, value, &self.0)
                });
                (ErrorCode::InvalidConfig, each)
            }
        };
        checked.map_err(|message| Refusal::new(code, message))
    }
}

fn cluster(of_all_brokers: &Configs) -> DynamicConfigs<'_> {
    DynamicConfigs {
        broker: None,
        cluster: Some(of_all_brokers),
    }
}

/// Checks what the request sets, one by one.
fn each(
    proposed: &ProposedConfigs,
    check: impl Fn(&str, &str) -> Result<(), String>,
) -> Result<(), String> {
    proposed.changed.iter().try_for_each(|name| {
        let value = proposed.configs.get(*name).map_or("", String::as_str);
        check(name, value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use klamm_types::BrokerId;
    use std::collections::BTreeMap;

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs
            .iter()
            .map(|(k, v)| (k.to_string(), v.to_string()))
            .collect()
    }

    fn rules() -> TableRules {
        let properties = map(&[
            ("process.roles", "broker,controller"),
            ("node.id", "1"),
            ("controller.quorum.voters", "1@localhost:9093"),
            ("controller.listener.names", "CONTROLLER"),
            ("listeners", "PLAINTEXT://:9092,CONTROLLER://:9093"),
        ]);
        TableRules(Arc::new(
            ServerConfig::from_properties(&properties).unwrap().0,
        ))
    }

    #[test]
    fn each_kind_of_resource_has_its_rules_and_code() {
        use ErrorCode::{InvalidConfig, InvalidRequest, None as Fine};
        let topic = ConfigResource::Topic("t".into());
        let group = ConfigResource::Group("g".into());
        let (all, one) = (
            ConfigResource::Broker(None),
            ConfigResource::Broker(Some(BrokerId(1))),
        );
        let rules = rules();
        for (resource, name, value, expected) in [
            (&topic, "retention.ms", "5", Fine),
            (&topic, "retention.ms", "-5", InvalidConfig),
            (&topic, "log.retention.ms", "5", InvalidConfig),
            (&topic, "min.compaction.lag.ms", "50", InvalidConfig),
            (&all, "log.retention.ms", "5", Fine),
            (&all, "log.retention.ms", "0", InvalidRequest),
            (&all, "log.dirs", "/x", InvalidRequest),
            (&all, "sasl.jaas.config", "x", InvalidRequest),
            (&one, "sasl.jaas.config", "x", Fine),
            (&group, "consumer.session.timeout.ms", "50000", Fine),
            (&group, "retention.ms", "5", InvalidConfig),
        ] {
            let configs = map(&[(name, value)]);
            let inherited = map(&[("log.cleaner.max.compaction.lag.ms", "40")]);
            let checked = rules.check(&ProposedConfigs {
                resource,
                configs: &configs,
                changed: &[name],
                of_all_brokers: if *resource == all {
                    &configs
                } else {
                    &inherited
                },
            });
            let code = checked.map_or_else(|refusal| refusal.code, |()| Fine);
            assert_eq!(code, expected, "{resource:?} {name}={value}");
        }
        let none = Configs::new();
        let list = |resource, name| rules.list_default(resource, name, &none);
        assert_eq!(list(&topic, "cleanup.policy").as_deref(), Some("delete"));
        assert_eq!(list(&all, "log.cleanup.policy").as_deref(), Some("delete"));
        assert_eq!(list(&group, "cleanup.policy"), None);
    }
}
