//! `OffsetCommitValue`. Generated from the schema; do not edit.

use crate::wire::*;
use klamm_types::Uuid;

/// Versions 0-4.
#[derive(Clone, Debug, PartialEq)]
pub struct OffsetCommitValue {
    /// Versions 0+.
    pub offset: i64,
    /// Versions 3+, default `-1`.
    pub leader_epoch: i32,
    /// Versions 0+.
    pub metadata: String,
    /// Versions 0+.
    pub commit_timestamp: i64,
    /// Versions 1, default `-1`.
    pub expire_timestamp: i64,
    /// Versions 4+, tag 0 in 4+.
    pub topic_id: Uuid,
}

impl Default for OffsetCommitValue {
    fn default() -> Self {
        Self {
            offset: 0,
            leader_epoch: -1,
            metadata: Default::default(),
            commit_timestamp: 0,
            expire_timestamp: -1,
            topic_id: Default::default(),
        }
    }
}

impl Wire for OffsetCommitValue {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let v = cx.version;
        let mut m = Self::default();
        m.offset = d.get(cx)?;
        if v >= 3 { m.leader_epoch = d.get(cx)?; }
        m.metadata = d.get(cx)?;
        m.commit_timestamp = d.get(cx)?;
        if v == 1 { m.expire_timestamp = d.get(cx)?; }
        d.tags(cx, &mut |d, tag| {
            match tag {
                0 if v >= 4 => m.topic_id = d.get(cx)?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        let v = cx.version;
        self.offset.write(e, cx)?;
        if v >= 3 { self.leader_epoch.write(e, cx)?; }
        self.metadata.write(e, cx)?;
        self.commit_timestamp.write(e, cx)?;
        if v == 1 { self.expire_timestamp.write(e, cx)?; }
        if cx.flexible {
            let tags = [v >= 4 && self.topic_id != Default::default()];
            e.tag_count(&tags);
            if tags[0] { e.tag(0, &mut |e| self.topic_id.write(e, cx))?; }
        }
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let v = cx.version;
        let mut m = Self::default();
        m.offset = r.get(cx);
        if v >= 3 { m.leader_epoch = r.get(cx); }
        m.metadata = r.get(cx);
        m.commit_timestamp = r.get(cx);
        if v == 1 { m.expire_timestamp = r.get(cx); }
        if v >= 4 { m.topic_id = r.get(cx); }
        m
    }
}

impl Message for OffsetCommitValue {
    const NAME: &'static str = "OffsetCommitValue";
    const API_KEY: i16 = 1;
    const MIN_VERSION: i16 = 0;
    const MAX_VERSION: i16 = 4;
    const FLEXIBLE_FROM: i16 = 4;
}
