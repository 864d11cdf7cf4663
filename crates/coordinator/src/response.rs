//! What a shard answers.

use crate::append_error;
use klamm_protocol::messages::{
    delete_groups_response::DeletableGroupResult, describe_groups_response::DescribedGroup,
    heartbeat_response::HeartbeatResponse, join_group_response::JoinGroupResponse,
    leave_group_response::LeaveGroupResponse, list_groups_response::ListGroupsResponse,
    offset_commit_response::OffsetCommitResponse, offset_delete_response::OffsetDeleteResponse,
    offset_fetch_response::OffsetFetchResponseGroup, sync_group_response::SyncGroupResponse,
};
use klamm_types::ErrorCode;

/// The answer to a [`Request`](crate::Request), of the same kind as its body.
#[derive(Clone, Debug, PartialEq)]
pub enum Response {
    /// To JoinGroup. `protocol_name` is never null, as versions below 7 require.
    JoinGroup(JoinGroupResponse),
    /// To SyncGroup.
    SyncGroup(SyncGroupResponse),
    /// To Heartbeat.
    Heartbeat(HeartbeatResponse),
    /// To LeaveGroup: one error for all below version 3, one a member from then on.
    LeaveGroup(LeaveGroupResponse),
    /// To OffsetCommit, with names and ids as they were asked.
    OffsetCommit(OffsetCommitResponse),
    /// To one group of an OffsetFetch, in the shape of 8+, with names and ids as asked.
    OffsetFetch(OffsetFetchResponseGroup),
    /// To OffsetDelete.
    OffsetDelete(OffsetDeleteResponse),
    /// To ListGroups.
    ListGroups(ListGroupsResponse),
    /// To one group of a DescribeGroups.
    DescribeGroup(DescribedGroup),
    /// To one group of a DeleteGroups.
    DeleteGroup(DeletableGroupResult),
}

impl Response {
    /// Turns the answer that was to be given had the append succeeded into the one to give after
    /// it ended in `error`.
    pub(crate) fn into_failed(self, error: ErrorCode) -> Response {
        let mapped = append_error(error);
        let code = mapped.code();
        match self {
            Response::JoinGroup(r) => {
                Response::JoinGroup(crate::group::join_error(&r.member_id, mapped))
            }
            Response::SyncGroup(_) => Response::SyncGroup(SyncGroupResponse {
                error_code: code,
                ..Default::default()
            }),
            Response::Heartbeat(r) => Response::Heartbeat(HeartbeatResponse {
                error_code: code,
                ..r
            }),
            Response::LeaveGroup(_) => Response::LeaveGroup(LeaveGroupResponse {
                error_code: code,
                ..Default::default()
            }),
            Response::OffsetCommit(r) => Response::OffsetCommit(fail_commit(r, code)),
            Response::OffsetFetch(r) => Response::OffsetFetch(OffsetFetchResponseGroup {
                group_id: r.group_id,
                error_code: fetch_error(mapped).code(),
                ..Default::default()
            }),
            Response::OffsetDelete(_) => Response::OffsetDelete(OffsetDeleteResponse {
                error_code: code,
                ..Default::default()
            }),
            Response::ListGroups(_) => Response::ListGroups(ListGroupsResponse {
                error_code: code,
                ..Default::default()
            }),
            Response::DescribeGroup(r) => Response::DescribeGroup(DescribedGroup {
                group_id: r.group_id,
                error_code: code,
                ..Default::default()
            }),
            Response::DeleteGroup(r) => Response::DeleteGroup(DeletableGroupResult {
                error_code: code,
                ..r
            }),
        }
    }
}

/// Partitions that were refused keep their own error.
fn fail_commit(mut response: OffsetCommitResponse, code: i16) -> OffsetCommitResponse {
    for topic in &mut response.topics {
        for partition in &mut topic.partitions {
            if partition.error_code == ErrorCode::None.code() {
                partition.error_code = code;
            }
        }
    }
    response
}

/// Clients look for the coordinator again after NOT_COORDINATOR; of the other error they would
/// make an end (rule 96).
fn fetch_error(mapped: ErrorCode) -> ErrorCode {
    match mapped {
        ErrorCode::CoordinatorNotAvailable => ErrorCode::NotCoordinator,
        other => other,
    }
}
