//! What all cached functions of a process share: settings, the connection to Redis, the disk store, and the list of the
//! functions themselves. Knows nothing of policy or of the order of events.

pub(crate) mod ending;
pub(crate) mod work;

use std::{
    cell::Cell,
    collections::BTreeMap,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};

use self::work::{UnderWay, Work};
use crate::{
    clock::{Clock, Timestamp},
    config::{Environment, Settings, error::ConfigError, name_in_variables, report::Report},
    definition::{Declared, Definition},
    error::LayerKind,
    layers::{Layer, memory::Pool},
    stats::{Counters, Stats},
    sync::{Mutex, PoisonError},
    testing::current,
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
    /// Copies of answers on their way into slower layers.
    pub(crate) copies: Work,
    /// Loads that somebody waits for or not.
    pub(crate) loads: Work,
    /// Those among them that were started behind a caller's back.
    pub(crate) refreshes: Work,
    /// Those among them whose callers have gone away and that nobody else waits for.
    pub(crate) unattended: Work,
    /// Loads that were dropped because nobody waited for them any more and they would have stored nothing.
    pub(crate) abandoned: AtomicUsize,
    closing: AtomicBool,
    /// What bounds the memories of all functions together, if anything does.
    pub(crate) pool: Option<Arc<Pool>>,
    redis: OnceLock<Option<Arc<dyn Layer>>>,
    disk: OnceLock<Option<Arc<dyn Layer>>>,
    /// Whether it was said that there is no Redis, and no disk. In a world of a test there need not be either.
    said_missing: [AtomicBool; 2],
    functions: Mutex<BTreeMap<Arc<str>, Registered>>,
}

/// A cached function that has been used.
struct Registered {
    declared: Declared,
    /// See [`Definition::instance_of`].
    instance_of: Option<usize>,
    /// See [`FunctionName::in_settings`](crate::definition::FunctionName::in_settings).
    in_settings: String,
    /// One, or one for each of its instances.
    instances: Vec<InUse>,
}

struct InUse {
    counters: Arc<Counters>,
    /// What is done for it from outside of its calls.
    chores: Chores,
}

/// See [`InUse::chores`].
pub(crate) type Chores = Arc<dyn Fn(Chore) + Send + Sync>;

/// What a function is asked to do from outside of its calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Chore {
    /// Free the space of what has expired, retire loads that take too long. Now and then.
    Tidy,
    /// Let go of loads that nobody waits for. At the end.
    End,
    /// Retire loads from before this moment: nobody is left who runs them.
    Forked(Timestamp),
}

/// Each holds one encoded answer.
const MOST_COPIES: usize = 1_024;

/// Each runs the body of a user's function, which nobody waits for.
const MOST_REFRESHES: usize = 256;

/// Each runs the body of a user's function, whose callers have gone away: the next call may want the answer.
const MOST_UNATTENDED: usize = 256;

thread_local! {
    static MAKES_ROOM: Cell<bool> = const { Cell::new(false) };
}

impl Runtime {
    pub(crate) fn new(settings: Settings, clock: Clock) -> Self {
        Self {
            pool: settings.mem_max_bytes.map(|most| Pool::new(most, clock.now())),
            settings,
            clock,
            copies: Work::at_most(MOST_COPIES),
            loads: Work::unbounded(),
            refreshes: Work::at_most(MOST_REFRESHES),
            unattended: Work::at_most(MOST_UNATTENDED),
            abandoned: AtomicUsize::new(0),
            closing: AtomicBool::new(false),
            redis: OnceLock::new(),
            disk: OnceLock::new(),
            said_missing: [AtomicBool::new(false), AtomicBool::new(false)],
            functions: Mutex::new(BTreeMap::new()),
        }
    }

    /// A runtime with these stores in place of Redis and disk.
    pub(crate) fn with_layers(settings: Settings, clock: Clock, layers: Vec<Arc<dyn Layer>>) -> Self {
        let mut runtime = Self::new(settings, clock);
        for layer in layers {
            let place = if layer.kind() == LayerKind::Redis { &runtime.redis } else { &runtime.disk };
            place.get_or_init(|| Some(layer));
        }
        runtime.redis.get_or_init(|| None);
        runtime.disk.get_or_init(|| None);
        runtime.said_missing = [AtomicBool::new(true), AtomicBool::new(true)];
        runtime
    }

    /// The byte layer of this kind; `None` where it is not configured. That is to be said when it is missed: a function
    /// that is called in worlds of tests alone has its layers there.
    pub(crate) fn layer(&self, kind: LayerKind) -> Option<Arc<dyn Layer>> {
        let layer = match kind {
            LayerKind::Memory => return None,
            LayerKind::Redis => self.redis.get_or_init(|| open_redis(&self.settings)),
            LayerKind::Disk => self.disk.get_or_init(|| open_disk(&self.settings)),
        };
        layer.clone()
    }

    /// Says once that a call does without the layer of this kind, because it is not configured.
    pub(crate) fn say_missing(&self, kind: LayerKind) {
        let [redis, disk] = &self.said_missing;
        match kind {
            LayerKind::Redis if self.settings.redis.is_none() => {
                if !redis.swap(true, Relaxed) {
                    tracing::warn!(
                        "a cached function names the layer redis, but no server is configured, so the layer is skipped; \
                         set HYBRID_CACHE_REDIS_URL",
                    );
                }
            }
            LayerKind::Disk if self.settings.disk.is_none() => {
                if !disk.swap(true, Relaxed) {
                    tracing::warn!(
                        "a cached function names the layer disk, but this platform names no directory for caches, so the \
                         layer is skipped; set HYBRID_CACHE_DISK_DIR",
                    );
                }
            }
            LayerKind::Memory | LayerKind::Redis | LayerKind::Disk => {}
        }
    }

    /// Adds a function to those that [`stats`] counts. `false` if another one already has its name.
    #[must_use]
    pub(crate) fn register(
        &self,
        scope: &Arc<str>,
        definition: &Definition,
        counters: &Arc<Counters>,
        chores: Chores,
    ) -> bool {
        start_housekeeping();
        let Definition { name, declared, instance_of, .. } = definition;
        let mut functions = self.functions.lock().unwrap_or_else(PoisonError::into_inner);
        self.say_shared_variables(&functions, definition);
        let registered = functions.entry(Arc::clone(scope)).or_insert_with(|| Registered {
            declared: declared.clone(),
            instance_of: *instance_of,
            in_settings: name.in_settings(),
            instances: Vec::new(),
        });
        let of_the_same = instance_of.is_some() && registered.instance_of == *instance_of;
        let unique = registered.instances.is_empty() || of_the_same;
        if !unique {
            tracing::error!(
                function = %scope,
                here = %declared,
                there = %registered.declared,
                "two cached functions have the same name, so the second one keeps its answers in memory only; \
                 give one of them another `name`",
            );
        }
        // The second one too: its calls count, and its memory and its loads are to be looked after.
        registered.instances.push(InUse { counters: Arc::clone(counters), chores });
        unique
    }

    /// Says so if the environment sets something for two functions in one breath.
    fn say_shared_variables(&self, functions: &BTreeMap<Arc<str>, Registered>, definition: &Definition) {
        let name = definition.name.in_settings();
        let is_known = |registered: &&Registered| registered.in_settings == name;
        if !self.settings.mentions(&name) || functions.values().any(|registered| is_known(&registered)) {
            return;
        }
        let variables = name_in_variables(&name);
        let mut others = functions.values().map(|registered| &registered.in_settings);
        if let Some(other) = others.find(|other| name_in_variables(other) == variables) {
            tracing::warn!(
                variables = format!("HYBRID_CACHE_FN_{variables}_*"),
                function = name,
                other,
                "these variables are about two functions, whose names differ in punctuation alone; to set something for \
                 one of them, give it another `name`",
            );
        }
    }

    fn opened_layers(&self) -> impl Iterator<Item = &Arc<dyn Layer>> {
        [&self.redis, &self.disk].into_iter().filter_map(|layer| layer.get()?.as_ref())
    }

    /// Room for one load behind a caller's back; `None` if too many are running, or none is to begin any more.
    pub(crate) fn begin_refresh(&self) -> Option<UnderWay> {
        if self.closing.load(Relaxed) { None } else { self.refreshes.begin() }
    }

    /// Looks after every function once.
    pub(crate) fn tidy(&self) {
        self.every_function(Chore::Tidy);
        if let Some(pool) = &self.pool {
            pool.age(self.clock.now());
            self.make_room();
        }
    }

    /// Has functions give way where all hold too much together. Not to be called under a lock: answers are dropped.
    pub(crate) fn make_room(&self) {
        let Some(pool) = &self.pool else { return };
        // The clean-up of an answer may store another one. Room for that is made here, and not within the clean-up of the
        // first, which might go on until the stack has no more room either.
        if MAKES_ROOM.replace(true) {
            return;
        }
        // Nor is it to cost this thread its load.
        let _ = catch_unwind(AssertUnwindSafe(|| pool.make_room(self.clock.now())));
        MAKES_ROOM.set(false);
    }

    fn every_function(&self, chore: Chore) {
        let functions = self.functions.lock().unwrap_or_else(PoisonError::into_inner);
        let instances = functions.values().flat_map(|function| &function.instances);
        let chores: Vec<Chores> = instances.map(|instance| Arc::clone(&instance.chores)).collect();
        // Not under the lock, and no matter what happens: freeing an entry runs the `Drop` of a user's type.
        drop(functions);
        for chores in chores {
            let _ = catch_unwind(AssertUnwindSafe(|| chores(chore)));
        }
    }

    fn stats(&self) -> Stats {
        let mut total = Stats::default();
        let functions = self.functions.lock().unwrap_or_else(PoisonError::into_inner);
        for instance in functions.values().flat_map(|function| &function.instances) {
            total.add(&instance.counters.snapshot());
        }
        total
    }
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runtime").field("settings", &self.settings).finish_non_exhaustive()
    }
}

#[cfg(feature = "redis")]
fn open_redis(settings: &Settings) -> Option<Arc<dyn Layer>> {
    match crate::layers::redis::RedisLayer::new(settings.redis.as_ref()?, &settings.namespace) {
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
    let disk = crate::layers::disk::DiskLayer::new(settings.disk.clone()?);
    Some(Arc::new(crate::layers::not_in_forks::NotInForks::new(disk)))
}

#[cfg(not(any(feature = "disk", feature = "disk-sled")))]
fn open_disk(_: &Settings) -> Option<Arc<dyn Layer>> {
    None
}

/// What happened to all cached functions of this process together. See also the `stats` companion of each.
///
/// In a world of a test ([`testing`](crate::testing)): of that world.
#[must_use]
pub fn stats() -> Stats {
    in_use().map_or_else(Stats::default, |runtime| runtime.stats())
}

/// The runtime where this is called. `None` if the process has none yet: asking does not settle on settings.
fn in_use() -> Option<Arc<Runtime>> {
    match current::world() {
        Some(_) => Some(current::runtime()),
        None => RUNTIME.get().cloned(),
    }
}

/// Takes this process for one of its own, which a fork is since `moment`.
pub(crate) fn after_fork(moment: Timestamp) {
    let Some(runtime) = RUNTIME.get() else { return };
    for work in [&runtime.copies, &runtime.loads, &runtime.refreshes, &runtime.unattended] {
        work.forget();
    }
    // In that thread and not here, as it may have to wait for ever: who held a lock when the process forked is not there.
    spawn_housekeeping(Some(moment));
}

/// Starts, once, the thread that looks after all functions. Without it (no thread can be had) expired entries leave when
/// others need their room, and nobody retires a load that hangs.
fn start_housekeeping() {
    static STARTED: OnceLock<bool> = OnceLock::new();
    STARTED.get_or_init(|| spawn_housekeeping(None));
}

/// Starts that thread; in a fork, with what is to be done there first.
fn spawn_housekeeping(forked_at: Option<Timestamp>) -> bool {
    const EVERY: Duration = Duration::from_millis(250);
    let housekeeping = move || {
        if let (Some(moment), Some(runtime)) = (forked_at, RUNTIME.get()) {
            runtime.every_function(Chore::Forked(moment));
        }
        loop {
            thread::sleep(EVERY);
            if let Some(runtime) = RUNTIME.get() {
                runtime.tidy();
            }
        }
    };
    thread::Builder::new().name("hybrid-cache-tidy".into()).spawn(housekeeping).is_ok()
}
