//! Which world a task is in.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering::Relaxed},
};

use tokio::task_local;

use super::world::Contents;
use crate::runtime::{self, Runtime};

task_local! {
    static WORLD: Arc<Contents>;
}

/// Whether there has ever been a world but the process itself, or a scope in which calls treat the cache in another
/// [mode](crate::mode). So a process without either pays one load for both.
static IN_USE: AtomicBool = AtomicBool::new(false);

/// Whether a task may be in a world of its own, or in a mode. Relaxed: who is in one has set this before, in the same task
/// or before that was spawned.
#[inline]
pub(crate) fn in_use() -> bool {
    IN_USE.load(Relaxed)
}

/// From now on, tasks may be.
pub(crate) fn set_in_use() {
    IN_USE.store(true, Relaxed);
}

/// The world that this task is in; `None`: the process itself.
pub(crate) fn world() -> Option<Arc<Contents>> {
    if in_use() { WORLD.try_with(Arc::clone).ok() } else { None }
}

/// What the functions of this task's world share.
pub(crate) fn runtime() -> Arc<Runtime> {
    world().map_or_else(|| Arc::clone(runtime::get()), |world| Arc::clone(world.runtime()))
}

/// `future` in `world`.
pub(super) fn enter<F: Future>(world: Arc<Contents>, future: F) -> impl Future<Output = F::Output> {
    set_in_use();
    WORLD.scope(world, future)
}

/// `future` in the world that this task is in, wherever it is going to run.
pub(crate) async fn inherit<F: Future>(world: Option<Arc<Contents>>, future: F) -> F::Output {
    match world {
        Some(world) => WORLD.scope(world, future).await,
        None => future.await,
    }
}
