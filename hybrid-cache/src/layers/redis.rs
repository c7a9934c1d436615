//! The shared layer: records in a Redis server.
//!
//! This file knows the commands of each operation and in which order they go out. It must not know what a record
//! holds, how long an answer is good, or how a connection is made.
//!
//! **Removals that Redis has not confirmed** wait in [`Pending`] and go out before anything else is read or written:
//! every `get` and `put` starts with [`RedisLayer::deliver`] and fails if that fails. So while this process owes Redis a
//! removal, it reads nothing from it. A `put` waits for the same reason: a `DEL` that was queued before it must
//! not arrive after it. A removal is owed from the moment its caller asks for it until Redis confirms it; whatever ends the
//! operation in between, an error, its budget, or a caller that goes away, leaves it in the table.
//!
//! **A `put` without an answer** may have been carried out, or may be later. Nobody can tell what the key holds, so
//! a removal of it is queued. It undoes the `put` because requests of one connection are carried out in order, and
//! a connection that is given up takes what it has not sent along (`linger_time` in `address.rs`): what has already reached
//! the server is read by it before anything of a connection made later.

mod address;
mod breaker;
mod epoch;
mod fault;
mod link;
mod pending;
#[cfg(test)]
mod tests;

use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use futures_core::future::BoxFuture;
use redis::{Pipeline, Value};

use self::{
    address::Address,
    breaker::{Admission, Breaker, Change},
    fault::{Cause, Fault},
    link::{Link, Links},
    pending::Pending,
};
use super::{Layer, Reading, Removal};
use crate::{
    config::RedisSettings,
    error::{LayerError, LayerKind},
    key::Key,
};

/// The largest record that is stored. Larger ones would hold up everybody's small answers behind them.
const LARGEST_RECORD: usize = 1024 * 1024;
/// So many queued removals go out together.
const REMOVALS_PER_TRIP: usize = 500;

/// Records in a Redis server.
pub(crate) struct RedisLayer {
    namespace: Box<str>,
    budget: Duration,
    links: Links,
    breaker: Mutex<Breaker>,
    pending: Mutex<Pending>,
    /// Held by whoever delivers, so that a hundred callers after an outage do not all send the same ten thousand keys.
    delivering: tokio::sync::Mutex<()>,
    closed: AtomicBool,
}

impl RedisLayer {
    /// A layer that will connect when it is first used.
    ///
    /// # Errors
    ///
    /// If the address cannot be understood.
    pub(crate) fn new(settings: &RedisSettings, namespace: &str) -> Result<Self, LayerError> {
        Ok(Self {
            namespace: namespace.into(),
            budget: settings.timeout,
            links: Links::new(Address::new(settings)?),
            breaker: Mutex::default(),
            pending: Mutex::default(),
            delivering: tokio::sync::Mutex::default(),
            closed: AtomicBool::new(false),
        })
    }

    async fn read(&self, key: &Key) -> Result<Reading, Fault> {
        self.deliver(Some(key.scope())).await?;
        let epoch_key = epoch::key(&self.namespace, key.scope());
        let mut commands = Pipeline::with_capacity(2);
        // Two keys, two commands: in a cluster they may live on different servers, which `MGET` does not allow. Not a
        // transaction: an epoch that changes in between is a mismatch, whichever of the two is read first.
        commands.cmd("GET").arg(key.as_str()).cmd("GET").arg(&epoch_key);
        let mut replies = self.request(&Request::new(commands)).await?.into_iter();
        let record = self.bytes(replies.next())?;
        let epoch = match self.bytes(replies.next()) {
            Ok(Some(stored)) => match epoch::parse(&stored) {
                Some(epoch) => epoch,
                None => self.start_epoch(&epoch_key, StartEpoch::InPlaceOfGarbage).await?,
            },
            Ok(None) => self.start_epoch(&epoch_key, StartEpoch::IfAbsent).await?,
            // A list or a hash: somebody else's, or damage.
            Err(_) => self.start_epoch(&epoch_key, StartEpoch::InPlaceOfGarbage).await?,
        };
        Ok(Reading { record, epoch })
    }

    /// Gives a function that has no epoch a new one, and reads it back: another process may have been faster.
    async fn start_epoch(&self, epoch_key: &str, how: StartEpoch) -> Result<u64, Fault> {
        let mut commands = Pipeline::with_capacity(2);
        commands.cmd("SET").arg(epoch_key).arg(epoch::fresh()).arg("PX").arg(millis(epoch::LIFE));
        if how == StartEpoch::IfAbsent {
            commands.arg("NX");
        }
        commands.cmd("GET").arg(epoch_key);
        let mut replies = self.request(&Request::new(commands)).await?.into_iter();
        self.accepted(replies.next())?;
        let stored = self.bytes(replies.next())?;
        stored
            .and_then(|stored| epoch::parse(&stored))
            .ok_or_else(|| Fault::Refused(Cause::new("the epoch of the function does not stay in Redis")))
    }

    async fn write(&self, key: &Key, record: Vec<u8>, life: Duration) -> Result<(), Fault> {
        self.deliver(Some(key.scope())).await?;
        let mut commands = Pipeline::with_capacity(2);
        commands.cmd("SET").arg(key.as_str()).arg(record).arg("PX").arg(millis(life.min(epoch::LIFE)));
        // An epoch that is gone stays gone: the record is then unreadable, which is what its loss has to mean.
        commands.cmd("PEXPIRE").arg(epoch::key(&self.namespace, key.scope())).arg(millis(epoch::LIFE));
        let request = Request::new(commands);
        let doubt = Doubt { layer: self, key, request: &request, settled: false };
        let replies = self.request(&request).await;
        doubt.settle(&replies);
        self.accepted(replies?.into_iter().next())
    }

    /// Sends what is owed, all of it, before `scope` is used.
    async fn deliver(&self, scope: Option<&str>) -> Result<(), Fault> {
        while !self.owes_nothing(scope) {
            let _turn = self.delivering.lock().await;
            let batch = self.pending().batch(REMOVALS_PER_TRIP, scope);
            if batch.is_empty() {
                continue; // whoever had the turn before has sent everything
            }
            let mut commands = Pipeline::with_capacity(REMOVALS_PER_TRIP);
            for (key, _) in &batch.keys {
                commands.cmd("DEL").arg(&**key);
            }
            for (scope, _) in &batch.scopes {
                commands.cmd("DEL").arg(epoch::key(&self.namespace, scope));
            }
            for reply in self.request(&Request::new(commands)).await? {
                // A server that keeps what it was told to forget must not be read from.
                self.accepted(Some(reply)).map_err(Fault::of_server_as_a_whole)?;
            }
            self.pending().delivered(&batch);
        }
        Ok(())
    }

    fn owes_nothing(&self, scope: Option<&str>) -> bool {
        let pending = self.pending();
        scope.map_or_else(|| pending.is_empty(), |scope| pending.is_empty_for(scope))
    }

    /// Sends `request` over the current runtime's connection and returns one reply per command.
    ///
    /// Sends it again, once, if a connection from before turns out to be dead: it may have been idle since the server was
    /// restarted, or its runtime may be gone. All our requests may be carried out twice.
    async fn request(&self, request: &Request) -> Result<Vec<Value>, Fault> {
        let link = self.links.current()?;
        let was_connected = link.is_connected();
        match self.request_over(&link, request).await {
            Err(Fault::Lost(_)) if was_connected => self.request_over(&self.links.current()?, request).await,
            outcome => outcome,
        }
    }

    async fn request_over(&self, link: &Arc<Link>, request: &Request) -> Result<Vec<Value>, Fault> {
        let connected = link.connected().await;
        let mut connection = connected.inspect_err(|_| self.links.replace(link))?;
        request.sent.store(true, Relaxed);
        let count = request.commands.len();
        let replies =
            connection.send_packed_commands(&request.commands, 0, count).await.map_err(|error| {
                self.links.replace(link);
                self.links.address().censor.of_client(&error)
            })?;
        link.answered();
        let faults = replies.iter().filter_map(|reply| self.server_fault(reply));
        match faults.into_iter().find(Fault::is_outage) {
            Some(unfit) => {
                self.links.unfit(link, Instant::now());
                Err(unfit)
            }
            None if replies.len() == count => Ok(replies),
            None => Err(Fault::Lost(Cause::new("the server sent another number of replies than commands"))),
        }
    }

    fn server_fault(&self, reply: &Value) -> Option<Fault> {
        match reply {
            Value::ServerError(error) => Some(self.links.address().censor.of_server(error)),
            _ => None,
        }
    }

    /// The bytes under a key, if there are any.
    fn bytes(&self, reply: Option<Value>) -> Result<Option<Vec<u8>>, Fault> {
        match reply {
            Some(Value::BulkString(bytes)) => Ok(Some(bytes)),
            Some(Value::Nil) => Ok(None),
            Some(other) => Err(self.server_fault(&other).unwrap_or_else(unexpected)),
            None => Err(unexpected()),
        }
    }

    /// Nothing, if the server did what it was told.
    fn accepted(&self, reply: Option<Value>) -> Result<(), Fault> {
        reply.and_then(|reply| self.server_fault(&reply)).map_or(Ok(()), Err)
    }

    /// Runs `work` unless the breaker is open, within the budget, and tells the breaker how it went.
    async fn operate<T>(&self, work: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
        let attempt = self.admit()?;
        let outcome = self.within_budget(work).await;
        attempt.report(outcome.as_ref().err());
        outcome
    }

    async fn within_budget<T>(&self, work: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
        // Before the timer is made: this finds out whether the runtime has timers.
        self.links.current()?;
        tokio::time::timeout(self.budget, work).await.unwrap_or_else(|_| {
            self.links.timed_out();
            Err(Fault::TimedOut)
        })
    }

    fn admit(&self) -> Result<Attempt<'_>, Fault> {
        if self.closed.load(Relaxed) {
            return Err(Fault::Closed);
        }
        match self.breaker().admit(Instant::now()) {
            Admission::Rest => Err(Fault::Resting),
            admission => Ok(Attempt { layer: self, admission, reported: false }),
        }
    }

    fn log(&self, change: Change, why: Option<&Fault>) {
        let (address, why) = (self.links.address(), why.map(tracing::field::display));
        match change {
            Change::Opened { rest } => {
                tracing::warn!(%address, why, ?rest, "Redis fails and is left alone for a moment")
            }
            Change::StaysOpen { rest } => tracing::debug!(%address, why, ?rest, "Redis still fails"),
            Change::Closed { away } => tracing::info!(%address, ?away, "Redis answers again"),
        }
    }

    fn breaker(&self) -> MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn error(&self, operation: &'static str) -> impl FnOnce(Fault) -> LayerError {
        let budget = self.budget;
        move |fault| fault.into_error(operation, budget)
    }

    /// Sends one `DEL`, or everything that is owed if that is more. `owed` puts the removal among what is owed.
    async fn forget(
        &self,
        redis_key: &str,
        owed: impl Fn(&mut Pending) + Send + Sync,
    ) -> Result<Removal, LayerError> {
        if self.closed.load(Relaxed) {
            return Err(LayerError::Closed { layer: LayerKind::Redis });
        }
        // With others: then they are no longer owed either. Alone: `get`s need not wait for what is not overdue.
        let outcome = if self.owes_nothing(None) {
            let promise = Promise { layer: self, owed: Some(&owed) };
            let outcome = self.operate(self.delete(redis_key)).await;
            promise.end(outcome.is_ok());
            outcome
        } else {
            owed(&mut self.pending());
            self.operate(self.deliver(None)).await
        };
        Ok(if outcome.is_ok() { Removal::Done } else { Removal::Queued })
    }

    async fn delete(&self, redis_key: &str) -> Result<(), Fault> {
        let mut commands = Pipeline::with_capacity(1);
        commands.cmd("DEL").arg(redis_key);
        let replies = self.request(&Request::new(commands)).await?;
        self.accepted(replies.into_iter().next())
    }
}

impl Layer for RedisLayer {
    fn kind(&self) -> LayerKind {
        LayerKind::Redis
    }

    fn get<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Reading, LayerError>> {
        Box::pin(async move { self.operate(self.read(key)).await.map_err(self.error("read an answer")) })
    }

    fn put<'a>(
        &'a self,
        key: &'a Key,
        record: Vec<u8>,
        life: Duration,
    ) -> BoxFuture<'a, Result<(), LayerError>> {
        Box::pin(async move {
            if record.len() > LARGEST_RECORD {
                let (layer, bytes, limit) = (LayerKind::Redis, record.len(), LARGEST_RECORD);
                return Err(LayerError::TooLarge { layer, bytes, limit });
            }
            self.operate(self.write(key, record, life)).await.map_err(self.error("store an answer"))
        })
    }

    fn remove<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Removal, LayerError>> {
        Box::pin(self.forget(key.as_str(), |pending| pending.forget(key.as_str(), key.scope())))
    }

    /// Deletes the epoch: whoever needs it next makes a new one, and a random number does not come back.
    ///
    /// Not a `SET` of the new one, which a server that is out of memory refuses.
    fn remove_all<'a>(&'a self, scope: &'a str) -> BoxFuture<'a, Result<Removal, LayerError>> {
        Box::pin(async move {
            let epoch_key = epoch::key(&self.namespace, scope);
            self.forget(&epoch_key, |pending| pending.forget_all(scope)).await
        })
    }

    /// Tries to deliver what is owed, also while the breaker is open: this may be the last chance.
    fn flush(&self) -> BoxFuture<'_, Result<(), LayerError>> {
        Box::pin(async move {
            if self.closed.load(Relaxed) {
                return Err(LayerError::Closed { layer: LayerKind::Redis });
            }
            if self.owes_nothing(None) {
                return Ok(());
            }
            self.within_budget(self.deliver(None)).await.map_err(self.error("forget what was queued"))
        })
    }

    fn close(&self) -> BoxFuture<'_, Result<(), LayerError>> {
        Box::pin(async move {
            if self.closed.swap(true, Relaxed) {
                return Ok(());
            }
            let delivered = if self.owes_nothing(None) {
                Ok(())
            } else {
                self.within_budget(self.deliver(None)).await.map_err(self.error("forget what was queued"))
            };
            self.links.close();
            delivered
        })
    }
}

impl fmt::Debug for RedisLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisLayer")
            .field("address", self.links.address())
            .field("namespace", &self.namespace)
            .field("budget", &self.budget)
            .finish_non_exhaustive()
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum StartEpoch {
    IfAbsent,
    InPlaceOfGarbage,
}

/// Commands that go out together.
struct Request {
    commands: Pipeline,
    /// Whether the server may have seen them.
    sent: AtomicBool,
}

impl Request {
    fn new(commands: Pipeline) -> Self {
        Self { commands, sent: AtomicBool::new(false) }
    }
}

/// An operation the breaker has let through. Dropped without a report, its caller has gone away.
struct Attempt<'a> {
    layer: &'a RedisLayer,
    admission: Admission,
    reported: bool,
}

impl Attempt<'_> {
    fn report(mut self, fault: Option<&Fault>) {
        self.reported = true;
        let now = Instant::now();
        let change = match fault {
            Some(fault) if fault.is_outage() => {
                self.layer.breaker().failed(self.admission, now, fastrand::f64())
            }
            // Refused is answered.
            None | Some(Fault::Refused(_)) => self.layer.breaker().succeeded(self.admission, now),
            Some(_) => {
                self.layer.breaker().abandoned(self.admission, now);
                None
            }
        };
        if let Some(change) = change {
            self.layer.log(change, fault);
        }
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        if !self.reported {
            self.layer.breaker().abandoned(self.admission, Instant::now());
        }
    }
}

/// A `put` under way. Unless it is settled whether Redis has the record, the key is to be forgotten.
struct Doubt<'a> {
    layer: &'a RedisLayer,
    key: &'a Key,
    request: &'a Request,
    settled: bool,
}

impl Doubt<'_> {
    fn settle<T>(mut self, outcome: &Result<T, Fault>) {
        self.settled = outcome.as_ref().err().is_none_or(|fault| !fault.leaves_doubt());
    }
}

impl Drop for Doubt<'_> {
    fn drop(&mut self) {
        if !self.settled && self.request.sent.load(Relaxed) {
            self.layer.pending().forget(self.key.as_str(), self.key.scope());
        }
    }
}

/// A removal under way. Unless it is kept, it is owed.
struct Promise<'a, F: Fn(&mut Pending)> {
    layer: &'a RedisLayer,
    owed: Option<F>,
}

impl<F: Fn(&mut Pending)> Promise<'_, F> {
    fn end(mut self, kept: bool) {
        if kept {
            self.owed = None;
        }
    }
}

impl<F: Fn(&mut Pending)> Drop for Promise<'_, F> {
    fn drop(&mut self) {
        if let Some(owed) = &self.owed {
            owed(&mut self.layer.pending());
        }
    }
}

fn unexpected() -> Fault {
    Fault::Refused(Cause::new("the server sent something else than a text"))
}

/// For `PX`, which counts milliseconds and refuses zero.
fn millis(life: Duration) -> u64 {
    u64::try_from(life.as_millis()).unwrap_or(u64::MAX).max(1)
}
