//! `StreamsGroupCurrentMemberAssignmentValue`. Generated from the schema; do not edit.

use crate::wire::*;

/// Versions 0.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct StreamsGroupCurrentMemberAssignmentValue {
    /// Versions 0+.
    pub member_epoch: i32,
    /// Versions 0+.
    pub previous_member_epoch: i32,
    /// Versions 0+.
    pub state: i8,
    /// Versions 0+.
    pub active_tasks: Vec<TaskIds>,
    /// Versions 0+.
    pub standby_tasks: Vec<TaskIds>,
    /// Versions 0+.
    pub warmup_tasks: Vec<TaskIds>,
    /// Versions 0+.
    pub active_tasks_pending_revocation: Vec<TaskIds>,
    /// Versions 0+.
    pub standby_tasks_pending_revocation: Vec<TaskIds>,
    /// Versions 0+.
    pub warmup_tasks_pending_revocation: Vec<TaskIds>,
}

impl Wire for StreamsGroupCurrentMemberAssignmentValue {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.member_epoch = d.get(cx)?;
        m.previous_member_epoch = d.get(cx)?;
        m.state = d.get(cx)?;
        m.active_tasks = d.get(cx)?;
        m.standby_tasks = d.get(cx)?;
        m.warmup_tasks = d.get(cx)?;
        m.active_tasks_pending_revocation = d.get(cx)?;
        m.standby_tasks_pending_revocation = d.get(cx)?;
        m.warmup_tasks_pending_revocation = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.member_epoch.write(e, cx)?;
        self.previous_member_epoch.write(e, cx)?;
        self.state.write(e, cx)?;
        self.active_tasks.write(e, cx)?;
        self.standby_tasks.write(e, cx)?;
        self.warmup_tasks.write(e, cx)?;
        self.active_tasks_pending_revocation.write(e, cx)?;
        self.standby_tasks_pending_revocation.write(e, cx)?;
        self.warmup_tasks_pending_revocation.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.member_epoch = r.get(cx);
        m.previous_member_epoch = r.get(cx);
        m.state = r.get(cx);
        m.active_tasks = r.get(cx);
        m.standby_tasks = r.get(cx);
        m.warmup_tasks = r.get(cx);
        m.active_tasks_pending_revocation = r.get(cx);
        m.standby_tasks_pending_revocation = r.get(cx);
        m.warmup_tasks_pending_revocation = r.get(cx);
        m
    }
}

impl Message for StreamsGroupCurrentMemberAssignmentValue {
    const NAME: &'static str = "StreamsGroupCurrentMemberAssignmentValue";
    const API_KEY: i16 = 22;
    const MIN_VERSION: i16 = 0;
    const MAX_VERSION: i16 = 0;
    const FLEXIBLE_FROM: i16 = 0;
}

/// Versions 0+.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct TaskIds {
    /// Versions 0+.
    pub subtopology_id: String,
    /// Versions 0+.
    pub partitions: Vec<i32>,
    /// Versions 0+, nullable 0+, tag 0 in 0+, default `null`.
    pub assignment_epochs: Option<Vec<i32>>,
}

impl Wire for TaskIds {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.subtopology_id = d.get(cx)?;
        m.partitions = d.get(cx)?;
        d.tags(cx, &mut |d, tag| {
            match tag {
                0 => m.assignment_epochs = d.nullable(cx, true)?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.subtopology_id.write(e, cx)?;
        self.partitions.write(e, cx)?;
        if cx.flexible {
            let tags = [self.assignment_epochs.is_some()];
            e.tag_count(&tags);
            if tags[0] { e.tag(0, &mut |e| e.nullable(&self.assignment_epochs, cx, true, "AssignmentEpochs"))?; }
        }
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.subtopology_id = r.get(cx);
        m.partitions = r.get(cx);
        m.assignment_epochs = r.nullable(cx, true);
        m
    }
}
