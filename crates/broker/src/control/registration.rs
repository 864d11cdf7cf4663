//! Introducing the broker to the cluster.

use klamm_metadata::{Listener, feature_level::LevelRange, uuid_bytes};
use klamm_rpc::{CallError, ControllerClient, controller::RegisterBrokerRequest};
use klamm_types::{BrokerEpoch, BrokerId, ErrorCode, Uuid};
use std::time::Duration;
use tokio::time::{Instant, sleep};
use tracing::{info, warn};

/// Pause before a registration that another incarnation blocks is tried again.
const RETRY_PAUSE: Duration = Duration::from_millis(100);

/// One try through changes of the controller.
const CALL_TIMEOUT: Duration = Duration::from_secs(5);

/// Who registers.
#[derive(Clone, Debug)]
pub(crate) struct Registration {
    pub(crate) id: BrokerId,
    /// "" if the data folder belongs to no cluster yet.
    pub(crate) cluster_id: String,
    /// Drawn anew at every start.
    pub(crate) incarnation_id: Uuid,
    pub(crate) listeners: Vec<Listener>,
    pub(crate) rack: Option<String>,
    pub(crate) log_dirs: Vec<Uuid>,
    /// There are other log directories that cannot be used now.
    pub(crate) has_offline_log_dirs: bool,
    /// Under which it stopped cleanly last, [`BrokerEpoch::NONE`] if it did not.
    pub(crate) previous_epoch: BrokerEpoch,
    /// The feature levels it supports.
    pub(crate) levels: LevelRange,
}

/// Why the broker cannot join.
#[derive(Debug, thiserror::Error)]
pub enum RegistrationError {
    /// The controller says no, and would go on saying so.
    #[error("the controller refuses broker {id}: {error}: {message}")]
    Refused {
        /// The broker.
        id: BrokerId,
        /// The reason.
        error: ErrorCode,
        /// In words.
        message: String,
    },
    /// No controller has answered in time.
    #[error("cannot register broker {id} within {waited:?}: {reason}")]
    TimedOut {
        /// The broker.
        id: BrokerId,
        /// `initial.broker.registration.timeout.ms`.
        waited: Duration,
        /// What went wrong last.
        reason: String,
    },
}

/// Registers; returns the cluster's id and the broker epoch.
///
/// An earlier incarnation that the controller still believes alive is waited for: it has
/// crashed, and is fenced soon.
pub(crate) async fn register(
    controller: &ControllerClient,
    who: &Registration,
    patience: Duration,
) -> Result<(String, BrokerEpoch), RegistrationError> {
    let deadline = Instant::now() + patience;
    loop {
        let timeout = CALL_TIMEOUT.min(deadline.saturating_duration_since(Instant::now()));
        let reason = match controller.register_broker(request(who), timeout).await {
            Ok(response) => {
                let number = i16::try_from(response.error_code).unwrap_or(-1);
                match ErrorCode::from(number) {
                    ErrorCode::None => {
                        let epoch = BrokerEpoch(response.broker_epoch);
                        info!(broker = %who.id, %epoch, cluster_id = response.cluster_id, "registered");
                        return Ok((response.cluster_id, epoch));
                    }
                    error if is_passing(error) => format!("{error}: {}", response.error_message),
                    error => {
                        return Err(RegistrationError::Refused {
                            id: who.id,
                            error,
                            message: response.error_message,
                        });
                    }
                }
            }
            Err(CallError::Refused(status)) => format!("refused: {status}"),
            Err(error) => error.to_string(),
        };
        if Instant::now() >= deadline {
            return Err(RegistrationError::TimedOut {
                id: who.id,
                waited: patience,
                reason,
            });
        }
        warn!(broker = %who.id, reason, "not registered yet");
        sleep(RETRY_PAUSE).await;
    }
}

fn is_passing(error: ErrorCode) -> bool {
    error.is_retriable() || error == ErrorCode::DuplicateBrokerRegistration
}

fn request(who: &Registration) -> RegisterBrokerRequest {
    RegisterBrokerRequest {
        cluster_id: who.cluster_id.clone(),
        broker_id: who.id.get(),
        incarnation_id: uuid_bytes(who.incarnation_id),
        listeners: who.listeners.iter().map(Into::into).collect(),
        rack: who.rack.clone(),
        log_dirs: who.log_dirs.iter().map(|id| uuid_bytes(*id)).collect(),
        has_offline_log_dirs: who.has_offline_log_dirs,
        previous_broker_epoch: who.previous_epoch.get(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        levels: who.levels.into(),
    }
}
