//! **The order of events** of a call, a refresh, a put, an invalidation. No other file orders layers, flights and the body.
//!
//! ```text
//! call        memory ─ miss ─► one flight per key ─► redis ─► disk ─► body ─► memory ─► answer ─► redis, disk
//! invalidate  doom ─► redis ─► disk ─► memory ─► doom again
//! ```
//!
//! Nothing here knows how a layer stores bytes ([`layers`](crate::layers)), how long an answer is good
//! ([`policy`](crate::policy)), or how a load is shared ([`flight`](crate::flight)).

mod answer;
mod build;
mod keep;
mod records;
#[cfg(test)]
mod tests;

use std::{
    any::Any,
    fmt,
    panic::{AssertUnwindSafe, resume_unwind},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use futures_core::future::BoxFuture;
use futures_util::FutureExt;
use tokio::{
    runtime::Handle,
    sync::{Semaphore, oneshot},
};
use tracing::Instrument;

use self::{
    answer::{Answer, Asked, Landed, Loaded, OWN_LOADS, Origin, Stored, Target},
    records::Records,
};
use crate::{
    error::LayerKind,
    flight::{Boarding, Flights, Landing, Ticket},
    invalidated::Invalidated,
    key::{Key, text::KeyText},
    layers::{Layer, Reading, Removal, memory::Memory},
    outcome::{CloneError, IsNone, Outcome},
    policy::{Freshness, Policy},
    record::{self, Current, Shared},
    recursion,
    runtime::Runtime,
    stats::{Counters, Stats},
};

/// One cached function: its answers, and what happens when they are asked for.
pub struct CachedFn<R: Outcome> {
    /// `namespace:function`, what all its keys begin with.
    scope: Arc<str>,
    enabled: bool,
    memory: Option<Arc<Memory<R::Value>>>,
    /// The byte layers, in the order in which they are asked and told to forget: shared before private.
    layers: Vec<Arc<dyn Layer>>,
    policy: Policy,
    /// How long copies that only their process knows of may live: so long the shared layer has to remember what was
    /// forgotten. Zero without both a shared and a private layer.
    trace: Duration,
    flights: Flights<Landed<R>>,
    records: Records<R::Value>,
    is_none: Option<IsNone<R::Value>>,
    clone_error: Option<CloneError<R::Error>>,
    counters: Arc<Counters>,
    runtime: Arc<Runtime>,
    said_too_large: AtomicBool,
    said_recursive: AtomicBool,
    said_no_key: AtomicBool,
}

impl<R: Outcome> CachedFn<R> {
    /// The answer, if it is in memory and fresh.
    #[must_use]
    pub fn hit(&self, key: &KeyText) -> Option<R::Output> {
        let now = self.runtime.clock.now();
        let memory = self.memory.as_ref()?;
        let value = memory.read(key.as_lookup(), now, |entry| {
            (Policy::freshness(&entry.dates, now) == Freshness::Fresh).then(|| entry.value.clone())
        })??;
        self.counters.hit(LayerKind::Memory);
        Some(R::join(Ok(value)))
    }

    /// The answer of a call that memory could not answer.
    ///
    /// Boxed so that a call that hits does not carry the size of all this, and so that a body may call its function.
    pub fn load<F>(self: &Arc<Self>, key: KeyText, body: F) -> BoxFuture<'static, R::Output>
    where
        F: Future<Output = R::Output> + Send + 'static,
    {
        Box::pin(Arc::clone(self).call(key, body))
    }

    /// Computes the answer anew and stores it, whatever is stored.
    pub fn refresh<F>(self: &Arc<Self>, key: KeyText, body: F) -> BoxFuture<'static, R::Output>
    where
        F: Future<Output = R::Output> + Send + 'static,
    {
        let this = Arc::clone(self);
        Box::pin(async move {
            if this.runs_bare(&key) {
                return body.await;
            }
            let ticket = this.flights.supersede(key.as_lookup(), this.runtime.clock.now());
            this.lead(ticket, key, body, Stored::Outdated).await
        })
    }

    async fn call<F>(self: Arc<Self>, key: KeyText, body: F) -> R::Output
    where
        F: Future<Output = R::Output> + Send + 'static,
    {
        if self.runs_bare(&key) {
            return body.await;
        }
        let ticket = loop {
            let waiter = match self.flights.board(key.as_lookup(), self.runtime.clock.now()) {
                Boarding::Lead(ticket) => break ticket,
                Boarding::Wait(waiter) => waiter,
            };
            let Landing::Answer(landed) = waiter.wait().await else { continue };
            self.counters.coalesced();
            let own_loads = match landed {
                Landed::Value(value) => return R::join(Ok(value)),
                Landed::Error(error) => return R::join(Err(self.another(&error))),
                Landed::ErrorOfItsOwn(own_loads) => own_loads,
            };
            // Nobody closes the semaphore, so there is always a permit in the end.
            let _permit = own_loads.acquire().await;
            if let Some(value) = self.remembered(key.as_lookup()) {
                return R::join(Ok(value));
            }
            let ticket = self.flights.fly_alone(key.as_lookup(), self.runtime.clock.now());
            return self.lead(ticket, key, body, Stored::Wanted).await;
        };
        // Another load may have landed between the look into memory and the boarding.
        if let Some(value) = self.remembered(key.as_lookup()) {
            self.counters.hit(LayerKind::Memory);
            return R::join(Ok(value));
        }
        self.lead(ticket, key, body, Stored::Wanted).await
    }

    /// Whether a call of `key` is to run its body and nothing else.
    fn runs_bare(&self, key: &KeyText) -> bool {
        if !self.enabled {
            return true;
        }
        if let Some(reason) = key.why_unusable() {
            if !self.said_no_key.swap(true, Relaxed) {
                tracing::warn!(
                    function = %self.scope,
                    reason,
                    "a call is not cached because its arguments have no key; this is said once for each function",
                );
            }
            return true;
        }
        let recursive = recursion::is_loading(&self.scope, key.as_lookup());
        if recursive && !self.said_recursive.swap(true, Relaxed) {
            tracing::warn!(
                function = %self.scope,
                "a load of this function needs its own answer; the inner call runs the body without the cache",
            );
        }
        recursive
    }

    /// Runs a load in a task of its own, so that a caller that goes away neither stops it nor makes others wait.
    async fn lead<F>(
        self: Arc<Self>,
        ticket: Ticket<Landed<R>>,
        key: KeyText,
        body: F,
        stored: Stored,
    ) -> R::Output
    where
        F: Future<Output = R::Output> + Send + 'static,
    {
        let (caller, from_load) = oneshot::channel();
        let key = key.into_key(&self.scope);
        let body = recursion::loading(&self.scope, key.lookup(), body);
        let load = Arc::clone(&self).fill(ticket, key, body, stored, caller).in_current_span();
        match Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn(load)),
            // Outside of tokio there is nothing to spawn on; the caller's own task must do.
            Err(_) => load.await,
        }
        match from_load.await {
            Ok(Ok(result)) => R::join(result),
            Ok(Err(panic)) => resume_unwind(panic),
            Err(_) => lost(),
        }
    }

    /// **A load**: byte layers, body, memory, answer, byte layers.
    async fn fill<F>(
        self: Arc<Self>,
        ticket: Ticket<Landed<R>>,
        key: Key,
        body: F,
        stored: Stored,
        caller: oneshot::Sender<Loaded<R>>,
    ) where
        F: Future<Output = R::Output> + Send + 'static,
    {
        // Asked in any case: what is stored later must carry the epoch from before the load.
        let mut asked = self.ask_layers(&key, stored).await;
        let answer = match asked.found.take() {
            Some((layer, answer)) => {
                self.counters.hit(layer);
                Ok(answer)
            }
            None => self.run(body).await,
        };
        match answer {
            Ok(answer) => self.deliver(&ticket, &key, answer, &asked, stored, caller).await,
            Err(failure) => {
                if let Ok(error) = &failure {
                    ticket.land(self.landed_error(error));
                }
                // The caller may have gone away.
                let _ = caller.send(failure.map(Err));
            }
        }
    }

    /// Asks the byte layers from fast to slow. One that fails is skipped, and is not copied into either: without its
    /// epoch nothing that is stored there could be trusted.
    async fn ask_layers(&self, key: &Key, stored: Stored) -> Asked<'_, R::Value> {
        let mut asked = Asked { found: None, without: Vec::new(), unknown: Vec::new(), shared: None };
        let may_ask = self.may_ask_layers();
        for layer in &self.layers {
            if !may_ask {
                asked.unknown.push(layer);
                continue;
            }
            let Reading { record, epoch } = match layer.get(key).await {
                Ok(reading) => reading,
                Err(error) => {
                    self.layer_failed(layer.kind(), &error);
                    asked.unknown.push(layer);
                    continue;
                }
            };
            let current = if layer.kind().is_shared() {
                let generation = record.as_deref().map(record::generation);
                asked.shared = Some(Shared { epoch, generation });
                Current { epoch, shared: None }
            } else {
                Current { epoch, shared: asked.shared }
            };
            if stored == Stored::Wanted
                && let Some(record) = record
                && let Some(answer) = self.trust(layer.kind(), record, key, &current)
            {
                asked.found = Some((layer.kind(), answer));
                return asked;
            }
            asked.without.push(Target { layer, epoch });
        }
        asked
    }

    /// Runs the body. Fails with the function's own error or with its panic.
    async fn run<F>(&self, body: F) -> Result<Answer<R::Value>, Result<R::Error, Box<dyn Any + Send>>>
    where
        F: Future<Output = R::Output>,
    {
        self.counters.missed();
        self.counters.load_started();
        let started = Instant::now();
        let output = AssertUnwindSafe(body).catch_unwind().await;
        let load_time = started.elapsed();
        self.counters.load_took(load_time);
        match output.map(R::split) {
            Ok(Ok(value)) => {
                let life = self.life_of(&value);
                Ok(Answer { value, origin: Origin::Body(life), load_time })
            }
            Ok(Err(error)) => {
                self.counters.load_failed();
                Err(Ok(error))
            }
            Err(panic) => {
                self.counters.load_failed();
                Err(Err(panic))
            }
        }
    }

    /// Stores an answer and gives it to everybody who waits for it, as soon as the fastest layer has it: memory, or where
    /// there is none, the byte layers.
    async fn deliver(
        &self,
        ticket: &Ticket<Landed<R>>,
        key: &Key,
        answer: Answer<R::Value>,
        asked: &Asked<'_, R::Value>,
        stored: Stored,
        caller: oneshot::Sender<Loaded<R>>,
    ) {
        // Announced before the answer is given, so that `flush` right after a call waits for the call's copies.
        let under_way = self.runtime.copies.begin();
        let give = |value: R::Value| {
            ticket.land(Landed::Value(value.clone()));
            let _ = caller.send(Ok(Ok(value)));
        };
        if self.memory.is_some() {
            self.remember(ticket, key, &answer, stored);
            give(answer.value.clone());
            // A refresh goes on in any case: the old answer must not stay in a slower layer.
            if under_way.is_some() || stored != Stored::Wanted {
                self.copy(ticket, key, &answer, asked, stored).await;
            } else {
                self.counters.copy_dropped();
            }
        } else {
            // Callers wait for these copies, so there cannot be more of them than callers.
            self.copy(ticket, key, &answer, asked, stored).await;
            give(answer.value);
        }
    }

    /// Forgets one answer in every layer. Goes on to the end even if its caller goes away.
    pub fn invalidate(self: &Arc<Self>, key: KeyText) -> BoxFuture<'static, Invalidated> {
        let this = Arc::clone(self);
        to_the_end(async move {
            let key = key.into_key(&this.scope);
            let doom = this.flights.doom(key.lookup());
            doom.settled().await;
            let mut invalidated = Invalidated::nowhere();
            // Shared layer first: a reader could otherwise copy the old value back from it. Memory last, as every copy
            // ends there.
            for layer in &this.layers {
                invalidated.set(layer.kind(), layer.remove(&key, this.trace).await);
            }
            if let Some(memory) = &this.memory {
                doom.apply(|| memory.remove(key.lookup()));
                invalidated.set(LayerKind::Memory, Ok(Removal::Done));
            }
            invalidated
        })
    }

    /// Forgets all answers in every layer, in constant time. Goes on to the end even if its caller goes away.
    pub fn invalidate_all(self: &Arc<Self>) -> BoxFuture<'static, Invalidated> {
        let this = Arc::clone(self);
        to_the_end(async move {
            let doom = this.flights.doom_all();
            doom.settled().await;
            let mut invalidated = Invalidated::nowhere();
            for layer in &this.layers {
                invalidated.set(layer.kind(), layer.remove_all(&this.scope).await);
            }
            if let Some(memory) = &this.memory {
                doom.apply(|| memory.remove_all());
                invalidated.set(LayerKind::Memory, Ok(Removal::Done));
            }
            invalidated
        })
    }

    /// Stores an answer that the caller already has, in every layer, and forgets the one before it.
    pub fn put(self: &Arc<Self>, key: KeyText, value: R::Value) -> BoxFuture<'static, ()> {
        let this = Arc::clone(self);
        to_the_end(async move {
            if !this.enabled || !key.is_usable() {
                return;
            }
            let key = key.into_key(&this.scope);
            let doom = this.flights.doom(key.lookup());
            doom.settled().await;
            let ticket = doom.ticket(key.lookup(), this.runtime.clock.now());
            let asked = this.ask_layers(&key, Stored::Replaced).await;
            let origin = Origin::Body(this.life_of(&value));
            let answer = Answer { value, origin, load_time: Duration::ZERO };
            this.copy(&ticket, &key, &answer, &asked, Stored::Replaced).await;
            this.remember(&ticket, &key, &answer, Stored::Replaced);
        })
    }

    /// The answer that a call would be given now without loading. Loads nothing, copies nothing, counts nothing.
    pub fn peek(self: &Arc<Self>, key: KeyText) -> BoxFuture<'static, Option<R::Value>> {
        let this = Arc::clone(self);
        Box::pin(async move {
            if let Some(value) = this.remembered(key.as_lookup()) {
                return Some(value);
            }
            let key = key.into_key(&this.scope);
            let asked = this.ask_layers(&key, Stored::Wanted).await;
            asked.found.map(|(_, answer)| answer.value)
        })
    }

    /// The key of an answer.
    #[must_use]
    pub fn key(&self, key: KeyText) -> Key {
        key.into_key(&self.scope)
    }

    /// What happened to this function's calls so far.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.counters.snapshot()
    }

    /// Whether a load may use the byte layers: not where the answer cannot be bytes, and not outside of tokio, whose timers
    /// keep a layer within its budget.
    fn may_ask_layers(&self) -> bool {
        self.records.usable() && Handle::try_current().is_ok()
    }

    fn landed_error(&self, error: &R::Error) -> Landed<R> {
        match self.clone_error {
            Some(clone) => Landed::Error(Arc::new(Mutex::new(clone(error)))),
            None => Landed::ErrorOfItsOwn(Arc::new(Semaphore::new(OWN_LOADS))),
        }
    }

    /// The error once more. Only errors that can be cloned are shared.
    fn another(&self, error: &Mutex<R::Error>) -> R::Error {
        let error = error.lock().unwrap_or_else(PoisonError::into_inner);
        match self.clone_error {
            Some(clone) => clone(&error),
            None => lost(),
        }
    }
}

impl<R: Outcome> fmt::Debug for CachedFn<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CachedFn")
            .field("scope", &self.scope)
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}

/// Runs `work` in a task of its own where there is a tokio runtime, so that a caller that goes away half-way does not
/// leave it half done.
fn to_the_end<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> BoxFuture<'static, T> {
    Box::pin(async move {
        let Ok(runtime) = Handle::try_current() else { return work.await };
        match runtime.spawn(work.in_current_span()).await {
            Ok(done) => done,
            Err(stopped) => match stopped.try_into_panic() {
                Ok(panic) => resume_unwind(panic),
                Err(_) => lost(),
            },
        }
    })
}

/// The task that worked for this caller was dropped unfinished. That happens when its tokio runtime shuts down, and then
/// the caller, which is part of the same runtime, is not polled any more either.
#[expect(clippy::panic, reason = "there is no answer and there will be none")]
fn lost() -> ! {
    panic!("the tokio runtime was shut down while it worked for a cached function")
}
