//! `StreamsGroupMetadataValue`. Generated from the schema; do not edit.

use crate::wire::*;

/// Versions 0.
#[derive(Clone, Debug, PartialEq)]
pub struct StreamsGroupMetadataValue {
    /// Versions 0+.
    pub epoch: i32,
    /// Versions 0+.
    pub metadata_hash: i64,
    /// Versions 0+, tag 0 in 0+, default `-1`.
    pub validated_topology_epoch: i32,
    /// Versions 0+, nullable 0+, tag 1 in 0+, default `null`.
    pub last_assignment_configs: Option<Vec<LastAssignmentConfig>>,
    /// Versions 0+, tag 2 in 0+, default `-1`.
    pub stored_description_topology_epoch: i32,
    /// Versions 0+, tag 3 in 0+, default `-1`.
    pub failed_description_topology_epoch: i32,
}

impl Default for StreamsGroupMetadataValue {
    fn default() -> Self {
        Self {
            epoch: 0,
            metadata_hash: 0,
            validated_topology_epoch: -1,
            last_assignment_configs: None,
            stored_description_topology_epoch: -1,
            failed_description_topology_epoch: -1,
        }
    }
}

impl Wire for StreamsGroupMetadataValue {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.epoch = d.get(cx)?;
        m.metadata_hash = d.get(cx)?;
        d.tags(cx, &mut |d, tag| {
            match tag {
                0 => m.validated_topology_epoch = d.get(cx)?,
                1 => m.last_assignment_configs = d.nullable(cx, true)?,
                2 => m.stored_description_topology_epoch = d.get(cx)?,
                3 => m.failed_description_topology_epoch = d.get(cx)?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.epoch.write(e, cx)?;
        self.metadata_hash.write(e, cx)?;
        if cx.flexible {
            let tags = [self.validated_topology_epoch != -1, self.last_assignment_configs.is_some(), self.stored_description_topology_epoch != -1, self.failed_description_topology_epoch != -1];
            e.tag_count(&tags);
            if tags[0] { e.tag(0, &mut |e| self.validated_topology_epoch.write(e, cx))?; }
            if tags[1] { e.tag(1, &mut |e| e.nullable(&self.last_assignment_configs, cx, true, "LastAssignmentConfigs"))?; }
            if tags[2] { e.tag(2, &mut |e| self.stored_description_topology_epoch.write(e, cx))?; }
            if tags[3] { e.tag(3, &mut |e| self.failed_description_topology_epoch.write(e, cx))?; }
        }
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.epoch = r.get(cx);
        m.metadata_hash = r.get(cx);
        m.validated_topology_epoch = r.get(cx);
        m.last_assignment_configs = r.nullable(cx, true);
        m.stored_description_topology_epoch = r.get(cx);
        m.failed_description_topology_epoch = r.get(cx);
        m
    }
}

impl Message for StreamsGroupMetadataValue {
    const NAME: &'static str = "StreamsGroupMetadataValue";
    const API_KEY: i16 = 17;
    const MIN_VERSION: i16 = 0;
    const MAX_VERSION: i16 = 0;
    const FLEXIBLE_FROM: i16 = 0;
}

/// Versions 0+.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct LastAssignmentConfig {
    /// Versions 0+.
    pub key: String,
    /// Versions 0+.
    pub value: String,
}

impl Wire for LastAssignmentConfig {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.key = d.get(cx)?;
        m.value = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.key.write(e, cx)?;
        self.value.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.key = r.get(cx);
        m.value = r.get(cx);
        m
    }
}
