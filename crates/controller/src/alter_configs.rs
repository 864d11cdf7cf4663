//! Sets and removes configs (rule 27).

use crate::{
    Context, Decision, ProposedConfigs, Refusal, Rules,
    election::change_partition,
    topic_name::check_topic_name,
    topic_settings::{self, MIN_INSYNC_REPLICAS, UNCLEAN_ELECTION},
};
use klamm_metadata::{ConfigResource, Configs, Image, Partition, Topic, proto, uuid_bytes};
use klamm_types::ErrorCode;
use std::collections::{BTreeMap, BTreeSet};

/// How many bytes the value of a config may have.
pub(crate) const CONFIG_VALUE_BYTES_MAX: usize = i16::MAX as usize;

/// How many configs may be set on a resource: brokers take names that nobody knows, and every
/// node keeps them all in memory.
const CONFIGS_PER_RESOURCE_MAX: usize = 1_000;

/// How many bytes the name of a config may have, several times what the longest one has.
const CONFIG_NAME_BYTES_MAX: usize = 500;

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
    /// What is not named goes back to its default.
    pub replace: bool,
}

/// A change of one config.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigOp {
    /// Sets it.
    Set(String),
    /// Back to the default.
    Delete,
    /// Adds elements to a list, those that it has not yet.
    Append(String),
    /// Takes elements from a list.
    Subtract(String),
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlteredConfigs {
    /// By resource, in the order of the request.
    pub resources: Vec<AlteredResource>,
    /// Images from this offset on hold the changes.
    pub metadata_offset: i64,
}

/// What became of a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlteredResource {
    /// Whose configs.
    pub resource: ConfigResource,
    /// Whether they changed, or would have changed.
    pub result: Result<(), Refusal>,
}

pub(crate) fn decide(
    image: &Image,
    request: &AlterConfigs,
    ctx: &Context,
) -> Decision<AlteredConfigs> {
    let mut mentions = BTreeMap::new();
    for change in &request.resources {
        *mentions.entry(&change.resource).or_insert(0) += 1;
    }
    let mut records = Vec::new();
    let mut resources = Vec::with_capacity(request.resources.len());
    for change in &request.resources {
        let resource = change.resource.clone();
        let result = if mentions.get(&resource) == Some(&1) {
            alter(image, change, ctx).map(|new| records.extend(new))
        } else {
            let message = "the request names a resource more than once";
            Err(Refusal::new(ErrorCode::InvalidRequest, message))
        };
        resources.push(AlteredResource { resource, result });
    }
    if request.validate_only {
        records.clear();
    }
    let response = AlteredConfigs {
        resources,
        metadata_offset: image.offset() + records.len() as i64,
    };
    Decision { records, response }
}

fn alter(
    image: &Image,
    change: &ResourceChange,
    ctx: &Context,
) -> Result<Vec<proto::Record>, Refusal> {
    let resource = &change.resource;
    if let ConfigResource::Topic(name) = resource {
        let invalid = |message| Refusal::new(ErrorCode::InvalidTopicException, message);
        check_topic_name(name).map_err(invalid)?;
    }
    let none = Configs::new();
    let before = image.configs(resource).unwrap_or(&none);
    let wanted = wanted(image, change, before, ctx)?;
    let mut after = before.clone();
    for (name, value) in &wanted {
        match value {
            Some(value) => after.insert((*name).to_owned(), value.clone()),
            None => after.remove(*name),
        };
    }
    let set = wanted.iter().filter(|(_, value)| value.is_some());
    let changed: Vec<&str> = set.map(|(name, _)| *name).collect();
    check_configs(image, ctx, resource, &after, &changed)?;
    check_exists(image, resource)?;
    check_min_isr(resource, &wanted)?;
    let mut records = Vec::new();
    for (name, value) in wanted {
        if before.get(name) == value.as_ref() {
            continue;
        }
        let record = proto::ConfigRecord {
            resource_type: resource.resource_type().into(),
            resource_name: resource.name(),
            name: name.to_owned(),
            value: value.clone(),
        };
        if name == MIN_INSYNC_REPLICAS {
            clear_elrs(&mut records, image, resource);
        }
        records.push(record.into());
        if name == UNCLEAN_ELECTION {
            elect_uncleanly(&mut records, image, resource, value.as_deref(), ctx);
        }
    }
    Ok(records)
}

/// The value that each config is to have; `None`: it is not to be set any more.
type Wanted<'a> = BTreeMap<&'a str, Option<String>>;

fn wanted<'a>(
    image: &Image,
    change: &'a ResourceChange,
    before: &'a Configs,
    ctx: &Context,
) -> Result<Wanted<'a>, Refusal> {
    let mut wanted = Wanted::new();
    for (name, op) in &change.ops {
        let value = match op {
            ConfigOp::Set(value) => Some(value.clone()),
            ConfigOp::Delete => None,
            ConfigOp::Append(_) | ConfigOp::Subtract(_) => {
                let list = list_before(image, &change.resource, name, before, ctx)?;
                Some(edited(&list, op))
            }
        };
        if wanted.insert(name, value).is_some() {
            let message = format!("config {name:?} is changed more than once");
            return Err(Refusal::new(ErrorCode::InvalidRequest, message));
        }
    }
    if change.replace {
        for name in before.keys() {
            wanted.entry(name).or_insert(None);
        }
    }
    Ok(wanted)
}

/// The list that elements are added to or taken from.
fn list_before(
    image: &Image,
    resource: &ConfigResource,
    name: &str,
    before: &Configs,
    ctx: &Context,
) -> Result<String, Refusal> {
    let none = Configs::new();
    let of_all_brokers = of_all_brokers(image, &none);
    let default = ctx
        .config_rules
        .list_default(resource, name, of_all_brokers);
    match default {
        Some(default) => Ok(before.get(name).cloned().unwrap_or(default)),
        None => {
            let message = format!("config {name:?} is no list: nothing can be added or taken");
            Err(Refusal::new(ErrorCode::InvalidConfig, message))
        }
    }
}

fn edited(list: &str, op: &ConfigOp) -> String {
    let elements = |list: &str| -> Vec<String> {
        list.split(',')
            .map(|element| element.trim().to_owned())
            .collect()
    };
    let mut edited = if list.trim().is_empty() {
        Vec::new()
    } else {
        elements(list)
    };
    match op {
        ConfigOp::Append(more) => {
            for element in elements(more) {
                if !edited.contains(&element) {
                    edited.push(element);
                }
            }
        }
        ConfigOp::Subtract(less) => {
            let less: BTreeSet<String> = elements(less).into_iter().collect();
            edited.retain(|element| !less.contains(element));
        }
        ConfigOp::Set(_) | ConfigOp::Delete => {}
    }
    edited.join(",")
}

fn of_all_brokers<'a>(image: &'a Image, none: &'a Configs) -> &'a Configs {
    image.configs(&ConfigResource::Broker(None)).unwrap_or(none)
}

/// Whether a resource may have these configs, of which those named `changed` are new.
pub(crate) fn check_configs(
    image: &Image,
    ctx: &Context,
    resource: &ConfigResource,
    configs: &Configs,
    changed: &[&str],
) -> Result<(), Refusal> {
    let none = Configs::new();
    let of_all_brokers = match resource {
        ConfigResource::Broker(None) => configs,
        _ => of_all_brokers(image, &none),
    };
    let invalid = |message| Err(Refusal::new(ErrorCode::InvalidConfig, message));
    if !changed.is_empty() && configs.len() > CONFIGS_PER_RESOURCE_MAX {
        return invalid(format!(
            "{} configs would be set, {CONFIGS_PER_RESOURCE_MAX} are allowed",
            configs.len()
        ));
    }
    for name in changed {
        if name.len() > CONFIG_NAME_BYTES_MAX {
            return invalid(format!(
                "the name of a config has {} bytes, {CONFIG_NAME_BYTES_MAX} are allowed",
                name.len()
            ));
        }
        let bytes = configs.get(*name).map_or(0, String::len);
        if bytes > CONFIG_VALUE_BYTES_MAX {
            return invalid(format!(
                "the value has {bytes} bytes, {CONFIG_VALUE_BYTES_MAX} are allowed"
            ));
        }
    }
    ctx.config_rules.check(&ProposedConfigs {
        resource,
        configs,
        changed,
        of_all_brokers,
    })
}

fn check_exists(image: &Image, resource: &ConfigResource) -> Result<(), Refusal> {
    match resource {
        ConfigResource::Topic(name) if image.topic_id(name).is_none() => {
            let message = format!("there is no topic {name:?}");
            Err(Refusal::new(ErrorCode::UnknownTopicOrPartition, message))
        }
        _ => Ok(()),
    }
}

/// Whoever is eligible to lead (KIP-966) depends on one minimum that every broker knows: it can
/// be changed for all of them, but neither be taken away nor differ between them (rule 27).
fn check_min_isr(resource: &ConfigResource, wanted: &Wanted<'_>) -> Result<(), Refusal> {
    let message = match (resource, wanted.get(MIN_INSYNC_REPLICAS)) {
        (ConfigResource::Broker(None), Some(None)) => {
            "min.insync.replicas of all brokers can be changed, but not removed"
        }
        (ConfigResource::Broker(Some(_)), Some(_)) => {
            "min.insync.replicas cannot be set for one broker"
        }
        _ => return Ok(()),
    };
    Err(Refusal::new(ErrorCode::InvalidConfig, message))
}

/// Whether a config of the resource may matter to the topic.
fn concerns(resource: &ConfigResource, topic: &Topic) -> bool {
    match resource {
        ConfigResource::Topic(name) => *topic.name == **name,
        ConfigResource::Broker(_) => true,
        ConfigResource::Group(_) => false,
    }
}

/// Where unclean elections are allowed from now on, what nobody leads need not wait (rule 90).
fn elect_uncleanly(
    records: &mut Vec<proto::Record>,
    image: &Image,
    resource: &ConfigResource,
    value: Option<&str>,
    ctx: &Context,
) {
    let inherited = match resource {
        ConfigResource::Topic(_) => image.broker_config(None, UNCLEAN_ELECTION),
        ConfigResource::Broker(None) => None,
        // Of one broker alone, it says nothing about the cluster's elections.
        ConfigResource::Broker(Some(_)) | ConfigResource::Group(_) => return,
    };
    let is_allowed = match value.or(inherited) {
        Some(value) => topic_settings::is_true(value),
        None => ctx.settings.unclean_leader_election_enable,
    };
    if !is_allowed {
        return;
    }
    let follows = |topic: &Topic| match resource {
        ConfigResource::Topic(_) => true,
        _ => image.topic_config(&topic.name, UNCLEAN_ELECTION).is_none(),
    };
    let is_active = |id| image.is_active(id);
    for topic in image.topics() {
        if !concerns(resource, topic) || !follows(topic) {
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
#[path = "alter_configs_tests.rs"]
mod tests;
