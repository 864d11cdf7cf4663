//! ListConfigResources (74), versions 0–1: whose settings can be described (KIP-1142).
//!
//! v0 only asked for subscriptions to client metrics, of which there are none; v1 asks for any
//! types of resources, none meaning all. Of groups, those that have settings are listed.

use super::{
    Answer, Call, Refusal,
    config_resource::{BROKER, BROKER_LOGGER, CLIENT_METRICS, GROUP, TOPIC},
};
use crate::context::Context;
use klamm_metadata::{ConfigResource as Configured, Image};
use klamm_protocol::{
    Decoder,
    messages::{
        list_config_resources_request::ListConfigResourcesRequest,
        list_config_resources_response::{ConfigResource, ListConfigResourcesResponse},
    },
};
use klamm_types::ErrorCode;
use std::{collections::BTreeSet, sync::Arc};

/// Every type of resource.
const ALL: [i8; 5] = [TOPIC, BROKER, BROKER_LOGGER, CLIENT_METRICS, GROUP];

pub(super) fn start(
    context: &Arc<Context>,
    call: Call,
    body: &mut Decoder,
) -> Result<Answer, Refusal> {
    super::now(context, call, body, handle)
}

fn handle(
    context: &Arc<Context>,
    call: &Call,
    request: ListConfigResourcesRequest,
) -> ListConfigResourcesResponse {
    let asked: BTreeSet<i8> = match call.version {
        0 => [CLIENT_METRICS].into(),
        _ if request.resource_types.is_empty() => ALL.into(),
        _ => request.resource_types.into_iter().collect(),
    };
    if asked.iter().any(|asked| !ALL.contains(asked)) {
        return ListConfigResourcesResponse {
            error_code: ErrorCode::UnsupportedVersion.code(),
            ..Default::default()
        };
    }
    let image = context.metadata.image();
    let of_type = |resource_type| {
        let names = names(&image, resource_type).into_iter();
        names.map(move |resource_name| ConfigResource {
            resource_name,
            resource_type,
        })
    };
    ListConfigResourcesResponse {
        config_resources: asked.into_iter().flat_map(of_type).collect(),
        ..Default::default()
    }
}

/// The resources of a type.
fn names(image: &Image, resource_type: i8) -> Vec<String> {
    match resource_type {
        TOPIC => {
            let topics = image.topics_by_name();
            topics.map(|topic| topic.name.to_string()).collect()
        }
        BROKER | BROKER_LOGGER => {
            let brokers = image.brokers_alive();
            brokers.map(|(id, _)| id.to_string()).collect()
        }
        GROUP => {
            let groups = image
                .all_configs()
                .filter_map(|(resource, _)| match resource {
                    Configured::Group(id) => Some(id.clone()),
                    _ => None,
                });
            groups.collect()
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use klamm_metadata::proto;

    #[test]
    fn every_type_has_its_names() {
        let mut image = Image::new();
        let topic = |name: &str, id: u8| proto::TopicRecord {
            name: name.into(),
            topic_id: vec![id; 16],
        };
        let broker = |broker_id, fenced| proto::RegisterBrokerRecord {
            broker_id,
            broker_epoch: 1,
            incarnation_id: vec![1; 16],
            fenced,
            ..Default::default()
        };
        let config = |resource: Configured| proto::ConfigRecord {
            resource_type: resource.resource_type().into(),
            resource_name: resource.name(),
            name: "a".into(),
            value: Some("1".into()),
        };
        let records: [proto::Record; 6] = [
            topic("b", 2).into(),
            topic("a", 3).into(),
            broker(1, false).into(),
            broker(2, true).into(),
            config(Configured::Group("g".into())).into(),
            config(Configured::Topic("a".into())).into(),
        ];
        image.apply_records(0, &records).unwrap();
        for (resource_type, expected) in [
            (TOPIC, &["a", "b"][..]),
            (BROKER, &["1"]),
            (BROKER_LOGGER, &["1"]),
            (CLIENT_METRICS, &[]),
            (GROUP, &["g"]),
        ] {
            assert_eq!(names(&image, resource_type), expected, "{resource_type}");
        }
    }
}
