//! How long an invalidation waits for copies that were announced before it, and a replacement for its turn; and when that
//! would be of no use.

use std::{cell::Cell, pin::pin, time::Duration};

use futures_core::future::BoxFuture;
use futures_util::future::{Either, select};
use tokio::runtime::{Handle, RuntimeFlavor};

use crate::{
    clock::Clock,
    flight::{Doom, Replacement, Ticket},
};

/// Each copy is within its layer's budget; only one whose runtime is not being run takes longer.
const SETTLED_AFTER: Duration = Duration::from_secs(10);
/// While one of several threads of a runtime is held up, its other threads make most of the copies.
const SETTLED_BESIDE: Duration = Duration::from_millis(50);

thread_local! {
    /// Of who asks in this thread, while it holds up the runtime that it belongs to.
    static HELD_UP: Cell<Option<Duration>> = const { Cell::new(None) };
}

tokio::task_local! {
    static PATIENCE: Duration;
}

/// Runs `wait`, which keeps this thread from running the runtime that it belongs to, if it does.
pub(crate) fn holding_up<T>(wait: impl FnOnce() -> T) -> T {
    struct Restore(Option<Duration>);
    impl Drop for Restore {
        fn drop(&mut self) {
            HELD_UP.set(self.0);
        }
    }
    let flavor = Handle::try_current().ok().map(|runtime| runtime.runtime_flavor());
    let patience = flavor.map(|flavor| match flavor {
        RuntimeFlavor::CurrentThread => Duration::ZERO,
        _ => SETTLED_BESIDE,
    });
    let _restore = Restore(HELD_UP.replace(patience));
    wait()
}

/// Work for who asks in this thread, with their patience.
pub(super) fn inherit<T: Send + 'static>(work: BoxFuture<'static, T>) -> BoxFuture<'static, T> {
    match HELD_UP.get() {
        None => work,
        Some(patience) => Box::pin(PATIENCE.scope(patience, work)),
    }
}

/// Waits until no copy from before an invalidation can arrive any more; `false` if one still can. It is then taken
/// back when it does, but may be read before.
pub(super) async fn settled<A>(doom: &Doom<A>) -> bool {
    let settled = within(doom.settled()).await.is_some();
    if !settled && patience() == SETTLED_AFTER {
        tracing::warn!("a copy into a slower layer is not getting on; it will be taken back when it does");
    }
    settled
}

/// Waits for the turn of what replaces an answer; `None` if whoever has it does not get on.
pub(super) async fn turn<A>(ticket: &Ticket<A>) -> Option<Replacement<A>> {
    within(ticket.replace()).await
}

async fn within<T>(wait: impl Future<Output = T>) -> Option<T> {
    match select(pin!(wait), Clock::Process.after(patience())).await {
        Either::Left((ended, _)) => Some(ended),
        Either::Right(_) => None,
    }
}

fn patience() -> Duration {
    PATIENCE.try_with(|patience| *patience).unwrap_or(SETTLED_AFTER)
}
