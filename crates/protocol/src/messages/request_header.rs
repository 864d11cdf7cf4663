//! `RequestHeader`. Generated from the schema; do not edit.

use crate::wire::*;

/// Versions 1-2.
#[derive(Clone, Debug, PartialEq)]
pub struct RequestHeader {
    /// Versions 0+.
    pub request_api_key: i16,
    /// Versions 0+.
    pub request_api_version: i16,
    /// Versions 0+.
    pub correlation_id: i32,
    /// Versions 1+, nullable 1+.
    pub client_id: Option<String>,
}

impl Default for RequestHeader {
    fn default() -> Self {
        Self {
            request_api_key: 0,
            request_api_version: 0,
            correlation_id: 0,
            client_id: Some(Default::default()),
        }
    }
}

impl Wire for RequestHeader {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.request_api_key = d.get(cx)?;
        m.request_api_version = d.get(cx)?;
        m.correlation_id = d.get(cx)?;
        m.client_id = d.nullable(cx.plain(), true)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.request_api_key.write(e, cx)?;
        self.request_api_version.write(e, cx)?;
        self.correlation_id.write(e, cx)?;
        e.nullable(&self.client_id, cx.plain(), true, "ClientId")?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.request_api_key = r.get(cx);
        m.request_api_version = r.get(cx);
        m.correlation_id = r.get(cx);
        m.client_id = r.nullable(cx, true);
        m
    }
}

impl Message for RequestHeader {
    const NAME: &'static str = "RequestHeader";
    const API_KEY: i16 = -1;
    const MIN_VERSION: i16 = 1;
    const MAX_VERSION: i16 = 2;
    const FLEXIBLE_FROM: i16 = 2;
}
