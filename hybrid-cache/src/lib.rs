//! Memoization in memory, in Redis and on disk.
mod clock;
mod config;
mod error;
mod key;
mod layers;

pub use config::{Builder, DiskEngine, builder};
pub use error::{LayerError, LayerKind};
pub use key::Key;
