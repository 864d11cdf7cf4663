//! `LeaveGroupResponse`. Generated from the schema; do not edit.

use crate::wire::*;

/// Versions 0-5.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct LeaveGroupResponse {
    /// Versions 1+.
    pub throttle_time_ms: i32,
    /// Versions 0+.
    pub error_code: i16,
    /// Versions 3+.
    pub members: Vec<MemberResponse>,
}

impl Wire for LeaveGroupResponse {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let v = cx.version;
        let mut m = Self::default();
        if v >= 1 { m.throttle_time_ms = d.get(cx)?; }
        m.error_code = d.get(cx)?;
        if v >= 3 { m.members = d.get(cx)?; }
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        let v = cx.version;
        if v >= 1 { self.throttle_time_ms.write(e, cx)?; }
        self.error_code.write(e, cx)?;
        if v >= 3 { self.members.write(e, cx)?; } else { e.absent(!self.members.is_empty(), "LeaveGroupResponse.Members", cx)?; }
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let v = cx.version;
        let mut m = Self::default();
        if v >= 1 { m.throttle_time_ms = r.get(cx); }
        m.error_code = r.get(cx);
        if v >= 3 { m.members = r.get(cx); }
        m
    }
}

impl Message for LeaveGroupResponse {
    const NAME: &'static str = "LeaveGroupResponse";
    const API_KEY: i16 = 13;
    const MIN_VERSION: i16 = 0;
    const MAX_VERSION: i16 = 5;
    const FLEXIBLE_FROM: i16 = 4;
}

/// Versions 3+.
#[derive(Clone, Debug, PartialEq)]
pub struct MemberResponse {
    /// Versions 3+.
    pub member_id: String,
    /// Versions 3+, nullable 3+.
    pub group_instance_id: Option<String>,
    /// Versions 3+.
    pub error_code: i16,
}

impl Default for MemberResponse {
    fn default() -> Self {
        Self {
            member_id: Default::default(),
            group_instance_id: Some(Default::default()),
            error_code: 0,
        }
    }
}

impl Wire for MemberResponse {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.member_id = d.get(cx)?;
        m.group_instance_id = d.nullable(cx, true)?;
        m.error_code = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.member_id.write(e, cx)?;
        e.nullable(&self.group_instance_id, cx, true, "GroupInstanceId")?;
        self.error_code.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.member_id = r.get(cx);
        m.group_instance_id = r.nullable(cx, true);
        m.error_code = r.get(cx);
        m
    }
}
