//! A source that a test holds in its hands, and one cached function for each set of layers in front of it.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use futures_util::future::BoxFuture;
use hybrid_cache::{
    DeadlineExceeded, Stats, cached,
    testing::{Store, World},
};
use tokio::{sync::Semaphore, task::yield_now, time::timeout};

/// What hangs fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) const TTL: Duration = Duration::from_secs(100);
pub(crate) const STALE: Duration = Duration::from_secs(50);
pub(crate) const LAST_RESORT: Duration = Duration::from_secs(500);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failure {
    Down,
    Late,
}

impl From<DeadlineExceeded> for Failure {
    fn from(_: DeadlineExceeded) -> Self {
        Self::Late
    }
}

/// Answers with its version when it was asked, however long it then takes.
#[derive(Debug)]
pub(crate) struct Source {
    version: AtomicU64,
    asked: AtomicUsize,
    running: AtomicUsize,
    fails: AtomicBool,
    held: Mutex<Arc<Semaphore>>,
}

impl Source {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            version: AtomicU64::new(1),
            asked: AtomicUsize::new(0),
            running: AtomicUsize::new(0),
            fails: AtomicBool::new(false),
            held: Mutex::new(Arc::new(Semaphore::new(Semaphore::MAX_PERMITS))),
        })
    }

    pub(crate) async fn read(&self) -> Result<u64, Failure> {
        let version = self.version.load(SeqCst);
        self.asked.fetch_add(1, SeqCst);
        let running = Running::begin(self);
        let held = Arc::clone(&self.held.lock().unwrap());
        let _passed = held.acquire().await.unwrap();
        drop(running);
        if self.fails.load(SeqCst) { Err(Failure::Down) } else { Ok(version) }
    }

    /// From now on answers are of the next version.
    pub(crate) fn change(&self) {
        self.version.fetch_add(1, SeqCst);
    }

    /// Holds up those who ask from now on, until the guard is told to let them go.
    pub(crate) fn hold(&self) -> Hold {
        let held = Arc::new(Semaphore::new(0));
        *self.held.lock().unwrap() = Arc::clone(&held);
        Hold(held)
    }

    /// Does not hold up those who ask from now on.
    pub(crate) fn flow(&self) {
        *self.held.lock().unwrap() = Arc::new(Semaphore::new(Semaphore::MAX_PERMITS));
    }

    pub(crate) fn fail(&self, fail: bool) {
        self.fails.store(fail, SeqCst);
    }

    pub(crate) fn asked(&self) -> usize {
        self.asked.load(SeqCst)
    }

    pub(crate) fn running(&self) -> usize {
        self.running.load(SeqCst)
    }

    /// Until so many have asked.
    pub(crate) async fn asked_by(&self, count: usize) {
        // Not by time: not every runtime here has timers.
        for _ in 0..1_000_000 {
            if self.asked() >= count {
                return;
            }
            yield_now().await;
        }
        panic!("nobody asks");
    }
}

/// Who is held up by a source.
pub(crate) struct Hold(Arc<Semaphore>);

impl Hold {
    pub(crate) fn release(&self) {
        self.0.add_permits(1 << 20);
    }
}

struct Running<'a>(&'a Source);

impl<'a> Running<'a> {
    fn begin(source: &'a Source) -> Self {
        source.running.fetch_add(1, SeqCst);
        Self(source)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, SeqCst);
    }
}

pub(crate) type Answer = BoxFuture<'static, Result<u64, Failure>>;

/// One of the cached functions, whatever its layers are.
pub(crate) struct Function {
    pub(crate) layers: &'static str,
    pub(crate) call: fn(&Arc<Source>, u64) -> Answer,
    pub(crate) refresh: fn(&Arc<Source>, u64) -> Answer,
    pub(crate) invalidate: fn(u64) -> BoxFuture<'static, ()>,
    pub(crate) invalidate_all: fn() -> BoxFuture<'static, ()>,
    pub(crate) expire: fn(u64) -> BoxFuture<'static, ()>,
    pub(crate) put: fn(u64, u64) -> BoxFuture<'static, ()>,
    pub(crate) peek: fn(u64) -> BoxFuture<'static, Option<u64>>,
    pub(crate) stats: fn() -> Stats,
}

macro_rules! functions {
    ($($name:ident: $layers:tt $($option:ident = $value:tt)*;)*) => {
        $(
            #[cached(layers = $layers, ttl = 100, jitter = 0.0, skip(source) $(, $option = $value)*)]
            async fn $name(source: &Arc<Source>, id: u64) -> Result<u64, Failure> {
                let _ = id;
                source.read().await
            }
        )*
        [$(Function {
            layers: $layers,
            call: |source, id| {
                let source = Arc::clone(source);
                Box::pin(async move { $name(&source, id).await })
            },
            refresh: |source, id| {
                let source = Arc::clone(source);
                Box::pin(async move { $name::refresh(&source, id).await })
            },
            invalidate: |id| Box::pin(async move { drop($name::invalidate(id).await.strict().unwrap()) }),
            invalidate_all: || Box::pin(async { drop($name::invalidate_all().await.strict().unwrap()) }),
            expire: |id| Box::pin(async move { drop($name::expire(id).await.strict().unwrap()) }),
            put: |id, value| Box::pin($name::put(id, value)),
            peek: |id| Box::pin($name::peek(id)),
            stats: $name::stats,
        }),*]
    };
}

/// With nothing after an answer's life.
pub(crate) fn plain() -> [Function; 6] {
    functions! {
        in_memory: "mem";
        in_memory_and_redis: "mem,redis";
        in_memory_and_on_disk: "mem,disk";
        everywhere: "mem,redis,disk";
        in_redis: "redis";
        in_redis_and_on_disk: "redis,disk";
    }
}

/// Stale for [`STALE`], a last resort for [`LAST_RESORT`].
pub(crate) fn lasting() -> [Function; 4] {
    functions! {
        lasting_in_memory: "mem" stale = 50 stale_if_error = 500;
        lasting_in_memory_and_redis: "mem,redis" stale = 50 stale_if_error = 500;
        lasting_everywhere: "mem,redis,disk" stale = 50 stale_if_error = 500;
        lasting_in_redis: "redis" stale = 50 stale_if_error = 500;
    }
}

/// A world with stand-ins for Redis and disk, for each test and function.
pub(crate) fn world() -> World {
    World::new().redis(&Store::new()).disk(&Store::new())
}

/// A call in a task of its own.
pub(crate) fn spawn_call(
    world: &World,
    function: &Function,
    source: &Arc<Source>,
) -> tokio::task::JoinHandle<Result<u64, Failure>> {
    let (world, call) = (world.clone(), (function.call)(source, 1));
    tokio::spawn(async move { world.enter(call).await })
}

/// Lets the other tasks get as far as they can.
pub(crate) async fn settle() {
    for _ in 0..200 {
        yield_now().await;
    }
}

pub(crate) async fn within_patience<F: Future>(future: F) -> F::Output {
    timeout(PATIENCE, future).await.expect("this hangs")
}
