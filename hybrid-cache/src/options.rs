//! What holds for one function once everybody has been heard: its own variables, its attribute, the process's settings.

use std::time::Duration;

use crate::{
    config::Settings,
    definition::{Definition, RefreshAhead},
    error::LayerKind,
    layers::memory::Eviction,
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
    /// Whether Redis was asked for and left out, because the function blocks.
    pub(crate) without_redis: bool,
    /// Entries in memory, where `max_bytes` does not bound it.
    pub(crate) capacity: u64,
    pub(crate) max_bytes: Option<u64>,
    pub(crate) eviction: Eviction,
    pub(crate) policy: Policy,
    pub(crate) wait: Duration,
    pub(crate) deadline: Option<Duration>,
    pub(crate) max_loads: Option<u32>,
}

impl Options {
    /// Precedence: the function's own variable, then its attribute, then the settings of the process, in which builder,
    /// environment and defaults have been ordered already.
    ///
    /// `storable` says whether the answer can become bytes; one that cannot stays in memory, whatever the settings say.
    pub(crate) fn effective(definition: &Definition, settings: &Settings, storable: bool) -> Self {
        let own = settings.function(&definition.name.in_settings());
        let named = definition.layers.map(<[LayerKind]>::to_vec);
        let mut layers = own.layers.or(named).unwrap_or_else(|| settings.layers.clone());
        // Redis is spoken to in tokio's tasks, and a call that blocks its thread may block the only one that runs them.
        let without_redis = definition.blocking && layers.contains(&LayerKind::Redis);
        layers.retain(|layer| !(without_redis && *layer == LayerKind::Redis));
        if !storable || layers.is_empty() {
            layers = vec![LayerKind::Memory];
        }
        // Nor is there a task to refresh an answer in.
        let (stale, refresh_ahead) = if definition.blocking {
            (Duration::ZERO, RefreshAhead::Off)
        } else {
            (definition.stale, definition.refresh_ahead)
        };
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
            without_redis,
            capacity: definition.capacity.unwrap_or(settings.mem_capacity),
            max_bytes: definition.max_bytes,
            eviction: definition.eviction.unwrap_or(settings.eviction),
            policy: Policy {
                ttl,
                none_ttl: definition.none_ttl.unwrap_or(NONE_TTL),
                err_ttl: definition.err_ttl.unwrap_or_default(),
                jitter: definition.jitter.unwrap_or(settings.jitter),
                stale,
                stale_if_error: definition.stale_if_error,
                refresh_ahead,
            },
            wait: definition.wait.unwrap_or(settings.wait),
            deadline: definition.deadline,
            max_loads: definition.max_loads,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Environment, builder::builder};

    fn settings(environment: &[(&str, &str)]) -> Settings {
        let environment = Environment::of(environment.iter().copied());
        builder().ttl(Duration::from_mins(1)).settings(&environment).unwrap()
    }

    #[test]
    fn a_functions_own_variable_outranks_its_attribute_and_that_the_settings() {
        let plain = Definition::new("shop::product");
        let attribute =
            Definition::new("shop::product").ttl(Duration::from_secs(10)).layers(&[LayerKind::Memory]);
        let own =
            [("HYBRID_CACHE_FN_SHOP_PRODUCT_TTL", "5"), ("HYBRID_CACHE_FN_SHOP_PRODUCT_ENABLED", "false")];
        let ttl = |definition, environment: &[_]| {
            Options::effective(definition, &settings(environment), true).policy.ttl.memory.as_secs()
        };
        assert_eq!(ttl(&plain, &[]), 60);
        assert_eq!(ttl(&attribute, &[]), 10);
        assert_eq!(ttl(&attribute, &own), 5);
        assert!(!Options::effective(&attribute, &settings(&own), true).enabled);
    }

    #[test]
    fn an_answer_that_cannot_become_bytes_stays_in_memory() {
        let definition = Definition::new("f").layers(&[LayerKind::Memory, LayerKind::Disk]);
        let layers = |storable| Options::effective(&definition, &settings(&[]), storable).layers;
        assert_eq!(layers(false), [LayerKind::Memory]);
        assert_eq!(layers(true), [LayerKind::Memory, LayerKind::Disk]);
    }

    // Settings refuse a layer that this build does not have.
    #[cfg(all(feature = "redis", feature = "disk"))]
    #[test]
    fn a_function_that_blocks_uses_no_redis_wherever_that_was_named() {
        const NAMED: &[LayerKind] = &[LayerKind::Memory, LayerKind::Redis];
        let blocking = Definition::new("f").blocking();
        let of = |definition: &Definition, environment: &[(&str, &str)]| {
            let options = Options::effective(definition, &settings(environment), true);
            (options.layers, options.without_redis)
        };
        assert_eq!(of(&blocking.clone().layers(NAMED), &[]), (vec![LayerKind::Memory], true));
        let all = [("HYBRID_CACHE_LAYERS", "mem,redis,disk")];
        assert_eq!(of(&blocking, &all), (vec![LayerKind::Memory, LayerKind::Disk], true));
        let own = [("HYBRID_CACHE_FN_F_LAYERS", "redis")];
        assert_eq!(of(&blocking, &own), (vec![LayerKind::Memory], true), "it is kept somewhere");
        assert_eq!(of(&blocking, &[]), (vec![LayerKind::Memory], false));
        assert_eq!(of(&Definition::new("f").layers(NAMED), &[]), (NAMED.to_vec(), false));
    }

    #[test]
    fn a_function_that_blocks_has_nothing_refreshed_behind_its_callers_backs() {
        let definition = Definition::new("f").stale(Duration::from_secs(5)).refresh_ahead(0.5).blocking();
        let policy = Options::effective(&definition, &settings(&[]), true).policy;
        assert_eq!((policy.stale, policy.refresh_ahead), (Duration::ZERO, RefreshAhead::Off));
    }

    #[test]
    fn a_layers_own_ttl_holds_for_that_layer_alone() {
        let definition = Definition::new("f").layer_ttl(LayerKind::Redis, Duration::from_secs(7));
        let ttl = Options::effective(&definition, &settings(&[]), true).policy.ttl;
        assert_eq!((ttl.memory.as_secs(), ttl.redis.as_secs(), ttl.disk.as_secs()), (60, 7, 60));
    }
}
