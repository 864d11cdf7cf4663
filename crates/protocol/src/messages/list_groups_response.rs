//! `ListGroupsResponse`. Generated from the schema; do not edit.

use crate::wire::*;

/// Versions 0-5.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct ListGroupsResponse {
    /// Versions 1+.
    pub throttle_time_ms: i32,
    /// Versions 0+.
    pub error_code: i16,
    /// Versions 0+.
    pub groups: Vec<ListedGroup>,
}

impl Wire for ListGroupsResponse {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let v = cx.version;
        let mut m = Self::default();
        if v >= 1 { m.throttle_time_ms = d.get(cx)?; }
        m.error_code = d.get(cx)?;
        m.groups = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        let v = cx.version;
        if v >= 1 { self.throttle_time_ms.write(e, cx)?; }
        self.error_code.write(e, cx)?;
        self.groups.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let v = cx.version;
        let mut m = Self::default();
        if v >= 1 { m.throttle_time_ms = r.get(cx); }
        m.error_code = r.get(cx);
        m.groups = r.get(cx);
        m
    }
}

impl Message for ListGroupsResponse {
    const NAME: &'static str = "ListGroupsResponse";
    const API_KEY: i16 = 16;
    const MIN_VERSION: i16 = 0;
    const MAX_VERSION: i16 = 5;
    const FLEXIBLE_FROM: i16 = 3;
}

/// Versions 0+.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct ListedGroup {
    /// Versions 0+.
    pub group_id: String,
    /// Versions 0+.
    pub protocol_type: String,
    /// Versions 4+.
    pub group_state: String,
    /// Versions 5+.
    pub group_type: String,
}

impl Wire for ListedGroup {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let v = cx.version;
        let mut m = Self::default();
        m.group_id = d.get(cx)?;
        m.protocol_type = d.get(cx)?;
        if v >= 4 { m.group_state = d.get(cx)?; }
        if v >= 5 { m.group_type = d.get(cx)?; }
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        let v = cx.version;
        self.group_id.write(e, cx)?;
        self.protocol_type.write(e, cx)?;
        if v >= 4 { self.group_state.write(e, cx)?; }
        if v >= 5 { self.group_type.write(e, cx)?; }
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let v = cx.version;
        let mut m = Self::default();
        m.group_id = r.get(cx);
        m.protocol_type = r.get(cx);
        if v >= 4 { m.group_state = r.get(cx); }
        if v >= 5 { m.group_type = r.get(cx); }
        m
    }
}
