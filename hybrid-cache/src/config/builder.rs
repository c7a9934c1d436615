//! Settings from code.

use std::{path::PathBuf, time::Duration};

use tokio::task::LocalKey;

use super::{DiskEngine, Environment, Eviction, Secret, error::ConfigError};
use crate::{BoxFuture, carry::Carriers};

/// Settings from code, put in force with `install()` at the top of `main`.
///
/// What is not set here comes from the environment, and what is not set there is the default. A function's own
/// attribute is stronger than this builder, and a function's own variable (`HYBRID_CACHE_FN_<NAME>_TTL`) is stronger
/// than its attribute. Nothing is checked before `install()`, which reports all mistakes together.
///
/// ```
/// use std::time::Duration;
///
/// let settings = hybrid_cache::builder()
///     .namespace("shop")
///     .layers("mem")
///     .ttl(Duration::from_secs(60));
/// # let _ = settings;
/// ```
#[derive(Debug, Clone, Default)]
#[must_use = "a builder does nothing until `install()`"]
pub struct Builder {
    pub(super) without_environment: bool,
    pub(super) enabled: Option<bool>,
    pub(super) namespace: Option<String>,
    pub(super) layers: Option<String>,
    pub(super) ttl: Option<Duration>,
    pub(super) jitter: Option<f64>,
    pub(super) wait: Option<Duration>,
    pub(super) mem_capacity: Option<u64>,
    pub(super) mem_max_bytes: Option<u64>,
    pub(super) eviction: Option<Eviction>,
    pub(super) redis: RedisGiven,
    pub(super) disk: DiskGiven,
    pub(super) carriers: Carriers,
}

/// What the builder was told about the shared layer.
#[derive(Debug, Clone, Default)]
pub(super) struct RedisGiven {
    pub(super) url: Option<Secret>,
    pub(super) password: Option<Secret>,
    pub(super) timeout: Option<Duration>,
}

/// What the builder was told about the disk layer.
#[derive(Debug, Clone, Default)]
pub(super) struct DiskGiven {
    pub(super) dir: Option<PathBuf>,
    pub(super) max_bytes: Option<u64>,
    pub(super) timeout: Option<Duration>,
    pub(super) engine: Option<DiskEngine>,
}

/// Starts a [`Builder`] with nothing set.
pub fn builder() -> Builder {
    Builder::default()
}

impl Builder {
    /// Whether anything is cached. With `false` every call runs its body, nothing is opened or written.
    ///
    /// Default: `HYBRID_CACHE_ENABLED`, else `true`.
    pub fn enabled(mut self, enabled: bool) -> Self {
        self.enabled = Some(enabled);
        self
    }

    /// The first part of every key in Redis. Programs that use one server for different things need different ones.
    ///
    /// Default: `HYBRID_CACHE_NAMESPACE`, else `hc`. Refused by `install()`: an empty name, and the characters
    /// ``: { } * ? [ ] \ " '``, white space and control characters.
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = Some(namespace.into());
        self
    }

    /// Where answers are kept if the attribute does not say, fastest first: some of `mem`, `redis`, `disk` in this
    /// order, with commas.
    ///
    /// Default: `HYBRID_CACHE_LAYERS`, else `mem`. Refused by `install()`: an unknown name, a name given twice, a slower
    /// layer before a faster one, a layer that was not compiled in.
    pub fn layers(mut self, layers: impl Into<String>) -> Self {
        self.layers = Some(layers.into());
        self
    }

    /// How long an answer is fresh, counted from when it was computed.
    ///
    /// Default: `HYBRID_CACHE_TTL`, else 5 minutes. Refused by `install()`: zero.
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.ttl = Some(ttl);
        self
    }

    /// The largest part of its life by which an answer's life is shortened at random, so that answers made together
    /// do not die together.
    ///
    /// Default: `HYBRID_CACHE_JITTER`, else 0.05. Refused by `install()`: less than 0, and 1 or more.
    pub fn jitter(mut self, part: f64) -> Self {
        self.jitter = Some(part);
        self
    }

    /// How long a caller waits for a load that another call started, before it starts its own.
    ///
    /// Default: `HYBRID_CACHE_WAIT`, else 30 seconds. Refused by `install()`: zero.
    pub fn wait(mut self, wait: Duration) -> Self {
        self.wait = Some(wait);
        self
    }

    /// How many answers of one function are kept in memory.
    ///
    /// Default: `HYBRID_CACHE_MEM_CAPACITY`, else 10 000. Refused by `install()`: zero; to keep nothing in memory, leave
    /// `mem` out of the layers.
    pub fn mem_capacity(mut self, entries: u64) -> Self {
        self.mem_capacity = Some(entries);
        self
    }

    /// How many bytes the answers of all functions take in memory together; kept errors (`err_ttl`) are not counted.
    ///
    /// Where it is too many, the function gives way that is used least for what it holds: the one with the fewest hits per
    /// byte, where a hit counts half after each minute, and a call that had to load a sixteenth of a hit. It evicts what it
    /// needs least. An eighth of the bound is divided equally
    /// among the functions, and that much each may keep whatever its hits, so that new answers have time to be asked for. A
    /// load first stores its answer and then makes room, so there may be one more answer for each thread that does so.
    ///
    /// An answer counts as for `max_bytes`: what `weigh` says, else the size of its encoding, else the size of its type, and
    /// what memory needs for each. One that alone is larger than all of this is not kept. The bounds of each function
    /// (`capacity`, `max_bytes`) hold as well.
    ///
    /// Default: `HYBRID_CACHE_MEM_MAX_BYTES`, else no such bound. Refused by `install()`: zero.
    pub fn mem_max_bytes(mut self, bytes: u64) -> Self {
        self.mem_max_bytes = Some(bytes);
        self
    }

    /// Which answers leave memory first, of functions whose attribute does not say.
    ///
    /// Default: `HYBRID_CACHE_EVICTION`, else [`Eviction::S3Fifo`]. Refused by `install()`: an engine that was not compiled in.
    pub fn eviction(mut self, eviction: Eviction) -> Self {
        self.eviction = Some(eviction);
        self
    }

    /// The address of the Redis server: `redis://[user:password@]host[:port][/database]`, the same with `rediss://` for
    /// TLS (needs one of the Cargo features `redis-tls-…`), or `unix:///path/of/the.sock`. It is never printed with its password.
    ///
    /// Default: `HYBRID_CACHE_REDIS_URL`, else `REDIS_URL`, else none, and the layer is skipped. Refused by `install()`: an
    /// unknown scheme, an address the Redis client does not understand, TLS without cryptography for it, and `#insecure`. Nothing is connected before the first use.
    pub fn redis(mut self, url: impl Into<String>) -> Self {
        self.redis.url = Some(Secret::new(url));
        self
    }

    /// The password for Redis, in place of one inside the address. It is never printed.
    ///
    /// Default: `HYBRID_CACHE_REDIS_PASSWORD`, else the one inside the address. `REDIS_PASSWORD` counts only where the
    /// address comes from `REDIS_URL`: the platform's password is for the platform's server, and no other one is sent it. A
    /// password inside the address counts for as much as the address does: one given to [`Builder::redis`] is stronger than
    /// any variable. Refused by `install()`: an empty one.
    pub fn redis_password(mut self, password: impl Into<String>) -> Self {
        self.redis.password = Some(Secret::new(password));
        self
    }

    /// How long one operation of Redis may take, connecting included; after that the call goes on without it.
    ///
    /// Default: `HYBRID_CACHE_REDIS_TIMEOUT`, else 250 ms. Refused by `install()`: zero.
    pub fn redis_timeout(mut self, timeout: Duration) -> Self {
        self.redis.timeout = Some(timeout);
        self
    }

    /// The directory of the disk layer. It is created when first used. One that is not a whole path is looked for below the
    /// directory in which the program is when this is installed.
    ///
    /// Default: `HYBRID_CACHE_DISK_DIR`, else the platform's directory for caches / `hybrid-cache` / the program's name; on a
    /// platform without one the layer is skipped. Refused by `install()`: an empty path, and one that begins with `~`.
    pub fn disk_dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.disk.dir = Some(dir.into());
        self
    }

    /// How many bytes the disk layer may use, for each process that runs at the same time. Less than 16 MiB is taken for
    /// 16 MiB, as much as an empty store needs. The largest answer that is kept has a sixteenth of it, and never more than
    /// 8 MiB.
    ///
    /// Default: `HYBRID_CACHE_DISK_MAX_BYTES`, else 1 GiB. Refused by `install()`: zero.
    pub fn disk_max_bytes(mut self, bytes: u64) -> Self {
        self.disk.max_bytes = Some(bytes);
        self
    }

    /// How long a read from the disk layer may take; after that the call goes on without it.
    ///
    /// Default: `HYBRID_CACHE_DISK_TIMEOUT`, else 50 ms. Refused by `install()`: zero.
    pub fn disk_timeout(mut self, timeout: Duration) -> Self {
        self.disk.timeout = Some(timeout);
        self
    }

    /// What stores the bytes of the disk layer.
    ///
    /// Default: `HYBRID_CACHE_DISK_ENGINE`, else [`DiskEngine::Redb`] (or, in a program compiled with the cargo feature
    /// `disk-sled` alone, [`DiskEngine::Sled`]). Refused by `install()`: an engine that was not compiled in.
    pub fn disk_engine(mut self, engine: DiskEngine) -> Self {
        self.disk.engine = Some(engine);
        self
    }

    /// Takes the task-local `local` along into loads, which run in tasks of their own: a body sees the value that the task had
    /// whose call has it run. Where that task has none, the body has none either. For others than tokio's, see
    /// [`carry`](Self::carry).
    ///
    /// **A value that an answer depends on belongs into its key**, as an argument: an answer is given to all callers with
    /// the same arguments, whatever their task-locals are. What is carried is for what makes no difference to the answer: a
    /// connection, a deadline, the number of a request for the log.
    ///
    /// A call that waits for the load of another one gets what was made with that one's; a refresh behind a caller's back
    /// has that caller's. Functions that are `inline` or not `async` run in their caller's task and see everything anyway.
    ///
    /// ```
    /// use hybrid_cache::cached;
    ///
    /// tokio::task_local! {
    ///     static REQUEST: u64;
    /// }
    ///
    /// #[cached(layers = "mem")]
    /// async fn price(id: u64) -> u64 {
    ///     println!("request {:?} loads {id}", REQUEST.try_get());
    ///     id * 100
    /// }
    ///
    /// # fn main() -> Result<(), hybrid_cache::ConfigError> {
    /// hybrid_cache::builder().carry_local(&REQUEST).install()?;
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// REQUEST.scope(7, price(42)).await;                  // request Ok(7) loads 42
    /// # });
    /// # Ok(())
    /// # }
    /// ```
    pub fn carry_local<T: Clone + Send + 'static>(mut self, local: &'static LocalKey<T>) -> Self {
        self.carriers.add_local(local);
        self
    }

    /// Wraps loads that run in tasks of their own: `carrier` is called in the task that starts one, and what it returns is
    /// run in the load's task. It has to await what it is given. Several hold one inside of the other, the first one
    /// innermost.
    ///
    /// For context that is no task-local of tokio's; for those, [`carry_local`](Self::carry_local) is shorter, and what is said there
    /// holds here too. A `carrier` that panics costs what it would have taken along, not the load; that is said in the log.
    ///
    /// ```
    /// use std::cell::Cell;
    ///
    /// thread_local! {
    ///     static DEPTH: Cell<u32> = const { Cell::new(0) };
    /// }
    ///
    /// let settings = hybrid_cache::builder().carry(|load| {
    ///     let depth = DEPTH.get();                        // in the caller's task
    ///     async move {
    ///         println!("started at depth {depth}");       // in the load's
    ///         load.await;
    ///     }
    /// });
    /// # let _ = settings;
    /// ```
    pub fn carry<F>(mut self, carrier: impl Fn(BoxFuture<()>) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.carriers.add(carrier);
        self
    }

    /// Makes these the settings of the process. Opens nothing: layers open when they are first used.
    ///
    /// Call it once, before the first call of a cached function.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// fn main() -> Result<(), hybrid_cache::ConfigError> {
    ///     hybrid_cache::builder().namespace("shop").ttl(Duration::from_secs(60)).install()
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// Every setting that cannot be used, of the builder and of the environment together; or
    /// [`ConfigError::AlreadyInUse`] after another `install` or a call of a cached function. The settings in force stay
    /// as they are then.
    pub fn install(self) -> Result<(), ConfigError> {
        crate::runtime::install(self.settings(&Environment::of_process())?)
    }

    /// Leaves the environment out of it: what is not set here is the default, and the variables of single functions do
    /// not count. The default directory of the disk layer is still the platform's.
    ///
    /// Default: the environment is read, once, by `install()`.
    pub fn without_environment(mut self) -> Self {
        self.without_environment = true;
        self
    }
}
