//! `FindCoordinatorResponse`. Generated from the schema; do not edit.

use crate::wire::*;

/// Versions 0-6.
#[derive(Clone, Debug, PartialEq)]
pub struct FindCoordinatorResponse {
    /// Versions 1+.
    pub throttle_time_ms: i32,
    /// Versions 0-3.
    pub error_code: i16,
    /// Versions 1-3, nullable 1-3.
    pub error_message: Option<String>,
    /// Versions 0-3.
    pub node_id: i32,
    /// Versions 0-3.
    pub host: String,
    /// Versions 0-3.
    pub port: i32,
    /// Versions 4+.
    pub coordinators: Vec<Coordinator>,
}

impl Default for FindCoordinatorResponse {
    fn default() -> Self {
        Self {
            throttle_time_ms: 0,
            error_code: 0,
            error_message: Some(Default::default()),
            node_id: 0,
            host: Default::default(),
            port: 0,
            coordinators: Default::default(),
        }
    }
}

impl Wire for FindCoordinatorResponse {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let v = cx.version;
        let mut m = Self::default();
        if v >= 1 { m.throttle_time_ms = d.get(cx)?; }
        if v <= 3 { m.error_code = d.get(cx)?; }
        if (1..=3).contains(&v) { m.error_message = d.nullable(cx, true)?; }
        if v <= 3 { m.node_id = d.get(cx)?; }
        if v <= 3 { m.host = d.get(cx)?; }
        if v <= 3 { m.port = d.get(cx)?; }
        if v >= 4 { m.coordinators = d.get(cx)?; }
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        let v = cx.version;
        if v >= 1 { self.throttle_time_ms.write(e, cx)?; }
        if v <= 3 { self.error_code.write(e, cx)?; } else { e.absent(self.error_code != 0, "FindCoordinatorResponse.ErrorCode", cx)?; }
        if (1..=3).contains(&v) { e.nullable(&self.error_message, cx, true, "ErrorMessage")?; }
        if v <= 3 { self.node_id.write(e, cx)?; } else { e.absent(self.node_id != 0, "FindCoordinatorResponse.NodeId", cx)?; }
        if v <= 3 { self.host.write(e, cx)?; } else { e.absent(!self.host.is_empty(), "FindCoordinatorResponse.Host", cx)?; }
        if v <= 3 { self.port.write(e, cx)?; } else { e.absent(self.port != 0, "FindCoordinatorResponse.Port", cx)?; }
        if v >= 4 { self.coordinators.write(e, cx)?; } else { e.absent(!self.coordinators.is_empty(), "FindCoordinatorResponse.Coordinators", cx)?; }
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let v = cx.version;
        let mut m = Self::default();
        if v >= 1 { m.throttle_time_ms = r.get(cx); }
        if v <= 3 { m.error_code = r.get(cx); }
        if (1..=3).contains(&v) { m.error_message = r.nullable(cx, true); }
        if v <= 3 { m.node_id = r.get(cx); }
        if v <= 3 { m.host = r.get(cx); }
        if v <= 3 { m.port = r.get(cx); }
        if v >= 4 { m.coordinators = r.get(cx); }
        m
    }
}

impl Message for FindCoordinatorResponse {
    const NAME: &'static str = "FindCoordinatorResponse";
    const API_KEY: i16 = 10;
    const MIN_VERSION: i16 = 0;
    const MAX_VERSION: i16 = 6;
    const FLEXIBLE_FROM: i16 = 3;
}

/// Versions 4+.
#[derive(Clone, Debug, PartialEq)]
pub struct Coordinator {
    /// Versions 4+.
    pub key: String,
    /// Versions 4+.
    pub node_id: i32,
    /// Versions 4+.
    pub host: String,
    /// Versions 4+.
    pub port: i32,
    /// Versions 4+.
    pub error_code: i16,
    /// Versions 4+, nullable 4+.
    pub error_message: Option<String>,
}

impl Default for Coordinator {
    fn default() -> Self {
        Self {
            key: Default::default(),
            node_id: 0,
            host: Default::default(),
            port: 0,
            error_code: 0,
            error_message: Some(Default::default()),
        }
    }
}

impl Wire for Coordinator {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.key = d.get(cx)?;
        m.node_id = d.get(cx)?;
        m.host = d.get(cx)?;
        m.port = d.get(cx)?;
        m.error_code = d.get(cx)?;
        m.error_message = d.nullable(cx, true)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.key.write(e, cx)?;
        self.node_id.write(e, cx)?;
        self.host.write(e, cx)?;
        self.port.write(e, cx)?;
        self.error_code.write(e, cx)?;
        e.nullable(&self.error_message, cx, true, "ErrorMessage")?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.key = r.get(cx);
        m.node_id = r.get(cx);
        m.host = r.get(cx);
        m.port = r.get(cx);
        m.error_code = r.get(cx);
        m.error_message = r.nullable(cx, true);
        m
    }
}
