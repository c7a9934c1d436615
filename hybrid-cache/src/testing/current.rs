//! Which world a task is in.

use std::sync::Arc;

use tokio::task_local;

use super::world::Contents;
use crate::{
    clock,
    runtime::{self, Runtime},
};

task_local! {
    static WORLD: Arc<Contents>;
}

/// Whether a task may be in a world of its own, or in a [mode](crate::mode). False as long as there has never been a world
/// but the process itself, nor a scope of a mode: so a process without either pays next to nothing for both.
///
/// A task that is in one has set this before, or was spawned by one that had.
#[inline]
pub(crate) fn in_use() -> bool {
    clock::scopes_in_use()
}

/// From now on, tasks may be.
pub(crate) fn set_in_use() {
    clock::use_scopes();
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
