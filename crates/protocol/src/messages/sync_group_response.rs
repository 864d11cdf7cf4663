//! `SyncGroupResponse`. Generated from the schema; do not edit.

use crate::wire::*;
use bytes::Bytes;

/// Versions 0-5.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct SyncGroupResponse {
    /// Versions 1+.
    pub throttle_time_ms: i32,
    /// Versions 0+.
    pub error_code: i16,
    /// Versions 5+, nullable 5+, default `null`.
    pub protocol_type: Option<String>,
    /// Versions 5+, nullable 5+, default `null`.
    pub protocol_name: Option<String>,
    /// Versions 0+.
    pub assignment: Bytes,
}

impl Wire for SyncGroupResponse {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let v = cx.version;
        let mut m = Self::default();
        if v >= 1 { m.throttle_time_ms = d.get(cx)?; }
        m.error_code = d.get(cx)?;
        if v >= 5 { m.protocol_type = d.nullable(cx, true)?; }
        if v >= 5 { m.protocol_name = d.nullable(cx, true)?; }
        m.assignment = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        let v = cx.version;
        if v >= 1 { self.throttle_time_ms.write(e, cx)?; }
        self.error_code.write(e, cx)?;
        if v >= 5 { e.nullable(&self.protocol_type, cx, true, "ProtocolType")?; }
        if v >= 5 { e.nullable(&self.protocol_name, cx, true, "ProtocolName")?; }
        self.assignment.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let v = cx.version;
        let mut m = Self::default();
        if v >= 1 { m.throttle_time_ms = r.get(cx); }
        m.error_code = r.get(cx);
        if v >= 5 { m.protocol_type = r.nullable(cx, true); }
        if v >= 5 { m.protocol_name = r.nullable(cx, true); }
        m.assignment = r.get(cx);
        m
    }
}

impl Message for SyncGroupResponse {
    const NAME: &'static str = "SyncGroupResponse";
    const API_KEY: i16 = 14;
    const MIN_VERSION: i16 = 0;
    const MAX_VERSION: i16 = 5;
    const FLEXIBLE_FROM: i16 = 4;
}
