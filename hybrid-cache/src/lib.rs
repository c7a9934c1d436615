//! Memoization in memory, in Redis and on disk.
mod clock;
mod config;
mod error;
#[cfg_attr(not(test), expect(dead_code, reason = "called by cached_fn.rs"))]
#[expect(unreachable_pub, reason = "exported by private.rs")]
mod key;
mod layers;
#[cfg_attr(not(test), expect(dead_code, reason = "called by cached_fn.rs"))]
mod record;
mod shape;

pub use config::{Builder, DiskEngine, builder};
pub use error::{LayerError, LayerKind};
pub use key::Key;
