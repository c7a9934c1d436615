//! Where work runs that is not to end with its caller.

use std::panic::resume_unwind;

use futures_core::future::BoxFuture;
use tokio::{
    runtime::Handle,
    task::{JoinError, JoinHandle},
};
use tracing::Instrument;

use super::{answer::Loaded, given::Given, park, patience};
use crate::{
    carry::Carriers,
    mode::{self, Mode},
    outcome::Outcome,
    stats::striped::thread_ends,
    testing::current,
};

/// Runs `work` in a task of its own, in the world, the mode and the span of its caller. Dropped where there is no tokio
/// runtime.
///
/// Boxed, so that what is moved about is small, and that tokio's task is compiled once and not for every function.
pub(super) fn spawn<T: Send + 'static>(work: BoxFuture<'static, T>) -> Option<JoinHandle<T>> {
    spawn_in(mode::current(), work)
}

/// The same in this mode.
fn spawn_in<T: Send + 'static>(mode: Mode, work: BoxFuture<'static, T>) -> Option<JoinHandle<T>> {
    let runtime = Handle::try_current().ok()?;
    if !current::in_use() {
        return Some(runtime.spawn(work.in_current_span()));
    }
    let work = mode::inherit(mode, work);
    Some(runtime.spawn(current::inherit(current::world(), work).in_current_span()))
}

/// Runs a load in a task of its own, in this mode and with what `carriers` take along of its caller's task.
pub(super) fn spawn_load(
    carriers: &Carriers,
    mode: Mode,
    load: BoxFuture<'static, ()>,
) -> Option<JoinHandle<()>> {
    spawn_in(mode, carriers.wrap(load))
}

/// Runs `work` in a task of its own where there is a tokio runtime, so that a caller that goes away half-way does not
/// leave it half done.
pub(crate) fn to_the_end<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> BoxFuture<'static, T> {
    Box::pin(async move {
        if thread_ends() {
            return park::in_another_thread(|| park::block_on(work));
        }
        if Handle::try_current().is_err() {
            return work.await;
        }
        match spawn(patience::inherit(Box::pin(work))) {
            None => lost(),
            Some(task) => match task.await {
                Ok(done) => done,
                Err(error) => ended(error),
            },
        }
    })
}

/// What a caller is given when its load has ended.
pub(super) fn given<R: Outcome>(loaded: Loaded<R>) -> Given<R> {
    loaded.unwrap_or_else(|panic| resume_unwind(panic))
}

/// Goes on with the panic that ended a task before it had an answer: of a `Clone`, say.
pub(super) async fn stopped(task: Option<JoinHandle<()>>) -> ! {
    if let Some(task) = task
        && let Err(error) = task.await
    {
        ended(error);
    }
    lost()
}

fn ended(error: JoinError) -> ! {
    match error.try_into_panic() {
        Ok(panic) => resume_unwind(panic),
        Err(_) => lost(),
    }
}

/// The task that worked for this caller was dropped unfinished. That happens when its tokio runtime shuts down, and then
/// the caller, which is part of the same runtime, is not polled any more either.
#[expect(clippy::panic, reason = "there is no answer and there will be none")]
pub(super) fn lost() -> ! {
    panic!("the tokio runtime was shut down while it worked for a cached function")
}
