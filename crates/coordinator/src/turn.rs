//! What one call of a shard may touch beside the group it is about.

use crate::{
    AppendId, Effect, GroupConfig, Record, RequestId, Response,
    appends::{Appends, Then},
    image::GroupImage,
    records,
};
use klamm_protocol::EncodeError;
use klamm_types::ErrorCode;

/// One call of a shard: the time, the surviving state, and the effects gathered so far.
pub(crate) struct Turn<'a> {
    /// Runs evenly: what deadlines are made of.
    pub(crate) now_ms: i64,
    /// The time of day: what records tell.
    pub(crate) wall_ms: i64,
    pub(crate) config: &'a GroupConfig,
    pub(crate) image: &'a mut GroupImage,
    pub(crate) appends: &'a mut Appends,
    pub(crate) effects: &'a mut Vec<Effect>,
}

/// Records to append, and what waits for them.
pub(crate) struct NewAppend<'a> {
    /// The group they are about, `None` for several.
    pub(crate) group_id: Option<&'a str>,
    /// Built by [`records`].
    pub(crate) records: Result<Vec<Record>, EncodeError>,
    /// Answered once all records are committed.
    pub(crate) response: Option<(RequestId, Response)>,
    /// What the group does then.
    pub(crate) then: Then,
}

impl Turn<'_> {
    /// Answers a request now.
    pub(crate) fn respond(&mut self, id: RequestId, response: Response) {
        self.effects.push(Effect::Respond { id, response });
    }

    /// Replays records into the surviving state and has them appended, in as many appends as
    /// their size asks for; the last one carries response and consequence.
    ///
    /// # Errors
    /// The records cannot be appended at all. Nothing has changed, and the waiting response has
    /// been answered with the error.
    pub(crate) fn append(&mut self, append: NewAppend<'_>) -> Result<(), ErrorCode> {
        let records = match self.admit(append.records) {
            Ok(records) => records,
            Err(error) => {
                if let Some((id, response)) = append.response {
                    self.respond(id, response.into_failed(error));
                }
                return Err(error);
            }
        };
        let mut chunks = split(records, self.config.append_bytes_max);
        let last = chunks.pop().unwrap_or_default();
        for chunk in chunks {
            self.begin(append.group_id, Then::Nothing, chunk);
        }
        if last.is_empty() {
            if let Some((id, response)) = append.response {
                self.respond(id, response);
            }
            return Ok(());
        }
        let id = self.begin(append.group_id, append.then, last);
        if let Some((request, response)) = append.response {
            self.respond_after(id, request, response);
        }
        Ok(())
    }

    fn admit(&self, records: Result<Vec<Record>, EncodeError>) -> Result<Vec<Record>, ErrorCode> {
        let records = records.map_err(records::encode_error)?;
        let largest = records.iter().map(Record::size_bytes_max).max();
        if largest > Some(self.config.append_bytes_max) {
            return Err(ErrorCode::RecordListTooLarge);
        }
        if self.appends.len() >= self.config.appends_in_flight_max {
            return Err(ErrorCode::CoordinatorNotAvailable);
        }
        Ok(records)
    }

    fn begin(&mut self, group_id: Option<&str>, then: Then, records: Vec<Record>) -> AppendId {
        let mut undo = Vec::with_capacity(records.len());
        for record in &records {
            let replayed = self.image.replay_own(record);
            debug_assert!(replayed.is_ok(), "what is encoded decodes: {replayed:?}");
            undo.extend(replayed);
        }
        let deadline_ms = self.append_deadline();
        let id = self.appends.begin(group_id, then, undo, deadline_ms);
        self.effects.push(Effect::Append { id, records });
        id
    }

    /// Answers a request once an append is committed, or now if it is.
    pub(crate) fn respond_after(&mut self, append: AppendId, id: RequestId, response: Response) {
        let deadline_ms = self.append_deadline();
        if let Some(response) = self.appends.wait(append, deadline_ms, id, response) {
            self.respond(id, response);
        }
    }

    /// Answers a request once everything that was appended about a group is committed: what the
    /// response tells cannot be lost any more.
    pub(crate) fn respond_committed(&mut self, group_id: &str, id: RequestId, response: Response) {
        match self.appends.last_of(group_id) {
            Some(append) => self.respond_after(append, id, response),
            None => self.respond(id, response),
        }
    }

    fn append_deadline(&self) -> i64 {
        self.now_ms.saturating_add(self.config.append_timeout_ms)
    }
}

/// Cuts records into appends of at most `bytes_max`, each of at least one record.
fn split(records: Vec<Record>, bytes_max: usize) -> Vec<Vec<Record>> {
    let mut chunks: Vec<Vec<Record>> = Vec::new();
    let mut room_bytes = 0;
    for record in records {
        let size_bytes = record.size_bytes_max();
        match chunks.last_mut() {
            Some(chunk) if size_bytes <= room_bytes => chunk.push(record),
            _ => {
                room_bytes = bytes_max;
                chunks.push(vec![record]);
            }
        }
        room_bytes = room_bytes.saturating_sub(size_bytes);
    }
    chunks
}
