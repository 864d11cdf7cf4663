//! A segment that is being written anew beside the writer.

use crate::segment::Segment;
use std::{ops::Deref, sync::Arc};

/// A segment as it was when the work on it began. A truncation makes another one of it, even if
/// new batches and a roll seal it again.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    segment: Arc<Segment>,
    cuts: u64,
}

impl Source {
    /// To be made before anything of the segment is looked at, where no truncation is under way.
    pub(crate) fn new(segment: &Arc<Segment>) -> Source {
        Source {
            segment: segment.clone(),
            cuts: segment.checks().cuts(),
        }
    }

    /// Whether a segment of the log is this one, and still says what it did.
    pub(crate) fn is(&self, segment: &Arc<Segment>) -> bool {
        Arc::ptr_eq(&self.segment, segment) && segment.checks().cuts() == self.cuts
    }
}

impl Deref for Source {
    type Target = Segment;

    fn deref(&self) -> &Segment {
        &self.segment
    }
}
