//! Files that are opened by name in a directory that others may write into: what is not a plain file there is not opened. A
//! FIFO would block whoever opens it, a device has no end, a link leads elsewhere.

use std::{
    fs::{self, File, Metadata, OpenOptions},
    io::{self, Read as _},
    path::Path,
};

use super::{engine::Fault, slot};
use crate::clock::Timestamp;

/// Which file it is, whatever its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Identity(u64, u64);

impl Identity {
    #[cfg(unix)]
    pub(super) fn of(found: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt as _;
        Self(found.dev(), found.ino())
    }

    /// As far as std can tell.
    #[cfg(not(unix))]
    pub(super) fn of(found: &Metadata) -> Self {
        let since = |time: std::time::SystemTime| time.duration_since(std::time::UNIX_EPOCH).ok();
        let nanos = found.created().ok().and_then(since).map_or(0, |since| since.as_nanos());
        Self(u64::try_from(nanos).unwrap_or(u64::MAX), 0)
    }
}

/// A state of a file: another one is another state, as far as the file system tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) file: Identity,
    pub(super) length: u64,
    pub(super) changed: i128,
}

impl Stamp {
    pub(super) fn of(found: &Metadata) -> Self {
        Self { file: Identity::of(found), length: found.len(), changed: changed(found) }
    }
}

#[cfg(unix)]
fn changed(found: &Metadata) -> i128 {
    use std::os::unix::fs::MetadataExt as _;
    // Not when it was modified: a copy of a file may pretend to be as old as the file.
    i128::from(found.ctime()) * 1_000_000_000 + i128::from(found.ctime_nsec())
}

#[cfg(not(unix))]
fn changed(found: &Metadata) -> i128 {
    let since = |time: std::time::SystemTime| time.duration_since(std::time::UNIX_EPOCH).ok();
    let nanos = found.modified().ok().and_then(since).map(|since| since.as_nanos());
    nanos.and_then(|nanos| i128::try_from(nanos).ok()).unwrap_or(0)
}

/// Whether `path` still leads to `file`: a file that was deleted, or another one that has its name, is no longer what other
/// processes see.
pub(super) fn is_in_place(path: &Path, file: &File) -> io::Result<bool> {
    let there = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        there => there?,
    };
    Ok(there.is_file() && Identity::of(&there) == Identity::of(&file.metadata()?))
}

/// Opens the file `path`, for its owner only; something else of that name is set aside first.
pub(super) fn open_or_create(path: &Path, now: Timestamp) -> Result<File, Fault> {
    match open(path).map_err(Fault::refused)? {
        Opened::File(file) => return Ok(file),
        Opened::SomethingElse => drop(slot::set_aside(path, now)?),
        Opened::Nothing => {}
    }
    match create(path) {
        // Another process was faster.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => match open(path) {
            Ok(Opened::File(file)) => Ok(file),
            Ok(_) => Err(Fault::refused(error)),
            Err(error) => Err(Fault::refused(error)),
        },
        made => made.map_err(Fault::refused),
    }
}

/// What stands under a name.
#[derive(Debug)]
pub(super) enum Opened {
    File(File),
    SomethingElse,
    Nothing,
}

/// Opens the file `path` to read and write.
pub(super) fn open(path: &Path) -> io::Result<Opened> {
    let found = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Opened::Nothing),
        found => found?,
    };
    if !found.is_file() {
        return Ok(Opened::SomethingElse);
    }
    if !is_of_the_owner(path, &found)? {
        return Ok(Opened::SomethingElse);
    }
    let file = match OpenOptions::new().read(true).write(true).open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Opened::Nothing),
        opened => opened?,
    };
    // Not what was looked at: exchanged in between.
    let same = Identity::of(&file.metadata()?) == Identity::of(&found);
    Ok(if same { Opened::File(file) } else { Opened::SomethingElse })
}

/// Whether whoever the directory belongs to, which is us, has made the file.
#[cfg(unix)]
fn is_of_the_owner(path: &Path, found: &Metadata) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt as _;
    let Some(dir) = path.parent() else { return Ok(false) };
    Ok(fs::metadata(dir)?.uid() == found.uid())
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "same signature as on unix")]
fn is_of_the_owner(_: &Path, _: &Metadata) -> io::Result<bool> {
    Ok(true)
}

/// Makes the file `path`, which must not be there.
pub(super) fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Whether the file `path` is exactly `text`.
pub(super) fn says(path: &Path, text: &str) -> bool {
    let Ok(Opened::File(file)) = open(path) else { return false };
    let mut bytes = Vec::new();
    let read = file.take(text.len() as u64 + 1).read_to_end(&mut bytes);
    read.is_ok() && bytes == text.as_bytes()
}

/// Brings the names in `dir` to the disk: which files are there, and which are not any more.
pub(super) fn sync_names(dir: &Path) -> io::Result<()> {
    // Elsewhere there is no handle of a directory that could be synced.
    if cfg!(unix) { File::open(dir)?.sync_all() } else { Ok(()) }
}
