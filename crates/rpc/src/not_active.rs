//! How a controller says that it is not the active one, and who is.

use crate::ActiveController;
use tonic::{Code, Status, metadata::MetadataMap};

const LEADER_ID: &str = "klamm-leader-id";
const LEADER_EPOCH: &str = "klamm-leader-epoch";
const LEADER_ENDPOINT: &str = "klamm-leader-endpoint";

/// "I am not the active controller": the status FAILED_PRECONDITION, whose metadata names the
/// leader if it is known. Both ends of that convention are here.
#[derive(Clone, Debug, PartialEq)]
pub struct NotActive {
    /// Who is, as far as the answering controller knows.
    pub active: Option<ActiveController>,
}

impl NotActive {
    /// The status that says so.
    pub fn into_status(self) -> Status {
        let mut metadata = MetadataMap::new();
        if let Some(active) = &self.active {
            metadata.insert(LEADER_ID, active.controller_id.into());
            metadata.insert(LEADER_EPOCH, active.controller_epoch.into());
            if let Ok(endpoint) = active.endpoint.parse() {
                metadata.insert(LEADER_ENDPOINT, endpoint);
            }
        }
        Status::with_metadata(
            Code::FailedPrecondition,
            "not the active controller",
            metadata,
        )
    }

    /// What `status` says, `None` if it says something else.
    pub fn from_status(status: &Status) -> Option<NotActive> {
        if status.code() != Code::FailedPrecondition {
            return None;
        }
        let text = |key| status.metadata().get(key)?.to_str().ok();
        let number = |key| text(key)?.parse::<i32>().ok();
        let active = number(LEADER_ID)
            .filter(|id| *id >= 0)
            .zip(text(LEADER_ENDPOINT))
            .map(|(controller_id, endpoint)| ActiveController {
                controller_id,
                controller_epoch: number(LEADER_EPOCH).unwrap_or(-1),
                endpoint: endpoint.to_owned(),
            });
        Some(NotActive { active })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_round_trips() {
        let active = ActiveController {
            controller_id: 3,
            controller_epoch: 17,
            endpoint: "localhost:9093".into(),
        };
        for active in [Some(active), None] {
            let not_active = NotActive { active };
            let status = not_active.clone().into_status();
            assert_eq!(NotActive::from_status(&status), Some(not_active));
        }
    }

    #[test]
    fn other_statuses_say_something_else() {
        assert_eq!(NotActive::from_status(&Status::unavailable("")), None);
    }
}
