//! Administration of topics.

mod features;
mod leader_moves;
mod quorum;

pub use features::{Feature, LevelChange};

use crate::{
    client::Client,
    cluster_view::{ClusterView, TopicView},
    error::ClientError,
};
use klamm_protocol::{
    Request,
    messages::{
        create_partitions_request::{CreatePartitionsRequest, CreatePartitionsTopic},
        create_topics_request::{CreatableTopic, CreatableTopicConfig, CreateTopicsRequest},
        delete_topics_request::{DeleteTopicState, DeleteTopicsRequest},
        describe_configs_request::{DescribeConfigsRequest, DescribeConfigsResource},
        describe_configs_response::DescribeConfigsResult,
    },
};
use klamm_types::{ErrorCode, Uuid};
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// The type of a topic's configs in requests.
const TOPIC_RESOURCE: i8 = 2;
const UNKNOWN: ErrorCode = ErrorCode::UnknownTopicOrPartition;

/// A topic to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTopic {
    /// Its name.
    pub name: String,
    /// How many partitions, −1 for the cluster's default.
    pub partitions: i32,
    /// How many copies of each, −1 for the cluster's default.
    pub replication_factor: i16,
    /// Configs that differ from the defaults.
    pub configs: BTreeMap<String, String>,
}

impl NewTopic {
    /// A topic with the cluster's defaults.
    pub fn new(name: impl Into<String>) -> NewTopic {
        NewTopic {
            name: name.into(),
            partitions: -1,
            replication_factor: -1,
            configs: BTreeMap::new(),
        }
    }

    /// Sets the count of partitions.
    #[must_use]
    pub fn partitions(mut self, count: i32) -> Self {
        self.partitions = count;
        self
    }

    /// Sets the count of copies.
    #[must_use]
    pub fn replication_factor(mut self, count: i16) -> Self {
        self.replication_factor = count;
        self
    }

    /// Sets a config.
    #[must_use]
    pub fn config(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.configs.insert(name.into(), value.into());
        self
    }
}

/// One config of a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigEntry {
    /// Its name.
    pub name: String,
    /// Its value, if it may be shown.
    pub value: Option<String>,
    /// Whether nobody set it.
    pub is_default: bool,
}

/// Administrative requests; each repeats what may be repeated until the client's deadline.
#[derive(Clone, Debug)]
pub struct Admin {
    client: Client,
}

impl Admin {
    /// Administrates the client's cluster.
    pub fn new(client: Client) -> Admin {
        Admin { client }
    }

    fn timeout(&self) -> Duration {
        self.client.options().connection.request_timeout
    }

    fn timeout_ms(&self) -> i32 {
        i32::try_from(self.timeout().as_millis()).unwrap_or(i32::MAX)
    }

    /// Asks the controller (or who answers for it), once; gives a little more time than the broker was given.
    async fn ask<R: Request>(&self, request: &R) -> Result<R::Response, ClientError> {
        let connection = self.client.controller().await?;
        let patience = self.timeout() + Duration::from_secs(5);
        self.client
            .ask(&connection, request, R::KEY.served(), patience)
            .await
    }

    /// All topics and brokers as they are now.
    ///
    /// # Errors
    /// No broker answers.
    pub async fn cluster(&self) -> Result<Arc<ClusterView>, ClientError> {
        self.client.retry(|| self.client.refresh(None)).await
    }

    /// Topics by name as they are now; those that do not exist are missing.
    ///
    /// # Errors
    /// No broker answers.
    pub async fn describe_topics(
        &self,
        names: &[&str],
    ) -> Result<BTreeMap<String, TopicView>, ClientError> {
        let view = self
            .client
            .retry(|| self.client.refresh(Some(names)))
            .await?;
        let found = |name: &&str| Some(((*name).to_owned(), view.topics.get(*name)?.clone()));
        Ok(names.iter().filter_map(found).collect())
    }

    /// Makes a topic and returns its id.
    ///
    /// # Errors
    /// The cluster refuses, e.g. because it exists.
    pub async fn create_topic(&self, topic: &NewTopic) -> Result<Uuid, ClientError> {
        let config = |(name, value): (&String, &String)| CreatableTopicConfig {
            name: name.clone(),
            value: Some(value.clone()),
        };
        let request = CreateTopicsRequest {
            topics: vec![CreatableTopic {
                name: topic.name.clone(),
                num_partitions: topic.partitions,
                replication_factor: topic.replication_factor,
                assignments: Vec::new(),
                configs: topic.configs.iter().map(config).collect(),
            }],
            timeout_ms: self.timeout_ms(),
            validate_only: false,
        };
        let request = &request;
        self.client
            .retry(|| async move {
                let response = self.ask(request).await?;
                let result = response
                    .topics
                    .into_iter()
                    .find(|result| result.name == topic.name);
                let result = result.ok_or_else(|| missing("create topic"))?;
                let message = result.error_message.as_deref();
                ClientError::check("create topic", result.error_code, message)?;
                Ok(result.topic_id)
            })
            .await
    }

    /// Deletes a topic.
    ///
    /// # Errors
    /// The cluster refuses, e.g. because there is no such topic.
    pub async fn delete_topic(&self, name: &str) -> Result<(), ClientError> {
        let named = DeleteTopicState {
            name: Some(name.to_owned()),
            ..DeleteTopicState::default()
        };
        let request = DeleteTopicsRequest {
            topics: vec![named],
            topic_names: vec![name.to_owned()],
            timeout_ms: self.timeout_ms(),
        };
        // What does not exist at the first attempt is an error, and a final one; what vanished after an attempt
        // whose answer got lost was deleted by it.
        let mut attempts = 0;
        self.client
            .retry(|| {
                attempts += 1;
                let first = attempts == 1;
                let request = &request;
                async move {
                    match self.delete_once(name, request).await {
                        Err(error) if error.code() == Some(UNKNOWN) => {
                            Ok(if first { Err(error) } else { Ok(()) })
                        }
                        other => other.map(Ok),
                    }
                }
            })
            .await?
    }

    async fn delete_once(
        &self,
        name: &str,
        request: &DeleteTopicsRequest,
    ) -> Result<(), ClientError> {
        let connection = self.client.controller().await?;
        let patience = self.timeout() + Duration::from_secs(5);
        let version =
            connection.negotiate(DeleteTopicsRequest::KEY, DeleteTopicsRequest::KEY.served());
        let mut request = request.clone();
        if version.await? < 6 {
            request.topics.clear();
        }
        let served = DeleteTopicsRequest::KEY.served();
        let response = self
            .client
            .ask(&connection, &request, served, patience)
            .await?;
        let result = response
            .responses
            .into_iter()
            .find(|r| r.name.as_deref() == Some(name));
        let result = result.ok_or_else(|| missing("delete topic"))?;
        ClientError::check(
            "delete topic",
            result.error_code,
            result.error_message.as_deref(),
        )
    }

    /// Grows a topic to `count` partitions.
    ///
    /// # Errors
    /// The cluster refuses, e.g. because there are that many already.
    pub async fn create_partitions(&self, topic: &str, count: i32) -> Result<(), ClientError> {
        let request = &CreatePartitionsRequest {
            topics: vec![CreatePartitionsTopic {
                name: topic.to_owned(),
                count,
                assignments: None,
            }],
            timeout_ms: self.timeout_ms(),
            validate_only: false,
        };
        self.client
            .retry(|| async move {
                let response = self.ask(request).await?;
                let result = response
                    .results
                    .into_iter()
                    .find(|result| result.name == topic);
                let result = result.ok_or_else(|| missing("create partitions"))?;
                let message = result.error_message.as_deref();
                ClientError::check("create partitions", result.error_code, message)
            })
            .await
    }

    /// The configs of a topic.
    ///
    /// # Errors
    /// No broker answers, or there is no such topic.
    pub async fn topic_configs(&self, topic: &str) -> Result<Vec<ConfigEntry>, ClientError> {
        let request = &DescribeConfigsRequest {
            resources: vec![DescribeConfigsResource {
                resource_type: TOPIC_RESOURCE,
                resource_name: topic.to_owned(),
                configuration_keys: None,
            }],
            ..DescribeConfigsRequest::default()
        };
        self.client
            .retry(|| async move {
                let response = self.client.ask_any(request).await?;
                let result = response
                    .results
                    .into_iter()
                    .find(|r| r.resource_name == topic);
                let result = result.ok_or_else(|| missing("describe configs"))?;
                let message = result.error_message.as_deref();
                ClientError::check("describe configs", result.error_code, message)?;
                Ok(entries(result))
            })
            .await
    }
}

/// A config source that means nobody set the value.
const DEFAULT_CONFIG: i8 = 5;

fn entries(result: DescribeConfigsResult) -> Vec<ConfigEntry> {
    let configs = result.configs.into_iter();
    configs
        .map(|config| ConfigEntry {
            is_default: config.config_source == DEFAULT_CONFIG,
            name: config.name,
            value: config.value,
        })
        .collect()
}

fn missing(what: &str) -> ClientError {
    ClientError::Broker {
        what: what.into(),
        code: ErrorCode::UnknownServerError,
        message: Some("the response does not mention what was asked for".into()),
    }
}
