//! Bounds how many files the logs of a process keep open.
//!
//! Files are opened when they are needed and stay open. Above the limit, those that were not used
//! since the last look are closed (second chance). A file of batches with writes that no sync has
//! reached is never closed: the system may report a failed write to the next sync of that very file
//! handle only. So the limit can be passed while more files than that are dirty.

use crate::disk::{self, DiskFile};
use crate::index_map::IndexMap;
use rustix::process::{Resource, getrlimit};
use std::{
    collections::VecDeque,
    io,
    ops::Deref,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

/// The open files of all logs that share this.
#[derive(Debug)]
pub struct OpenFiles {
    limit: usize,
    /// Files that are open.
    count: AtomicUsize,
    /// Those of them that are mapped.
    map_count: AtomicUsize,
    /// Those files, and some that were closed or dropped meanwhile, in the order of the next look.
    clock: Mutex<VecDeque<Weak<Slot>>>,
}

impl OpenFiles {
    /// For whoever does not say: small enough for the usual limit of 1,024 of a process.
    pub const LIMIT_DEFAULT: usize = 512;

    /// Files that are mapped at most: a quarter of what Linux lets a process have
    /// (`vm.max_map_count`).
    const MAPS_MAX: usize = 16_384;

    /// Keeps about `limit` files open.
    pub fn new(limit: usize) -> Arc<OpenFiles> {
        Arc::new(OpenFiles {
            limit: limit.max(1),
            count: AtomicUsize::new(0),
            map_count: AtomicUsize::new(0),
            clock: Mutex::new(VecDeque::new()),
        })
    }

    /// For the only ones of a process that open many: half of the files that it may have open
    /// (`RLIMIT_NOFILE`); connections get the rest.
    pub fn of_process() -> Arc<OpenFiles> {
        /// Where the system sets no limit; the number bounds memory then.
        const UNLIMITED: u64 = 1 << 20;
        let limit = getrlimit(Resource::Nofile).current.unwrap_or(UNLIMITED);
        let half = usize::try_from(limit.min(UNLIMITED) / 2);
        OpenFiles::new(half.unwrap_or(OpenFiles::LIMIT_DEFAULT))
    }

    /// How many files are open.
    pub fn count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    /// Notes a file that was opened, and closes others for it.
    fn admit(&self, slot: &Arc<Slot>) {
        let mut clock = lock(&self.clock);
        if clock.len() > 2 * self.count() + self.limit {
            clock.retain(|slot| slot.upgrade().is_some_and(|slot| slot.is_worth_listing()));
        }
        clock.push_back(Arc::downgrade(slot));
        for _ in 0..LOOKS_MAX {
            if self.count() <= self.limit {
                break;
            }
            let Some(slot) = clock.pop_front() else {
                break;
            };
            if slot.upgrade().is_some_and(|slot| slot.stays(self)) {
                clock.push_back(slot);
            }
        }
    }

    /// Closes some files, since the process or the system has run out of descriptors: others have
    /// taken more than their share.
    pub(crate) fn give_way(&self) {
        let mut clock = lock(&self.clock);
        for _ in 0..clock.len().min(GIVEN_WAY_MAX) {
            let Some(slot) = clock.pop_front().and_then(|slot| slot.upgrade()) else {
                continue;
            };
            slot.was_used.store(false, Ordering::Relaxed);
            if slot.stays(self) {
                clock.push_back(Arc::downgrade(&slot));
            }
        }
    }

    /// Closes what a slot has open.
    fn close(&self, state: &mut SlotState) {
        if state.file.take().is_some() {
            self.count.fetch_sub(1, Ordering::Relaxed);
        }
        if state.map.take().is_some() {
            self.map_count.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// Files that are looked at for each that is opened: so many as to get ahead unless most are held,
/// so few that opening stays cheap when they are.
const LOOKS_MAX: usize = 16;

/// Files that are looked at when there are no descriptors left.
const GIVEN_WAY_MAX: usize = 64;

#[derive(Debug)]
struct Slot {
    path: PathBuf,
    /// Whether it may be closed with writes that no sync has reached.
    is_hint: bool,
    state: Mutex<SlotState>,
    was_used: AtomicBool,
    /// Whether something was written that no sync has reached.
    is_dirty: AtomicBool,
    /// Whether the name is not the file's any more.
    is_disowned: AtomicBool,
}

#[derive(Debug, Default)]
struct SlotState {
    file: Option<Arc<DiskFile>>,
    /// Writes and syncs in progress.
    pins: u32,
    /// Whether the clock has it.
    is_listed: bool,
    map: Option<Arc<IndexMap>>,
    /// Whether anybody may have a map of the file.
    was_mapped: bool,
}

impl Slot {
    /// Whether the clock keeps it; closes the file otherwise.
    fn stays(&self, files: &OpenFiles) -> bool {
        let Ok(mut state) = self.state.try_lock() else {
            return true; // in use this moment
        };
        let is_unsynced = !self.is_hint && self.is_dirty.load(Ordering::Acquire);
        let is_held = state.pins > 0 || is_unsynced;
        if state.file.is_some() && (is_held || self.was_used.swap(false, Ordering::Relaxed)) {
            return true;
        }
        state.is_listed = false;
        files.close(&mut state);
        false
    }

    fn is_worth_listing(&self) -> bool {
        let mut state = lock(&self.state);
        state.is_listed = state.file.is_some();
        state.is_listed
    }
}

/// A file that is open while it is used, and otherwise if there is room.
#[derive(Debug)]
pub(crate) struct CachedFile {
    files: Arc<OpenFiles>,
    slot: Arc<Slot>,
}

impl CachedFile {
    /// A file that is not open yet.
    pub(crate) fn closed(path: PathBuf, files: &Arc<OpenFiles>) -> CachedFile {
        CachedFile::new(path, files, false)
    }

    /// A file that is not open yet, and in which a write that failed is noticed when it is read: it
    /// may be closed before it is synced.
    pub(crate) fn hint(path: PathBuf, files: &Arc<OpenFiles>) -> CachedFile {
        CachedFile::new(path, files, true)
    }

    fn new(path: PathBuf, files: &Arc<OpenFiles>, is_hint: bool) -> CachedFile {
        let slot = Slot {
            path,
            is_hint,
            state: Mutex::default(),
            was_used: AtomicBool::new(false),
            is_dirty: AtomicBool::new(false),
            is_disowned: AtomicBool::new(false),
        };
        CachedFile {
            files: files.clone(),
            slot: Arc::new(slot),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.slot.path
    }

    /// The first `size` bytes of the open file as memory, or at least the first `size_min`;
    /// `None` if there are too many maps or the file is shorter.
    pub(crate) fn map(&self, size_min: usize, size: usize) -> io::Result<Option<Arc<IndexMap>>> {
        let file = self.get()?;
        let mut state = lock(&self.slot.state);
        if let Some(map) = state
            .map
            .as_ref()
            .filter(|map| map.bytes().len() >= size_min)
        {
            return Ok(Some(map.clone()));
        }
        let is_open = state
            .file
            .as_ref()
            .is_some_and(|open| Arc::ptr_eq(open, &file));
        if !is_open || self.files.map_count.load(Ordering::Relaxed) >= OpenFiles::MAPS_MAX {
            return Ok(None);
        }
        state.was_mapped = true;
        let map = IndexMap::of(&file, size)?.map(Arc::new);
        if let Some(map) = map.clone()
            && state.map.replace(map).is_none()
        {
            self.files.map_count.fetch_add(1, Ordering::Relaxed);
        }
        Ok(map)
    }

    /// Cuts the file. One that was mapped gives way to a new one, durably: what is mapped must not
    /// go. On a full disk it is removed instead; whether it is still there.
    pub(crate) fn cut(&self, size: u64) -> io::Result<bool> {
        let file = self.pin()?;
        let mut state = lock(&self.slot.state);
        if !state.was_mapped {
            file.set_len(size)?;
            self.set_dirty();
            return Ok(true);
        }
        let kept = file.read_vec_at(usize::try_from(size).map_err(io::Error::other)?, 0)?;
        self.files.close(&mut state);
        state.was_mapped = false;
        self.slot.is_dirty.store(false, Ordering::Release);
        match disk::replace(self.path(), &kept) {
            Err(error) if disk::is_full(&error) => disk::remove(self.path()).map(|()| false),
            replaced => replaced.map(|()| true),
        }
    }

    /// Creates the file, or empties the one there is.
    pub(crate) fn create(&self) -> io::Result<()> {
        let mut state = lock(&self.slot.state);
        // Not emptied: somebody may have a map of what was there.
        disk::remove(&self.slot.path)?;
        let file = disk::create(&self.slot.path)?;
        self.install(&mut state, file);
        self.admit(state);
        Ok(())
    }

    /// The file, opened if need be.
    pub(crate) fn get(&self) -> io::Result<Arc<DiskFile>> {
        self.get_and(|_| {})
    }

    /// The file, which stays open for now: for writes and syncs.
    pub(crate) fn pin(&self) -> io::Result<PinnedFile<'_>> {
        let file = self.get_and(|state| state.pins += 1)?;
        let slot = &self.slot;
        Ok(PinnedFile { slot, file })
    }

    fn get_and(&self, note: impl FnOnce(&mut SlotState)) -> io::Result<Arc<DiskFile>> {
        let mut state = lock(&self.slot.state);
        if let Some(file) = state.file.clone() {
            note(&mut state);
            if !self.slot.was_used.load(Ordering::Relaxed) {
                self.slot.was_used.store(true, Ordering::Relaxed);
            }
            return Ok(file);
        }
        let file = disk::open(&self.slot.path)?;
        // What was opened may be another file that took the name over.
        if self.slot.is_disowned.load(Ordering::Acquire) {
            return Err(io::ErrorKind::NotFound.into());
        }
        let file = self.install(&mut state, file);
        note(&mut state);
        self.admit(state);
        Ok(file)
    }

    fn install(&self, state: &mut SlotState, file: DiskFile) -> Arc<DiskFile> {
        let file = Arc::new(file);
        if state.file.replace(file.clone()).is_none() {
            self.files.count.fetch_add(1, Ordering::Relaxed);
        }
        file
    }

    fn admit(&self, mut state: MutexGuard<'_, SlotState>) {
        let was_listed = std::mem::replace(&mut state.is_listed, true);
        drop(state);
        if !was_listed {
            self.files.admit(&self.slot);
        }
    }

    /// Notes that the file is about to lose its name: it is not opened any more.
    pub(crate) fn disown(&self) {
        self.slot.is_disowned.store(true, Ordering::Release);
    }

    /// Closes the file, unless it must stay open.
    pub(crate) fn close(&self) {
        let mut state = lock(&self.slot.state);
        if state.pins == 0 && !self.is_dirty() {
            self.files.close(&mut state);
        }
    }

    /// Notes a write that the next sync has to reach. A write is pinned until after this.
    pub(crate) fn set_dirty(&self) {
        self.slot.is_dirty.store(true, Ordering::Release);
    }

    pub(crate) fn is_dirty(&self) -> bool {
        self.slot.is_dirty.load(Ordering::Acquire)
    }

    /// Takes the mark off what was written: the caller makes it durable, or marks it again.
    pub(crate) fn take_dirty(&self) -> bool {
        self.slot.is_dirty.swap(false, Ordering::AcqRel)
    }

    /// Makes what was written before the call durable; whether there was anything.
    pub(crate) fn sync(&self) -> io::Result<bool> {
        if !self.is_dirty() {
            return Ok(false);
        }
        // Before the mark goes, after which the file could be closed.
        let file = self.pin()?;
        if !self.take_dirty() {
            return Ok(false);
        }
        file.sync_data()?;
        Ok(true)
    }
}

impl Drop for CachedFile {
    fn drop(&mut self) {
        self.files.close(&mut lock(&self.slot.state));
    }
}

/// A file that is not closed meanwhile.
pub(crate) struct PinnedFile<'a> {
    slot: &'a Slot,
    file: Arc<DiskFile>,
}

impl Deref for PinnedFile<'_> {
    type Target = DiskFile;

    fn deref(&self) -> &DiskFile {
        &self.file
    }
}

impl Drop for PinnedFile<'_> {
    fn drop(&mut self) {
        lock(&self.slot.state).pins -= 1;
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_open(file: &CachedFile) -> bool {
        lock(&file.slot.state).file.is_some()
    }

    /// Files of one byte each, their number.
    fn make(count: u8, limit: usize) -> (tempfile::TempDir, Arc<OpenFiles>, Vec<CachedFile>) {
        let dir = tempfile::tempdir().unwrap();
        let files = OpenFiles::new(limit);
        let make = |i: u8| {
            let file = CachedFile::closed(dir.path().join(i.to_string()), &files);
            file.create().unwrap();
            file.pin().unwrap().write_all_at(&[i], 0).unwrap();
            file
        };
        let cached = (0..count).map(make).collect();
        (dir, files, cached)
    }

    fn read(file: &CachedFile) -> u8 {
        let mut byte = [0];
        file.get().unwrap().read_exact_at(&mut byte, 0).unwrap();
        byte[0]
    }

    #[test]
    fn no_more_than_the_limit_stay_open() {
        let (_dir, files, cached) = make(20, 5);
        for round in 0..3 {
            for (i, file) in cached.iter().enumerate() {
                assert_eq!(read(file) as usize, i, "{round}");
                assert!(files.count() <= 5);
            }
        }
        assert_eq!(files.count(), 5);
        drop(cached);
        assert_eq!(files.count(), 0);
    }

    #[test]
    fn what_is_used_stays_open() {
        let (_dir, _files, cached) = make(20, 5);
        read(&cached[0]);
        for other in cached[1..].iter().cycle().take(100) {
            read(&cached[0]);
            read(other);
            assert!(is_open(&cached[0]));
        }
    }

    #[test]
    fn dirty_and_pinned_files_are_not_closed() {
        let (_dir, files, cached) = make(20, 3);
        for file in &cached[..6] {
            let _pinned = file.pin().unwrap();
            file.set_dirty();
        }
        let pinned = cached[6].pin().unwrap();
        for file in &cached[7..] {
            read(file);
        }
        cached[0].close();
        assert!(cached[..7].iter().all(is_open));
        assert_eq!(files.count(), 7);
        drop(pinned);
        for file in &cached[..6] {
            assert!(file.sync().unwrap());
            assert!(!file.sync().unwrap());
        }
        for file in &cached[7..] {
            read(file);
        }
        assert_eq!(files.count(), 3);
    }

    #[test]
    fn the_list_does_not_grow_with_files_that_come_and_go() {
        let (_dir, files, cached) = make(3, 10);
        for _ in 0..1_000 {
            cached[0].close();
            read(&cached[0]);
            let passing = CachedFile::closed(cached[1].path().to_path_buf(), &files);
            read(&passing);
        }
        assert!(lock(&files.clock).len() <= 2 * 4 + 10);
    }
}
