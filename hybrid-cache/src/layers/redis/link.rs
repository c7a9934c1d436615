//! Connections, one per tokio runtime.
//!
//! A connection is driven by a task of the runtime that asked for it and dies with that runtime, while a cached function's
//! static outlives runtimes: each `#[tokio::test]` builds one. So a connection is looked up by the current
//! runtime. This file knows when a connection is to be replaced, not what is asked over it.
//!
//! The socket belongs to a runtime of ours. The one that asks may have neither IO nor timers, there is no way to find out, and
//! using what is not there panics, which a program may take for the end. What talks over the connection is a task of
//! the runtime that asks, so a request is written, and a reply read, without a detour.

use std::{
    fmt, mem,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU32, Ordering::Relaxed},
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
    task::AbortHandle,
};

use super::{
    address::{Address, Opened},
    bounded::OVERRUN,
    fault::{Cause, Fault},
    reads::Reads,
    socket::Socket,
};
use crate::helper::Helper;

/// Runtimes of one process that keep a connection at the same time; with more, the one unused longest reconnects.
const MOST_RUNTIMES: usize = 8;
/// So many unanswered operations in a row condemn a connection: half-open TCP looks like this for minutes.
const TIMEOUTS_TO_REPLACE: u32 = 2;
/// A server that says it cannot serve gets a new connection at most this often.
const UNFIT_PAUSE: Duration = Duration::from_secs(1);

/// Where sockets are registered, and connections are made.
static SOCKETS: Helper = Helper::new("hybrid-cache-redis");

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
    /// In which it was made.
    process: u32,
    connection: Shared<BoxFuture<'static, Result<Connection, Fault>>>,
    _connecting: Ending,
    timeouts: AtomicU32,
    /// What is being read over it.
    pub(super) reads: Reads,
}

/// A connection, and what drives it for as long as somebody has it.
#[derive(Clone)]
pub(super) struct Connection {
    pub(super) requests: MultiplexedConnection,
    pub(super) wire: Arc<Wire>,
}

/// What the bytes of a connection go over.
pub(super) struct Wire {
    overrun: Arc<AtomicBool>,
    socket: Socket,
    driver: Ending,
}

/// A task that nobody has a use for once this is dropped. What a connection has not sent by then is not sent any more.
struct Ending(AbortHandle);

impl Connection {
    /// Why it was closed, if that is known better than by an error of the client library.
    pub(super) fn why_closed(&self) -> Option<Fault> {
        self.wire.overrun.load(Relaxed).then(|| Fault::Lost(Cause::new(OVERRUN)))
    }
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
        forget_the_parents(open);
        let known = open.iter().position(|link| link.runtime == runtime.id()).map(|place| open.remove(place));
        let link = if let Some(link) = known.filter(|link| link.is_usable()) {
            link
        } else {
            Arc::new(Link::open(self.address.clone(), &runtime)?)
        };
        if open.len() >= MOST_RUNTIMES {
            open.remove(0);
        }
        open.push(Arc::clone(&link));
        Ok(link)
    }

    /// Makes the next operation connect anew, unless that has happened already.
    pub(super) fn replace(&self, link: &Arc<Link>) {
        if let Some(open) = &mut *self.open.lock().unwrap_or_else(PoisonError::into_inner) {
            open.retain(|other| !Arc::ptr_eq(other, link));
        }
    }

    /// A request that must not be carried out later is perhaps still on its way over `wire`. Closes that, whoever else
    /// uses it, so that nothing more of it is sent; who waits for a reply asks again. And all runtimes connect anew: what has
    /// already reached the server is read by it before anything of a connection made from now on, not before what comes over one
    /// that another runtime has had all along.
    pub(super) fn give_up(&self, wire: &Wire) {
        wire.socket.close();
        wire.driver.0.abort();
        if let Some(open) = &mut *self.open.lock().unwrap_or_else(PoisonError::into_inner) {
            forget_the_parents(open);
            open.clear();
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

/// In a fork, all links from before are the parent's, those of a runtime that goes on here too. Letting go of them would reach
/// into runtimes that are not here.
fn forget_the_parents(open: &mut Vec<Arc<Link>>) {
    let process = std::process::id();
    if open.first().is_some_and(|link| link.process != process) {
        open.drain(..).for_each(mem::forget);
    }
}

impl Link {
    /// Connects in a task of its own, which outlives the operation that needs the connection first.
    fn open(address: Address, runtime: &Handle) -> Result<Self, Fault> {
        let driving = runtime.clone();
        let no_thread = || Fault::Unusable(Cause::new("there is no thread to be had for Redis"));
        let task = SOCKETS.handle(|| {}).ok_or_else(no_thread)?.spawn(async move {
            let Opened { requests, driver, overrun, socket } = address.connect().await?;
            let driver = Ending(driving.spawn(driver).abort_handle());
            Ok(Connection { requests, wire: Arc::new(Wire { overrun, socket, driver }) })
        });
        let connecting = Ending(task.abort_handle());
        let not_connected = || Err(Fault::Lost(Cause::new("connecting was given up")));
        let connection = task.map(move |ended| ended.unwrap_or_else(|_| not_connected())).boxed().shared();
        Ok(Self {
            runtime: runtime.id(),
            process: std::process::id(),
            connection,
            _connecting: connecting,
            timeouts: AtomicU32::new(0),
            reads: Reads::default(),
        })
    }

    /// The connection, as soon as there is one.
    pub(super) async fn connected(&self) -> Result<Connection, Fault> {
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
    fn look<T>(&self, see: impl Fn(&Result<Connection, Fault>) -> T) -> Option<T> {
        // `peek` sees only what somebody has waited for; an attempt can end with nobody waiting any more.
        self.connection.peek().map(&see).or_else(|| self.connection.clone().now_or_never().as_ref().map(&see))
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.abort();
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
