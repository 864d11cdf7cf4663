//! Finishes or undoes replacements of segments that a crash interrupted.
//!
//! A `.log.swap` is complete, whatever became of its sources: they go, and it takes their place.
//! Everything else with a suffix is a leftover. Indexes without their log are among them: they
//! can be made anew.

use crate::batch_scan::{BatchScan, ScanError};
use crate::disk;
use crate::log_files::{LogFile, is_leftover, parse_swap};
use crate::replacement;
use std::{io, path::Path, sync::Arc};

/// Leaves the folder without temporary files.
pub(crate) fn finish_replacements(dir: &Path) -> io::Result<()> {
    let names = disk::file_names(dir)?;
    let mut logs = Vec::new();
    for name in &names {
        match parse_swap(name) {
            Some((LogFile::Log, base_offset)) => logs.push(base_offset),
            // Renamed or removed with its log.
            Some(_) => {}
            None if is_leftover(name) => disk::remove(&dir.join(name))?,
            None => {}
        }
    }
    for &base_offset in &logs {
        let end_offset = end_of(&LogFile::Log.swap_path(dir, base_offset), base_offset)?;
        if follows_the_segment_before(dir, &names, base_offset)? {
            remove_segments(dir, &names, base_offset, end_offset)?;
            disk::sync_dir(dir)?;
            replacement::complete(dir, base_offset, &mut || ())?;
        }
    }
    for name in disk::file_names(dir)? {
        if parse_swap(&name).is_some() {
            disk::remove(&dir.join(name))?;
        }
    }
    Ok(())
}

/// Whether the segment before ends before a replacement begins. If not, this is a part of the
/// replacement of one segment by several, which Kafka began and did not complete.
fn follows_the_segment_before(dir: &Path, names: &[String], base_offset: i64) -> io::Result<bool> {
    let before = log_offsets(names)
        .filter(|&offset| offset < base_offset)
        .max();
    match before {
        None => Ok(true),
        Some(before) => Ok(end_of(&LogFile::Log.path(dir, before), before)? <= base_offset),
    }
}

fn log_offsets(names: &[String]) -> impl Iterator<Item = i64> {
    let parsed = names.iter().filter_map(|name| LogFile::parse(name));
    parsed.filter_map(|(file, offset)| (file == LogFile::Log).then_some(offset))
}

fn remove_segments(dir: &Path, names: &[String], from: i64, to: i64) -> io::Result<()> {
    for name in names {
        let is_replaced = match LogFile::parse(name) {
            None | Some((LogFile::ProducerSnapshot, _)) => false,
            Some((_, offset)) => (from..to).contains(&offset) || offset == from,
        };
        if is_replaced {
            disk::remove(&dir.join(name))?;
        }
    }
    Ok(())
}

/// The offset after the last whole batch of a file.
fn end_of(path: &Path, base_offset: i64) -> io::Result<i64> {
    let size = match disk::size(path) {
        // Removed with another replacement.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(base_offset),
        size => size?,
    };
    let file = disk::open_to_read(path)?;
    let mut scan = BatchScan::new(Arc::new(file), 0, size);
    let mut end_offset = base_offset;
    loop {
        match scan.next() {
            Ok(Some(batch)) => end_offset = batch.header.next_offset(),
            Ok(None) | Err(ScanError::Batch { .. }) => return Ok(end_offset),
            Err(ScanError::Io(error)) => return Err(error),
        }
    }
}
