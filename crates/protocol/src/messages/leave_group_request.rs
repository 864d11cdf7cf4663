//! `LeaveGroupRequest`. Generated from the schema; do not edit.

use crate::wire::*;

/// Versions 0-5.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct LeaveGroupRequest {
    /// Versions 0+.
    pub group_id: String,
    /// Versions 0-2.
    pub member_id: String,
    /// Versions 3+.
    pub members: Vec<MemberIdentity>,
}

impl Wire for LeaveGroupRequest {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let v = cx.version;
        let mut m = Self::default();
        m.group_id = d.get(cx)?;
        if v <= 2 { m.member_id = d.get(cx)?; }
        if v >= 3 { m.members = d.get(cx)?; }
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        let v = cx.version;
        self.group_id.write(e, cx)?;
        if v <= 2 { self.member_id.write(e, cx)?; } else { e.absent(!self.member_id.is_empty(), "LeaveGroupRequest.MemberId", cx)?; }
        if v >= 3 { self.members.write(e, cx)?; } else { e.absent(!self.members.is_empty(), "LeaveGroupRequest.Members", cx)?; }
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let v = cx.version;
        let mut m = Self::default();
        m.group_id = r.get(cx);
        if v <= 2 { m.member_id = r.get(cx); }
        if v >= 3 { m.members = r.get(cx); }
        m
    }
}

impl Message for LeaveGroupRequest {
    const NAME: &'static str = "LeaveGroupRequest";
    const API_KEY: i16 = 13;
    const MIN_VERSION: i16 = 0;
    const MAX_VERSION: i16 = 5;
    const FLEXIBLE_FROM: i16 = 4;
}

impl Request for LeaveGroupRequest {
    type Response = super::leave_group_response::LeaveGroupResponse;
    const KEY: ApiKey = ApiKey::LeaveGroup;
}

/// Versions 3+.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct MemberIdentity {
    /// Versions 3+.
    pub member_id: String,
    /// Versions 3+, nullable 3+, default `null`.
    pub group_instance_id: Option<String>,
    /// Versions 5+, nullable 5+, default `null`.
    pub reason: Option<String>,
}

impl Wire for MemberIdentity {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let v = cx.version;
        let mut m = Self::default();
        m.member_id = d.get(cx)?;
        m.group_instance_id = d.nullable(cx, true)?;
        if v >= 5 { m.reason = d.nullable(cx, true)?; }
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        let v = cx.version;
        self.member_id.write(e, cx)?;
        e.nullable(&self.group_instance_id, cx, true, "GroupInstanceId")?;
        if v >= 5 { e.nullable(&self.reason, cx, true, "Reason")?; }
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let v = cx.version;
        let mut m = Self::default();
        m.member_id = r.get(cx);
        m.group_instance_id = r.nullable(cx, true);
        if v >= 5 { m.reason = r.nullable(cx, true); }
        m
    }
}
