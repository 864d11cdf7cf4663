//! What the shell asks of a shard.

use crate::Response;
use klamm_protocol::messages::{
    delete_groups_response::DeletableGroupResult, describe_groups_response::DescribedGroup,
    heartbeat_request::HeartbeatRequest, heartbeat_response::HeartbeatResponse,
    join_group_request::JoinGroupRequest, leave_group_request::LeaveGroupRequest,
    leave_group_response::LeaveGroupResponse, list_groups_request::ListGroupsRequest,
    list_groups_response::ListGroupsResponse, offset_commit_request::OffsetCommitRequest,
    offset_delete_request::OffsetDeleteRequest, offset_delete_response::OffsetDeleteResponse,
    offset_fetch_request::OffsetFetchRequestGroup, offset_fetch_response::OffsetFetchResponseGroup,
    sync_group_request::SyncGroupRequest,
};
use klamm_types::{ErrorCode, Uuid};

/// Names a request until it is answered. Chosen by the shell, unique within a shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);

/// A request for one shard.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// Comes back with the response.
    pub id: RequestId,
    /// The client id of the request's header, "" if it had none.
    pub client_id: String,
    /// Where the client connects from, as Kafka prints it: `/127.0.0.1`.
    pub client_host: String,
    /// The version of the API that the client speaks.
    pub api_version: i16,
    /// What is asked.
    pub body: RequestBody,
}

/// What is asked of a shard: always about one group, except for the list.
#[derive(Clone, Debug, PartialEq)]
pub enum RequestBody {
    /// JoinGroup, 0–9.
    JoinGroup {
        /// As decoded.
        request: JoinGroupRequest,
        /// A fresh random id, from which a new member's id is made.
        fresh_id: Uuid,
    },
    /// SyncGroup, 0–5.
    SyncGroup(SyncGroupRequest),
    /// Heartbeat, 0–4.
    Heartbeat(HeartbeatRequest),
    /// LeaveGroup, 0–5.
    LeaveGroup(LeaveGroupRequest),
    /// OffsetCommit, 2–10. Only partitions that exist, each topic with name *and* id: the shell
    /// answers for the others, and resolves names to ids and (10+) ids to names.
    OffsetCommit(OffsetCommitRequest),
    /// One group of an OffsetFetch, 1–10, in the shape of 8+. Each topic with its name, and
    /// with its id where the shell knows it.
    OffsetFetch {
        /// The group and its topics, `None` for all.
        group: OffsetFetchRequestGroup,
        /// Whether offsets of open transactions are to be waited for (7+).
        require_stable: bool,
    },
    /// OffsetDelete, 0. Only partitions that exist: the shell answers for the others.
    OffsetDelete(OffsetDeleteRequest),
    /// ListGroups, 0–5: the groups of this shard.
    ListGroups(ListGroupsRequest),
    /// One group of a DescribeGroups, 0–6.
    DescribeGroup(String),
    /// One group of a DeleteGroups, 0–2.
    DeleteGroup(String),
}

impl Request {
    /// The answer to a request that no shard takes: `error` says why.
    ///
    /// A heartbeat during loading is answered with success, so that members do not lose patience
    /// with a coordinator that has just moved. A SyncGroup is told to join again: what the members
    /// were about to share did not survive, and clients know no error of loading there.
    pub fn refuse(&self, error: ErrorCode) -> Response {
        use RequestBody as B;
        let error_code = error.code();
        match &self.body {
            B::JoinGroup { request, .. } => {
                Response::JoinGroup(crate::group::join_error(&request.member_id, error))
            }
            B::SyncGroup(_) => Response::SyncGroup(crate::group::sync_error(match error {
                ErrorCode::CoordinatorLoadInProgress => ErrorCode::RebalanceInProgress,
                _ => error,
            })),
            B::Heartbeat(_) => Response::Heartbeat(HeartbeatResponse {
                error_code: match error {
                    ErrorCode::CoordinatorLoadInProgress => ErrorCode::None.code(),
                    _ => error_code,
                },
                ..Default::default()
            }),
            B::LeaveGroup(_) => Response::LeaveGroup(LeaveGroupResponse {
                error_code,
                ..Default::default()
            }),
            B::OffsetCommit(request) => {
                Response::OffsetCommit(crate::offsets::commit_error(request, error))
            }
            B::OffsetFetch { group, .. } => Response::OffsetFetch(OffsetFetchResponseGroup {
                group_id: group.group_id.clone(),
                error_code,
                ..Default::default()
            }),
            B::OffsetDelete(_) => Response::OffsetDelete(OffsetDeleteResponse {
                error_code,
                ..Default::default()
            }),
            B::ListGroups(_) => Response::ListGroups(ListGroupsResponse {
                error_code,
                ..Default::default()
            }),
            B::DescribeGroup(group_id) => Response::DescribeGroup(DescribedGroup {
                group_id: group_id.clone(),
                error_code,
                ..Default::default()
            }),
            B::DeleteGroup(group_id) => Response::DeleteGroup(DeletableGroupResult {
                group_id: group_id.clone(),
                error_code,
                ..Default::default()
            }),
        }
    }
}
