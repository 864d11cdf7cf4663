//! Histories read from a file, one operation at a time.

use std::io::{self, BufRead, Read as _};

use super::json::{MalformedOperation, from_json};
use super::operation::Operation;

/// The longest line that is read, so that a file that is no history cannot fill the memory. One poll of
/// a hundred thousand records takes 3 MiB.
pub const LINE_BYTES_MAX: u64 = 16 << 20;

/// Why a history cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// The file cannot be opened.
    #[error("open it: {0}")]
    Open(#[source] io::Error),
    /// The file cannot be read.
    #[error("read line {line}: {source}")]
    Io {
        /// The line, from 1.
        line: u64,
        /// What the system says.
        source: io::Error,
    },
    /// A line is no operation.
    #[error("line {line} is no operation: {source}")]
    Malformed {
        /// The line, from 1.
        line: u64,
        /// What is wrong with it.
        source: MalformedOperation,
    },
    /// A line is longer than [`LINE_BYTES_MAX`].
    #[error("line {line} is longer than {LINE_BYTES_MAX} bytes")]
    TooLong {
        /// The line, from 1.
        line: u64,
    },
    /// Operations that cannot follow one another.
    #[error("operation {index}: {problem}")]
    Inconsistent {
        /// The operation.
        index: u64,
        /// What is wrong with it.
        problem: String,
    },
}

/// Reads `history.jsonl`. A last line that is not whole, as a drill that was killed leaves it, ends the
/// history; empty lines are skipped.
#[derive(Debug)]
pub struct HistoryReader<R> {
    input: R,
    line: u64,
    buffer: Vec<u8>,
    ended: bool,
}

impl<R: BufRead> HistoryReader<R> {
    /// Reads from `input`.
    pub const fn new(input: R) -> Self {
        Self {
            input,
            line: 0,
            buffer: Vec::new(),
            ended: false,
        }
    }

    fn read_operation(&mut self) -> Result<Option<Operation>, HistoryError> {
        loop {
            self.buffer.clear();
            self.line += 1;
            let line = self.line;
            let mut bounded = (&mut self.input).take(LINE_BYTES_MAX);
            let read = bounded.read_until(b'\n', &mut self.buffer);
            let bytes = read.map_err(|source| HistoryError::Io { line, source })?;
            if bytes == 0 {
                return Ok(None);
            }
            let whole = self.buffer.ends_with(b"\n");
            if !whole && bytes as u64 == LINE_BYTES_MAX {
                return Err(HistoryError::TooLong { line });
            }
            let text = self.buffer.trim_ascii();
            if text.is_empty() {
                continue;
            }
            let parsed = str::from_utf8(text).map_err(MalformedOperation::from);
            return match parsed.and_then(from_json) {
                Ok(operation) => Ok(Some(operation)),
                Err(_) if !whole => Ok(None),
                Err(source) => Err(HistoryError::Malformed { line, source }),
            };
        }
    }
}

impl<R: BufRead> Iterator for HistoryReader<R> {
    type Item = Result<Operation, HistoryError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let next = self.read_operation().transpose();
        // Behind an error nothing can be trusted to begin where a line begins.
        self.ended = !matches!(next, Some(Ok(_)));
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CRASH: &str =
        r#"{"index":0,"time":1,"process":0,"type":"invoke","f":"crash","value":null}"#;

    fn read(text: &str) -> Vec<Result<Operation, HistoryError>> {
        HistoryReader::new(text.as_bytes()).collect()
    }

    #[test]
    fn a_torn_last_line_ends_the_history() {
        let torn = format!("{CRASH}\n\n{}", &CRASH[..30]);
        let operations = read(&torn);
        assert_eq!(operations.len(), 1);
        assert!(operations[0].is_ok());
        assert_eq!(read(&format!("{CRASH}\n{CRASH}")).len(), 2);
    }

    #[test]
    fn a_line_that_is_no_operation_is_named_and_ends_the_reading() {
        let operations = read(&format!("{CRASH}\nnonsense\n{CRASH}\n"));
        assert_eq!(operations.len(), 2);
        let error = operations[1].as_ref().unwrap_err().to_string();
        assert!(error.starts_with("line 2 is no operation: "), "{error}");
    }
}
