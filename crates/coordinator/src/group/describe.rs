//! ListGroups and DescribeGroups (rule 108).

use super::{ClassicGroup, classic::GroupState};
use klamm_protocol::messages::{
    describe_groups_response::{DescribedGroup, DescribedGroupMember},
    list_groups_request::ListGroupsRequest,
    list_groups_response::ListedGroup,
};
use klamm_types::ErrorCode;

/// The type of these groups, as ListGroups spells it.
const GROUP_TYPE: &str = "classic";
/// From this version on, an unknown group is an error.
const UNKNOWN_IS_AN_ERROR: i16 = 6;

/// What a ListGroups asks for.
pub(crate) struct Listing {
    states: Vec<String>,
    types: Vec<String>,
}

impl Listing {
    pub(crate) fn new(request: &ListGroupsRequest) -> Listing {
        let lower = |names: &[String]| names.iter().map(|n| n.to_lowercase()).collect();
        Listing {
            states: lower(&request.states_filter),
            types: lower(&request.types_filter),
        }
    }

    /// The group's entry, if it is asked for. Without a filter, all are.
    pub(crate) fn entry(&self, group: &ClassicGroup) -> Option<ListedGroup> {
        let state = group.state.name();
        let listed = passes(&self.states, state) && passes(&self.types, GROUP_TYPE);
        listed.then(|| ListedGroup {
            group_id: group.group_id.clone(),
            protocol_type: group.protocol_type.clone().unwrap_or_default(),
            group_state: state.to_owned(),
            group_type: GROUP_TYPE.to_owned(),
        })
    }
}

fn passes(filter: &[String], name: &str) -> bool {
    filter.is_empty() || filter.contains(&name.to_lowercase())
}

impl ClassicGroup {
    /// The group's description. What members say and get is told while it holds: in Stable.
    pub(crate) fn describe(&self) -> DescribedGroup {
        let protocol_name = match self.state {
            GroupState::Stable => self.protocol_name.as_deref(),
            _ => None,
        };
        DescribedGroup {
            group_id: self.group_id.clone(),
            group_state: self.state.name().to_owned(),
            protocol_type: self.protocol_type.clone().unwrap_or_default(),
            protocol_data: protocol_name.unwrap_or_default().to_owned(),
            members: self.describe_members(protocol_name),
            ..Default::default()
        }
    }

    fn describe_members(&self, protocol_name: Option<&str>) -> Vec<DescribedGroupMember> {
        let members = self.members.iter();
        members
            .map(|(member_id, member)| {
                let mut described = DescribedGroupMember {
                    member_id: member_id.clone(),
                    group_instance_id: member.instance_id.clone(),
                    client_id: member.client_id.clone(),
                    client_host: member.client_host.clone(),
                    ..Default::default()
                };
                if let Some(protocol_name) = protocol_name {
                    described.member_metadata = member.metadata(protocol_name);
                    described.member_assignment = member.assignment.clone();
                }
                described
            })
            .collect()
    }
}

/// The description of a group that nobody knows.
pub(crate) fn describe_unknown(api_version: i16, group_id: &str) -> DescribedGroup {
    let is_error = api_version >= UNKNOWN_IS_AN_ERROR;
    DescribedGroup {
        error_code: match is_error {
            true => ErrorCode::GroupIdNotFound.code(),
            false => ErrorCode::None.code(),
        },
        error_message: is_error.then(|| format!("Group {group_id} not found.")),
        group_id: group_id.to_owned(),
        group_state: "Dead".to_owned(),
        ..Default::default()
    }
}
