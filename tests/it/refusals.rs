//! Topics, records and settings that Kafka refuses, and the codes that it refuses them with.

mod configs;
mod records;
mod topics;
