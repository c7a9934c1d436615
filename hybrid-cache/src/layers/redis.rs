//! The shared layer: records in a Redis server.
//!
//! This file knows the commands of each operation and in which order they go out. It must not know what a record
//! holds, how long an answer is good, or how a connection is made.
//!
//! **Removals that Redis has not confirmed** wait in [`Pending`] and go out before anything else is read or written:
//! every `get` and `put` starts with [`RedisLayer::deliver_before`] and fails if that fails. So while this process owes Redis a
//! removal, it reads nothing from it. A `put` waits for the same reason: a `DEL` that was queued before it must
//! not arrive after it. A removal is owed from the moment its caller asks for it until Redis confirms it; whatever ends the
//! operation in between, an error, its budget, or a caller that goes away, leaves it in the table.
//!
//! **A `put` without an answer** may have been carried out, or may be later. Nobody can tell what the key holds, so
//! its connection is closed and a removal of the key is queued, in this order. The removal undoes the `put` because a connection
//! that is closed takes what it has not sent along (`linger` in `socket.rs`), and what has already reached the server
//! is read by it before anything of a connection made later. So the removal must not go out over one that another runtime
//! has had all along: all of them connect anew ([`Links::give_up`](link::Links::give_up)).

mod address;
mod bounded;
mod breaker;
mod client;
mod epoch;
mod fault;
mod link;
mod pending;
mod reads;
mod refusals;
mod socket;
#[cfg(test)]
mod tests;
#[cfg(feature = "redis-tls")]
pub(crate) mod tls;

use std::{
    fmt,
    pin::pin,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use futures_core::future::BoxFuture;
use redis::{Pipeline, Value};

use self::{
    address::Address,
    client::{Client, Request},
    epoch::Stored,
    fault::{Cause, Fault},
    pending::{Debt, Pending, Target},
    reads::Replies,
    refusals::Purpose,
};
use super::{Layer, Reading, Removal, Terms};
use crate::{
    config::RedisSettings,
    error::{LayerError, LayerKind},
    key::Key,
    random, record,
};

/// The largest record that is stored. Larger ones would hold up everybody's small answers behind them.
const LARGEST_RECORD: usize = 1024 * 1024;
/// What is said of an address that asks for TLS, in a program that has none.
#[cfg(not(feature = "redis-tls"))]
pub(crate) const NO_TLS: &str = "asks for TLS, which this program was compiled without; give hybrid-cache the Cargo feature \
                                 `redis-tls-ring` or `redis-tls-aws-lc`, or `redis-tls` where the program installs a provider \
                                 of rustls itself";
/// What is said of one in a program that has TLS, and no cryptography for it.
#[cfg(feature = "redis-tls")]
pub(crate) const NO_TLS_PROVIDER: &str = "asks for TLS, and there is no cryptography for it; give hybrid-cache the Cargo feature \
                                          `redis-tls-ring` or `redis-tls-aws-lc`, or call `install_default()` of a provider of \
                                          rustls before";
/// So many queued removals go out together.
const REMOVALS_PER_TRIP: usize = 500;

/// Records in a Redis server.
pub(crate) struct RedisLayer {
    namespace: Box<str>,
    client: Arc<Client>,
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
            client: Arc::new(Client::new(Address::new(settings)?, settings.timeout)),
            pending: Mutex::default(),
            delivering: tokio::sync::Mutex::default(),
            closed: AtomicBool::new(false),
        })
    }

    async fn read(&self, key: &Key) -> Result<Reading, Fault> {
        self.deliver_before(key.scope()).await?;
        let epoch_key = epoch::key(&self.namespace, key.scope());
        let Replies { record, epoch } = self.client.read(key.as_str(), &epoch_key).await?;
        let record = match record {
            // A list, a hash: somebody else's. As with bytes that are not a record, the next one takes its place.
            Value::ServerError(error) if error.code() == "WRONGTYPE" => Some(Vec::new()),
            // There is nothing under the key: an empty text cannot be told from that, and is no record either.
            Value::BulkString(bytes) if bytes.is_empty() => None,
            // None of ours, and cut off.
            Value::BulkString(bytes) if bytes.len() > LARGEST_RECORD => Some(Vec::new()),
            reply => self.client.bytes(Some(reply))?,
        };
        let epoch = match epoch {
            Stored::Epoch(epoch) => epoch,
            Stored::Unknown(why) => return Err(why),
            // Boxed, as this is rare, and every read would carry it along.
            nothing => Box::pin(self.new_epoch(&epoch_key, matches!(nothing, Stored::Nothing))).await?,
        };
        Ok(Reading { record, epoch, seen: 0 })
    }

    /// Gives a function a new epoch, or finds that another process was faster where there was none.
    async fn new_epoch(&self, epoch_key: &str, there_was_none: bool) -> Result<u64, Fault> {
        if there_was_none && let Some(epoch) = self.start_epoch(epoch_key, &["NX"]).await? {
            return Ok(epoch);
        }
        let epoch = self.start_epoch(epoch_key, &[]).await?;
        epoch.ok_or_else(|| Fault::Refused(Cause::new("the epoch of the function does not stay in Redis")))
    }

    /// Stores a new epoch and reads back what is there then.
    async fn start_epoch(&self, epoch_key: &str, only_if: &[&str]) -> Result<Option<u64>, Fault> {
        let mut commands = Pipeline::with_capacity(2);
        commands
            .cmd("SET")
            .arg(epoch_key)
            .arg(random::number())
            .arg("PX")
            .arg(millis(epoch::LIFE))
            .arg(only_if);
        epoch::push_read(&mut commands, epoch_key);
        let mut replies = self.client.request(&Request::new(commands)).await?.into_iter();
        self.client.accepted(replies.next())?;
        let stored = self.client.bytes(replies.next())?;
        Ok(stored.and_then(|stored| epoch::parse(&stored)))
    }

    async fn write(&self, key: &Key, record: Vec<u8>, life: Duration) -> Result<(), Fault> {
        self.deliver_before(key.scope()).await?;
        let mut commands = Pipeline::with_capacity(2);
        commands.cmd("SET").arg(key.as_str()).arg(record).arg("PX").arg(millis(life.min(epoch::LIFE)));
        // An epoch that is gone stays gone: the record is then unreadable, which is what its loss has to mean.
        commands.cmd("PEXPIRE").arg(epoch::key(&self.namespace, key.scope())).arg(millis(epoch::LIFE));
        let request = Request::only_now(commands);
        // Owed after its connection was closed, not before: another runtime may deliver it at once.
        let debt = Debt::new(&self.pending, Target::Answer(key, life)).once(&request.sent);
        let replies = self.client.request(&request).await;
        if !replies.as_ref().is_err_and(Fault::leaves_doubt) {
            debt.settle();
        }
        self.client.accepted(replies?.into_iter().next())
    }

    /// Sends what is owed before `scope` is used, which is nearly always nothing. So what it takes to send is boxed.
    async fn deliver_before(&self, scope: &str) -> Result<(), Fault> {
        if self.owes_nothing(Some(scope)) { Ok(()) } else { Box::pin(self.deliver(Some(scope))).await }
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
            for (key, owed) in &batch.keys {
                push_removal(&mut commands, key, owed.trace);
            }
            for (scope, _) in &batch.scopes {
                push_removal(&mut commands, &epoch::key(&self.namespace, scope), Duration::ZERO);
            }
            for reply in self.client.request(&Request::new(commands)).await? {
                // A server that keeps what it was told to forget must not be read from.
                self.client.accepted(Some(reply)).map_err(Fault::of_server_as_a_whole)?;
            }
            self.pending().delivered(&batch);
        }
        Ok(())
    }

    fn owes_nothing(&self, scope: Option<&str>) -> bool {
        let pending = self.pending();
        scope.map_or_else(|| pending.is_empty(), |scope| pending.is_empty_for(scope))
    }

    /// Makes Redis forget `target`, which stands under `redis_key`.
    async fn forget(&self, redis_key: &str, target: Target<'_>) -> Result<Removal, LayerError> {
        self.check_open()?;
        let outcome = if self.owes_nothing(None) {
            // On its own: readers need not wait for what is not overdue.
            let debt = Debt::new(&self.pending, target);
            let outcome = self.client.operate(pin!(self.clear(redis_key, target.trace()))).await;
            self.client.note(Purpose::Forget, &outcome);
            if outcome.is_ok() {
                debt.settle();
            }
            outcome
        } else {
            self.pending().add(target);
            let outcome = self.client.operate(pin!(self.deliver(None))).await;
            self.client.note(Purpose::Forget, &outcome);
            outcome
        };
        Ok(if outcome.is_ok() { Removal::Done } else { Removal::Queued })
    }

    async fn clear(&self, redis_key: &str, trace: Duration) -> Result<(), Fault> {
        let mut commands = Pipeline::with_capacity(2);
        push_removal(&mut commands, redis_key, trace);
        for reply in self.client.request(&Request::new(commands)).await? {
            self.client.accepted(Some(reply))?;
        }
        Ok(())
    }

    /// Tries to deliver what is owed, also while the breaker is open: this may be the last chance.
    async fn deliver_now(&self) -> Result<(), LayerError> {
        if self.owes_nothing(None) {
            return Ok(());
        }
        self.client
            .within_budget(pin!(self.deliver(None)))
            .await
            .map_err(self.error("forget what was queued"))
    }

    fn pending(&self) -> MutexGuard<'_, Pending> {
        pending::lock(&self.pending)
    }

    fn check_open(&self) -> Result<(), LayerError> {
        let closed = self.closed.load(Relaxed);
        if closed { Err(LayerError::Closed { layer: LayerKind::Redis }) } else { Ok(()) }
    }

    fn error(&self, operation: &'static str) -> impl FnOnce(Fault) -> LayerError {
        let budget = self.client.budget();
        move |fault| fault.into_error(operation, budget)
    }
}

impl Layer for RedisLayer {
    fn kind(&self) -> LayerKind {
        LayerKind::Redis
    }

    fn get<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Reading, LayerError>> {
        Box::pin(async move {
            self.check_open()?;
            let outcome = self.client.operate(pin!(self.read(key))).await;
            self.client.note(Purpose::Read, &outcome);
            outcome.map_err(self.error("read an answer"))
        })
    }

    fn epoch<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Reading, LayerError>> {
        Box::pin(async move { Ok(Reading { record: None, ..self.get(key).await? }) })
    }

    fn put_on<'a>(
        &'a self,
        _: Terms,
        key: &'a Key,
        record: Vec<u8>,
        life: Duration,
    ) -> BoxFuture<'a, Result<(), LayerError>> {
        Box::pin(async move {
            self.check_open()?;
            if record.len() > LARGEST_RECORD {
                let (layer, bytes, limit) = (LayerKind::Redis, record.len(), LARGEST_RECORD);
                return Err(LayerError::TooLarge { layer, bytes, limit });
            }
            let outcome = self.client.operate(pin!(self.write(key, record, life))).await;
            self.client.note(Purpose::Store, &outcome);
            outcome.map_err(self.error("store an answer"))
        })
    }

    fn remove<'a>(&'a self, key: &'a Key, trace: Duration) -> BoxFuture<'a, Result<Removal, LayerError>> {
        Box::pin(self.forget(key.as_str(), Target::Answer(key, trace)))
    }

    /// Deletes the epoch: whoever needs it next makes a new one, and a random number does not come back.
    ///
    /// Not a `SET` of the new one, which a server that is out of memory refuses.
    fn remove_all<'a>(&'a self, scope: &'a str) -> BoxFuture<'a, Result<Removal, LayerError>> {
        Box::pin(
            async move { self.forget(&epoch::key(&self.namespace, scope), Target::Function(scope)).await },
        )
    }

    fn flush(&self) -> BoxFuture<'_, Result<(), LayerError>> {
        Box::pin(async move {
            self.check_open()?;
            self.deliver_now().await
        })
    }

    fn removals_owed(&self) -> usize {
        self.pending().len()
    }

    fn close(&self) -> BoxFuture<'_, Result<(), LayerError>> {
        Box::pin(async move {
            if self.closed.swap(true, Relaxed) {
                return Ok(());
            }
            let delivered = self.deliver_now().await;
            self.client.close();
            delivered
        })
    }
}

impl fmt::Debug for RedisLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisLayer")
            .field("address", self.client.address())
            .field("namespace", &self.namespace)
            .field("budget", &self.client.budget())
            .finish_non_exhaustive()
    }
}

/// Reads what stands under an answer's key, but not more than a record can be and a byte, which tells that it is more.
fn push_read(commands: &mut Pipeline, redis_key: &str) {
    commands.cmd("GETRANGE").arg(redis_key).arg(0).arg(LARGEST_RECORD);
}

/// Deletes `redis_key`, and where a trace is needed, puts a void in its place: the deletion first, because a server that
/// is out of memory refuses to `SET`.
fn push_removal(commands: &mut Pipeline, redis_key: &str, trace: Duration) {
    commands.cmd("DEL").arg(redis_key);
    if !trace.is_zero() {
        commands.cmd("SET").arg(redis_key).arg(record::void()).arg("PX").arg(millis(trace.min(epoch::LIFE)));
    }
}

/// For `PX`, which counts milliseconds and refuses zero.
fn millis(life: Duration) -> u64 {
    u64::try_from(life.as_millis()).unwrap_or(u64::MAX).max(1)
}
