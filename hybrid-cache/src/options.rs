//! What holds for one function once everybody has been heard: its own variables, its attribute, the process's settings.

use std::time::Duration;

use crate::{
    config::Settings,
    definition::Definition,
    error::LayerKind,
    policy::{PerLayer, Policy},
};

/// The longest life of a `None`, unless `none_ttl` says otherwise: a row that is created should not stay invisible for
/// as long as one that exists stays valid.
const NONE_TTL: Duration = Duration::from_secs(30);

/// The effective options of one function.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Options {
    pub(crate) enabled: bool,
    pub(crate) layers: Vec<LayerKind>,
    pub(crate) capacity: u64,
    pub(crate) policy: Policy,
    pub(crate) wait: Duration,
}

impl Options {
    /// Precedence: the function's own variable, then its attribute, then the settings of the process, in which builder,
    /// environment and defaults have been ordered already.
    ///
    /// `storable` says whether the answer can become bytes; one that cannot stays in memory, whatever the settings say.
    pub(crate) fn effective(definition: &Definition, settings: &Settings, storable: bool) -> Self {
        let own = settings.function(&definition.name.as_str().replace("::", "."));
        let named = definition.layers.map(<[LayerKind]>::to_vec);
        let mut layers = own.layers.or(named).unwrap_or_else(|| settings.layers.clone());
        if !storable {
            layers = vec![LayerKind::Memory];
        }
        let ttl = own.ttl.or(definition.ttl).unwrap_or(settings.ttl);
        let ttl = match own.ttl {
            Some(own) => PerLayer::same(own),
            None => PerLayer {
                memory: definition.layer_ttl.memory.unwrap_or(ttl),
                redis: definition.layer_ttl.redis.unwrap_or(ttl),
                disk: definition.layer_ttl.disk.unwrap_or(ttl),
            },
        };
        Self {
            enabled: settings.enabled && own.enabled.unwrap_or(true),
            layers,
            capacity: definition.capacity.unwrap_or(settings.mem_capacity),
            policy: Policy {
                ttl,
                none_ttl: definition.none_ttl.unwrap_or(NONE_TTL),
                jitter: definition.jitter.unwrap_or(settings.jitter),
            },
            wait: settings.wait,
        }
    }
}
