#![doc = include_str!("../docs/front_page.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod answer;
mod cached_fn;
mod carry;
mod clock;
mod config;
mod definition;
mod effects;
mod error;
mod flight;
mod fork;
mod helper;
mod instances;
mod invalidated;
mod key;
mod layers;
mod mode;
mod options;
mod outcome;
mod policy;
mod random;
mod record;
mod recursion;
mod runtime;
mod shape;
mod size;
mod stats;
mod storable;
mod sync;
mod warm;

// Its examples use Redis.
#[cfg_attr(feature = "redis", doc = include_str!("../docs/pitfalls.md"))]
#[cfg_attr(
    not(feature = "redis"),
    doc = "What goes wrong silently: described where the feature `redis` is on."
)]
pub mod pitfalls {}

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;
pub mod testing;

pub use answer::Answer;
pub use config::{
    DiskEngine,
    builder::{Builder, builder},
    error::{ConfigError, Problem},
    report::Report,
};
pub use error::{DeadlineExceeded, LayerError, LayerKind};
pub use hybrid_cache_macros::{cached, invalidates, updates};
pub use invalidated::{Forgotten, Invalidated, NotForgotten};
pub use key::Key;
pub use layers::memory::Eviction;
pub use mode::{bypass, refreshing};
pub use runtime::{
    ending::{Shutdown, flush, shutdown},
    report, stats,
};
pub use stats::Stats;
pub use warm::{Progress, Warm, Warmed};

/// What companions return that have to wait: a future that owns all it needs, so that it can be awaited, kept or spawned.
pub type BoxFuture<T> = std::pin::Pin<Box<dyn Future<Output = T> + Send>>;

/// What the fuzzer calls; see `fuzz/README.md`.
#[cfg(fuzzing)]
#[doc(hidden)]
pub use record::fuzz::record as __fuzz_record;

/// The README's programs, as tests.
#[cfg(all(doctest, feature = "redis", feature = "disk"))]
#[doc = include_str!("../../README.md")]
struct Readme;
