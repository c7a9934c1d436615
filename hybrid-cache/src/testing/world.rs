//! A world of its own for a test: functions with empty memory, stores that the test holds in its hands, and a clock.

use std::{any::Any, collections::HashMap, fmt, sync::Arc, time::Duration};

use super::{current, store::Store};
use crate::{
    clock::{self, Clock},
    error::LayerKind,
    runtime::{self, Runtime},
    sync::{Mutex, PoisonError},
};

/// A world in which cached functions have kept nothing yet, and whose time stands still until it is moved.
///
/// [`isolated`](super::isolated) is the short form where no stand-ins for Redis or disk are needed. A clone is the same
/// world. What was kept in it goes away with the last clone and the last task that is in it.
///
/// Functions have the settings of the process in it, and a layer without a stand-in is skipped.
/// [`stats`](crate::stats()), [`flush`](crate::flush) and [`shutdown`](crate::shutdown) that are called in it are about it
/// alone.
///
#[cfg_attr(feature = "redis", doc = "```")]
#[cfg_attr(not(feature = "redis"), doc = "```text")]
/// use hybrid_cache::{cached, testing::{Store, World}};
///
/// #[cached(layers = "mem,redis")]
/// async fn square(n: u64) -> u64 { n * n }
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// let redis = Store::new();
/// let world = World::new().redis(&redis);
/// redis.fail();
/// world.enter(async {
///     assert_eq!(square(3).await, 9);                     // Redis is down, the answer is there
///     assert_eq!(square::stats().redis_failures(), 1);
/// }).await;
/// # });
/// ```
#[derive(Clone)]
pub struct World {
    contents: Arc<Contents>,
}

/// What a world holds.
pub(crate) struct Contents {
    runtime: Arc<Runtime>,
    redis: Option<Store>,
    disk: Option<Store>,
    /// The functions as they are in this world, by the address of what their static holds.
    functions: Mutex<HashMap<usize, Arc<dyn Any + Send + Sync>>>,
}

impl World {
    /// An empty world. Its clock shows the present, and stands.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "each is another one, which `default` does not say")]
    pub fn new() -> Self {
        Self::with_stores(None, None)
    }

    /// An empty world like this one, with `store` in the place of Redis, where functions name that layer.
    #[must_use]
    pub fn redis(self, store: &Store) -> Self {
        Self::with_stores(Some(store.clone()), self.contents.disk.clone())
    }

    /// An empty world like this one, with `store` in the place of the disk store, where functions name that layer.
    #[must_use]
    pub fn disk(self, store: &Store) -> Self {
        Self::with_stores(self.contents.redis.clone(), Some(store.clone()))
    }

    fn with_stores(redis: Option<Store>, disk: Option<Store>) -> Self {
        let settings = runtime::get().settings.clone();
        let layers = [(LayerKind::Redis, &redis), (LayerKind::Disk, &disk)];
        let layers =
            layers.into_iter().filter_map(|(kind, store)| Some(store.as_ref()?.as_layer(kind, &settings)));
        let runtime = Runtime::with_layers(settings.clone(), Clock::manual(clock::now()), layers.collect());
        Self {
            contents: Arc::new(Contents {
                runtime: Arc::new(runtime),
                redis,
                disk,
                functions: Mutex::default(),
            }),
        }
    }

    /// Runs `future` in this world: its calls of cached functions, and the loads that those start. Tasks that `future`
    /// spawns itself are not in it unless they enter it too.
    pub async fn enter<F: Future>(&self, future: F) -> F::Output {
        current::enter(Arc::clone(&self.contents), future).await
    }

    /// Moves the time of this world forward by `duration`; the same as [`advance`](super::advance) in it.
    pub fn advance(&self, duration: Duration) {
        self.contents.runtime.clock.advance(duration);
        self.contents.runtime.tidy();
    }
}

impl Contents {
    pub(crate) fn runtime(&self) -> &Arc<Runtime> {
        &self.runtime
    }

    /// The function at `address` as it is in this world; made with `make` by the first who asks.
    pub(crate) fn function<T: Send + Sync + 'static>(
        &self,
        address: usize,
        make: impl FnOnce(&Arc<Runtime>) -> Arc<T>,
    ) -> Arc<T> {
        let mut functions = self.functions.lock().unwrap_or_else(PoisonError::into_inner);
        let known = functions.get(&address).and_then(|function| Arc::downcast(Arc::clone(function)).ok());
        known.unwrap_or_else(|| {
            let function = make(&self.runtime);
            functions.insert(address, Arc::clone(&function) as _);
            function
        })
    }
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Contents { redis, disk, .. } = &*self.contents;
        f.debug_struct("World").field("redis", redis).field("disk", disk).finish_non_exhaustive()
    }
}
