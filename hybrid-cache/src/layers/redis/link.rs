//! Connections, one per tokio runtime.
//!
//! A connection is driven by a task of the runtime that made it and dies with that runtime, while a cached function's
//! static outlives runtimes: each `#[tokio::test]` builds one. So a connection is looked up by the current
//! runtime. This file knows when a connection is to be replaced, not what is asked over it.

use std::{
    fmt,
    future::pending,
    panic::catch_unwind,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use redis::aio::MultiplexedConnection;
use tokio::{
    runtime::{Handle, Id},
    task::{AbortHandle, JoinError},
};

use super::{
    address::Address,
    fault::{Cause, Fault},
    reads::Reads,
};

/// Runtimes of one process that keep a connection at the same time; with more, the one unused longest reconnects.
const MOST_RUNTIMES: usize = 8;
/// So many unanswered operations in a row condemn a connection: half-open TCP looks like this for minutes.
const TIMEOUTS_TO_REPLACE: u32 = 2;
/// A server that says it cannot serve gets a new connection at most this often.
const UNFIT_PAUSE: Duration = Duration::from_secs(1);

/// All connections of a layer.
#[derive(Debug)]
pub(super) struct Links {
    address: Address,
    /// The most recently used one last; `None` after [`close`](Self::close).
    open: Mutex<Option<Vec<Arc<Link>>>>,
    last_unfit: Mutex<Option<Instant>>,
}

/// A connection that is being made, exists, or is lost.
pub(super) struct Link {
    runtime: Id,
    /// Whether the runtime has timers. Without them every budget would panic.
    has_timers: bool,
    connection: Shared<BoxFuture<'static, Result<MultiplexedConnection, Fault>>>,
    connecting: Option<AbortHandle>,
    timeouts: AtomicU32,
    /// What is being read over it.
    pub(super) reads: Reads,
}

impl Links {
    pub(super) fn new(address: Address) -> Self {
        Self { address, open: Mutex::new(Some(Vec::new())), last_unfit: Mutex::default() }
    }

    pub(super) fn address(&self) -> &Address {
        &self.address
    }

    /// The connection of the current runtime; a new one if there is none, or making it failed.
    pub(super) fn current(&self) -> Result<Arc<Link>, Fault> {
        let Ok(runtime) = Handle::try_current() else {
            return Err(Fault::Unusable(Cause::new("called outside a tokio runtime, which Redis needs")));
        };
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let open = open.as_mut().ok_or(Fault::Closed)?;
        let known = open.iter().position(|link| link.runtime == runtime.id()).map(|place| open.remove(place));
        let usable = known.filter(|link| link.is_usable());
        let link = usable.unwrap_or_else(|| Arc::new(Link::open(&self.address, &runtime)));
        if open.len() >= MOST_RUNTIMES {
            open.remove(0);
        }
        open.push(Arc::clone(&link));
        if link.has_timers {
            Ok(link)
        } else {
            Err(Fault::Unusable(Cause::new("this tokio runtime has no timers, see `Builder::enable_time`")))
        }
    }

    /// Makes the next operation connect anew, unless that has happened already.
    pub(super) fn replace(&self, link: &Arc<Link>) {
        if let Some(open) = &mut *self.open.lock().unwrap_or_else(PoisonError::into_inner) {
            open.retain(|other| !Arc::ptr_eq(other, link));
        }
    }

    /// The server behind `link` says it cannot serve: looks for a better one, but not all the time, as a server may
    /// stay a replica for good.
    pub(super) fn unfit(&self, link: &Arc<Link>, now: Instant) {
        let mut last = self.last_unfit.lock().unwrap_or_else(PoisonError::into_inner);
        if last.is_none_or(|last| now.saturating_duration_since(last) >= UNFIT_PAUSE) {
            *last = Some(now);
            self.replace(link);
        }
    }

    /// An operation on the current runtime used up its budget. A connection that is still being made goes on with that.
    pub(super) fn timed_out(&self) {
        if let Ok(link) = self.current()
            && link.is_connected()
            && link.timeouts.fetch_add(1, Relaxed) + 1 >= TIMEOUTS_TO_REPLACE
        {
            self.replace(&link);
        }
    }

    /// Lets go of all connections, for good.
    pub(super) fn close(&self) {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

impl Link {
    fn open(address: &Address, runtime: &Handle) -> Self {
        let has_timers = has_timers();
        let (connecting, connection) =
            if has_timers { connect(address.clone(), runtime) } else { (None, pending().boxed()) };
        let connection = connection.shared();
        Self {
            runtime: runtime.id(),
            has_timers,
            connection,
            connecting,
            timeouts: AtomicU32::new(0),
            reads: Reads::default(),
        }
    }

    /// The connection, as soon as there is one.
    pub(super) async fn connected(&self) -> Result<MultiplexedConnection, Fault> {
        self.connection.clone().await
    }

    /// Whether the connection has been made; it may have been lost since.
    pub(super) fn is_connected(&self) -> bool {
        self.look(Result::is_ok).unwrap_or(false)
    }

    /// The server has answered something.
    pub(super) fn answered(&self) {
        self.timeouts.store(0, Relaxed);
    }

    /// False once the attempt to connect has failed. Whether a connection still works is found out by using it.
    fn is_usable(&self) -> bool {
        self.look(Result::is_ok).unwrap_or(true)
    }

    /// What became of the attempt to connect, if it has ended.
    fn look<T>(&self, see: impl Fn(&Result<MultiplexedConnection, Fault>) -> T) -> Option<T> {
        // `peek` sees only what somebody has waited for; an attempt can end with nobody waiting any more.
        self.connection.peek().map(&see).or_else(|| self.connection.clone().now_or_never().as_ref().map(&see))
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        // An attempt nobody waits for any more.
        if let Some(connecting) = &self.connecting {
            connecting.abort();
        }
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let connected = self.is_connected();
        f.debug_struct("Link")
            .field("runtime", &self.runtime)
            .field("connected", &connected)
            .finish_non_exhaustive()
    }
}

type Connecting = BoxFuture<'static, Result<MultiplexedConnection, Fault>>;

/// Connects in a task of its own: it outlives the operation that needs the connection first, and where tokio panics,
/// as on a runtime without IO, the panic ends in that task and not in our caller.
fn connect(address: Address, runtime: &Handle) -> (Option<AbortHandle>, Connecting) {
    let task = runtime.spawn(async move { address.connect().await });
    let abort = task.abort_handle();
    (Some(abort), task.map(|ended| ended.unwrap_or_else(|error| Err(not_connected(&error)))).boxed())
}

/// There is no way to ask a runtime; it panics when a timer is made.
fn has_timers() -> bool {
    catch_unwind(|| drop(tokio::time::sleep(Duration::ZERO))).is_ok()
}

fn not_connected(error: &JoinError) -> Fault {
    if error.is_panic() {
        Fault::Unfit(Cause::new("connecting panicked; has this tokio runtime IO, see `Builder::enable_io`?"))
    } else {
        Fault::Lost(Cause::new("the tokio runtime was shut down while connecting"))
    }
}
