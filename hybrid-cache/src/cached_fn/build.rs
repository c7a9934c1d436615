//! How a cached function comes into being: what its attribute said, the settings in force, and the stores of the process.

use std::{
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use super::{CachedFn, answer::Landed, records::Records};
use crate::{
    clock::Clock,
    definition::{Abilities, Definition},
    error::LayerKind,
    flight::Flights,
    key,
    layers::{Layer, memory::Memory},
    options::Options,
    outcome::Outcome,
    policy::Policy,
    runtime::{self, Runtime},
    stats::Counters,
};

impl<R: Outcome> CachedFn<R> {
    /// The function that `definition` describes, with the settings of this process.
    #[must_use]
    #[expect(clippy::needless_pass_by_value, reason = "generated code makes both here and now")]
    pub fn new(definition: Definition, abilities: Abilities<R>) -> Arc<Self> {
        Self::in_runtime(runtime::get(), &definition, &abilities)
    }

    pub(crate) fn in_runtime(
        runtime: &Arc<Runtime>,
        definition: &Definition,
        abilities: &Abilities<R>,
    ) -> Arc<Self> {
        let Abilities { codec, is_none, clone_error, .. } = *abilities;
        let options = Options::effective(definition, &runtime.settings, codec.is_some());
        let scope: Arc<str> = key::scope(&runtime.settings.namespace, definition.name.as_str()).into();
        let counters = Arc::new(Counters::default());
        let in_memory = options.enabled && options.layers.contains(&LayerKind::Memory);
        let memory = in_memory.then(|| Arc::new(Memory::new(options.capacity)));
        let flights = Flights::new();
        let tidy = tidy(runtime.clock.clone(), memory.clone(), flights.clone(), options.wait);
        let unique = runtime.register(&scope, definition.name, &counters, tidy);
        let layers = if options.enabled && unique {
            options.layers.iter().filter_map(|kind| runtime.layer(*kind)).collect()
        } else {
            Vec::new()
        };
        Arc::new(Self {
            records: Records::new(scope.to_string(), codec, definition.version),
            scope,
            enabled: options.enabled,
            memory,
            trace: trace_of(&layers, &options.policy),
            layers,
            policy: options.policy,
            flights,
            is_none,
            clone_error,
            counters,
            runtime: Arc::clone(runtime),
            said_too_large: AtomicBool::new(false),
            said_recursive: AtomicBool::new(false),
            said_no_key: AtomicBool::new(false),
        })
    }
}

/// What the process does for a function now and then, whether it is called or not: frees the space of what expired, and
/// retires loads that take longer than `wait`.
fn tidy<R: Outcome>(
    clock: Clock,
    memory: Option<Arc<Memory<R::Value>>>,
    flights: Flights<Landed<R>>,
    wait: Duration,
) -> runtime::Tidy {
    Arc::new(move || {
        if let Some(memory) = &memory {
            memory.tidy();
        }
        flights.retire_before(clock.now().minus(wait));
    })
}

/// See [`CachedFn::trace`].
fn trace_of(layers: &[Arc<dyn Layer>], policy: &Policy) -> Duration {
    let in_use = |shared| layers.iter().any(|layer| layer.kind().is_shared() == shared);
    if in_use(true) && in_use(false) { policy.ttl.disk } else { Duration::ZERO }
}
