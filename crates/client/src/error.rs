//! What can go wrong between a client and a cluster.

use klamm_protocol::{ApiKey, DecodeError, EncodeError};
use klamm_types::ErrorCode;
use std::{sync::Arc, time::Duration};

/// Why a request has no answer, or which error is the answer. Cheap to clone: one failure of a connection fails
/// everything that waits for it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClientError {
    /// The address could not be reached.
    #[error("cannot connect to {address}: {reason}")]
    Connect {
        /// Host and port.
        address: Arc<str>,
        /// What the operating system says.
        reason: Arc<str>,
    },
    /// The connection ended before the answer came.
    #[error("connection to {address} closed: {reason}")]
    Closed {
        /// Host and port.
        address: Arc<str>,
        /// Why it ended; the first reason counts.
        reason: Arc<str>,
    },
    /// No answer in time.
    #[error("no answer to {what} within {after:?}")]
    Timeout {
        /// What was asked.
        what: &'static str,
        /// How long it was waited for.
        after: Duration,
    },
    /// The request cannot be expressed in this version.
    #[error("cannot encode {api}: {error}")]
    Encode {
        /// The API.
        api: ApiKey,
        /// Why.
        error: EncodeError,
    },
    /// The answer makes no sense.
    #[error("cannot decode the response to {api}: {error}")]
    Decode {
        /// The API.
        api: ApiKey,
        /// Why.
        error: DecodeError,
    },
    /// The broker speaks no version that this client speaks too.
    #[error("{api}: the broker has no version that this client knows")]
    UnsupportedVersion {
        /// The API.
        api: ApiKey,
    },
    /// The broker answered with an error.
    #[error("{what}: {code}{}", message.as_deref().map(|m| format!(" ({m})")).unwrap_or_default())]
    Broker {
        /// What was asked.
        what: Arc<str>,
        /// The error.
        code: ErrorCode,
        /// The broker's own words.
        message: Option<Arc<str>>,
    },
    /// A topic has no such partition.
    #[error("{topic} has no partition {partition}")]
    UnknownPartition {
        /// The topic.
        topic: Arc<str>,
        /// The partition.
        partition: i32,
    },
    /// Record batches could not be built or read.
    #[error("records of {topic}-{partition}: {reason}")]
    Records {
        /// The topic.
        topic: Arc<str>,
        /// The partition.
        partition: i32,
        /// Why.
        reason: Arc<str>,
    },
    /// Something was used in a way that cannot work.
    #[error("{0}")]
    Usage(&'static str),
}

impl ClientError {
    /// The error code of an answer as a result.
    pub(crate) fn check(what: &str, code: i16, message: Option<&str>) -> Result<(), ClientError> {
        match ErrorCode::from(code) {
            ErrorCode::None => Ok(()),
            code => Err(ClientError::Broker {
                what: what.into(),
                code,
                message: message.map(Into::into),
            }),
        }
    }

    /// The error of the broker, if it is one.
    pub fn code(&self) -> Option<ErrorCode> {
        match self {
            ClientError::Broker { code, .. } => Some(*code),
            _ => None,
        }
    }

    /// Whether another attempt, perhaps at another broker, may succeed.
    pub fn is_retriable(&self) -> bool {
        match self {
            ClientError::Connect { .. }
            | ClientError::Closed { .. }
            | ClientError::Timeout { .. } => true,
            ClientError::Broker { code, .. } => code.is_retriable(),
            _ => false,
        }
    }
}
