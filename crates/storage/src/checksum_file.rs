//! A checksum beside a checkpoint, whose format, Kafka's, has none: a flipped digit is another number.
//!
//! The checksum is written first, next to that of what it is about to replace, so that either
//! file fits after a crash. A checkpoint without one is believed: Kafka writes none.

use crate::disk;
use std::{
    ffi::OsString,
    io,
    path::{Path, PathBuf},
};

/// Two checksums of eight digits, a line each.
const FILE_BYTES_MAX: u64 = 64;

/// Notes that a file is about to get new contents.
pub(crate) fn announce(path: &Path, contents: &[u8], bytes_max: u64) -> io::Result<()> {
    let before = disk::read(path, bytes_max)?.unwrap_or_default();
    let (before, after) = (crc32c::crc32c(&before), crc32c::crc32c(contents));
    let text = format!("{after:08x}\n{before:08x}\n");
    disk::replace(&beside(path), text.as_bytes())
}

/// Whether the contents of a file are what was written there, as far as is known.
pub(crate) fn fits(path: &Path, contents: &[u8]) -> io::Result<bool> {
    let known = match disk::read(&beside(path), FILE_BYTES_MAX) {
        Ok(known) => known.unwrap_or_default(),
        Err(error) if error.kind() == io::ErrorKind::FileTooLarge => Vec::new(),
        Err(error) => return Err(error),
    };
    let known = String::from_utf8(known).unwrap_or_default();
    let sums: Option<Vec<u32>> = known
        .lines()
        .map(|line| {
            u32::from_str_radix(line, 16)
                .ok()
                .filter(|_| line.len() == 8)
        })
        .collect();
    let sums = sums.filter(|sums| sums.len() == 2);
    Ok(sums.is_none_or(|sums| sums.contains(&crc32c::crc32c(contents))))
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().map_or_else(OsString::new, OsString::from);
    name.push(".crc32c");
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn either_file_fits_after_a_crash_and_nothing_else_does() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("checkpoint");
        assert!(fits(&path, b"by Kafka").unwrap());
        announce(&path, b"one", 100).unwrap();
        fs::write(&path, b"one").unwrap();
        announce(&path, b"two", 100).unwrap();
        assert!(fits(&path, b"one").unwrap());
        assert!(fits(&path, b"two").unwrap());
        assert!(!fits(&path, b"twp").unwrap());
        // A damaged checksum says nothing against the file.
        fs::write(beside(&path), b"not a checksum").unwrap();
        assert!(fits(&path, b"two").unwrap());
    }
}
