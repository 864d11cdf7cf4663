//! `.kafka_cleanshutdown`: the mark that a log directory was left in order.

use crate::checkpoint_file::CheckpointError;
use crate::disk;
use klamm_types::BrokerEpoch;
use std::path::Path;

const FILE_NAME: &str = ".kafka_cleanshutdown";
const FILE_BYTES_MAX: u64 = 4 << 10;

/// What the mark of a clean stop says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CleanShutdown {
    /// The broker's epoch when it stopped (KIP-966), or none.
    pub broker_epoch: BrokerEpoch,
}

/// The mark of one log directory.
#[derive(Clone, Copy, Debug)]
pub struct CleanShutdownFile<'a> {
    log_dir: &'a Path,
}

impl<'a> CleanShutdownFile<'a> {
    /// The mark of this log directory.
    pub fn of(log_dir: &'a Path) -> CleanShutdownFile<'a> {
        CleanShutdownFile { log_dir }
    }

    /// Reads the mark; `None` if the last stop was not clean.
    ///
    /// # Errors
    /// The disk failed. A mark whose contents are unknown still is one, of no epoch.
    pub fn read(&self) -> Result<Option<CleanShutdown>, CheckpointError> {
        let path = self.log_dir.join(FILE_NAME);
        let bytes =
            disk::read(&path, FILE_BYTES_MAX).map_err(CheckpointError::io("read", &path))?;
        Ok(bytes.map(|bytes| {
            let epoch = broker_epoch(&String::from_utf8_lossy(&bytes));
            CleanShutdown {
                broker_epoch: epoch.map_or(BrokerEpoch::NONE, BrokerEpoch),
            }
        }))
    }

    /// Sets the mark, durably, once every log is closed and every checkpoint written.
    ///
    /// # Errors
    /// The disk failed.
    pub fn write(&self, mark: CleanShutdown) -> Result<(), CheckpointError> {
        let path = self.log_dir.join(FILE_NAME);
        let text = format!("{{\"version\":0,\"brokerEpoch\":{}}}", mark.broker_epoch);
        disk::replace(&path, text.as_bytes()).map_err(CheckpointError::io("write", &path))
    }

    /// Removes the mark, durably, before the first log is opened for writing.
    ///
    /// # Errors
    /// The disk failed.
    pub fn remove(&self) -> Result<(), CheckpointError> {
        let path = self.log_dir.join(FILE_NAME);
        disk::remove(&path)
            .and_then(|()| disk::sync_dir(self.log_dir))
            .map_err(CheckpointError::io("remove", &path))
    }
}

fn broker_epoch(text: &str) -> Option<i64> {
    let (_, rest) = text.split_once("\"brokerEpoch\"")?;
    let number = rest.trim_start().strip_prefix(':')?.trim_start();
    let end = number
        .find(|c: char| c != '-' && !c.is_ascii_digit())
        .unwrap_or(number.len());
    number[..end].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_comes_and_goes() {
        let dir = tempfile::tempdir().unwrap();
        let file = CleanShutdownFile::of(dir.path());
        assert_eq!(file.read().unwrap(), None);
        let mark = CleanShutdown {
            broker_epoch: BrokerEpoch(42),
        };
        file.write(mark).unwrap();
        assert_eq!(file.read().unwrap(), Some(mark));
        file.remove().unwrap();
        assert_eq!(file.read().unwrap(), None);
    }

    #[test]
    fn the_epoch_is_found_in_json() {
        for (text, expected) in [
            (r#"{"version":0,"brokerEpoch":7}"#, Some(7)),
            (r#"{ "brokerEpoch" : -1, "version" : 0 }"#, Some(-1)),
            ("", None),
            ("{}", None),
        ] {
            assert_eq!(broker_epoch(text), expected, "{text}");
        }
    }
}
