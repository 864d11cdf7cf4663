//! Sets and removes configs (rule 27).

use crate::{
    Context, Decision, Refusal, Rules,
    election::change_partition,
    topic_settings::{self, MIN_INSYNC_REPLICAS, UNCLEAN_ELECTION},
};
use klamm_metadata::{ConfigResource, Image, Partition, Topic, proto, uuid_bytes};
use klamm_types::ErrorCode;
use std::collections::BTreeSet;

/// How many bytes the value of a config may have.
pub(crate) const CONFIG_VALUE_BYTES_MAX: usize = i16::MAX as usize;

/// Configs to change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlterConfigs {
    /// What changes; a resource changes whole or not at all.
    pub resources: Vec<ResourceChange>,
    /// Only says what would happen.
    pub validate_only: bool,
}

/// The changes to one resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceChange {
    /// Whose configs.
    pub resource: ConfigResource,
    /// By name.
    pub ops: Vec<(String, ConfigOp)>,
}

/// A change of one config.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigOp {
    /// Sets it.
    Set(String),
    /// Back to the default.
    Delete,
}

/// What became of a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlteredConfigs {
    /// Whose configs.
    pub resource: ConfigResource,
    /// Whether they changed, or would have changed.
    pub result: Result<(), Refusal>,
}

pub(crate) fn decide(
    image: &Image,
    request: &AlterConfigs,
    ctx: &Context,
) -> Decision<Vec<AlteredConfigs>> {
    let mut records = Vec::new();
    let mut altered = Vec::with_capacity(request.resources.len());
    let mut seen = BTreeSet::new();
    for change in &request.resources {
        let resource = change.resource.clone();
        let result = if seen.insert(&change.resource) {
            alter(image, change, ctx).map(|new| records.extend(new))
        } else {
            let message = "the request names a resource more than once";
            Err(Refusal::new(ErrorCode::InvalidRequest, message))
        };
        altered.push(AlteredConfigs { resource, result });
    }
    if request.validate_only {
        records.clear();
    }
    Decision {
        records,
        response: altered,
    }
}

fn alter(
    image: &Image,
    change: &ResourceChange,
    ctx: &Context,
) -> Result<Vec<proto::Record>, Refusal> {
    let resource = &change.resource;
    check_resource(image, resource)?;
    let mut seen = BTreeSet::new();
    let mut records = Vec::new();
    for (name, op) in &change.ops {
        if !seen.insert(name) {
            let message = format!("config {name:?} is changed more than once");
            return Err(Refusal::new(ErrorCode::InvalidRequest, message));
        }
        let value = match op {
            ConfigOp::Set(value) => {
                check_config(ctx, resource, name, Some(value))?;
                Some(value)
            }
            ConfigOp::Delete => None,
        };
        if image.configs(resource).and_then(|set| set.get(name)) == value {
            continue;
        }
        let record = proto::ConfigRecord {
            resource_type: resource.resource_type().into(),
            resource_name: resource.name(),
            name: name.clone(),
            value: value.cloned(),
        };
        records.push(record.into());
        if name == MIN_INSYNC_REPLICAS {
            clear_elrs(&mut records, image, resource);
        } else if name == UNCLEAN_ELECTION && value.is_some_and(|value| value == "true") {
            elect_uncleanly(&mut records, image, resource, ctx);
        }
    }
    Ok(records)
}

/// Whether a config may be set to the value.
pub(crate) fn check_config(
    ctx: &Context,
    resource: &ConfigResource,
    name: &str,
    value: Option<&str>,
) -> Result<(), Refusal> {
    let invalid = |message| Refusal::new(ErrorCode::InvalidConfig, message);
    let Some(value) = value else {
        return Err(invalid(format!("config {name:?} has no value")));
    };
    if value.len() > CONFIG_VALUE_BYTES_MAX {
        return Err(invalid(format!(
            "the value of config {name:?} has {} bytes, {CONFIG_VALUE_BYTES_MAX} are allowed",
            value.len()
        )));
    }
    (ctx.validate_config)(resource, name, value).map_err(invalid)
}

fn check_resource(image: &Image, resource: &ConfigResource) -> Result<(), Refusal> {
    match resource {
        ConfigResource::Topic(name) if image.topic_id(name).is_none() => {
            let message = format!("there is no topic {name:?}");
            Err(Refusal::new(ErrorCode::UnknownTopicOrPartition, message))
        }
        _ => Ok(()),
    }
}

/// Whether a config of the resource may matter to the topic.
fn concerns(resource: &ConfigResource, topic: &Topic) -> bool {
    match resource {
        ConfigResource::Topic(name) => *topic.name == **name,
        ConfigResource::Broker(_) => true,
        ConfigResource::Group(_) => false,
    }
}

/// Unclean elections are allowed from now on: what nobody leads need not wait (rule 90).
fn elect_uncleanly(
    records: &mut Vec<proto::Record>,
    image: &Image,
    resource: &ConfigResource,
    ctx: &Context,
) {
    let of_topic = matches!(resource, ConfigResource::Topic(_));
    let allowed = |topic: &Topic| {
        let own = image.topic_config(&topic.name, UNCLEAN_ELECTION);
        of_topic || (own.is_none() && *resource == ConfigResource::Broker(None))
    };
    let is_active = |id| image.is_active(id);
    for topic in image.topics() {
        if !concerns(resource, topic) || !allowed(topic) {
            continue;
        }
        let rules = Rules {
            unclean: true,
            ..topic_settings::rules(image, topic, ctx, &is_active)
        };
        for (index, partition) in topic.partitions().filter(|(_, p)| !p.has_leader()) {
            let id = topic.topic_partition(index);
            let change = change_partition(id, partition, partition.isr.clone(), None, &rules);
            records.extend(change.map(proto::Record::from));
        }
    }
}

/// Under another minimum the high watermark may move without the eligible replicas.
///
/// Where the ISR is empty nobody can move it: there they stay.
fn clear_elrs(records: &mut Vec<proto::Record>, image: &Image, resource: &ConfigResource) {
    let has_elr = |partition: &Partition| {
        let has_any = !partition.elr.is_empty() || !partition.last_known_elr.is_empty();
        has_any && !partition.isr.is_empty()
    };
    for topic in image.topics().filter(|topic| concerns(resource, topic)) {
        let partitions = topic.partitions().filter(|(_, p)| has_elr(p));
        records.extend(partitions.map(|(partition, _)| {
            proto::Record::from(proto::PartitionChangeRecord {
                topic_id: uuid_bytes(topic.id),
                partition,
                elr: Some(proto::BrokerIds::default()),
                last_known_elr: Some(proto::BrokerIds::default()),
                ..Default::default()
            })
        }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Request,
        lab::{Lab, error},
    };
    use klamm_types::{BrokerId, ErrorCode as E};

    fn ask(lab: &mut Lab, resource: ConfigResource, ops: &[(&str, ConfigOp)]) -> E {
        let ops = ops
            .iter()
            .map(|(name, op)| ((*name).to_owned(), op.clone()));
        let ops = ops.collect();
        let request = AlterConfigs {
            resources: vec![ResourceChange { resource, ops }],
            validate_only: false,
        };
        error(&lab.ask(&Request::AlterConfigs(request)))
    }

    #[test]
    fn set_and_deleted() {
        let mut lab = Lab::with_topic();
        lab.set("a", Some("1"));
        assert_eq!(lab.image.topic_config("t", "a"), Some("1"));
        let before = lab.image.clone();
        lab.set("a", Some("1"));
        lab.set("b", None);
        assert_eq!(lab.image, before, "what is so already takes no record");
        lab.set("a", None);
        assert_eq!(lab.image.all_configs().count(), 0);
    }

    #[test]
    fn brokers_have_a_common_default() {
        let mut lab = Lab::new(1);
        let set = |value: &str| ConfigOp::Set(value.into());
        let all = ConfigResource::Broker(None);
        let one = ConfigResource::Broker(Some(BrokerId(1)));
        assert_eq!(
            ask(&mut lab, all, &[("a", set("1")), ("b", set("1"))]),
            E::None
        );
        assert_eq!(ask(&mut lab, one, &[("a", set("2"))]), E::None);
        let value = |id, name| lab.image.broker_config(Some(BrokerId(id)), name);
        assert_eq!(value(1, "a"), Some("2"));
        assert_eq!(value(1, "b"), Some("1"));
        assert_eq!(value(2, "a"), Some("1"));
    }

    #[test]
    fn a_resource_changes_whole_or_not_at_all() {
        let mut lab = Lab::with_topic();
        let before = lab.image.clone();
        let set = |value: &str| ConfigOp::Set(value.into());
        let topic = |name: &str| ConfigResource::Topic(name.into());
        for (resource, ops, expected) in [
            (
                topic("t"),
                [("a", set("1")), ("b", set("wrong"))],
                E::InvalidConfig,
            ),
            (
                topic("t"),
                [("a", set("1")), ("a", set("2"))],
                E::InvalidRequest,
            ),
            (
                topic("u"),
                [("a", set("1")), ("b", set("2"))],
                E::UnknownTopicOrPartition,
            ),
        ] {
            assert_eq!(ask(&mut lab, resource, &ops), expected);
        }
        assert_eq!(lab.image, before);
    }
}
