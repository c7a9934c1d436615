//! How a function that is not async waits for companions that are.
//!
//! Its thread may belong to a tokio runtime, and cannot run that while it waits: a connection to Redis whose
//! runtime is held up answers nobody. So the work runs in a small runtime of ours, on a thread of its own, that is
//! made when it is needed first and kept: connections are bound to the runtime that made them. The waiting thread
//! asks, and sleeps.
//!
//! Not `block_in_place`, which would let a multi-threaded runtime go on with the other tasks of this thread: it
//! panics in a `LocalSet` and in a single-threaded runtime, and one cannot be asked beforehand. A function that is
//! not async holds up its thread as long as it takes anyway.
//!
//! What is waited for does not itself wait for copies into slower layers that only the runtime could make that is
//! held up here: see `cached_fn/patience.rs`.

use std::{cell::Cell, future::pending, sync::LazyLock, thread};

use futures_util::FutureExt as _;
use tokio::runtime::{Builder, Handle};

use super::Effect;
use crate::cached_fn::{park::block_on, patience::holding_up};

static WORKER: LazyLock<Option<Handle>> = LazyLock::new(worker);

thread_local! {
    /// Whether this is the thread that others wait for.
    static WORKS_FOR_OTHERS: Cell<bool> = const { Cell::new(false) };
}

/// Does what is still to be done, and waits until it is done.
///
/// On the thread that does such work for others, as in a `Drop` of a cached answer, it is begun and ends by itself.
pub fn wait<E: Effect>(effect: E) {
    if !E::IS_DUE {
        return;
    }
    let worker = WORKER.as_ref().filter(|_| !WORKS_FOR_OTHERS.get());
    if worker.is_none() && Handle::try_current().is_ok() {
        let _begun = effect.run().now_or_never();
        return;
    }
    holding_up(|| {
        let _entered = worker.map(Handle::enter);
        block_on(effect.run());
    });
}

/// `None` if the system has no thread left.
fn worker() -> Option<Handle> {
    let runtime = Builder::new_current_thread().enable_all().build().ok()?;
    let handle = runtime.handle().clone();
    let run = move || {
        WORKS_FOR_OTHERS.set(true);
        runtime.block_on(pending::<()>());
    };
    thread::Builder::new().name("hybrid-cache-effects".to_owned()).spawn(run).ok()?;
    Some(handle)
}
