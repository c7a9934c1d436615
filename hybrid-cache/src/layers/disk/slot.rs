//! Directories: one slot per process, who may look into it, how large it is, and where damaged stores go.
//!
//! ```text
//! <dir>/CACHEDIR.TAG                 only if we made <dir>: backup programs leave it out. <dir> may be a link
//! <dir>/removals.log                 what is forgotten in all slots, see `journal.rs`
//! <dir>/slot-0/lock                  held while a process uses the slot
//!              ledger                which of the following is the current store
//!              redb-1/ | sled-1/     the files of the engine
//!              damaged-1760000000000/   the last store that could not be read, for whoever wants to look
//! <dir>/slot-1/…                     a second process at the same time
//! ```

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
    time::Duration,
};

use super::{
    engine::Fault,
    files::{self, Opened},
    ledger,
};
use crate::clock::Timestamp;

/// More processes than this, side by side in one directory, go without a disk layer.
const SLOTS: usize = 64;
const SLOT: &str = "slot-";
const LOCK: &str = "lock";
/// For how long a slot is kept that nobody uses, and what was set aside.
pub(super) const UNUSED: Duration = Duration::from_hours(30 * 24);
const DAMAGED: &str = "damaged-";
const TAG: &str = "CACHEDIR.TAG";
const TAG_TEXT: &str = "Signature: 8a477f597d28d172789f06886806bc55\n\
    # This directory holds a cache made by hybrid-cache. It may be deleted while no program uses it.\n";

/// A directory that belongs to this process until it is dropped.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) path: PathBuf,
    lock: File,
    /// In which it was claimed.
    process: u32,
}

impl Drop for Slot {
    fn drop(&mut self) {
        // A child process that another thread is starting has a copy of the file until it runs its program, and would hold the
        // slot for so long. A fork's copy is its parent's.
        if self.process == std::process::id() {
            let _ = self.lock.unlock();
        }
    }
}

impl Slot {
    /// Whether its lock is the one that another process would find: a directory that was deleted under way protects nothing.
    pub(super) fn is_held(&self) -> bool {
        files::is_in_place(&self.path.join(LOCK), &self.lock).unwrap_or(false)
    }

    /// Whether another process would also find the ledger.
    pub(super) fn is_complete(&self) -> bool {
        self.is_held() && fs::symlink_metadata(self.path.join(ledger::FILE)).is_ok()
    }
}

/// Takes the first free slot in `dir`.
pub(super) fn claim(dir: &Path, us: Owner, now: Timestamp) -> Result<Slot, Fault> {
    let mut skipped = None;
    for number in 0..SLOTS {
        match claim_slot(dir.join(format!("{SLOT}{number}")), us, now) {
            Ok(Some(slot)) => return Ok(slot),
            Ok(None) => {}
            Err(fault) => skipped = Some(fault),
        }
    }
    Err(skipped.unwrap_or_else(|| {
        Fault::refused(format!(
            "all {SLOTS} slots are in use by other processes; give this one a directory of its own"
        ))
    }))
}

/// Makes the directory of the layer if there is none, and sees to it that it is ours. It may be a link to one that is.
/// Returns who we are.
pub(super) fn prepare_root(dir: &Path) -> Result<Owner, Fault> {
    match fs::metadata(dir) {
        Ok(_) => {
            if files::says(&dir.join(TAG), TAG_TEXT) {
                // Only where we made it: the directory may be one that others use, too.
                make_private(&fs::canonicalize(dir).map_err(Fault::refused)?, 0o700)?;
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            private_dir(true).create(dir).map_err(Fault::refused)?;
            let tag = private_file(OpenOptions::new().write(true).create_new(true)).open(dir.join(TAG));
            tag.and_then(|mut tag| tag.write_all(TAG_TEXT.as_bytes())).map_err(Fault::refused)?;
        }
        Err(error) => return Err(Fault::refused(error)),
    }
    owner_of_new_file(dir)
}

/// Whether a process has used `dir`, now or before.
pub(super) fn is_in_use(dir: &Path) -> Result<bool, Fault> {
    Ok(names(dir)?.any(|name| name.starts_with(SLOT)))
}

/// `None`: another process uses it.
fn claim_slot(path: PathBuf, us: Owner, now: Timestamp) -> Result<Option<Slot>, Fault> {
    match private_dir(false).create(&path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(Fault::refused(error)),
        _ => {}
    }
    if fs::symlink_metadata(&path).is_ok_and(|found| found.is_file()) {
        set_aside(&path, now)?;
        private_dir(false).create(&path).map_err(Fault::refused)?;
    }
    must_be_ours(&path, us)?;
    make_private(&path, 0o700)?;
    let lock = files::open_or_create(&path.join(LOCK), now)?;
    match lock.try_lock() {
        Ok(()) => {
            let slot = Slot { path, lock, process: std::process::id() };
            // Another process may have removed it in between, as one that nobody uses.
            Ok(if slot.is_held() { Some(slot) } else { None })
        }
        Err(fs::TryLockError::WouldBlock) => Ok(None),
        Err(fs::TryLockError::Error(error)) => Err(Fault::refused(error)),
    }
}

/// Removes slots that nobody has used for [`UNUSED`], and what was set aside that long ago. What cannot be removed now is
/// tried again by the next process.
pub(super) fn clear_unused(dir: &Path, ours: &Slot, now: Timestamp) -> Result<(), Fault> {
    for name in names(dir)?.filter(|name| name.starts_with(SLOT)) {
        let path = dir.join(name);
        if path != ours.path && is_unused(&path) {
            // As long as this is held, no process takes the slot.
            let Ok(Opened::File(lock)) = files::open(&path.join(LOCK)) else { continue };
            if lock.try_lock().is_ok() && is_unused(&path) {
                tracing::info!(slot = %path.display(), "a slot of the disk cache that was not used for long is removed");
                remove(&path)?;
            }
        }
    }
    for place in [dir, &ours.path] {
        for name in names(place)? {
            let since = name.strip_prefix(DAMAGED).and_then(|millis| millis.parse().ok());
            if since.is_some_and(|since| now.since(Timestamp::from_millis(since)) > UNUSED) {
                remove(&place.join(name))?;
            }
        }
    }
    Ok(())
}

/// Whether nothing in the slot was changed for long, as the file system's clock tells.
fn is_unused(slot: &Path) -> bool {
    let is_old = |found: io::Result<fs::Metadata>| {
        let age = found.and_then(|found| found.modified()).ok().and_then(|changed| changed.elapsed().ok());
        age.is_some_and(|age| age > UNUSED)
    };
    let Ok(entries) = fs::read_dir(slot) else { return false };
    entries.flatten().all(|entry| match entry.file_type() {
        Ok(kind) if kind.is_dir() => is_unused(&entry.path()),
        _ => is_old(entry.metadata()),
    })
}

/// Makes the directory `path` for the files of an engine.
pub(super) fn make_store_dir(path: &Path) -> Result<(), Fault> {
    private_dir(true).create(path).map_err(Fault::refused)?;
    Ok(make_private(path, 0o700)?)
}

/// Moves what cannot be read out of the way. Only the last one is kept, so that they cannot fill the disk.
pub(super) fn set_aside(path: &Path, now: Timestamp) -> Result<PathBuf, Fault> {
    let parent = path.parent().unwrap_or(path);
    for older in names(parent)?.filter(|name| name.starts_with(DAMAGED)) {
        remove(&parent.join(older))?;
    }
    let aside = parent.join(format!("{DAMAGED}{}", now.as_millis()));
    fs::rename(path, &aside).map_err(Fault::refused)?;
    Ok(aside)
}

/// The entries of `dir` that are, or were, the store of some engine.
pub(super) fn stores(dir: &Path) -> Result<Vec<PathBuf>, Fault> {
    let is_store = |name: &String| name.starts_with("redb-") || name.starts_with("sled-");
    Ok(names(dir)?.filter(is_store).map(|name| dir.join(name)).collect())
}

fn names(dir: &Path) -> Result<impl Iterator<Item = String>, Fault> {
    let entries = fs::read_dir(dir).map_err(Fault::refused)?;
    Ok(entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()))
}

/// Removes a file or a directory with all it holds; one that is not there is fine.
pub(super) fn remove(path: &Path) -> Result<(), Fault> {
    let removed = match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Fault::refused(error)),
        _ => Ok(()),
    }
}

/// Whether in `dir`, at any depth, there are files and directories and nothing else: engines open what they find by name.
pub(super) fn holds_only_files(dir: &Path) -> bool {
    let Ok(entries) = fs::read_dir(dir) else { return false };
    entries.flatten().all(|entry| match entry.file_type() {
        Ok(kind) => kind.is_file() || (kind.is_dir() && holds_only_files(&entry.path())),
        Err(_) => false,
    })
}

/// How many bytes `dir` takes on the disk; on the way, files that an engine made get their mode.
pub(super) fn measure(dir: &Path) -> io::Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(dir)? {
        // An engine may remove a file while we look.
        let Ok(entry) = entry else { continue };
        let Ok(found) = entry.metadata() else { continue };
        if found.is_dir() {
            make_private(&entry.path(), 0o700).ok();
            bytes += measure(&entry.path()).unwrap_or(0);
        } else if found.is_file() {
            make_private(&entry.path(), 0o600).ok();
            bytes += size_on_disk(&found);
        }
    }
    Ok(bytes)
}

#[cfg(unix)]
use unix::{Owner, make_private, must_be_ours, owner_of_new_file, private_dir, private_file, size_on_disk};

#[cfg(unix)]
mod unix {
    use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};

    use super::{DirBuilder, Fault, OpenOptions, Path, fs, io};

    /// A user, by number.
    pub(super) type Owner = u32;

    pub(super) fn private_dir(with_parents: bool) -> DirBuilder {
        let mut builder = DirBuilder::new();
        builder.recursive(with_parents).mode(0o700);
        builder
    }

    pub(super) fn private_file(options: &mut OpenOptions) -> &mut OpenOptions {
        options.mode(0o600)
    }

    pub(super) fn make_private(path: &Path, mode: u32) -> io::Result<()> {
        let found = fs::symlink_metadata(path)?;
        if found.file_type().is_symlink() || found.mode() & 0o777 == mode {
            return Ok(());
        }
        fs::set_permissions(path, fs::Permissions::from_mode(mode))
    }

    /// Who we are. There is no safe way to ask but to look at a file that we made.
    pub(super) fn owner_of_new_file(dir: &Path) -> Result<Owner, Fault> {
        let found = fs::metadata(dir).map_err(Fault::refused)?;
        if !found.is_dir() {
            return Err(not_a_directory(dir, &found));
        }
        let probe = dir.join(format!(".probe-{}-{:x}", std::process::id(), fastrand::u64(..)));
        let file = private_file(OpenOptions::new().write(true).create_new(true))
            .open(&probe)
            .map_err(Fault::refused)?;
        let us = file.metadata().map(|made| made.uid()).map_err(Fault::refused);
        fs::remove_file(&probe).map_err(Fault::refused)?;
        let us = us?;
        must_belong_to(us, dir, &found)?;
        Ok(us)
    }

    /// Refuses what someone else could have put there to read our answers or to have us write elsewhere.
    pub(super) fn must_be_ours(path: &Path, us: Owner) -> Result<(), Fault> {
        let found = fs::symlink_metadata(path).map_err(Fault::refused)?;
        if !found.is_dir() {
            return Err(not_a_directory(path, &found));
        }
        must_belong_to(us, path, &found)
    }

    fn must_belong_to(us: Owner, path: &Path, found: &fs::Metadata) -> Result<(), Fault> {
        if found.uid() != us {
            return Err(Fault::refused(format!("{} belongs to another user", path.display())));
        }
        Ok(())
    }

    fn not_a_directory(path: &Path, found: &fs::Metadata) -> Fault {
        let path = path.display();
        Fault::refused(if found.file_type().is_symlink() {
            format!("{path} is a symbolic link")
        } else {
            format!("{path} is not a directory")
        })
    }

    /// Blocks and not length: engines grow their files ahead of need, and holes take no space.
    pub(super) fn size_on_disk(found: &fs::Metadata) -> u64 {
        found.blocks() * 512
    }
}

#[cfg(not(unix))]
use other::{Owner, make_private, must_be_ours, owner_of_new_file, private_dir, private_file, size_on_disk};

#[cfg(not(unix))]
mod other {
    //! Where files have no owner and mode that std knows of, the directory's own protection is what there is.

    use super::{DirBuilder, Fault, OpenOptions, Path, fs, io};

    pub(super) type Owner = ();

    pub(super) fn private_dir(with_parents: bool) -> DirBuilder {
        let mut builder = DirBuilder::new();
        builder.recursive(with_parents);
        builder
    }

    pub(super) fn private_file(options: &mut OpenOptions) -> &mut OpenOptions {
        options
    }

    #[expect(clippy::unnecessary_wraps, reason = "same signature as on unix")]
    pub(super) fn make_private(_: &Path, _: u32) -> io::Result<()> {
        Ok(())
    }

    pub(super) fn owner_of_new_file(dir: &Path) -> Result<Owner, Fault> {
        must_be_ours(dir, ())
    }

    pub(super) fn must_be_ours(path: &Path, (): Owner) -> Result<(), Fault> {
        if fs::symlink_metadata(path).map_err(Fault::refused)?.is_dir() {
            return Ok(());
        }
        Err(Fault::refused(format!("{} is not a directory", path.display())))
    }

    pub(super) fn size_on_disk(found: &fs::Metadata) -> u64 {
        found.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_is_free_as_soon_as_it_is_dropped_whoever_has_a_copy_of_its_lock() {
        let dir = tempfile::tempdir().unwrap();
        let now = crate::clock::now();
        let claim = || claim(dir.path(), prepare_root(dir.path()).unwrap(), now).unwrap();
        let slot = claim();
        // As a child process has it before it runs its program.
        let _copy = slot.lock.try_clone().unwrap();
        assert_ne!(claim().path, slot.path);
        let path = slot.path.clone();
        drop(slot);
        assert_eq!(claim().path, path);
    }
}
