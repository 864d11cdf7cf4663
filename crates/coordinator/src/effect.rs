//! What a shard wants done.

use crate::{Record, RequestId, Response};
use klamm_types::ErrorCode;

/// Names an append until the shell reports its result. Ascending within a shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AppendId(pub u64);

/// Something for the shell to do, in the order given.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Append these records to the shard's partition with acks=all, after all earlier appends,
    /// and report the result once the high watermark has passed them.
    ///
    /// Consecutive appends may share a batch as long as all of an append's records are in one.
    Append {
        /// To report the result with.
        id: AppendId,
        /// At least one.
        records: Vec<Record>,
    },
    /// Send the response. Every request is answered exactly once.
    Respond {
        /// The request.
        id: RequestId,
        /// Its answer. Throttle times are left to the shell.
        response: Response,
    },
    /// The shard's state has run ahead of its log: drop it and load it again, unless leadership
    /// has gone. All requests have been answered.
    Reload {
        /// Why: the error of the append that failed.
        error: ErrorCode,
    },
}
