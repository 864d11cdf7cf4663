//! Small files that change as a whole: written beside, synced, renamed, folder synced.
//!
//! ```text
//! magic "KLMM" | version u32 | crc32c of payload u32 | payload length u32 | payload
//! ```

use std::{
    fs::{self, File},
    io::{self, Write},
    os::unix::fs::FileExt,
    path::Path,
};

const MAGIC: &[u8; 4] = b"KLMM";
const VERSION: u32 = 1;
const HEADER_BYTES: usize = 16;

/// Replaces the file at `path` by one that holds `payload`. When this returns, the new content
/// survives a crash; until then, the old one does.
///
/// # Errors
/// The disk refused; the old content is still there.
pub(crate) fn replace(path: &Path, payload: &[u8]) -> io::Result<()> {
    let beside = path.with_extension("tmp");
    let mut file = File::create(&beside)?;
    file.write_all(&framed(payload)?)?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    sync_folder_of(path)
}

/// A file that is overwritten in place, often and without syncing it: after a power cut its
/// content may be an older one or unreadable.
#[derive(Debug)]
pub(crate) struct ScratchFile(File);

impl ScratchFile {
    /// Opens or makes the file at `path`.
    ///
    /// # Errors
    /// The disk refused.
    pub(crate) fn open(path: &Path) -> io::Result<ScratchFile> {
        let mut options = File::options();
        let options = options.read(true).write(true).create(true).truncate(false);
        Ok(ScratchFile(options.open(path)?))
    }

    /// Overwrites the content; every payload of one file must have the same length.
    ///
    /// # Errors
    /// The disk refused.
    pub(crate) fn overwrite(&self, payload: &[u8]) -> io::Result<()> {
        self.0.write_all_at(&framed(payload)?, 0)
    }
}

/// The payload of the file at `path`; `None` if there is no such file.
///
/// # Errors
/// The disk refused, or the file is not one of ours or damaged ([`io::ErrorKind::InvalidData`]).
pub(crate) fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other?,
    };
    let header = bytes.get(..HEADER_BYTES).ok_or_else(|| damaged(path))?;
    let word = |at: usize| {
        let mut word = [0; 4];
        word.copy_from_slice(&header[at..at + 4]);
        u32::from_le_bytes(word)
    };
    let (version, crc, length) = (word(4), word(8), word(12));
    let sound = header.starts_with(MAGIC)
        && version == VERSION
        && length as usize == bytes.len() - HEADER_BYTES
        && crc == crc32c::crc32c(&bytes[HEADER_BYTES..]);
    if !sound {
        return Err(damaged(path));
    }
    bytes.drain(..HEADER_BYTES);
    Ok(Some(bytes))
}

/// Makes sure that a file's name survives a crash.
///
/// # Errors
/// The disk refused.
pub(crate) fn sync_folder_of(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

fn framed(payload: &[u8]) -> io::Result<Vec<u8>> {
    let length = u32::try_from(payload.len()).map_err(io::Error::other)?;
    let mut bytes = Vec::with_capacity(HEADER_BYTES + payload.len());
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    bytes.extend_from_slice(&crc32c::crc32c(payload).to_le_bytes());
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(payload);
    Ok(bytes)
}

fn damaged(path: &Path) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("{} is damaged", path.display()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_round_trips_and_damage_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vote");
        assert_eq!(read(&path).unwrap(), None);
        replace(&path, b"first").unwrap();
        assert_eq!(read(&path).unwrap().unwrap(), b"first");
        let scratch = ScratchFile::open(&path).unwrap();
        scratch.overwrite(b"other").unwrap();
        assert_eq!(read(&path).unwrap().unwrap(), b"other");

        let intact = fs::read(&path).unwrap();
        for at in 0..intact.len() {
            let mut bytes = intact.clone();
            bytes[at] ^= 1;
            fs::write(&path, &bytes).unwrap();
            let error = read(&path).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData, "byte {at}");
        }
        fs::write(&path, &intact[..7]).unwrap();
        assert!(read(&path).is_err());
    }
}
