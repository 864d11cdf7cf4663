//! The calls that change who takes part: a controller that says where it is, voters that are added
//! and removed.

use crate::{
    controller_node::ControllerNode,
    controller_service::ControllerServer,
    joining::endpoint_of,
    membership::{ChangeError, Standing},
    network::directory_on_the_wire,
    raft_types::NodeId,
};
use klamm_controller::{Refusal, RegisterController, Request, Response, check_levels};
use klamm_metadata::{
    Listener,
    feature_level::{KLAMM_VERSION, VOTERS_LEVEL},
};
use klamm_rpc::{
    controller::{
        AddRaftVoterRequest, RaftVoterResponse, RegisterControllerRequest,
        RegisterControllerResponse, RemoveRaftVoterRequest,
    },
    metadata,
};
use klamm_types::{BrokerId, ErrorCode, Uuid};
use std::time::Duration;
use tonic::Status;

/// How long a change of the voters may take.
const CHANGE_PATIENCE_MAX: Duration = Duration::from_secs(60);
/// How long the removal of a voter may take.
const REMOVAL_PATIENCE: Duration = Duration::from_secs(10);

impl ControllerServer {
    pub(crate) async fn welcome_controller(
        &self,
        request: RegisterControllerRequest,
    ) -> Result<RegisterControllerResponse, Status> {
        self.check_active()?;
        match self.try_welcome(request).await {
            Ok(standing) => Ok(RegisterControllerResponse {
                error_code: 0,
                error_message: String::new(),
                is_voter: standing == Standing::Voter,
                voter_directory_id: match standing {
                    Standing::OtherFolder(id) => directory_on_the_wire(id).to_vec(),
                    Standing::Voter | Standing::Observer => Vec::new(),
                },
            }),
            Err(error) => {
                let refusal = self.refusal_of(error)?;
                Ok(RegisterControllerResponse {
                    error_code: refusal.code.code().into(),
                    error_message: refusal.message,
                    ..RegisterControllerResponse::default()
                })
            }
        }
    }

    async fn try_welcome(
        &self,
        request: RegisterControllerRequest,
    ) -> Result<Standing, ChangeError> {
        self.check_cluster(&request.cluster_id)?;
        let (id, node) = self.member(
            request.controller_id,
            &request.directory_id,
            &request.listeners,
        )?;
        let image = self.feed.image();
        let levels = request.levels.into();
        let controller_id = BrokerId(request.controller_id);
        check_levels(&image, "controller", controller_id, levels)?;
        let standing = self.membership.welcome(id, node, image.level()).await?;
        if let Standing::OtherFolder(_) = standing {
            return Ok(standing);
        }
        let listeners = request.listeners.iter().map(Listener::try_from);
        let listeners = listeners.collect::<Result<_, _>>();
        let register = Request::RegisterController(RegisterController {
            controller_id,
            listeners: listeners.map_err(|error| bad(error.to_string()))?,
            levels,
        });
        match self.decide(register).await {
            Ok(Response::Done(registered)) => registered.map(|()| standing).map_err(Into::into),
            Ok(_) | Err(_) => Err(ChangeError::NotLeader),
        }
    }

    pub(crate) async fn add_voter(
        &self,
        request: AddRaftVoterRequest,
    ) -> Result<RaftVoterResponse, Status> {
        self.check_active()?;
        let adding = async {
            self.check_cluster(&request.cluster_id)?;
            self.check_level()?;
            let (id, node) =
                self.member(request.voter_id, &request.directory_id, &request.listeners)?;
            let patience = Duration::from_millis(u64::try_from(request.timeout_ms).unwrap_or(0));
            let patience = patience.min(CHANGE_PATIENCE_MAX);
            let wait = request.ack_when_committed;
            self.membership.add_voter(id, node, patience, wait).await
        };
        self.voter_response(adding.await)
    }

    pub(crate) async fn remove_voter(
        &self,
        request: RemoveRaftVoterRequest,
    ) -> Result<RaftVoterResponse, Status> {
        self.check_active()?;
        let removing = async {
            self.check_cluster(&request.cluster_id)?;
            self.check_level()?;
            let id = NodeId::try_from(request.voter_id)
                .map_err(|_| bad(format!("{} is no controller id", request.voter_id)))?;
            let directory = Uuid::from_slice(&request.directory_id).unwrap_or(Uuid::ZERO);
            // One that is silent for so long does not lead either.
            let silence = request.only_if_silent.then_some(self.leadership.patience);
            let removed = self
                .membership
                .remove_voter(id, directory, silence, REMOVAL_PATIENCE)
                .await;
            // It may also have gone before, without an answer in time.
            if removed.is_ok() || !self.leadership.book.voters().contains(&id) {
                self.forget(BrokerId(request.voter_id)).await;
            }
            removed
        };
        self.voter_response(removing.await)
    }

    /// Forgets a controller that has no vote: it would stand in the way of feature levels. One that
    /// is there says so again.
    async fn forget(&self, id: BrokerId) {
        // A leader that has removed itself decides no more; its successor does.
        if let Err(status) = self.decide(Request::UnregisterController(id)).await {
            tracing::debug!(%status, "the controller that has left stays known");
        }
    }

    fn voter_response(
        &self,
        changed: Result<(), ChangeError>,
    ) -> Result<RaftVoterResponse, Status> {
        match changed {
            Ok(()) => Ok(RaftVoterResponse::default()),
            Err(error) => {
                let refusal = self.refusal_of(error)?;
                Ok(RaftVoterResponse {
                    error_code: refusal.code.code().into(),
                    error_message: refusal.message,
                })
            }
        }
    }

    fn refusal_of(&self, error: ChangeError) -> Result<Refusal, Status> {
        match error {
            ChangeError::Refused(refusal) => Ok(refusal),
            ChangeError::NotLeader => Err(self.not_active()),
        }
    }

    fn check_level(&self) -> Result<(), Refusal> {
        let level = self.feed.image().level();
        match level >= VOTERS_LEVEL {
            true => Ok(()),
            false => Err(Refusal::new(
                ErrorCode::UnsupportedVersion,
                format!("the voters change from {KLAMM_VERSION} {VOTERS_LEVEL} on; it is {level}"),
            )),
        }
    }

    fn check_cluster(&self, theirs: &str) -> Result<(), Refusal> {
        self.cluster_id
            .check(theirs)
            .map_err(|status| Refusal::new(ErrorCode::InconsistentClusterId, status.message()))
    }

    /// The controller that a request is about.
    fn member(
        &self,
        id: i32,
        directory_id: &[u8],
        listeners: &[metadata::Listener],
    ) -> Result<(NodeId, ControllerNode), Refusal> {
        let id = NodeId::try_from(id).map_err(|_| bad(format!("{id} is no controller id")))?;
        let directory_id = Uuid::from_slice(directory_id)
            .filter(|id| !id.is_zero())
            .ok_or_else(|| bad("the controller has no directory id".to_owned()))?;
        let endpoint = endpoint_of(listeners, &self.listener_name)
            .ok_or_else(|| bad("the controller has no listener".to_owned()))?
            .endpoint();
        let node = ControllerNode {
            endpoint,
            directory_id,
        };
        Ok((id, node))
    }
}

fn bad(message: String) -> Refusal {
    Refusal::new(ErrorCode::InvalidRequest, message)
}
