//! Requests to Redis: within a budget, through the breaker, over the connection of the current runtime.
//!
//! This file knows how an operation ends. It does not know commands.

use std::{
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use redis::{Pipeline, Value};

use super::{
    address::Address,
    breaker::{Admission, Breaker, Change},
    fault::{Cause, Fault},
    link::{Link, Links, Wire},
    refusals::{Purpose, Refusals},
};
use crate::clock;

/// The way to one Redis server.
#[derive(Debug)]
pub(super) struct Client {
    budget: Duration,
    links: Links,
    breaker: Mutex<Breaker>,
    refusals: Refusals,
}

/// Commands that go out together, in one round trip.
pub(super) struct Request {
    commands: Pipeline,
    /// Whether the server may have seen them.
    pub(super) sent: AtomicBool,
    /// Whether they must not be carried out any more once nobody waits for that.
    only_now: bool,
}

/// A request of which it is not known yet what became of it. Dropped like that, what it was sent over is
/// [given up](Links::give_up).
struct Doubt<'a> {
    links: &'a Links,
    wire: Option<Arc<Wire>>,
}

impl Request {
    pub(super) fn new(commands: Pipeline) -> Self {
        Self { commands, sent: AtomicBool::new(false), only_now: false }
    }

    /// One that must not be carried out any more once its caller has heard of a failure, or has gone away.
    pub(super) fn only_now(commands: Pipeline) -> Self {
        Self { only_now: true, ..Self::new(commands) }
    }
}

impl Client {
    pub(super) fn new(address: Address, budget: Duration) -> Self {
        Self { budget, links: Links::new(address), breaker: Mutex::default(), refusals: Refusals::default() }
    }

    pub(super) fn address(&self) -> &Address {
        self.links.address()
    }

    pub(super) fn budget(&self) -> Duration {
        self.budget
    }

    /// The connection of the current runtime.
    pub(super) fn link(&self) -> Result<Arc<Link>, Fault> {
        self.links.current()
    }

    /// Lets go of all connections, for good.
    pub(super) fn close(&self) {
        self.links.close();
    }

    /// Runs `work` unless the breaker is open, within the budget, and tells the breaker how it went.
    ///
    /// Pinned where it was made: each of the wrappers around it would move it, and have room for it once more.
    pub(super) async fn operate<T>(
        &self,
        work: Pin<&mut impl Future<Output = Result<T, Fault>>>,
    ) -> Result<T, Fault> {
        let admission = match self.breaker().admit(Instant::now()) {
            Admission::Rest => return Err(Fault::Resting),
            admission => admission,
        };
        let attempt = Attempt { client: self, admission, reported: false };
        let outcome = self.within_budget(work).await;
        attempt.report(outcome.as_ref().err());
        outcome
    }

    /// Runs `work` within the budget, whatever the breaker says.
    pub(super) async fn within_budget<T>(
        &self,
        work: Pin<&mut impl Future<Output = Result<T, Fault>>>,
    ) -> Result<T, Fault> {
        clock::within(self.budget, work).await.unwrap_or_else(|| {
            self.links.timed_out();
            Err(Fault::TimedOut)
        })
    }

    /// Says when Redis begins to refuse what it is asked, and when that ends.
    pub(super) fn note<T>(&self, purpose: Purpose, outcome: &Result<T, Fault>) {
        match outcome {
            Ok(_) => {
                if self.refusals.end(purpose) {
                    let (address, purpose) = (self.address(), purpose.verb());
                    tracing::info!(%address, purpose, "Redis does again what it is asked");
                }
            }
            // A server that does not let itself be read is left alone by the breaker, which says so.
            Err(Fault::Unfit(_)) if purpose == Purpose::Read => {}
            Err(Fault::Refused(why) | Fault::Unfit(why)) => {
                if self.refusals.begin(purpose, Instant::now()) {
                    let (address, purpose) = (self.address(), purpose.verb());
                    tracing::warn!(
                        %address, purpose, %why,
                        "Redis refuses what it is asked; calls go on without it. This is said once, until it ends",
                    );
                }
            }
            Err(_) => {}
        }
    }

    /// Sends `request` over the current runtime's connection and returns one reply per command.
    ///
    /// Sends it again, once, if a connection from before turns out to be dead: it may have been idle since the server
    /// was restarted, or its runtime may be gone. So a request must be one that may be carried out twice.
    pub(super) async fn request(&self, request: &Request) -> Result<Vec<Value>, Fault> {
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
        let doubted = request.only_now.then(|| Arc::clone(&connection.wire));
        let mut doubt = Doubt { links: &self.links, wire: doubted };
        let count = request.commands.len();
        let replies =
            connection.requests.send_packed_commands(&request.commands, 0, count).await.map_err(|error| {
                self.links.replace(link);
                connection.why_closed().unwrap_or_else(|| self.address().censor.of_client(&error))
            })?;
        doubt.wire = None;
        link.answered();
        match replies.iter().filter_map(|reply| self.fault_in(reply)).find(Fault::is_outage) {
            Some(unfit) => {
                self.links.unfit(link, Instant::now());
                Err(unfit)
            }
            None => Ok(replies),
        }
    }

    /// The bytes under a key, if there are any.
    pub(super) fn bytes(&self, reply: Option<Value>) -> Result<Option<Vec<u8>>, Fault> {
        match reply {
            Some(Value::BulkString(bytes)) => Ok(Some(bytes)),
            Some(Value::Nil) => Ok(None),
            other => Err(other
                .and_then(|reply| self.fault_in(&reply))
                .unwrap_or_else(|| Fault::Refused(Cause::new("the server sent something else than a text")))),
        }
    }

    /// Nothing, if the server did what it was told.
    pub(super) fn accepted(&self, reply: Option<Value>) -> Result<(), Fault> {
        reply.and_then(|reply| self.fault_in(&reply)).map_or(Ok(()), Err)
    }

    fn fault_in(&self, reply: &Value) -> Option<Fault> {
        match reply {
            Value::ServerError(error) => Some(self.address().censor.of_server(error)),
            _ => None,
        }
    }

    fn log(&self, change: Change, why: Option<&Fault>) {
        let (address, why) = (self.address(), why.map(tracing::field::display));
        match change {
            Change::Opened { rest } => {
                tracing::warn!(%address, why, ?rest, "Redis fails and is not asked for a moment");
            }
            Change::StaysOpen { rest } => tracing::debug!(%address, why, ?rest, "Redis still fails"),
            Change::Closed { away } => tracing::info!(%address, ?away, "Redis answers again"),
        }
    }

    fn breaker(&self) -> MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Doubt<'_> {
    fn drop(&mut self) {
        if let Some(wire) = &self.wire {
            self.links.give_up(wire);
        }
    }
}

/// An operation the breaker has let through. Dropped without a report, its caller has gone away.
struct Attempt<'a> {
    client: &'a Client,
    admission: Admission,
    reported: bool,
}

impl Attempt<'_> {
    fn report(mut self, fault: Option<&Fault>) {
        self.reported = true;
        let now = Instant::now();
        let mut breaker = self.client.breaker();
        let change = match fault {
            Some(fault) if fault.is_outage() => breaker.failed(self.admission, now, fastrand::f64()),
            // A refusal is an answer.
            None | Some(Fault::Refused(_)) => breaker.succeeded(self.admission, now),
            Some(_) => {
                breaker.abandoned(self.admission, now);
                None
            }
        };
        drop(breaker);
        if let Some(change) = change {
            self.client.log(change, fault);
        }
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        if !self.reported {
            self.client.breaker().abandoned(self.admission, Instant::now());
        }
    }
}
