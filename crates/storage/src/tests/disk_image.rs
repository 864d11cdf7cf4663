//! A file system that forgets: built from recorded changes, it tells what a disk may hold after
//! the power failed.
//!
//! What was synced is there. Of the rest:
//! * each write survives, is lost or is torn, on its own; torn may also mean full of zeros.
//!   Indexes have no checksums and are torn between sectors only;
//! * a change of a file's size that is lost takes the later writes to this file with it, since
//!   those went to blocks that the file does not have then;
//! * changes of a folder survive in their order, as journals keep it, up to some moment; a file
//!   that was itself synced may be there even so.

use crate::disk_trace::Change;
use std::{
    collections::{BTreeMap, HashMap},
    fs,
    path::{Path, PathBuf},
};

/// Bytes that a disk writes as one.
const SECTOR: usize = 512;

/// What becomes of changes that were not synced.
#[derive(Clone, Copy, Debug)]
pub(super) enum Survival {
    Nothing,
    Everything,
    /// By chance.
    Seed(u64),
}

#[derive(Clone, Debug, Default)]
struct Image {
    durable: Vec<u8>,
    /// Writes and changes of size since the last sync.
    pending: Vec<Change>,
    was_synced: bool,
}

/// Files by number; a name is a link to one.
#[derive(Clone, Debug, Default)]
pub(super) struct DiskImage {
    images: Vec<Image>,
    by_inode: HashMap<u64, usize>,
    names: BTreeMap<PathBuf, usize>,
    durable_names: BTreeMap<PathBuf, usize>,
    /// (what happened, number of the file) since the folder was synced.
    pending_names: Vec<(Change, usize)>,
}

impl DiskImage {
    pub(super) fn apply(&mut self, change: &Change) {
        match change {
            Change::Create { path, inode } => self.create(change, path, *inode),
            Change::Write { inode, .. } | Change::SetLen { inode, .. } => {
                self.image(*inode).pending.push(change.clone());
            }
            Change::SyncFile { inode } => self.image(*inode).sync(),
            Change::SyncAll => {
                self.images.iter_mut().for_each(Image::sync);
                for change in std::mem::take(&mut self.pending_names) {
                    rename_in(&mut self.durable_names, &change);
                }
            }
            Change::SyncDir { path } => {
                let (here, elsewhere) = std::mem::take(&mut self.pending_names)
                    .into_iter()
                    .partition(|(change, _)| folder_of(change) == Some(path));
                self.pending_names = elsewhere;
                for change in here {
                    rename_in(&mut self.durable_names, &change);
                }
            }
            Change::Rename { from: path, .. } | Change::Remove { path } => {
                let number = self.names[path];
                let change = (change.clone(), number);
                rename_in(&mut self.names, &change);
                self.pending_names.push(change);
            }
        }
    }

    fn create(&mut self, change: &Change, path: &Path, inode: u64) {
        if self.names.contains_key(path) {
            let emptied = Change::SetLen { inode, size: 0 };
            self.image(inode).pending.push(emptied);
            return;
        }
        // An inode of a file that is gone may be used again.
        self.images.push(Image::default());
        let number = self.images.len() - 1;
        self.by_inode.insert(inode, number);
        let change = (change.clone(), number);
        rename_in(&mut self.names, &change);
        self.pending_names.push(change);
    }

    fn image(&mut self, inode: u64) -> &mut Image {
        &mut self.images[self.by_inode[&inode]]
    }

    /// What a power failure leaves, by file name.
    pub(super) fn crash(&self, survival: Survival) -> BTreeMap<String, Vec<u8>> {
        let mut chance = Chance::new(survival);
        let mut names = self.durable_names.clone();
        let kept = chance.prefix(self.pending_names.len());
        for (i, change) in self.pending_names.iter().enumerate() {
            let is_new = matches!(change.0, Change::Create { .. });
            let may_be_there = is_new && self.images[change.1].was_synced;
            if i < kept || (may_be_there && chance.keeps()) {
                rename_in(&mut names, change);
            }
        }
        names
            .into_iter()
            .map(|(path, number)| {
                let name = path.file_name().unwrap().to_str().unwrap().to_owned();
                let sector = if name.ends_with("index") { SECTOR } else { 1 };
                let bytes = self.images[number].after_crash(sector, &mut chance);
                (name, bytes)
            })
            .collect()
    }
}

impl Image {
    fn sync(&mut self) {
        self.was_synced = true;
        for change in std::mem::take(&mut self.pending) {
            carry_out(&mut self.durable, &change);
        }
    }

    fn after_crash(&self, sector: usize, chance: &mut Chance) -> Vec<u8> {
        let mut bytes = self.durable.clone();
        chance.draw_share();
        for change in &self.pending {
            match change {
                Change::SetLen { .. } if !chance.keeps() => break,
                Change::SetLen { .. } => carry_out(&mut bytes, change),
                _ if chance.keeps() => carry_out(&mut bytes, change),
                change => tear(&mut bytes, change, sector, chance),
            }
        }
        bytes
    }
}

/// Part of a write, or none of it.
fn tear(file: &mut Vec<u8>, change: &Change, sector: usize, chance: &mut Chance) {
    let Change::Write {
        inode,
        position,
        bytes,
    } = change
    else {
        return;
    };
    let start = *position as usize;
    let end = (start + chance.torn(bytes.len())) / sector * sector;
    let mut torn = bytes[..end.saturating_sub(start)].to_vec();
    if chance.torn(3) == 1 {
        torn.resize(bytes.len(), 0);
    }
    if torn.is_empty() {
        return;
    }
    let torn = Change::Write {
        inode: *inode,
        position: *position,
        bytes: torn,
    };
    carry_out(file, &torn);
}

fn carry_out(file: &mut Vec<u8>, change: &Change) {
    match change {
        Change::Write {
            position, bytes, ..
        } => {
            let (start, end) = (*position as usize, *position as usize + bytes.len());
            file.resize(file.len().max(end), 0);
            file[start..end].copy_from_slice(bytes);
        }
        Change::SetLen { size, .. } => file.resize(*size as usize, 0),
        _ => unreachable!("not a change of contents"),
    }
}

fn rename_in(names: &mut BTreeMap<PathBuf, usize>, (change, number): &(Change, usize)) {
    match change {
        Change::Create { path, .. } => {
            names.insert(path.clone(), *number);
        }
        Change::Rename { from, to } => {
            if names.get(from) == Some(number) {
                names.remove(from);
            }
            names.insert(to.clone(), *number);
        }
        Change::Remove { path } => {
            names.remove(path);
        }
        _ => unreachable!("not a change of names"),
    }
}

fn folder_of(change: &Change) -> Option<&Path> {
    match change {
        Change::Create { path, .. } | Change::Remove { path } => path.parent(),
        Change::Rename { from, .. } => from.parent(),
        _ => None,
    }
}

/// Writes what a crash left into a folder.
pub(super) fn restore(files: &BTreeMap<String, Vec<u8>>, dir: &Path) {
    for (name, bytes) in files {
        fs::write(dir.join(name), bytes).unwrap();
    }
}

/// Decides by seed; a share of what is kept is drawn for each file, so that some lose all and
/// some nothing.
struct Chance {
    survival: Survival,
    state: u64,
    share: u64,
}

impl Chance {
    fn new(survival: Survival) -> Chance {
        let Survival::Seed(seed) = survival else {
            let (state, share) = (1, 0);
            return Chance {
                survival,
                state,
                share,
            };
        };
        let state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut chance = Chance {
            survival,
            state,
            share: 0,
        };
        chance.draw_share();
        chance
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        (self.state >> 11) % bound
    }

    fn draw_share(&mut self) {
        self.share = [0, 2, 5, 8, 10][self.below(5) as usize];
    }

    fn keeps(&mut self) -> bool {
        match self.survival {
            Survival::Nothing => false,
            Survival::Everything => true,
            Survival::Seed(_) => self.below(10) < self.share,
        }
    }

    /// How many of some changes in order are kept.
    fn prefix(&mut self, count: usize) -> usize {
        match self.survival {
            Survival::Nothing => 0,
            Survival::Everything => count,
            Survival::Seed(_) => self.below(count as u64 + 1) as usize,
        }
    }

    /// How much of a write that is not kept is there all the same.
    fn torn(&mut self, size: usize) -> usize {
        match self.survival {
            Survival::Seed(_) => self.below(size as u64) as usize,
            _ => 0,
        }
    }
}
