//! How a failed append reads to the client that caused it.

use klamm_types::ErrorCode;

/// The error that a coordinator's client sees for an append that ended in `error` (rule 96).
pub fn append_error(error: ErrorCode) -> ErrorCode {
    use ErrorCode as E;
    match error {
        E::UnknownTopicOrPartition
        | E::NotEnoughReplicas
        | E::NotEnoughReplicasAfterAppend
        | E::RequestTimedOut => E::CoordinatorNotAvailable,
        E::NotLeaderOrFollower | E::KafkaStorageError | E::FencedLeaderEpoch => E::NotCoordinator,
        E::MessageTooLarge | E::RecordListTooLarge | E::InvalidFetchSize => E::UnknownServerError,
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ErrorCode as E;

    #[test]
    fn storage_errors_become_coordinator_errors() {
        for (storage, coordinator) in [
            (E::UnknownTopicOrPartition, E::CoordinatorNotAvailable),
            (E::NotEnoughReplicas, E::CoordinatorNotAvailable),
            (E::RequestTimedOut, E::CoordinatorNotAvailable),
            (E::NotLeaderOrFollower, E::NotCoordinator),
            (E::KafkaStorageError, E::NotCoordinator),
            (E::MessageTooLarge, E::UnknownServerError),
            (E::NotCoordinator, E::NotCoordinator),
            (E::CoordinatorLoadInProgress, E::CoordinatorLoadInProgress),
        ] {
            assert_eq!(append_error(storage), coordinator, "{storage:?}");
        }
    }
}
