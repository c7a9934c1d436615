//! How a cached function comes into being: what its attribute said, the settings in force, and the stores of the process.

use std::{sync::Arc, time::Duration};

use super::{
    CachedFn,
    answer::{Failed, Landed, OWN_LOADS},
    places::{Places, PlacesPerKey},
    records::Records,
    says::{self, Said},
};
use crate::{
    clock::Clock,
    definition::{Abilities, Definition},
    error::LayerKind,
    flight::Flights,
    fork, key,
    layers::{
        Layer,
        memory::{Bound, Eviction, Memory},
    },
    options::Options,
    outcome::{Held, Outcome, ReturnedError, ReturnedValue},
    policy::Policy,
    runtime::{self, Chore, Runtime},
    stats::{Counters, striped},
    testing::current,
};

impl<R: Outcome> CachedFn<R> {
    /// The function that `definition` describes, with the settings of this process.
    #[must_use]
    #[expect(clippy::needless_pass_by_value, reason = "generated code makes both here and now")]
    pub fn new(
        definition: Definition,
        abilities: Abilities<ReturnedValue<R>, ReturnedError<R>>,
    ) -> Arc<Self> {
        Self::in_runtime(runtime::get(), &definition, &R::able(abilities))
    }

    pub(crate) fn in_runtime(
        runtime: &Arc<Runtime>,
        definition: &Definition,
        abilities: &Abilities<R::Value, R::Error>,
    ) -> Arc<Self> {
        let codec = abilities.codec;
        let options = Options::effective(definition, &runtime.settings, codec.is_some());
        let policy = options.policy;
        let scope: Arc<str> = key::scope(&runtime.settings.namespace, definition.name.as_str()).into();
        if options.without_redis {
            says::say_without_redis(&scope);
        }
        let counters = Arc::new(Counters::default());
        let in_memory = options.enabled && options.layers.contains(&LayerKind::Memory);
        let memory = in_memory.then(|| {
            let (bound, eviction, counters) =
                (bound(&options, abilities), options.eviction, Arc::clone(&counters));
            match &runtime.pool {
                None => Arc::new(Memory::new(bound, eviction)),
                Some(pool) => Memory::in_pool(bound, eviction, pool, move || counters.use_of_memory()),
            }
        });
        let failures = policy
            .remembers_failures()
            .then(|| Arc::new(Memory::new(Bound::Entries(options.capacity), Eviction::S3Fifo)));
        let flights = Flights::new();
        let chores =
            chores(runtime.clock.clone(), memory.clone(), failures.clone(), flights.clone(), options.wait);
        let unique = runtime.register(&scope, definition, &counters, chores);
        let (mut layers, mut missing) = (Vec::new(), Vec::new());
        if options.enabled && unique {
            for kind in options.layers.iter().copied().filter(|kind| *kind != LayerKind::Memory) {
                match runtime.layer(kind) {
                    Some(layer) => layers.push(layer),
                    None => missing.push(kind),
                }
            }
        }
        Arc::new(Self {
            records: Records::new(scope.to_string(), codec, definition.version, Arc::clone(&counters)),
            scope,
            enabled: options.enabled,
            memory,
            failures,
            trace: trace_of(&layers, &policy),
            layers,
            missing,
            policy,
            wait: options.wait,
            deadline: options.deadline,
            max_loads: options.max_loads.map(|most| Places::new(usize::try_from(most).unwrap_or(usize::MAX))),
            flights,
            own_loads: PlacesPerKey::new(OWN_LOADS),
            definition: definition.clone(),
            abilities: *abilities,
            counters,
            runtime: Arc::clone(runtime),
            said: Said::default(),
        })
    }

    /// This function in the world that the caller is in: itself, unless a test has a world of its own.
    pub(super) fn here(self: &Arc<Self>) -> Arc<Self> {
        fork::look();
        striped::watch_thread();
        self.elsewhere().unwrap_or_else(|| Arc::clone(self))
    }

    /// The same; `None` if that is itself.
    pub(super) fn elsewhere(self: &Arc<Self>) -> Option<Arc<Self>> {
        let world = current::world().filter(|world| !Arc::ptr_eq(world.runtime(), &self.runtime))?;
        let address = Arc::as_ptr(self) as usize;
        Some(world.function(address, |runtime| Self::in_runtime(runtime, &self.definition, &self.abilities)))
    }
}

/// By size where that was asked for and can be told, else by number.
fn bound<V, E>(options: &Options, abilities: &Abilities<V, E>) -> Bound {
    match (options.max_bytes, abilities.size()) {
        (Some(most), Some(_)) => Bound::Bytes(most),
        _ => Bound::Entries(options.capacity),
    }
}

/// What is done for a function from outside of its calls.
fn chores<R: Outcome>(
    clock: Clock,
    memory: Option<Arc<Memory<Held<R>>>>,
    failures: Option<Arc<Memory<Failed<R>>>>,
    flights: Flights<Landed<R>>,
    wait: Duration,
) -> runtime::Chores {
    Arc::new(move |chore| match chore {
        Chore::Tidy => {
            if let Some(memory) = &memory {
                memory.tidy(clock.now());
            }
            if let Some(failures) = &failures {
                failures.tidy(clock.now());
            }
            flights.retire_before(clock.now().minus(wait));
        }
        Chore::End => flights.retire_unattended(),
        Chore::Forked(moment) => flights.go_on_in_fork(moment),
    })
}

/// See [`CachedFn::trace`].
fn trace_of(layers: &[Arc<dyn Layer>], policy: &Policy) -> Duration {
    let in_use = |shared| layers.iter().any(|layer| layer.kind().is_shared() == shared);
    if in_use(true) && in_use(false) {
        policy.ttl.disk.saturating_add(policy.grace())
    } else {
        Duration::ZERO
    }
}
