//! `ListTransactionsRequest`. Generated from the schema; do not edit.

use crate::wire::*;

/// Versions 0-2.
#[derive(Clone, Debug, PartialEq)]
pub struct ListTransactionsRequest {
    /// Versions 0+.
    pub state_filters: Vec<String>,
    /// Versions 0+.
    pub producer_id_filters: Vec<i64>,
    /// Versions 1+, default `-1`.
    pub duration_filter: i64,
    /// Versions 2+, nullable 2+, default `null`.
    pub transactional_id_pattern: Option<String>,
}

impl Default for ListTransactionsRequest {
    fn default() -> Self {
        Self {
            state_filters: Default::default(),
            producer_id_filters: Default::default(),
            duration_filter: -1,
            transactional_id_pattern: None,
        }
    }
}

impl Wire for ListTransactionsRequest {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let v = cx.version;
        let mut m = Self::default();
        m.state_filters = d.get(cx)?;
        m.producer_id_filters = d.get(cx)?;
        if v >= 1 { m.duration_filter = d.get(cx)?; }
        if v >= 2 { m.transactional_id_pattern = d.nullable(cx, true)?; }
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        let v = cx.version;
        self.state_filters.write(e, cx)?;
        self.producer_id_filters.write(e, cx)?;
        if v >= 1 { self.duration_filter.write(e, cx)?; } else { e.absent(self.duration_filter != -1, "ListTransactionsRequest.DurationFilter", cx)?; }
        if v >= 2 { e.nullable(&self.transactional_id_pattern, cx, true, "TransactionalIdPattern")?; } else { e.absent(self.transactional_id_pattern.is_some(), "ListTransactionsRequest.TransactionalIdPattern", cx)?; }
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let v = cx.version;
        let mut m = Self::default();
        m.state_filters = r.get(cx);
        m.producer_id_filters = r.get(cx);
        if v >= 1 { m.duration_filter = r.get(cx); }
        if v >= 2 { m.transactional_id_pattern = r.nullable(cx, true); }
        m
    }
}

impl Message for ListTransactionsRequest {
    const NAME: &'static str = "ListTransactionsRequest";
    const API_KEY: i16 = 66;
    const MIN_VERSION: i16 = 0;
    const MAX_VERSION: i16 = 2;
    const FLEXIBLE_FROM: i16 = 0;
}

impl Request for ListTransactionsRequest {
    type Response = super::list_transactions_response::ListTransactionsResponse;
    const KEY: ApiKey = ApiKey::ListTransactions;
}
