//! What can go wrong, per operation. The caller of a cached function sees none of it but the deadline that its attribute
//! sets.

use std::{error::Error, fmt, path::PathBuf, sync::Arc, time::Duration};

/// An error of a library below us, boxed so that its next major version is not ours.
pub(crate) type BoxError = Box<dyn Error + Send + Sync + 'static>;

/// The places where answers are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum LayerKind {
    /// In the process, typed: nothing is encoded.
    Memory,
    /// A Redis server, shared by processes.
    Redis,
    /// A store on the local disk, private to one process at a time.
    Disk,
}

impl LayerKind {
    /// Whether other processes read and write the same store.
    pub(crate) const fn is_shared(self) -> bool {
        matches!(self, Self::Redis)
    }
}

impl fmt::Display for LayerKind {
    /// The name used in `layers = "mem,redis,disk"`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Memory => "mem",
            Self::Redis => "redis",
            Self::Disk => "disk",
        })
    }
}

/// A layer could not do what it was asked. The call goes on without that layer; the failure is counted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LayerError {
    /// The layer did not answer within its time budget.
    #[error("{layer} did not answer within {after:?}")]
    Timeout {
        /// Which layer.
        layer: LayerKind,
        /// The budget that ran out.
        after: Duration,
    },
    /// The layer failed often enough that it is not asked for a moment.
    #[error("{layer} failed repeatedly and is not asked for a moment")]
    Resting {
        /// Which layer.
        layer: LayerKind,
    },
    /// The layer has more work queued than it accepts.
    #[error("the queue of {layer} is full")]
    QueueFull {
        /// Which layer.
        layer: LayerKind,
    },
    /// The answer is larger than the layer takes.
    #[error("an answer of {bytes} bytes is over the limit of {limit} bytes of {layer}")]
    TooLarge {
        /// Which layer.
        layer: LayerKind,
        /// The encoded size.
        bytes: usize,
        /// The most the layer stores under one key.
        limit: usize,
    },
    /// Redis refused a command or the connection to it broke.
    #[error("redis could not {operation}")]
    Redis {
        /// What was asked of it.
        operation: &'static str,
        /// What the client library reported; never holds the password.
        source: BoxError,
    },
    /// The disk store could not be read or written.
    #[error("the disk cache at {} could not {operation}", path.display())]
    Disk {
        /// What was asked of it.
        operation: &'static str,
        /// The directory of the store.
        path: PathBuf,
        /// What the engine or the operating system reported.
        source: BoxError,
    },
    /// The layer has been shut down.
    #[error("{layer} has been shut down")]
    Closed {
        /// Which layer.
        layer: LayerKind,
    },
}

/// A load took longer than the `deadline` of its function, and was dropped. Callers see it where no old answer may be
/// given in its place (`stale_if_error`).
///
/// A function with a `deadline` returns a `Result` whose error can be made of this:
///
/// ```
/// use hybrid_cache::{DeadlineExceeded, cached};
///
/// #[derive(Debug, Clone)]
/// struct Unavailable;
///
/// impl From<DeadlineExceeded> for Unavailable {
///     fn from(_: DeadlineExceeded) -> Self {
///         Self
///     }
/// }
///
/// #[cached(layers = "mem", deadline = "2s")]
/// async fn rate(currency: &str) -> Result<f64, Unavailable> {
///     # let _ = currency;
///     Ok(1.08) // … a remote call …
/// }
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// # assert!(rate("EUR").await.is_ok());
/// # });
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{function} did not answer within its deadline of {after:?}")]
pub struct DeadlineExceeded {
    function: Arc<str>,
    after: Duration,
}

impl DeadlineExceeded {
    pub(crate) const fn new(function: Arc<str>, after: Duration) -> Self {
        Self { function, after }
    }

    /// The function, as its keys begin, with the namespace: `hc:shop.catalog.product`.
    #[must_use]
    pub fn function(&self) -> &str {
        &self.function
    }

    /// The deadline that has passed, as the attribute says it.
    #[must_use]
    pub const fn after(&self) -> Duration {
        self.after
    }
}
