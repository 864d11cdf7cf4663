//! Histories written as they happen.

use std::io::{self, Write};

use super::edn::to_edn;
use super::json::to_json;
use super::operation::Operation;

/// Writes each operation to `history.jsonl` and `history.edn` and keeps nothing of it.
///
/// The order of calls is the order of the history: record an invocation before the client is asked, and
/// a completion after it answered. Wrap the files in buffers; [`Recorder::flush`] empties them.
#[derive(Debug)]
pub struct Recorder<J, E> {
    json: J,
    edn: E,
    next_index: u64,
    line: String,
}

impl<J: Write, E: Write> Recorder<J, E> {
    /// Writes JSON to `json` and EDN to `edn`.
    pub const fn new(json: J, edn: E) -> Self {
        Self {
            json,
            edn,
            next_index: 0,
            line: String::new(),
        }
    }

    /// Gives `operation` its index, writes it, and returns the index.
    ///
    /// # Errors
    /// If a file cannot be written; the history is of no use then.
    pub fn record(&mut self, mut operation: Operation) -> io::Result<u64> {
        let index = self.next_index;
        operation.index = index;
        self.line.clear();
        to_json(&operation, &mut self.line);
        self.line.push('\n');
        self.json.write_all(self.line.as_bytes())?;
        self.line.clear();
        to_edn(&operation, &mut self.line);
        self.line.push('\n');
        self.edn.write_all(self.line.as_bytes())?;
        self.next_index += 1;
        Ok(index)
    }

    /// How many operations there are.
    pub const fn recorded(&self) -> u64 {
        self.next_index
    }

    /// Empties the buffers.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub fn flush(&mut self) -> io::Result<()> {
        self.json.flush()?;
        self.edn.flush()
    }

    /// Gives the writers back, not flushed.
    pub fn into_inner(self) -> (J, E) {
        (self.json, self.edn)
    }
}

#[cfg(test)]
mod tests {
    use super::super::operation::{Action, Kind, Process};
    use super::super::reader::HistoryReader;
    use super::*;

    #[test]
    fn operations_are_numbered_and_come_back() {
        let mut recorder = Recorder::new(Vec::new(), Vec::new());
        for (time, kind) in [(10, Kind::Invoke), (20, Kind::Info)] {
            let operation = Operation::new(Process::Client(2), kind, Action::Crash, time);
            recorder.record(operation).unwrap();
        }
        assert_eq!(recorder.recorded(), 2);
        let (json, edn) = recorder.into_inner();
        let read: Vec<_> = HistoryReader::new(json.as_slice())
            .collect::<Result<_, _>>()
            .unwrap();
        assert_eq!(
            read.iter()
                .map(|op| (op.index, op.time_ns))
                .collect::<Vec<_>>(),
            [(0, 10), (1, 20)]
        );
        assert_eq!(edn.iter().filter(|byte| **byte == b'\n').count(), 2);
    }
}
