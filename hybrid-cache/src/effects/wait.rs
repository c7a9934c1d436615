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

use std::cell::Cell;

use futures_util::FutureExt as _;
use tokio::runtime::Handle;

use super::Effect;
use crate::{
    cached_fn::{park::block_on, patience::holding_up},
    helper::Helper,
};

static WORKER: Helper = Helper::new("hybrid-cache-effects");

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
    let worker = if WORKS_FOR_OTHERS.get() { None } else { WORKER.handle(|| WORKS_FOR_OTHERS.set(true)) };
    if worker.is_none() && Handle::try_current().is_ok() {
        let _begun = effect.run().now_or_never();
        return;
    }
    holding_up(|| {
        let _entered = worker.as_ref().map(Handle::enter);
        block_on(effect.run());
    });
}
