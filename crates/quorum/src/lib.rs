//! The controller quorum: openraft over gRPC with a durable log.
