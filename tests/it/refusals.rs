//! Topics and records that Kafka refuses, and the codes that it refuses them with.

mod records;
mod topics;
