//! `WriteTxnMarkersRequest`. Generated from the schema; do not edit.

use crate::wire::*;

/// Versions 1-2.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct WriteTxnMarkersRequest {
    /// Versions 0+.
    pub markers: Vec<WritableTxnMarker>,
}

impl Wire for WriteTxnMarkersRequest {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.markers = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.markers.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.markers = r.get(cx);
        m
    }
}

impl Message for WriteTxnMarkersRequest {
    const NAME: &'static str = "WriteTxnMarkersRequest";
    const API_KEY: i16 = 27;
    const MIN_VERSION: i16 = 1;
    const MAX_VERSION: i16 = 2;
    const FLEXIBLE_FROM: i16 = 1;
}

impl Request for WriteTxnMarkersRequest {
    type Response = super::write_txn_markers_response::WriteTxnMarkersResponse;
    const KEY: ApiKey = ApiKey::WriteTxnMarkers;
}

/// Versions 0+.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct WritableTxnMarker {
    /// Versions 0+.
    pub producer_id: i64,
    /// Versions 0+.
    pub producer_epoch: i16,
    /// Versions 0+.
    pub transaction_result: bool,
    /// Versions 0+.
    pub topics: Vec<WritableTxnMarkerTopic>,
    /// Versions 0+.
    pub coordinator_epoch: i32,
    /// Versions 2+, default `0`.
    pub transaction_version: i8,
}

impl Wire for WritableTxnMarker {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let v = cx.version;
        let mut m = Self::default();
        m.producer_id = d.get(cx)?;
        m.producer_epoch = d.get(cx)?;
        m.transaction_result = d.get(cx)?;
        m.topics = d.get(cx)?;
        m.coordinator_epoch = d.get(cx)?;
        if v >= 2 { m.transaction_version = d.get(cx)?; }
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        let v = cx.version;
        self.producer_id.write(e, cx)?;
        self.producer_epoch.write(e, cx)?;
        self.transaction_result.write(e, cx)?;
        self.topics.write(e, cx)?;
        self.coordinator_epoch.write(e, cx)?;
        if v >= 2 { self.transaction_version.write(e, cx)?; }
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let v = cx.version;
        let mut m = Self::default();
        m.producer_id = r.get(cx);
        m.producer_epoch = r.get(cx);
        m.transaction_result = r.get(cx);
        m.topics = r.get(cx);
        m.coordinator_epoch = r.get(cx);
        if v >= 2 { m.transaction_version = r.get(cx); }
        m
    }
}

/// Versions 0+.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct WritableTxnMarkerTopic {
    /// Versions 0+.
    pub name: String,
    /// Versions 0+.
    pub partition_indexes: Vec<i32>,
}

impl Wire for WritableTxnMarkerTopic {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.name = d.get(cx)?;
        m.partition_indexes = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.name.write(e, cx)?;
        self.partition_indexes.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.name = r.get(cx);
        m.partition_indexes = r.get(cx);
        m
    }
}
