//! `DescribeGroupsResponse`. Generated from the schema; do not edit.

use crate::wire::*;
use bytes::Bytes;

/// Versions 0-6.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct DescribeGroupsResponse {
    /// Versions 1+.
    pub throttle_time_ms: i32,
    /// Versions 0+.
    pub groups: Vec<DescribedGroup>,
}

impl Wire for DescribeGroupsResponse {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let v = cx.version;
        let mut m = Self::default();
        if v >= 1 { m.throttle_time_ms = d.get(cx)?; }
        m.groups = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        let v = cx.version;
        if v >= 1 { self.throttle_time_ms.write(e, cx)?; }
        self.groups.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let v = cx.version;
        let mut m = Self::default();
        if v >= 1 { m.throttle_time_ms = r.get(cx); }
        m.groups = r.get(cx);
        m
    }
}

impl Message for DescribeGroupsResponse {
    const NAME: &'static str = "DescribeGroupsResponse";
    const API_KEY: i16 = 15;
    const MIN_VERSION: i16 = 0;
    const MAX_VERSION: i16 = 6;
    const FLEXIBLE_FROM: i16 = 5;
}

/// Versions 0+.
#[derive(Clone, Debug, PartialEq)]
pub struct DescribedGroup {
    /// Versions 0+.
    pub error_code: i16,
    /// Versions 6+, nullable 6+, default `null`.
    pub error_message: Option<String>,
    /// Versions 0+.
    pub group_id: String,
    /// Versions 0+.
    pub group_state: String,
    /// Versions 0+.
    pub protocol_type: String,
    /// Versions 0+.
    pub protocol_data: String,
    /// Versions 0+.
    pub members: Vec<DescribedGroupMember>,
    /// Versions 3+, default `-2147483648`.
    pub authorized_operations: i32,
}

impl Default for DescribedGroup {
    fn default() -> Self {
        Self {
            error_code: 0,
            error_message: None,
            group_id: Default::default(),
            group_state: Default::default(),
            protocol_type: Default::default(),
            protocol_data: Default::default(),
            members: Default::default(),
            authorized_operations: -2147483648,
        }
    }
}

impl Wire for DescribedGroup {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let v = cx.version;
        let mut m = Self::default();
        m.error_code = d.get(cx)?;
        if v >= 6 { m.error_message = d.nullable(cx, true)?; }
        m.group_id = d.get(cx)?;
        m.group_state = d.get(cx)?;
        m.protocol_type = d.get(cx)?;
        m.protocol_data = d.get(cx)?;
        m.members = d.get(cx)?;
        if v >= 3 { m.authorized_operations = d.get(cx)?; }
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        let v = cx.version;
        self.error_code.write(e, cx)?;
        if v >= 6 { e.nullable(&self.error_message, cx, true, "ErrorMessage")?; } else { e.absent(self.error_message.is_some(), "DescribedGroup.ErrorMessage", cx)?; }
        self.group_id.write(e, cx)?;
        self.group_state.write(e, cx)?;
        self.protocol_type.write(e, cx)?;
        self.protocol_data.write(e, cx)?;
        self.members.write(e, cx)?;
        if v >= 3 { self.authorized_operations.write(e, cx)?; } else { e.absent(self.authorized_operations != -2147483648, "DescribedGroup.AuthorizedOperations", cx)?; }
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let v = cx.version;
        let mut m = Self::default();
        m.error_code = r.get(cx);
        if v >= 6 { m.error_message = r.nullable(cx, true); }
        m.group_id = r.get(cx);
        m.group_state = r.get(cx);
        m.protocol_type = r.get(cx);
        m.protocol_data = r.get(cx);
        m.members = r.get(cx);
        if v >= 3 { m.authorized_operations = r.get(cx); }
        m
    }
}

/// Versions 0+.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct DescribedGroupMember {
    /// Versions 0+.
    pub member_id: String,
    /// Versions 4+, nullable 4+, default `null`.
    pub group_instance_id: Option<String>,
    /// Versions 0+.
    pub client_id: String,
    /// Versions 0+.
    pub client_host: String,
    /// Versions 0+.
    pub member_metadata: Bytes,
    /// Versions 0+.
    pub member_assignment: Bytes,
}

impl Wire for DescribedGroupMember {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let v = cx.version;
        let mut m = Self::default();
        m.member_id = d.get(cx)?;
        if v >= 4 { m.group_instance_id = d.nullable(cx, true)?; }
        m.client_id = d.get(cx)?;
        m.client_host = d.get(cx)?;
        m.member_metadata = d.get(cx)?;
        m.member_assignment = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        let v = cx.version;
        self.member_id.write(e, cx)?;
        if v >= 4 { e.nullable(&self.group_instance_id, cx, true, "GroupInstanceId")?; }
        self.client_id.write(e, cx)?;
        self.client_host.write(e, cx)?;
        self.member_metadata.write(e, cx)?;
        self.member_assignment.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let v = cx.version;
        let mut m = Self::default();
        m.member_id = r.get(cx);
        if v >= 4 { m.group_instance_id = r.nullable(cx, true); }
        m.client_id = r.get(cx);
        m.client_host = r.get(cx);
        m.member_metadata = r.get(cx);
        m.member_assignment = r.get(cx);
        m
    }
}
