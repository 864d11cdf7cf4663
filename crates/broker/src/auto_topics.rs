//! Topics that come into being because somebody asks for them.
//!
//! A client that asks for a topic that does not exist may wait a moment for it; if it is not
//! there then, it finds it when it asks again (rule 18). Each topic is asked for once at a time,
//! whatever the number of clients, until this broker knows it.

use crate::{api::error_code, metadata::MetadataCache, topic_name};
use klamm_config::ServerConfig;
use klamm_metadata::Image;
use klamm_rpc::{
    ControllerClient,
    controller::{ConfigEntry, CreatableTopic, CreateTopicsRequest, CreatedTopic},
};
use klamm_types::ErrorCode;
use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::task::JoinHandle;
use tracing::{info, warn};

/// Topics that are being created at one time. More are not asked for: their clients come again.
const IN_FLIGHT_MAX: usize = 10_000;

/// How long the controller may take; then whoever still wants the topic asks for it again.
const CREATE_PATIENCE: Duration = Duration::from_secs(5);

/// How long a created topic may take to be known here before it may be asked for again.
const KNOWN_PATIENCE: Duration = Duration::from_secs(1);

/// Creates topics on demand.
pub(crate) struct AutoTopics {
    config: Arc<ServerConfig>,
    controller: ControllerClient,
    metadata: Arc<MetadataCache>,
    in_flight: Mutex<BTreeSet<String>>,
}

impl AutoTopics {
    pub(crate) fn new(
        config: Arc<ServerConfig>,
        controller: ControllerClient,
        metadata: Arc<MetadataCache>,
    ) -> AutoTopics {
        AutoTopics {
            config,
            controller,
            metadata,
            in_flight: Mutex::default(),
        }
    }

    /// Has topics created that do not exist and are not being created already. Returns at once.
    /// Names that no topic may have are left out.
    /// The task that creates them, if there is anything to create.
    pub(crate) fn create<'a>(
        self: &Arc<Self>,
        names: impl IntoIterator<Item = &'a str>,
    ) -> Option<JoinHandle<()>> {
        let fresh: Vec<String> = {
            let mut in_flight = self.in_flight();
            names
                .into_iter()
                .filter(|name| topic_name::is_valid(name))
                .filter(|name| {
                    in_flight.len() < IN_FLIGHT_MAX && in_flight.insert((*name).to_owned())
                })
                .map(str::to_owned)
                .collect()
        };
        if fresh.is_empty() {
            return None;
        }
        let this = Arc::clone(self);
        Some(tokio::spawn(async move {
            let _clear = Clear(&this, &fresh);
            this.create_now(&fresh).await;
        }))
    }

    /// As [`AutoTopics::create`], and waits until the topics are known here, cannot be created,
    /// or `patience` is over.
    pub(crate) async fn create_and_wait(self: &Arc<Self>, names: &[&str], patience: Duration) {
        let names: Vec<&str> = names
            .iter()
            .copied()
            .filter(|name| topic_name::is_valid(name))
            .collect();
        if names.is_empty() {
            return;
        }
        let creating = self.create(names.iter().copied());
        let are_known = |image: &Image| names.iter().all(|name| image.topic_id(name).is_some());
        let known = self.metadata.wait_until(patience, are_known);
        match creating {
            Some(creating) => tokio::select! {
                _ = known => {}
                _ = creating => {}
            },
            None => {
                known.await;
            }
        }
    }

    async fn create_now(&self, names: &[String]) {
        let request = CreateTopicsRequest {
            topics: names.iter().map(|name| self.creatable(name)).collect(),
            validate_only: false,
        };
        match self
            .controller
            .create_topics(request, CREATE_PATIENCE)
            .await
        {
            Ok(response) => {
                for topic in &response.topics {
                    log_outcome(topic);
                }
                let created: Vec<&str> = response
                    .topics
                    .iter()
                    .filter(|topic| topic.error_code == 0)
                    .map(|topic| topic.name.as_str())
                    .collect();
                let known =
                    |image: &Image| created.iter().all(|name| image.topic_id(name).is_some());
                self.metadata.wait_until(KNOWN_PATIENCE, known).await;
            }
            Err(error) => warn!(?names, %error, "cannot create topics on demand"),
        }
    }

    fn creatable(&self, name: &str) -> CreatableTopic {
        let (log, group) = (&self.config.log, &self.config.group);
        let (num_partitions, replication_factor, configs) = match name {
            topic_name::CONSUMER_OFFSETS => (
                group.offsets_topic_num_partitions,
                group.offsets_topic_replication_factor,
                offsets_topic_configs(&self.config),
            ),
            _ => (log.num_partitions, log.default_replication_factor, vec![]),
        };
        CreatableTopic {
            name: name.to_owned(),
            num_partitions,
            replication_factor: i32::from(replication_factor),
            assignments: vec![],
            configs,
        }
    }

    fn in_flight(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.in_flight
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Forgets what was in flight, also when the task ends early.
struct Clear<'a>(&'a AutoTopics, &'a [String]);

impl Drop for Clear<'_> {
    fn drop(&mut self) {
        let mut in_flight = self.0.in_flight();
        for name in self.1 {
            in_flight.remove(name);
        }
    }
}

/// What Kafka sets on `__consumer_offsets`.
fn offsets_topic_configs(config: &ServerConfig) -> Vec<ConfigEntry> {
    let segment_bytes = config.group.offsets_topic_segment_bytes.to_string();
    [
        ("cleanup.policy", "compact"),
        ("compression.type", "producer"),
        ("segment.bytes", &segment_bytes),
    ]
    .map(|(name, value)| ConfigEntry {
        name: name.to_owned(),
        value: Some(value.to_owned()),
    })
    .into()
}

fn log_outcome(topic: &CreatedTopic) {
    match error_code(topic.error_code) {
        ErrorCode::None => info!(topic = %topic.name, "created a topic on demand"),
        // Another broker was faster.
        ErrorCode::TopicAlreadyExists => {}
        error => {
            warn!(topic = %topic.name, %error, reason = %topic.error_message,
                "cannot create a topic on demand");
        }
    }
}
