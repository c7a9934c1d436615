//! A store in memory that stands in for Redis or the disk, and is in trouble on demand.

use std::{collections::HashMap, fmt, sync::Arc, time::Duration};

use futures_core::future::BoxFuture;

use crate::{
    clock::Clock,
    config::Settings,
    error::{LayerError, LayerKind},
    key::Key,
    layers::{Layer, Reading, Removal, Terms},
    record,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// How long the disk may take for one operation, unless its settings say so.
const DISK_TIMEOUT: Duration = Duration::from_millis(50);

/// How long Redis may.
const REDIS_TIMEOUT: Duration = Duration::from_millis(250);

/// A store in memory that stands in for Redis or the disk store in a [`World`](super::World), and is in trouble on demand.
///
/// Several worlds may share one, as processes share a Redis; and a world after another may, as a process does after a
/// restart. A clone is the same store.
///
/// It is simpler than what it stands in for: a store in trouble is asked again and again, where Redis and the disk are left
/// alone after five failures; and a removal that fails is `Forgotten::Failed`, where one that Redis missed is queued.
///
#[cfg_attr(any(feature = "disk", feature = "disk-sled"), doc = "```")]
#[cfg_attr(not(any(feature = "disk", feature = "disk-sled")), doc = "```text")]
/// # use std::time::Duration;
/// use hybrid_cache::{cached, testing::{Store, World}};
///
/// #[cached(layers = "mem,disk")]
/// async fn square(n: u64) -> u64 { n * n }
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// let disk = Store::new();
/// World::new().disk(&disk).enter(async { square(3).await; hybrid_cache::flush().await }).await;
///
/// let restarted = World::new().disk(&disk);
/// restarted.enter(async {
///     square(3).await;
///     assert_eq!((square::stats().disk_hits(), square::stats().loads()), (1, 0));
/// }).await;
///
/// disk.hang();                                            // until `recover`
/// World::new().disk(&disk).enter(async { assert_eq!(square(3).await, 9) }).await;
/// # });
/// ```
#[derive(Debug, Clone, Default)]
pub struct Store {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    trouble: Trouble,
    records: HashMap<String, Vec<u8>>,
    /// The epochs of functions, by scope.
    epochs: HashMap<String, u64>,
    operations: u64,
}

/// What is wrong with a store.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Trouble {
    #[default]
    None,
    Fails,
    Hangs,
    Delays(Duration),
}

impl Store {
    /// An empty store without trouble.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// From now on every operation fails at once: reads, writes, removals.
    pub fn fail(&self) {
        self.lock().trouble = Trouble::Fails;
    }

    /// From now on every operation takes until the layer's time budget is over (in real time: 250 ms for Redis, 50 ms for
    /// the disk, or what the settings of the process say), and then fails.
    pub fn hang(&self) {
        self.lock().trouble = Trouble::Hangs;
    }

    /// From now on every operation takes `delay` (in real time), and fails once the
    /// layer's time budget is over, if that comes first.
    pub fn delay(&self, delay: Duration) {
        self.lock().trouble = Trouble::Delays(delay);
    }

    /// Ends whatever trouble there was, for operations that begin from now on. What the store held is still there.
    pub fn recover(&self) {
        self.lock().trouble = Trouble::None;
    }

    /// Forgets every answer, as Redis does after `FLUSHALL`.
    pub fn clear(&self) {
        let mut state = self.lock();
        state.records.clear();
        state.epochs.clear();
    }

    /// How often it was asked to read, write or remove something, in trouble or not.
    #[must_use]
    pub fn operations(&self) -> u64 {
        self.lock().operations
    }

    pub(super) fn as_layer(&self, kind: LayerKind, settings: &Settings) -> Arc<dyn Layer> {
        let budget = match kind {
            LayerKind::Disk => settings.disk.as_ref().map_or(DISK_TIMEOUT, |disk| disk.timeout),
            _ => settings.redis.as_ref().map_or(REDIS_TIMEOUT, |redis| redis.timeout),
        };
        Arc::new(StoreLayer { store: self.clone(), kind, budget })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn epoch(&mut self, scope: &str) -> u64 {
        *self.epochs.entry(scope.to_owned()).or_insert_with(record::new_generation)
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State")
            .field("trouble", &self.trouble)
            .field("records", &self.records.len())
            .field("operations", &self.operations)
            .finish_non_exhaustive()
    }
}

/// A store in the place of one layer.
#[derive(Debug)]
struct StoreLayer {
    store: Store,
    kind: LayerKind,
    budget: Duration,
}

impl StoreLayer {
    /// The state of the store, once it answers.
    async fn answer(&self) -> Result<MutexGuard<'_, State>, LayerError> {
        let trouble = {
            let mut state = self.store.lock();
            state.operations += 1;
            state.trouble
        };
        let time = match trouble {
            Trouble::None => Duration::ZERO,
            Trouble::Fails => return Err(LayerError::Resting { layer: self.kind }),
            Trouble::Hangs => self.budget,
            Trouble::Delays(delay) => delay,
        };
        if !time.is_zero() {
            Clock::Process.after(time.min(self.budget)).await;
        }
        if time >= self.budget {
            return Err(LayerError::Timeout { layer: self.kind, after: self.budget });
        }
        Ok(self.store.lock())
    }
}

impl Layer for StoreLayer {
    fn kind(&self) -> LayerKind {
        self.kind
    }

    fn get<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Reading, LayerError>> {
        Box::pin(async move {
            let mut state = self.answer().await?;
            let epoch = state.epoch(key.scope());
            Ok(Reading { record: state.records.get(key.as_str()).cloned(), epoch, seen: 0 })
        })
    }

    fn epoch<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Reading, LayerError>> {
        Box::pin(async move { Ok(Reading { record: None, ..self.get(key).await? }) })
    }

    fn put_on<'a>(
        &'a self,
        _: Terms,
        key: &'a Key,
        record: Vec<u8>,
        _: Duration,
    ) -> BoxFuture<'a, Result<(), LayerError>> {
        Box::pin(async move {
            self.answer().await?.records.insert(key.to_string(), record);
            Ok(())
        })
    }

    fn remove<'a>(&'a self, key: &'a Key, trace: Duration) -> BoxFuture<'a, Result<Removal, LayerError>> {
        Box::pin(async move {
            let mut state = self.answer().await?;
            if self.kind.is_shared() && !trace.is_zero() {
                state.records.insert(key.to_string(), record::void());
            } else {
                state.records.remove(key.as_str());
            }
            Ok(Removal::Done)
        })
    }

    fn remove_all<'a>(&'a self, scope: &'a str) -> BoxFuture<'a, Result<Removal, LayerError>> {
        Box::pin(async move {
            self.answer().await?.epochs.insert(scope.to_owned(), record::new_generation());
            Ok(Removal::Done)
        })
    }

    fn flush(&self) -> BoxFuture<'_, Result<(), LayerError>> {
        Box::pin(async move { self.answer().await.map(drop) })
    }

    fn removals_owed(&self) -> usize {
        0
    }

    fn close(&self) -> BoxFuture<'_, Result<(), LayerError>> {
        Box::pin(async { Ok(()) })
    }
}
