//! Requests that the active controller carries out: what their handlers have in common.

use klamm_metadata::Image;
use klamm_rpc::CallError;
use klamm_types::{ErrorCode, Uuid};
use std::{collections::BTreeMap, time::Duration};
use tracing::warn;

use crate::metadata::MetadataCache;
use tokio::time::Instant;

/// Requests wait at least this long for the controller, whatever timeout they name: a change of
/// the active controller takes a part of a second, and nobody gains from giving up before.
const PATIENCE_MIN: Duration = Duration::from_secs(1);

/// Requests wait at most this long, whatever timeout they name.
const PATIENCE_MAX: Duration = Duration::from_secs(300);

/// How long a change that the controller has made is waited for to be known here. It usually
/// takes milliseconds; a broker that is behind must not hold back the response.
const KNOWN_PATIENCE_MAX: Duration = Duration::from_secs(5);

/// How long a request waits for the controller.
pub(super) struct Deadline(Instant);

impl Deadline {
    /// The deadline of a request that names `timeout_ms`.
    pub(super) fn of(timeout_ms: i32) -> Deadline {
        let asked = Duration::from_millis(u64::try_from(timeout_ms).unwrap_or(0));
        Deadline(Instant::now() + asked.clamp(PATIENCE_MIN, PATIENCE_MAX))
    }

    /// What is left of it.
    pub(super) fn patience(&self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    /// Waits until this broker knows of a change, so that whoever asks it next finds it.
    pub(super) async fn wait_until_known(
        &self,
        metadata: &MetadataCache,
        condition: impl Fn(&Image) -> bool,
    ) {
        let patience = self.patience().min(KNOWN_PATIENCE_MAX);
        metadata.wait_until(patience, condition).await;
    }
}

/// An error code as controllers send it.
pub(crate) fn error_code(number: i32) -> ErrorCode {
    i16::try_from(number).map_or(ErrorCode::UnknownServerError, ErrorCode::from)
}

/// How long a message is at most, in characters: it may repeat what the client sent, and texts of
/// older versions end at 32 KiB.
const MESSAGE_CHARS_MAX: usize = 1_000;

/// The message of an error, absent where there is none.
pub(super) fn error_message(error: ErrorCode, message: String) -> Option<String> {
    if error.is_none() {
        return None;
    }
    if message.is_empty() {
        return Some(error.to_string());
    }
    Some(message.chars().take(MESSAGE_CHARS_MAX).collect())
}

/// An id as controllers send it; absent is zero.
pub(super) fn uuid(bytes: &[u8]) -> Uuid {
    Uuid::from_slice(bytes).unwrap_or(Uuid::ZERO)
}

/// How a call that did not come through reads to the client.
pub(super) fn call_error(error: &CallError) -> (ErrorCode, String) {
    warn!(%error, "the active controller did not carry out a client's request");
    let code = match error {
        CallError::TimedOut(_) => ErrorCode::RequestTimedOut,
        CallError::Refused(_) | CallError::InvalidEndpoint(_) => ErrorCode::UnknownServerError,
    };
    (code, error.to_string())
}

/// How often each key occurs.
pub(super) fn count<K: Ord>(keys: impl Iterator<Item = K>) -> BTreeMap<K, usize> {
    let mut counts = BTreeMap::new();
    for key in keys {
        *counts.entry(key).or_insert(0) += 1;
    }
    counts
}
