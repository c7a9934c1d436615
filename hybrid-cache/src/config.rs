//! From the environment and the builder to the settings in force.
//!
//! Knows names, units, defaults and precedence. Knows nothing of connections: it opens nothing and checks
//! nothing but the text it was given.

pub(crate) mod builder;
mod duration;
mod environment;
pub(crate) mod error;
mod functions;
mod redis_url;
pub(crate) mod report;
mod resolve;
mod secret;
mod setting;
mod values;

#[cfg(test)]
mod tests;

use std::{path::PathBuf, time::Duration};

#[cfg(feature = "redis")]
pub(crate) use self::redis_url::without_tls;
pub(crate) use self::{
    environment::Environment,
    functions::{FunctionOverride, name_in_variables},
    secret::Secret,
};
use self::{functions::FunctionOverrides, report::Line};
use crate::{carry::Carriers, error::LayerKind, layers::memory::Eviction};

/// All settings in force, checked. Where an attribute says something else, the attribute is stronger than
/// these, and a function's own variable ([`Settings::function`]) is stronger than its attribute.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// `false`: every call runs its body, nothing is opened or written.
    pub(crate) enabled: bool,
    /// The first part of every key in Redis.
    pub(crate) namespace: String,
    /// Where answers are kept if the attribute does not say; fastest first.
    pub(crate) layers: Vec<LayerKind>,
    /// How long an answer is fresh.
    pub(crate) ttl: Duration,
    /// The largest part by which a life is shortened at random; at least 0, less than 1.
    pub(crate) jitter: f64,
    /// How long a caller waits for a load that another call started.
    pub(crate) wait: Duration,
    /// Entries in memory, for each function.
    pub(crate) mem_capacity: u64,
    /// Bytes in memory, of all functions together.
    pub(crate) mem_max_bytes: Option<u64>,
    /// Which entries leave memory first.
    pub(crate) eviction: Eviction,
    /// `None`: no address was given, the layer is skipped.
    #[cfg_attr(not(feature = "redis"), allow(dead_code, reason = "for a layer that was not compiled in"))]
    pub(crate) redis: Option<RedisSettings>,
    /// `None`: no directory was given and the platform has none for caches, the layer is skipped.
    #[cfg_attr(
        not(any(feature = "disk", feature = "disk-sled")),
        allow(dead_code, reason = "for a layer that was not compiled in")
    )]
    pub(crate) disk: Option<DiskSettings>,
    /// What loads in tasks of their own take along of their callers'.
    pub(crate) carriers: Carriers,
    functions: FunctionOverrides,
    /// What [`Settings::report`] shows.
    lines: Vec<Line>,
}

impl Settings {
    /// What the environment says about the function of this name.
    pub(crate) fn function(&self, name: &str) -> FunctionOverride {
        self.functions.of(name)
    }

    /// Whether the environment says anything about it.
    pub(crate) fn mentions(&self, name: &str) -> bool {
        self.function(name) != FunctionOverride::default()
    }
}

/// Where the shared layer is and how long it may take.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(not(feature = "redis"), allow(dead_code, reason = "for a layer that was not compiled in"))]
pub(crate) struct RedisSettings {
    pub(crate) url: Secret,
    /// Stronger than a password inside `url`; there is none here where the one inside is the stronger.
    pub(crate) password: Option<Secret>,
    /// For one operation, connecting included.
    pub(crate) timeout: Duration,
}

/// Where the disk layer is and how much it may use.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(
    not(any(feature = "disk", feature = "disk-sled")),
    allow(dead_code, reason = "for a layer that was not compiled in")
)]
pub(crate) struct DiskSettings {
    pub(crate) dir: PathBuf,
    pub(crate) max_bytes: u64,
    /// For one read.
    pub(crate) timeout: Duration,
    pub(crate) engine: DiskEngine,
}

/// What stores the bytes of the disk layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DiskEngine {
    /// `redb`, the default. Needs the cargo feature `disk`.
    Redb,
    /// `sled` 0.34. Needs the cargo feature `disk-sled`.
    Sled,
}
