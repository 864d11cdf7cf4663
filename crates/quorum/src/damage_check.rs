//! Tells a torn write from a damaged disk, before the log is cut.
//!
//! A power cut may leave anything in what was not synced, and cutting that off loses nothing
//! that was promised. What was synced may have been promised: a controller that forgets it and
//! goes on voting loses it for all. Each entry tells how far the log was synced when it was
//! appended, so an intact one vouches for those before it.

use klamm_records::{BatchHeader, HEADER_SIZE, verify_crc};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// Where in a batch the magic number of its format is, and what it is.
const MAGIC_AT: usize = 16;
const MAGIC: u8 = 2;

/// Refuses a log in which an entry that was synced is damaged or missing.
///
/// # Errors
/// [`io::ErrorKind::InvalidData`] names the file, the place and what to do; or the disk failed.
pub(crate) fn check_damage(folder: &Path) -> io::Result<()> {
    let segments = segments_of(folder)?;
    let mut next = segments.first().map_or(0, |(base, _)| *base);
    for (i, (base, path)) in segments.iter().enumerate() {
        let bytes = fs::read(path)?;
        let mut position = 0;
        if *base == next {
            while let Some(header) = intact_batch(&bytes[position..]) {
                if header.base_offset != next {
                    break;
                }
                position += header.batch_size();
                next = header.next_offset();
            }
            if position == bytes.len() {
                continue;
            }
        }
        let mut vouched = vouches_for(&bytes[position..], next);
        for (_, later) in &segments[i + 1..] {
            vouched = vouched || vouches_for(&fs::read(later)?, next);
        }
        return match vouched {
            true => Err(damaged(path, position, next)),
            false => Ok(()),
        };
    }
    Ok(())
}

/// The segments of the log, by their base offset.
fn segments_of(folder: &Path) -> io::Result<Vec<(i64, PathBuf)>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut segments = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        let digits = name.and_then(|name| name.strip_suffix(".log"));
        if let Some(base) = digits.and_then(|digits| digits.parse().ok()) {
            segments.push((base, path));
        }
    }
    segments.sort();
    Ok(segments)
}

/// The batch that `bytes` begin with, if all of it is as it was written.
fn intact_batch(bytes: &[u8]) -> Option<BatchHeader> {
    let header = BatchHeader::parse(bytes).ok()?;
    verify_crc(bytes.get(..header.batch_size())?).then_some(header)
}

/// Whether a batch anywhere in `bytes` was appended after the one at `offset` had been synced.
fn vouches_for(bytes: &[u8], offset: i64) -> bool {
    let starts = 0..(bytes.len() + 1).saturating_sub(HEADER_SIZE);
    starts
        .filter(|at| bytes[at + MAGIC_AT] == MAGIC)
        .filter_map(|at| Some((at, BatchHeader::parse(&bytes[at..]).ok()?)))
        .filter(|(_, header)| (offset..header.base_offset).contains(&(header.max_timestamp - 1)))
        .any(|(at, _)| intact_batch(&bytes[at..]).is_some())
}

fn damaged(path: &Path, position: usize, index: i64) -> io::Error {
    let path = path.display();
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!(
            "{path} is damaged at byte {position}: entry {index} was synced and cannot be read. \
             Restore this file from a copy, or, if a majority of the other controllers is \
             intact and runs, move this controller's whole folder away and start it: \
             they bring it up to date"
        ),
    )
}
