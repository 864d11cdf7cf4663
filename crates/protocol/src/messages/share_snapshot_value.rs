//! `ShareSnapshotValue`. Generated from the schema; do not edit.

use crate::wire::*;

/// Versions 0.
#[derive(Clone, Debug, PartialEq)]
pub struct ShareSnapshotValue {
    /// Versions 0+.
    pub snapshot_epoch: i32,
    /// Versions 0+.
    pub state_epoch: i32,
    /// Versions 0+.
    pub leader_epoch: i32,
    /// Versions 0+.
    pub start_offset: i64,
    /// Versions 0+, tag 0 in 0+, default `-1`.
    pub delivery_complete_count: i32,
    /// Versions 0+.
    pub create_timestamp: i64,
    /// Versions 0+.
    pub write_timestamp: i64,
    /// Versions 0+.
    pub state_batches: Vec<StateBatch>,
}

impl Default for ShareSnapshotValue {
    fn default() -> Self {
        Self {
            snapshot_epoch: 0,
            state_epoch: 0,
            leader_epoch: 0,
            start_offset: 0,
            delivery_complete_count: -1,
            create_timestamp: 0,
            write_timestamp: 0,
            state_batches: Default::default(),
        }
    }
}

impl Wire for ShareSnapshotValue {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.snapshot_epoch = d.get(cx)?;
        m.state_epoch = d.get(cx)?;
        m.leader_epoch = d.get(cx)?;
        m.start_offset = d.get(cx)?;
        m.create_timestamp = d.get(cx)?;
        m.write_timestamp = d.get(cx)?;
        m.state_batches = d.get(cx)?;
        d.tags(cx, &mut |d, tag| {
            match tag {
                0 => m.delivery_complete_count = d.get(cx)?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.snapshot_epoch.write(e, cx)?;
        self.state_epoch.write(e, cx)?;
        self.leader_epoch.write(e, cx)?;
        self.start_offset.write(e, cx)?;
        self.create_timestamp.write(e, cx)?;
        self.write_timestamp.write(e, cx)?;
        self.state_batches.write(e, cx)?;
        if cx.flexible {
            let tags = [self.delivery_complete_count != -1];
            e.tag_count(&tags);
            if tags[0] { e.tag(0, &mut |e| self.delivery_complete_count.write(e, cx))?; }
        }
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.snapshot_epoch = r.get(cx);
        m.state_epoch = r.get(cx);
        m.leader_epoch = r.get(cx);
        m.start_offset = r.get(cx);
        m.delivery_complete_count = r.get(cx);
        m.create_timestamp = r.get(cx);
        m.write_timestamp = r.get(cx);
        m.state_batches = r.get(cx);
        m
    }
}

impl Message for ShareSnapshotValue {
    const NAME: &'static str = "ShareSnapshotValue";
    const API_KEY: i16 = 0;
    const MIN_VERSION: i16 = 0;
    const MAX_VERSION: i16 = 0;
    const FLEXIBLE_FROM: i16 = 0;
}

/// Versions 0+.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct StateBatch {
    /// Versions 0+.
    pub first_offset: i64,
    /// Versions 0+.
    pub last_offset: i64,
    /// Versions 0+.
    pub delivery_state: i8,
    /// Versions 0+.
    pub delivery_count: i16,
}

impl Wire for StateBatch {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.first_offset = d.get(cx)?;
        m.last_offset = d.get(cx)?;
        m.delivery_state = d.get(cx)?;
        m.delivery_count = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.first_offset.write(e, cx)?;
        self.last_offset.write(e, cx)?;
        self.delivery_state.write(e, cx)?;
        self.delivery_count.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.first_offset = r.get(cx);
        m.last_offset = r.get(cx);
        m.delivery_state = r.get(cx);
        m.delivery_count = r.get(cx);
        m
    }
}
