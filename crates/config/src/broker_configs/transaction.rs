//! Producer ids and transactions.

use crate::config_key::{ConfigKey, Validator::*, config_keys};

pub(super) const KEYS: &[ConfigKey] = config_keys! {
    "transaction.state.log.min.isr": Int = "2", AtLeast(1), ReadOnly, High,
        "";
    "transaction.state.log.load.buffer.size": Int = "5242880", AtLeast(1), ReadOnly, High,
        "";
    "transaction.state.log.replication.factor": Short = "3", AtLeast(1), ReadOnly, High,
        "";
    "transaction.state.log.num.partitions": Int = "50", AtLeast(1), ReadOnly, High,
        "";
    "transaction.state.log.segment.bytes": Int = "104857600", AtLeast(1), ReadOnly, High,
        "";
    "transaction.partition.verification.enable": Boolean = "true", Any, ClusterWide, Low,
        "";
    "producer.id.expiration.ms": Int = "86400000", AtLeast(1), ClusterWide, Low,
        "";
    "producer.id.expiration.check.interval.ms": Int = "600000", AtLeast(1), ReadOnly, Low internal,
        "";
    "transactional.id.expiration.ms": Int = "604800000", AtLeast(1), ReadOnly, High,
        "";
    "transaction.max.timeout.ms": Int = "900000", AtLeast(1), ReadOnly, High,
        "";
    "transaction.abort.timed.out.transaction.cleanup.interval.ms": Int = "10000", AtLeast(1), ReadOnly, Low,
        "";
    "transaction.remove.expired.transaction.cleanup.interval.ms": Int = "3600000", AtLeast(1), ReadOnly, Low,
        "";
    "transaction.two.phase.commit.enable": Boolean = "false", Any, ReadOnly, Low,
        "";
    "add.partitions.to.txn.retry.backoff.max.ms": Int = "100", AtLeast(0), ReadOnly, High,
        "";
    "add.partitions.to.txn.retry.backoff.ms": Int = "20", AtLeast(1), ReadOnly, High,
        "";
};
