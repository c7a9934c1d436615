//! Memoization in memory, in Redis and on disk.
mod clock;
mod error;
mod key;
mod layers;

pub use error::{LayerError, LayerKind};
pub use key::Key;
