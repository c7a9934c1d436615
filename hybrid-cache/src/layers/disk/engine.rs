//! What the disk layer asks of the library below it: ordered bytes under bytes, and to say when it failed.
//!
//! Synchronous, and called only from the layer's own threads. An engine knows nothing of expiry, age, size
//! limits or directories; that keeps `redb.rs` and `sled.rs` small and equal.

use std::{
    error::Error,
    fmt, io,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::Arc,
};

use crate::{config::DiskEngine, error::BoxError};

/// One open store of one library. Reads come from several threads, [`Engine::apply`] from one.
pub(super) trait Engine: Send + Sync {
    /// What is stored under `key`.
    fn read(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Fault>;

    /// Makes `changes`. After a crash, no change is there without those before it.
    ///
    /// With [`Durability::Synced`], these and all earlier changes are on the disk when this returns.
    fn apply(&self, changes: &[Change], durability: Durability) -> Result<(), Fault>;

    /// Shows `visit` the entries after the key `after`, in the order of their keys, until about `bytes` bytes
    /// have been shown.
    fn scan(
        &self,
        after: Option<&[u8]>,
        bytes: usize,
        visit: &mut dyn FnMut(&[u8], &[u8]),
    ) -> Result<Scanned, Fault>;
}

/// A key, and its new value or none.
#[derive(Debug, Clone)]
pub(super) struct Change {
    pub(super) key: Arc<[u8]>,
    pub(super) value: Option<Arc<[u8]>>,
}

/// What a number of changes makes of a store that is not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Dirt {
    /// Their own size.
    pub(super) bytes: u64,
    /// About what they take until then: each writes the page of its key anew, and the old one is not free yet.
    pub(super) pages: u64,
}

impl Dirt {
    pub(super) fn of(changes: &[Change]) -> Self {
        let size = |change: &Change| change.key.len() + change.value.as_ref().map_or(0, |value| value.len());
        let bytes = changes.iter().map(size).sum::<usize>() as u64;
        Self { bytes, pages: bytes + 4096 * changes.len() as u64 }
    }
}

/// Whether a change has to survive a power cut at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Durability {
    /// On the disk at some later time.
    Lazy,
    /// On the disk before the call returns.
    Synced,
}

/// How far [`Engine::scan`] got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Scanned {
    /// More may follow after this key.
    UpTo(Vec<u8>),
    /// That was all.
    Everything,
}

/// Why an engine could not do what it was asked.
#[derive(Debug, Clone)]
pub(super) enum Fault {
    /// The files are not what the engine wrote; they cannot be used any more.
    Damaged(Cause),
    /// The operating system refused, for example because the disk is full. The files may be good.
    Refused(Cause),
    /// Nothing is wrong with the files that are there, but what was removed from them is not known any more, or they were
    /// deleted. The store begins empty.
    Untrusted(Cause),
}

/// What the engine said. Shared, because one failed commit is reported to everyone who waited for it.
#[derive(Debug, Clone)]
pub(super) struct Cause(Arc<dyn Error + Send + Sync>);

impl Fault {
    pub(super) fn damaged(cause: impl Into<BoxError>) -> Self {
        Self::Damaged(Cause(cause.into().into()))
    }

    pub(super) fn refused(cause: impl Into<BoxError>) -> Self {
        Self::Refused(Cause(cause.into().into()))
    }

    pub(super) fn untrusted(cause: impl Into<BoxError>) -> Self {
        Self::Untrusted(Cause(cause.into().into()))
    }

    pub(super) fn cause(&self) -> &Cause {
        match self {
            Self::Damaged(cause) | Self::Refused(cause) | Self::Untrusted(cause) => cause,
        }
    }
}

impl From<io::Error> for Fault {
    /// Only what speaks about the surroundings is a refusal; what the files themselves cause (too short, a
    /// bad sector, not where it was) is damage.
    fn from(error: io::Error) -> Self {
        // EIO is missing on purpose; ENFILE and EMFILE have no `ErrorKind` of their own.
        let out_of_handles = cfg!(unix) && matches!(error.raw_os_error(), Some(23 | 24));
        match error.kind() {
            io::ErrorKind::PermissionDenied
            | io::ErrorKind::ReadOnlyFilesystem
            | io::ErrorKind::StorageFull
            | io::ErrorKind::QuotaExceeded
            | io::ErrorKind::FileTooLarge
            | io::ErrorKind::WouldBlock
            | io::ErrorKind::Interrupted
            | io::ErrorKind::ResourceBusy
            | io::ErrorKind::OutOfMemory => Self::refused(error),
            _ if out_of_handles => Self::refused(error),
            _ => Self::damaged(error),
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl Error for Cause {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}

/// Opens the store in `dir`, or makes an empty one there if `dir` is empty.
pub(super) fn open(engine: DiskEngine, dir: &Path, cache_bytes: usize) -> Result<Arc<dyn Engine>, Fault> {
    guarded(|| match engine {
        #[cfg(feature = "disk")]
        DiskEngine::Redb => Ok(Arc::new(super::redb::Redb::open(dir, cache_bytes)?) as Arc<dyn Engine>),
        #[cfg(feature = "disk-sled")]
        DiskEngine::Sled => Ok(Arc::new(super::sled::Sled::open(dir, cache_bytes)?) as Arc<dyn Engine>),
        #[cfg(not(all(feature = "disk", feature = "disk-sled")))]
        missing => Err(Fault::refused(format!("the feature of {missing:?} is not enabled"))),
    })
}

/// Runs `operation` and turns a panic of the library into damage: it panics when it finds what it never wrote.
pub(super) fn guarded<T>(operation: impl FnOnce() -> Result<T, Fault>) -> Result<T, Fault> {
    catch_unwind(AssertUnwindSafe(operation)).unwrap_or_else(|panic| {
        let message = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("no message");
        Err(Fault::damaged(format!("the engine panicked: {message}")))
    })
}

/// The cargo feature that brings `engine` in, if it is missing.
pub(super) const fn missing_feature(engine: DiskEngine) -> Option<&'static str> {
    match engine {
        DiskEngine::Redb if !cfg!(feature = "disk") => Some("disk"),
        DiskEngine::Sled if !cfg!(feature = "disk-sled") => Some("disk-sled"),
        _ => None,
    }
}
