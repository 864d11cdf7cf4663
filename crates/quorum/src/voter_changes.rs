//! What is to be done about a controller that wants in or is to go: plain decisions.
//!
//! A voter is a node id together with the id of its folder (KIP-853). One change of the voters is
//! made at a time; the next one waits until it is committed.

use crate::{controller_node::ControllerNode, raft_types::NodeId};
use klamm_controller::Refusal;
use klamm_types::{ErrorCode, Uuid};
use std::collections::BTreeMap;

/// Who takes part, by the leader's log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Members {
    pub(crate) voters: BTreeMap<NodeId, ControllerNode>,
    pub(crate) observers: BTreeMap<NodeId, ControllerNode>,
    /// The last change is committed, and complete.
    pub(crate) is_settled: bool,
}

/// What to do about a controller that says where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Welcome {
    /// It is known as it is.
    Known,
    /// It becomes an observer.
    AddObserver,
    /// It has moved, or its folder was not known.
    Update,
    /// The voter of its id has this other folder: what it promised there is not here.
    OtherFolder(Uuid),
}

impl Members {
    /// What to do about a controller that says that it is `node`, of which `noted` is to be noted.
    pub(crate) fn welcome(
        &self,
        id: NodeId,
        node: &ControllerNode,
        noted: &ControllerNode,
    ) -> Welcome {
        let voter = self.voters.get(&id);
        match voter.or_else(|| self.observers.get(&id)) {
            None => Welcome::AddObserver,
            Some(known)
                if voter.is_some()
                    && !known.directory_id.is_zero()
                    && known.directory_id != node.directory_id =>
            {
                Welcome::OtherFolder(known.directory_id)
            }
            Some(known) if known == noted => Welcome::Known,
            Some(_) => Welcome::Update,
        }
    }

    /// Whether that controller may become a voter.
    ///
    /// # Errors
    /// DUPLICATE_VOTER: its id has a vote. REQUEST_TIMED_OUT: the last change is under way.
    pub(crate) fn check_add(&self, id: NodeId) -> Result<(), Refusal> {
        self.check_settled()?;
        match self.voters.contains_key(&id) {
            true => Err(Refusal::new(
                ErrorCode::DuplicateVoter,
                format!(
                    "controller {id} is one of the voters already: {}",
                    self.names()
                ),
            )),
            false => Ok(()),
        }
    }

    /// Whether that voter may go.
    ///
    /// # Errors
    /// VOTER_NOT_FOUND: there is no such voter. REQUEST_TIMED_OUT: the last change is under way.
    /// INVALID_REQUEST: it is the last one.
    pub(crate) fn check_remove(&self, id: NodeId, directory_id: Uuid) -> Result<(), Refusal> {
        self.check_settled()?;
        let is_that = |voter: &&ControllerNode| {
            voter.directory_id.is_zero() || voter.directory_id == directory_id
        };
        if self.voters.get(&id).filter(is_that).is_none() {
            return Err(Refusal::new(
                ErrorCode::VoterNotFound,
                format!(
                    "controller {id} with the directory {directory_id} is not one of the voters: {}",
                    self.names()
                ),
            ));
        }
        match self.voters.len() {
            1 => Err(Refusal::new(
                ErrorCode::InvalidRequest,
                format!("controller {id} is the last voter"),
            )),
            _ => Ok(()),
        }
    }

    fn check_settled(&self) -> Result<(), Refusal> {
        match self.is_settled {
            true => Ok(()),
            false => Err(in_turn()),
        }
    }

    fn names(&self) -> String {
        let name = |(id, node): (&NodeId, &ControllerNode)| match node.directory_id.is_zero() {
            true => id.to_string(),
            false => format!("{id}-{}", node.directory_id),
        };
        self.voters.iter().map(name).collect::<Vec<_>>().join(", ")
    }
}

/// Another change is under way.
pub(crate) fn in_turn() -> Refusal {
    Refusal::new(
        ErrorCode::RequestTimedOut,
        "another change of the voters is under way",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Uuid = Uuid([1; 16]);
    const B: Uuid = Uuid([2; 16]);

    fn node(endpoint: &str, directory_id: Uuid) -> ControllerNode {
        ControllerNode {
            endpoint: endpoint.into(),
            directory_id,
        }
    }

    fn members() -> Members {
        Members {
            voters: [
                (1, node("one", A)),
                (2, node("two", Uuid::ZERO)),
                (3, node("three", B)),
            ]
            .into(),
            observers: [(4, node("four", A))].into(),
            is_settled: true,
        }
    }

    #[test]
    fn who_says_where_it_is() {
        let members = members();
        for (id, endpoint, directory, expected) in [
            (1, "one", A, Welcome::Known),
            (1, "moved", A, Welcome::Update),
            (1, "one", B, Welcome::OtherFolder(A)),
            (1, "moved", B, Welcome::OtherFolder(A)),
            (2, "two", B, Welcome::Update),
            (4, "four", A, Welcome::Known),
            (4, "four", B, Welcome::Update),
            (5, "five", A, Welcome::AddObserver),
        ] {
            let node = node(endpoint, directory);
            let welcome = members.welcome(id, &node, &node);
            assert_eq!(welcome, expected, "{id} {endpoint} {directory}");
        }
        // Where folders must not be noted, those that were are forgotten.
        for (id, directory, expected) in [
            (1, A, Welcome::Update),
            (1, B, Welcome::OtherFolder(A)),
            (2, B, Welcome::Known),
            (5, A, Welcome::AddObserver),
        ] {
            let noted = node(["", "one", "two", "", "", "five"][id], Uuid::ZERO);
            let node = node(&noted.endpoint, directory);
            let id = NodeId::try_from(id).unwrap();
            assert_eq!(members.welcome(id, &node, &noted), expected, "{id}");
        }
    }

    #[test]
    fn only_who_has_no_vote_gets_one() {
        let code = |result: Result<(), Refusal>| result.err().map(|refusal| refusal.code);
        let mut members = members();
        assert_eq!(code(members.check_add(4)), None);
        assert_eq!(code(members.check_add(5)), None);
        assert_eq!(code(members.check_add(3)), Some(ErrorCode::DuplicateVoter));
        members.is_settled = false;
        assert_eq!(code(members.check_add(4)), Some(ErrorCode::RequestTimedOut));
    }

    #[test]
    fn only_that_very_voter_goes() {
        let code = |result: Result<(), Refusal>| result.err().map(|refusal| refusal.code);
        let mut members = members();
        assert_eq!(code(members.check_remove(1, A)), None);
        assert_eq!(code(members.check_remove(2, A)), None);
        for (id, directory) in [(1, B), (4, A), (5, A)] {
            let refused = code(members.check_remove(id, directory));
            assert_eq!(refused, Some(ErrorCode::VoterNotFound), "{id}");
        }
        members.voters.retain(|id, _| *id == 1);
        assert_eq!(
            code(members.check_remove(1, A)),
            Some(ErrorCode::InvalidRequest)
        );
        members.is_settled = false;
        assert_eq!(
            code(members.check_remove(1, A)),
            Some(ErrorCode::RequestTimedOut)
        );
    }
}
