//! A small asynchronous Kafka client: connections, metadata, administration, produce, fetch.
//!
//! [`Connection`] is one socket with pipelined requests; brokers use it towards each other. [`Client`] knows a
//! cluster: it finds leaders and repeats what may be repeated until a deadline. [`Admin`], [`Producer`],
//! [`Consumer`] and [`GroupConsumer`] stand on it.
//!
//! Deliberately not here: transactions, TLS and SASL, fetch sessions.

mod admin;
mod chunks;
mod client;
mod cluster_view;
mod connection;
mod consumer;
mod error;
mod group_consumer;
mod producer;
mod versions;

pub use admin::{Admin, ConfigEntry, Feature, LevelChange, NewTopic};
pub use client::{Client, ClientOptions};
pub use cluster_view::{BrokerView, ClusterView, PartitionView, TopicView};
pub use connection::{Connection, ConnectionOptions};
pub use consumer::{ConsumedRecord, Consumer, ConsumerOptions, Position, StartOffset};
pub use error::ClientError;
pub use group_consumer::{GroupConsumer, GroupOptions};
pub use producer::{
    Acks, Delivered, Delivery, Producer, ProducerOptions, ProducerRecord, murmur2, partition_of_key,
};
pub use versions::Versions;
