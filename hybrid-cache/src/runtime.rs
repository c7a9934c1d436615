//! What all cached functions of a process share: settings, the connection to Redis, the disk store, and the list of the
//! functions themselves. Knows nothing of policy or of the order of events.

mod copies;
pub(crate) mod ending;

use std::{
    collections::BTreeMap,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, OnceLock, PoisonError},
    thread,
    time::Duration,
};

use self::copies::Copies;
use crate::{
    clock::Clock,
    config::{Environment, Settings, error::ConfigError, report::Report},
    definition::FunctionName,
    error::LayerKind,
    layers::Layer,
    stats::{Counters, Stats},
};

static RUNTIME: OnceLock<Arc<Runtime>> = OnceLock::new();

/// The runtime of this process; made from the environment by whoever asks first.
pub(crate) fn get() -> &'static Arc<Runtime> {
    RUNTIME.get_or_init(|| {
        let settings = Settings::at_first_use(&Environment::of_process());
        Arc::new(Runtime::new(settings, Clock::default()))
    })
}

/// The settings in force, and where each comes from; passwords are not shown.
///
/// Before anything was installed or used, this settles on what the environment says.
///
/// ```
/// let report = hybrid_cache::report().to_string();
/// assert!(report.contains("namespace"));
/// ```
#[must_use]
pub fn report() -> Report {
    get().settings.report()
}

/// Makes `settings` those of this process.
pub(crate) fn install(settings: Settings) -> Result<(), ConfigError> {
    let runtime = Arc::new(Runtime::new(settings, Clock::default()));
    RUNTIME.set(runtime).map_err(|_| ConfigError::AlreadyInUse)
}

/// Shared by all cached functions.
pub(crate) struct Runtime {
    pub(crate) settings: Settings,
    pub(crate) clock: Clock,
    pub(crate) copies: Copies,
    redis: OnceLock<Option<Arc<dyn Layer>>>,
    disk: OnceLock<Option<Arc<dyn Layer>>>,
    functions: Mutex<BTreeMap<Arc<str>, Registered>>,
}

/// A cached function that has been used.
struct Registered {
    name: FunctionName,
    counters: Arc<Counters>,
    /// What is done for it now and then, whether it is called or not.
    tidy: Tidy,
}

/// See [`Registered::tidy`].
pub(crate) type Tidy = Arc<dyn Fn() + Send + Sync>;

impl Runtime {
    pub(crate) fn new(settings: Settings, clock: Clock) -> Self {
        Self {
            settings,
            clock,
            copies: Copies::default(),
            redis: OnceLock::new(),
            disk: OnceLock::new(),
            functions: Mutex::new(BTreeMap::new()),
        }
    }

    /// A runtime with these stores in place of Redis and disk.
    #[cfg(test)]
    pub(crate) fn with_layers(settings: Settings, clock: Clock, layers: Vec<Arc<dyn Layer>>) -> Self {
        let runtime = Self::new(settings, clock);
        for layer in layers {
            let place = if layer.kind() == LayerKind::Redis { &runtime.redis } else { &runtime.disk };
            place.get_or_init(|| Some(layer));
        }
        runtime.redis.get_or_init(|| None);
        runtime.disk.get_or_init(|| None);
        runtime
    }

    /// The byte layer of this kind; `None` where it is not configured, which is said once.
    pub(crate) fn layer(&self, kind: LayerKind) -> Option<Arc<dyn Layer>> {
        let layer = match kind {
            LayerKind::Memory => return None,
            LayerKind::Redis => self.redis.get_or_init(|| open_redis(&self.settings)),
            LayerKind::Disk => self.disk.get_or_init(|| open_disk(&self.settings)),
        };
        layer.clone()
    }

    /// Adds a function to those that [`stats`] counts. `false` if another one already has its name.
    #[must_use]
    pub(crate) fn register(
        &self,
        scope: &Arc<str>,
        name: FunctionName,
        counters: &Arc<Counters>,
        tidy: Tidy,
    ) -> bool {
        start_housekeeping();
        let mut functions = self.functions.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(other) = functions.get(scope) {
            tracing::error!(
                function = %scope,
                here = ?name,
                there = ?other.name,
                "two cached functions have the same name, so the second one keeps its answers in memory only; \
                 give one of them another `name`",
            );
            return false;
        }
        functions.insert(Arc::clone(scope), Registered { name, counters: Arc::clone(counters), tidy });
        true
    }

    fn opened_layers(&self) -> impl Iterator<Item = &Arc<dyn Layer>> {
        [&self.redis, &self.disk].into_iter().filter_map(|layer| layer.get()?.as_ref())
    }

    /// Looks after every function once.
    pub(crate) fn tidy(&self) {
        let functions = self.functions.lock().unwrap_or_else(PoisonError::into_inner);
        let tidies: Vec<Tidy> = functions.values().map(|function| Arc::clone(&function.tidy)).collect();
        // Not under the lock, and no matter what happens: freeing an entry runs the `Drop` of a user's type.
        drop(functions);
        for tidy in tidies {
            let _ = catch_unwind(AssertUnwindSafe(|| tidy()));
        }
    }
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runtime").field("settings", &self.settings).finish_non_exhaustive()
    }
}

#[cfg(feature = "redis")]
fn open_redis(settings: &Settings) -> Option<Arc<dyn Layer>> {
    let Some(redis) = settings.redis.clone() else {
        tracing::warn!(
            "a cached function names the layer redis, but no server is configured, so the layer is skipped; \
             set HYBRID_CACHE_REDIS_URL",
        );
        return None;
    };
    match crate::layers::redis::RedisLayer::new(&redis, &settings.namespace) {
        Ok(layer) => Some(Arc::new(layer)),
        Err(error) => {
            tracing::warn!(error = &error as &dyn std::error::Error, "the layer redis is skipped");
            None
        }
    }
}

#[cfg(not(feature = "redis"))]
fn open_redis(_: &Settings) -> Option<Arc<dyn Layer>> {
    None
}

#[cfg(any(feature = "disk", feature = "disk-sled"))]
fn open_disk(settings: &Settings) -> Option<Arc<dyn Layer>> {
    let Some(disk) = settings.disk.clone() else {
        tracing::warn!(
            "a cached function names the layer disk, but this platform names no directory for caches, so the layer \
             is skipped; set HYBRID_CACHE_DISK_DIR",
        );
        return None;
    };
    Some(Arc::new(crate::layers::disk::DiskLayer::new(disk)))
}

#[cfg(not(any(feature = "disk", feature = "disk-sled")))]
fn open_disk(_: &Settings) -> Option<Arc<dyn Layer>> {
    None
}

/// What happened to all cached functions of this process together. See also the `stats` companion of each.
#[must_use]
pub fn stats() -> Stats {
    let mut total = Stats::default();
    if let Some(runtime) = RUNTIME.get() {
        let functions = runtime.functions.lock().unwrap_or_else(PoisonError::into_inner);
        for function in functions.values() {
            total.add(&function.counters.snapshot());
        }
    }
    total
}

/// Starts, once, the thread that looks after all functions. Without it (no thread can be had) expired entries leave when
/// their function is next used, and nobody retires a load that hangs.
fn start_housekeeping() {
    static STARTED: OnceLock<bool> = OnceLock::new();
    const EVERY: Duration = Duration::from_millis(250);
    STARTED.get_or_init(|| {
        let housekeeping = || loop {
            thread::sleep(EVERY);
            if let Some(runtime) = RUNTIME.get() {
                runtime.tidy();
            }
        };
        thread::Builder::new().name("hybrid-cache-tidy".into()).spawn(housekeeping).is_ok()
    });
}
