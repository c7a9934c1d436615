//! How the calls of a task treat what is cached: as usual, or as a scope around them says. Knows nothing of what a call
//! does about it.

use tokio::task_local;

use crate::testing::current;

/// What calls of cached functions do about what is cached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// They look for an answer, and keep the one that they compute.
    Usual,
    /// They run their body, and nothing else.
    Bypass,
    /// They compute a new answer, and keep it.
    Refresh,
}

task_local! {
    static MODE: Mode;
}

/// How calls of this task treat what is cached. Costs one load where no scope was ever entered.
#[inline]
pub(crate) fn current() -> Mode {
    if current::in_use() { MODE.try_with(|mode| *mode).unwrap_or(Mode::Usual) } else { Mode::Usual }
}

/// `future` with calls that are treated like those of `mode`, wherever it is going to run.
pub(crate) fn inherit<F: Future>(mode: Mode, future: F) -> impl Future<Output = F::Output> {
    MODE.scope(mode, future)
}

/// Runs `future` without the cache: every call of a cached function in it runs its body, asks no layer, waits for no other
/// call's load, and stores nothing. For a job that must see what the sources say now, or to find out whether a cache is to
/// blame.
///
/// A body that runs in the scope runs in it with all that it calls. Not in the scope are refreshes that calls before it have
/// started behind their callers' backs, and tasks that `future` spawns itself. Scopes may be nested, also with those of
/// [`refreshing`]: the innermost counts.
///
/// What is no call of the function itself does what it does elsewhere: `invalidate`, `expire`, `put`, `peek`, `refresh`.
/// Calls in the scope are not counted in [`Stats`](crate::Stats).
///
/// ```
/// use hybrid_cache::{bypass, cached};
/// # use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
/// # static RUNS: AtomicU64 = AtomicU64::new(0);
///
/// #[cached(layers = "mem")]
/// async fn ticket(queue: u64) -> u64 {
///     // … a new number each time it runs …
///     # let _ = queue;
///     # RUNS.fetch_add(1, SeqCst) + 1
/// }
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// assert_eq!(ticket(7).await, 1);
/// assert_eq!(bypass(ticket(7)).await, 2);             // ran, though there was an answer
/// assert_eq!(ticket(7).await, 1);                     // which is still there
/// # });
/// ```
pub fn bypass<F: Future>(future: F) -> impl Future<Output = F::Output> {
    enter(Mode::Bypass, future)
}

/// Runs `future` with a cache that is made anew: every call of a cached function in it computes its answer, whatever is
/// cached, and stores it in every layer, as the companion `refresh` does. For a page that is asked for with
/// `Cache-Control: no-cache`, or after a change of the data that nobody has reported.
///
/// This goes for the calls that a body makes, too: what is computed in the scope is made of nothing that was cached before. A
/// function that is called twice with the same arguments is computed twice.
///
/// Not in the scope are refreshes that calls before it have started behind their callers' backs, and tasks that `future`
/// spawns itself. Scopes may be nested, also with those of [`bypass`]: the innermost counts. What is no call of the function
/// itself does what it does elsewhere: `invalidate`, `expire`, `put`, `peek`.
///
/// ```
/// use hybrid_cache::{cached, refreshing};
/// # use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
/// # static RUNS: AtomicU64 = AtomicU64::new(0);
///
/// #[cached(layers = "mem")]
/// async fn ticket(queue: u64) -> u64 {
///     // … a new number each time it runs …
///     # let _ = queue;
///     # RUNS.fetch_add(1, SeqCst) + 1
/// }
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// assert_eq!(ticket(7).await, 1);
/// assert_eq!(refreshing(ticket(7)).await, 2);         // computed, though there was an answer
/// assert_eq!(ticket(7).await, 2);                     // which it has replaced
/// # });
/// ```
pub fn refreshing<F: Future>(future: F) -> impl Future<Output = F::Output> {
    enter(Mode::Refresh, future)
}

fn enter<F: Future>(mode: Mode, future: F) -> impl Future<Output = F::Output> {
    current::set_in_use();
    inherit(mode, future)
}
