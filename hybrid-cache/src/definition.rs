//! What an attribute said: plain data, before settings and defaults are added.

use std::time::Duration;

use crate::{
    error::LayerKind,
    outcome::{CloneError, IsNone, Outcome},
    policy::PerLayer,
    record::codec::Codec,
};

/// The options of one `#[cached(..)]`; what it did not say is `None`.
#[derive(Debug, Clone)]
pub struct Definition {
    pub(crate) name: FunctionName,
    pub(crate) layers: Option<&'static [LayerKind]>,
    pub(crate) ttl: Option<Duration>,
    pub(crate) layer_ttl: PerLayer<Option<Duration>>,
    pub(crate) jitter: Option<f64>,
    pub(crate) capacity: Option<u64>,
    pub(crate) none_ttl: Option<Duration>,
    pub(crate) version: u32,
}

/// How a function is called in keys and statistics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum FunctionName {
    /// By where it stands: `crate::module::function`.
    Path(&'static str),
    /// By what `name = ".."` says.
    Given(&'static str),
}

impl FunctionName {
    /// The path or the name, as it was given.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Path(name) | Self::Given(name) => name,
        }
    }
}

impl Definition {
    /// A function named after its path, `crate::module::function`.
    #[must_use]
    pub const fn new(path: &'static str) -> Self {
        Self::of(FunctionName::Path(path))
    }

    /// A function with the name that `name = ".."` gives it.
    #[must_use]
    pub const fn named(name: &'static str) -> Self {
        Self::of(FunctionName::Given(name))
    }

    const fn of(name: FunctionName) -> Self {
        Self {
            name,
            layers: None,
            ttl: None,
            layer_ttl: PerLayer::same(None),
            jitter: None,
            capacity: None,
            none_ttl: None,
            version: 1,
        }
    }

    /// `layers = ".."`.
    #[must_use]
    pub const fn layers(mut self, layers: &'static [LayerKind]) -> Self {
        self.layers = Some(layers);
        self
    }

    /// `ttl = ..`.
    #[must_use]
    pub const fn ttl(mut self, ttl: Duration) -> Self {
        self.ttl = Some(ttl);
        self
    }

    /// One part of `ttl(..)`.
    #[must_use]
    pub const fn layer_ttl(mut self, layer: LayerKind, ttl: Duration) -> Self {
        self.layer_ttl.set(layer, Some(ttl));
        self
    }

    /// `jitter = ..`.
    #[must_use]
    pub const fn jitter(mut self, jitter: f64) -> Self {
        self.jitter = Some(jitter);
        self
    }

    /// `capacity = ..`.
    #[must_use]
    pub const fn capacity(mut self, capacity: u64) -> Self {
        self.capacity = Some(capacity);
        self
    }

    /// `none_ttl = ..`.
    #[must_use]
    pub const fn none_ttl(mut self, none_ttl: Duration) -> Self {
        self.none_ttl = Some(none_ttl);
        self
    }

    /// `version = ..`.
    #[must_use]
    pub const fn version(mut self, version: u32) -> Self {
        self.version = version;
        self
    }
}

/// What the types of one function can do, as the compiler answered.
#[expect(missing_debug_implementations, reason = "only generated code holds one, for a moment")]
pub struct Abilities<R: Outcome> {
    /// How the value becomes bytes; `None`: it stays in memory.
    pub codec: Option<Codec<R::Value>>,
    /// How to tell a `None`; `None`: it never is one.
    pub is_none: Option<IsNone<R::Value>>,
    /// How to give several waiters the same error; `None`: that cannot be done.
    pub clone_error: Option<CloneError<R::Error>>,
}
