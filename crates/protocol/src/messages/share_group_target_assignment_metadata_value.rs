//! `ShareGroupTargetAssignmentMetadataValue`. Generated from the schema; do not edit.

use crate::wire::*;

/// Versions 0.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct ShareGroupTargetAssignmentMetadataValue {
    /// Versions 0+.
    pub assignment_epoch: i32,
    /// Versions 0+, tag 0 in 0+, default `0`.
    pub assignment_timestamp: i64,
}

impl Wire for ShareGroupTargetAssignmentMetadataValue {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.assignment_epoch = d.get(cx)?;
        d.tags(cx, &mut |d, tag| {
            match tag {
                0 => m.assignment_timestamp = d.get(cx)?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.assignment_epoch.write(e, cx)?;
        if cx.flexible {
            let tags = [self.assignment_timestamp != 0];
            e.tag_count(&tags);
            if tags[0] { e.tag(0, &mut |e| self.assignment_timestamp.write(e, cx))?; }
        }
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.assignment_epoch = r.get(cx);
        m.assignment_timestamp = r.get(cx);
        m
    }
}

impl Message for ShareGroupTargetAssignmentMetadataValue {
    const NAME: &'static str = "ShareGroupTargetAssignmentMetadataValue";
    const API_KEY: i16 = 12;
    const MIN_VERSION: i16 = 0;
    const MAX_VERSION: i16 = 0;
    const FLEXIBLE_FROM: i16 = 0;
}
