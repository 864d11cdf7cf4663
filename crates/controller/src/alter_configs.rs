//! Sets and removes configs (rule 27).

use crate::{
    Context, Decision, Refusal, create_topics::check_config, topic_settings::MIN_INSYNC_REPLICAS,
};
use klamm_metadata::{ConfigResource, Image, Partition, Topic, proto, uuid_bytes};
use klamm_types::ErrorCode;
use std::{collections::BTreeSet, sync::Arc};

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
        }
    }
    Ok(records)
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

/// Under another minimum the high watermark may move without the eligible replicas.
///
/// Where the ISR is empty nobody can move it: there they stay.
fn clear_elrs(records: &mut Vec<proto::Record>, image: &Image, resource: &ConfigResource) {
    let concerned = |topic: &&Arc<Topic>| match resource {
        ConfigResource::Topic(name) => *topic.name == **name,
        ConfigResource::Broker(_) => true,
        ConfigResource::Group(_) => false,
    };
    let has_elr = |partition: &Partition| {
        let has_any = !partition.elr.is_empty() || !partition.last_known_elr.is_empty();
        has_any && !partition.isr.is_empty()
    };
    for topic in image.topics().filter(concerned) {
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
