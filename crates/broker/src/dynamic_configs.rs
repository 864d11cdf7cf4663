//! What was set at run time for this broker, as the metadata has it.

use klamm_config::{DynamicConfigs, ServerConfig, TopicConfig};
use klamm_metadata::{ConfigResource, Delta, Image};
use klamm_types::BrokerId;

/// What is set for broker `me`, and for all.
pub(crate) fn dynamic_configs(image: &Image, me: BrokerId) -> DynamicConfigs<'_> {
    DynamicConfigs {
        broker: image.configs(&ConfigResource::Broker(Some(me))),
        cluster: image.configs(&ConfigResource::Broker(None)),
    }
}

/// The settings of topics without their own, if they may have changed.
pub(crate) fn changed_topic_defaults(
    delta: &Delta,
    image: &Image,
    server: &ServerConfig,
) -> Option<TopicConfig> {
    let me = server.node_id;
    let concerns_me = |resource: &ConfigResource| match resource {
        ConfigResource::Broker(broker) => broker.is_none_or(|id| id == me),
        ConfigResource::Topic(_) | ConfigResource::Group(_) => false,
    };
    let changed = delta.changed_configs.iter().any(concerns_me);
    changed.then(|| dynamic_configs(image, me).topic_defaults(server))
}
