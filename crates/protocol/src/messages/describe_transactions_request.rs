//! `DescribeTransactionsRequest`. Generated from the schema; do not edit.

use crate::wire::*;

/// Versions 0.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct DescribeTransactionsRequest {
    /// Versions 0+.
    pub transactional_ids: Vec<String>,
}

impl Wire for DescribeTransactionsRequest {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.transactional_ids = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.transactional_ids.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.transactional_ids = r.get(cx);
        m
    }
}

impl Message for DescribeTransactionsRequest {
    const NAME: &'static str = "DescribeTransactionsRequest";
    const API_KEY: i16 = 65;
    const MIN_VERSION: i16 = 0;
    const MAX_VERSION: i16 = 0;
    const FLEXIBLE_FROM: i16 = 0;
}

impl Request for DescribeTransactionsRequest {
    type Response = super::describe_transactions_response::DescribeTransactionsResponse;
    const KEY: ApiKey = ApiKey::DescribeTransactions;
}
