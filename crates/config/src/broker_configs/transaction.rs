//! Producer ids and transactions.

use crate::config_key::{ConfigKey, Validator::*, config_keys};

pub(super) const KEYS: &[ConfigKey] = config_keys! {
    "transaction.state.log.min.isr": Int = "2", AtLeast(1), ReadOnly, High,
        "min.insync.replicas of the transaction topic.";
    "transaction.state.log.load.buffer.size": Int = "5242880", AtLeast(1), ReadOnly, High,
        "Bytes read at a time when transactions are loaded.";
    "transaction.state.log.replication.factor": Short = "3", AtLeast(1), ReadOnly, High,
        "Replicas of the transaction topic.";
    "transaction.state.log.num.partitions": Int = "50", AtLeast(1), ReadOnly, High,
        "Partitions of the transaction topic; fixed once it exists.";
    "transaction.state.log.segment.bytes": Int = "104857600", AtLeast(1), ReadOnly, High,
        "Segment size of the transaction topic.";
    "transaction.partition.verification.enable": Boolean = "true", Any, ClusterWide, Low,
        "Whether a leader asks the coordinator before it takes transactional records.";
    "producer.id.expiration.ms": Int = "86400000", AtLeast(1), ClusterWide, Low,
        "How long a partition remembers a producer that writes nothing.";
    "producer.id.expiration.check.interval.ms": Int = "600000", AtLeast(1), ReadOnly, Low internal,
        "How often producers are looked at for expiry.";
    "transactional.id.expiration.ms": Int = "604800000", AtLeast(1), ReadOnly, High,
        "How long an unused transactional id is remembered.";
    "transaction.max.timeout.ms": Int = "900000", AtLeast(1), ReadOnly, High,
        "Longest timeout that a transaction may ask for.";
    "transaction.abort.timed.out.transaction.cleanup.interval.ms": Int = "10000", AtLeast(1), ReadOnly, Low,
        "How often transactions past their timeout are aborted.";
    "transaction.remove.expired.transaction.cleanup.interval.ms": Int = "3600000", AtLeast(1), ReadOnly, Low,
        "How often expired transactional ids are removed.";
    "transaction.two.phase.commit.enable": Boolean = "false", Any, ReadOnly, Low,
        "Whether transactions may be part of a two-phase commit elsewhere.";
    "add.partitions.to.txn.retry.backoff.max.ms": Int = "100", AtLeast(0), ReadOnly, High,
        "Longest time that a broker retries to add partitions to a transaction.";
    "add.partitions.to.txn.retry.backoff.ms": Int = "20", AtLeast(1), ReadOnly, High,
        "Pause between two tries to add partitions to a transaction.";
};
