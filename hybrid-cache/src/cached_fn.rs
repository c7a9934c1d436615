//! **The order of events** of a call, a refresh, a put, an invalidation. No other file orders layers, flights and the body.
//!
//! ```text
//! call        memory ─ fresh ─► answer
//!                │ stale ─────► answer; refresh behind the caller's back
//!                ▼ nothing
//!             one flight per key ─► redis ─► disk ─► body ─► memory ─► answer ─► redis, disk
//!                                    │ stale ──────► answer; go on
//!                                                     └ fails: an old answer, if one is allowed
//! invalidate  doom ─► redis ─► disk ─► memory ─► doom again
//! ```
//!
//! Nothing here knows how a layer stores bytes ([`layers`](crate::layers)), how long an answer is good
//! ([`policy`](crate::policy)), or how a load is shared ([`flight`](crate::flight)).

mod answer;
mod blocking;
mod body;
mod build;
mod copier;
mod failures;
mod given;
mod keep;
mod lead;
pub(crate) mod park;
pub(crate) mod patience;
mod places;
mod records;
mod replace;
mod says;
mod task;
#[cfg(test)]
mod tests;

use std::{
    fmt,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use futures_core::future::BoxFuture;
use futures_util::{StreamExt, future::ready, stream};
use tokio::runtime::Handle;

pub(crate) use self::task::to_the_end;
use self::{
    answer::{
        Answer, Asked, Failed, Failure, Found, Landed, Load, Offer, Purpose, Remembered, Renewal, Target,
        Turn,
    },
    given::{Given, Provenance},
    keep::Copies,
    places::{Places, PlacesPerKey},
    records::Records,
    says::Said,
};
use crate::{
    clock::{self, Timestamp},
    definition::{Abilities, Definition},
    error::LayerKind,
    flight::{Boarding, Doom, Flights, Landing},
    fork,
    invalidated::Invalidated,
    key::{Key, text::KeyText},
    layers::{
        Layer, Reading, Removal,
        memory::{Entry, Lookup, Memory},
    },
    mode::{self, Mode},
    outcome::{Held, Outcome, ReturnedValue, hold::Hold as _},
    policy::{Freshness, Policy},
    record::Dates,
    recursion,
    runtime::{Runtime, work::UnderWay},
    stats::{Counters, Stats, striped::thread_ends},
};

/// How many of many keys are being forgotten at the same time: enough for Redis to be told in few packets, and for a disk to
/// sync once for many.
const KEYS_AT_ONCE: usize = 64;

/// One cached function: its answers, and what happens when they are asked for.
///
/// What is asked of it happens where the returned future is polled, not where it is made: in that world and mode.
pub struct CachedFn<R: Outcome> {
    /// `namespace:function`, what all its keys begin with.
    scope: Arc<str>,
    enabled: bool,
    memory: Option<Arc<Memory<Held<R>>>>,
    /// The keys whose loads failed not long ago; `None` where that makes no difference.
    failures: Option<Arc<Memory<Failed<R>>>>,
    /// The byte layers, in the order in which they are asked and told to forget: shared before private.
    layers: Vec<Arc<dyn Layer>>,
    /// What it should have besides, if the process had it.
    missing: Vec<LayerKind>,
    policy: Policy,
    /// How long copies that only their process knows of may live: so long the shared layer has to remember what was
    /// forgotten. Zero without both a shared and a private layer.
    trace: Duration,
    /// How long a caller waits for what another one started.
    wait: Duration,
    deadline: Option<Duration>,
    max_loads: Option<Arc<Places>>,
    flights: Flights<Landed<R>>,
    /// Of keys whose common load failed with an error that cannot be shared.
    own_loads: PlacesPerKey,
    records: Records<R::Value>,
    definition: Definition,
    abilities: Abilities<R::Value, R::Error>,
    counters: Arc<Counters>,
    runtime: Arc<Runtime>,
    said: Said,
}

impl<R: Outcome> CachedFn<R> {
    /// The answer, if it is in memory, fresh, and nothing else is to be done about it.
    #[must_use]
    #[inline]
    pub fn hit(self: &Arc<Self>, key: &KeyText) -> Option<R::Output> {
        match clock::now_without_scopes() {
            Some(now) => self.hit_at(key, now),
            None => self.hit_in_scope(key),
        }
    }

    /// The same, where a task may be in a test's world, or in a mode in which there are no hits.
    #[cold]
    fn hit_in_scope(self: &Arc<Self>, key: &KeyText) -> Option<R::Output> {
        if mode::current() != Mode::Usual {
            return None;
        }
        let elsewhere = self.elsewhere();
        let here = elsewhere.as_ref().unwrap_or(self);
        here.hit_at(key, here.now())
    }

    #[inline]
    fn hit_at(&self, key: &KeyText, now: Timestamp) -> Option<R::Output> {
        let held = self.quiet_in_memory(key, now, |entry| entry.value.clone())?;
        Some(R::join(Ok(R::Holding::release(held))))
    }

    /// The same, with where it came from.
    fn hit_given(&self, key: &KeyText) -> Option<Given<R>> {
        if mode::current() != Mode::Usual {
            return None;
        }
        let take = |entry: &Entry<Held<R>>| (entry.value.clone(), entry.dates());
        let (held, dates) = self.quiet_in_memory(key, self.now(), take)?;
        Some(Given {
            result: Ok(R::Holding::release(held)),
            provenance: Provenance::found(LayerKind::Memory, dates),
        })
    }

    #[inline]
    fn quiet_in_memory<T>(
        &self,
        key: &KeyText,
        now: Timestamp,
        take: impl FnOnce(&Entry<Held<R>>) -> T,
    ) -> Option<T> {
        let memory = self.memory.as_ref()?;
        let lookup = key.padded().map_or_else(|| key.lookup().into(), Lookup::padded);
        let taken = memory.read(lookup, |entry| entry.is_quiet(now).then(|| take(entry)))??;
        // In a fork, nobody has moved the clock.
        if self.counters.hit_in_memory() && fork::look_now_and_then() {
            return None;
        }
        Some(taken)
    }

    /// **A call**: memory, a kept error, another's load, or a load of its own.
    async fn turn(&self, key: &Key) -> Turn<R> {
        let mode = mode::current();
        if mode == Mode::Bypass || self.runs_bare(key) {
            return Turn::Bare;
        }
        if mode == Mode::Refresh {
            return Turn::Refresh(self.flights.supersede(key.lookup(), self.now()));
        }
        let key = key.lookup();
        loop {
            if let Some(turn) = self.turn_from_memory(key) {
                return turn;
            }
            let waiter = match self.flights.board(key, self.now()) {
                Boarding::Lead(ticket) => {
                    // Another load may have landed between the look into memory and the boarding.
                    if let Some(turn) = self.turn_from_memory(key) {
                        return turn;
                    }
                    // Looked for only now: of a load that failed before the boarding, they are there.
                    let Some(places) = self.places_in_use(key) else { return Turn::Load(ticket, None) };
                    drop(ticket);
                    return Box::pin(self.turn_alone(key, &places)).await;
                }
                Boarding::Wait(waiter) => waiter,
            };
            let Ok(_waiting) = recursion::wait_for(&self.scope, key) else {
                self.say_recursive();
                return Turn::Bare;
            };
            // Its leader vanished, or took too long: then it may be this call's turn to lead.
            let Landing::Answer(landed) = waiter.wait().await else { continue };
            let (result, provenance) = match landed {
                Landed::Value(value, provenance) => (Ok(value), provenance),
                Landed::Error(error) => (Err(self.another(&error)), Provenance::BODY),
                // Boxed, as it is rare: else every call would carry it along.
                Landed::ErrorOfItsOwn(places) => return Box::pin(self.turn_alone(key, &places)).await,
            };
            self.counters.coalesced();
            return Turn::Answered(Given { result, provenance: provenance.waited() });
        }
    }

    /// A load of its own, for a call whose common load failed with an error that cannot be shared, unless another such call
    /// had more luck.
    async fn turn_alone(&self, key: &[u8], places: &Arc<Places>) -> Turn<R> {
        let Ok(_waiting) = recursion::wait_for(&self.scope, key) else {
            self.say_recursive();
            return Turn::Bare;
        };
        let place = places.take(&self.runtime.clock, self.wait).await;
        let load = || Turn::Load(self.flights.fly_alone(key, self.now()), Some(place));
        self.turn_from_memory(key).unwrap_or_else(load)
    }

    /// What memory alone can say to a call.
    fn turn_from_memory(&self, key: &[u8]) -> Option<Turn<R>> {
        let (value, dates, renewal) = match self.remembered(key) {
            Remembered::Good(value, dates) => (value, dates, None),
            Remembered::Due(value, dates) => (value, dates, self.begin_renewal(key, dates)),
            Remembered::Stale(value, dates) if self.may_renew() => {
                self.counters.answered_stale();
                (value, dates, self.begin_renewal(key, dates))
            }
            Remembered::Stale(value, dates) | Remembered::LastResort(value, dates) => {
                if !self.lets_rest(key, &dates) {
                    return None;
                }
                self.counters.answered_stale();
                (value, dates, None)
            }
            Remembered::Nothing => {
                let error = self.kept_error(key)?;
                self.counters.hit(LayerKind::Memory);
                return Some(Turn::Answered(error));
            }
        };
        self.counters.hit(LayerKind::Memory);
        let given = Given { result: Ok(value), provenance: Provenance::found(LayerKind::Memory, dates) };
        Some(match renewal {
            Some(renewal) => Turn::Renew(given, renewal),
            None => Turn::Answered(given),
        })
    }

    /// Whether a call of `key` is to run its body and nothing else.
    fn runs_bare(&self, key: &Key) -> bool {
        let unusable = key.why_unusable();
        if let Some(reason) = unusable {
            self.say_no_key(reason);
        }
        !self.enabled || unusable.is_some() || thread_ends()
    }

    /// The right to refresh the answer of `key`, which has the dates `old`; `None` if that is under way, failed not long
    /// ago, or has to wait because too many are running.
    fn begin_renewal(&self, key: &[u8], old: Dates) -> Option<Renewal<R>> {
        if self.lets_rest(key, &old) || !self.may_renew() {
            return None;
        }
        let ticket = self.flights.lead(key, self.now())?;
        // Another refresh may have landed between the look into memory and the boarding.
        self.memory.as_ref()?.peek(key, |entry| entry.dates() == old).filter(|same| *same)?;
        Some(Renewal { ticket, room: self.room_for_refresh()?, old })
    }

    /// **A load**: byte layers, body, memory, answer; then it remains to copy the answer into byte layers.
    async fn fill<F>(self: Arc<Self>, mut load: Load<R>, body: F) -> Option<Box<Copies<R>>>
    where
        F: Future<Output = R::Output>,
    {
        self.missing.iter().for_each(|kind| self.runtime.say_missing(*kind));
        // Asked in any case: what is stored later must carry the epoch from before the load.
        // Boxed: most of what a load has to remember, it remembers here, and not all functions have layers.
        let mut asked = if self.layers.is_empty() {
            Asked::nobody()
        } else {
            Box::pin(self.ask_layers(&load.key, load.purpose)).await
        };
        if let Some(found) = asked.found.take() {
            if load.purpose == Purpose::Call {
                self.counters.hit(found.layer);
            }
            return self.deliver(load, found.answer, asked);
        }
        let offer = self.offer_old(&mut load, &asked);
        if let Offer::Final = offer {
            return None;
        }
        // Boxed, as what loads is not there in a load that finds its answer in a layer.
        match Box::pin(self.run(body, &mut load)).await {
            Ok(answer) => self.deliver(load, answer, asked),
            Err(failure) => {
                self.fall_back(load, failure, asked);
                None
            }
        }
    }

    /// Asks the byte layers from fast to slow. One that fails is skipped, and is not copied into either: without its
    /// epoch nothing that is stored there could be trusted.
    async fn ask_layers(&self, key: &Key, purpose: Purpose) -> Asked<R::Value> {
        let mut asked = Asked::nobody();
        let may_ask = self.may_ask_layers();
        for layer in &self.layers {
            let reading = match (may_ask, purpose.replaces() && !layer.kind().is_shared()) {
                (false, _) => None,
                (true, false) => Some(layer.get(key).await),
                // Of what it replaces, only the shared layer's generation makes a difference.
                (true, true) => Some(layer.epoch(key).await),
            };
            let Some(Ok(Reading { record, epoch, seen })) = reading else {
                if let Some(Err(error)) = reading {
                    self.layer_failed(layer.kind(), &error);
                }
                asked.unknown.push(Arc::clone(layer));
                continue;
            };
            let current = keep::current(layer.kind(), record.as_deref(), epoch, &mut asked.shared);
            let held = record.is_some();
            if !purpose.replaces()
                && let Some(record) = record
                && let Some(found) = self.trust(layer.kind(), record, key, &current)
            {
                match self.policy.freshness(&found.dates, self.now()) {
                    // Where there is memory, its copy will be found to be due. Slower layers' copies may live longer.
                    Freshness::Fresh if self.memory.is_none() && self.is_due(&found) => {
                        asked.old.get_or_insert(found);
                    }
                    Freshness::Fresh if self.serves(purpose, &found) => {
                        asked.found = Some(found);
                        return asked;
                    }
                    Freshness::Stale | Freshness::LastResort if asked.old.is_none() => {
                        asked.old = Some(found);
                    }
                    _ => {}
                }
            }
            asked.without.push(Target { layer: Arc::clone(layer), epoch, seen, held });
        }
        asked
    }

    /// Gives callers the old answer (or one that is due for a refresh) that a byte layer had, where they may have it before a newer one is computed.
    fn offer_old(&self, load: &mut Load<R>, asked: &Asked<R::Value>) -> Offer<R> {
        let Some(Found { layer, answer, dates }) = asked.old.as_deref() else { return Offer::Nothing };
        let resting = self.is_resting(load.key.lookup());
        if load.purpose != Purpose::Call || !self.goes_first(dates, resting) {
            return Offer::Nothing;
        }
        self.counters.hit(*layer);
        if self.policy.freshness(dates, self.now()) != Freshness::Fresh {
            self.counters.answered_stale();
        }
        self.remember(load, answer);
        let Some(room) = (!resting).then(|| self.room_for_refresh()).flatten() else {
            load.give(answer.value.clone(), answer.provenance);
            return Offer::Final;
        };
        self.counters.refresh_started();
        let given = Given { result: Ok(answer.value.clone()), provenance: answer.provenance };
        load.caller.give(Ok(given));
        // From here on nobody waits for it: it replaces what it has found.
        load.purpose = Purpose::Renew(*dates);
        let until = self.policy.stale_until(dates);
        load.ticket.offer(Landed::Value(answer.value.clone(), answer.provenance), until);
        Offer::Meanwhile(room, self.keep_quiet(&load.ticket, load.key.lookup(), until))
    }

    /// Stores an answer and gives it to everybody who waits for it, as soon as the fastest layer has it: memory, or where
    /// there is none, the byte layers. The answer of a refresh once all have it.
    fn deliver(
        self: Arc<Self>,
        mut load: Load<R>,
        answer: Answer<R::Value>,
        asked: Asked<R::Value>,
    ) -> Option<Box<Copies<R>>> {
        let replaces = load.purpose.replaces();
        if !replaces {
            self.remember(&load, &answer);
            if asked.without.is_empty() {
                load.give(answer.value, answer.provenance);
                return None;
            }
        }
        // Announced before the answer is given, so that `flush` right after a call waits for the call's copies.
        let mut copies = Copies::of(&self, load, answer, asked);
        // What replaces an older answer is waited for, so there cannot be more of it than callers.
        let dropped = copies.under_way.is_none() && !replaces;
        if dropped || !copies.precede_answer {
            copies.load.give(copies.answer.value.clone(), copies.answer.provenance);
        }
        if dropped {
            self.counters.copy_dropped();
            return None;
        }
        Some(copies)
    }

    /// Ends a load without a new answer: with an old one if one is allowed, else with the error or the panic.
    fn fall_back(&self, mut load: Load<R>, failure: Failure<R>, asked: Asked<R::Value>) {
        self.note_failure(&load, &failure);
        match failure {
            // Nobody is there to be told, and whoever comes boards anew.
            Failure::Abandoned => {
                self.runtime.abandoned.fetch_add(1, Relaxed);
            }
            // To the leader. Who waits tries for itself, as after an error that cannot be shared.
            Failure::Panic(panic) => {
                self.leave_to_themselves(&load);
                load.caller.give(Err(panic));
            }
            Failure::Error(error) => {
                if let Some((value, provenance)) = self.last_resort(&load, asked.old) {
                    if load.purpose == Purpose::Call {
                        self.counters.answered_stale();
                    }
                    return load.give(value, provenance);
                }
                self.share(&load, &error);
                load.caller.give(Ok(Given { result: Err(error), provenance: Provenance::BODY }));
            }
        }
    }

    /// Forgets one answer in every layer. Goes on to the end even if its caller goes away.
    pub fn invalidate(self: &Arc<Self>, key: KeyText) -> BoxFuture<'static, Invalidated> {
        let this = Arc::clone(self);
        task::to_the_end(async move { this.here().forget_one(key).await })
    }

    /// Forgets these answers in every layer, many at a time; says the worst of what happened in each layer. Goes on to the
    /// end even if its caller goes away.
    pub fn invalidate_many(self: &Arc<Self>, keys: Vec<KeyText>) -> BoxFuture<'static, Invalidated> {
        let this = Arc::clone(self);
        task::to_the_end(async move { this.here().forgetting_many(keys).await })
    }

    async fn forgetting_many(self: Arc<Self>, keys: Vec<KeyText>) -> Invalidated {
        let forgetting = keys.into_iter().map(|key| {
            let this = Arc::clone(&self);
            async move { this.forget_one(key).await }
        });
        stream::iter(forgetting)
            .buffer_unordered(KEYS_AT_ONCE)
            .fold(self.forgotten(), |all, one| ready(all.and(one)))
            .await
    }

    async fn forget_one(&self, key: KeyText) -> Invalidated {
        self.forget_key(&self.key(&key)).await
    }

    pub(super) async fn forget_key(&self, key: &Key) -> Invalidated {
        let doom = self.flights.doom(key.lookup());
        self.outlive_copies(&doom).await;
        self.forget_everywhere(&doom, key).await
    }

    /// Makes sure that no copy from before an invalidation is believed after it.
    async fn outlive_copies(&self, doom: &Doom<Landed<R>>) {
        if !patience::settled(doom).await {
            // Nothing that was begun until now is: a copy that still arrives has the marks of before.
            for layer in &self.layers {
                let _ = layer.remove_all(&self.scope).await;
            }
        }
    }

    /// What an invalidation does once it has doomed the flights.
    async fn forget_everywhere(&self, doom: &Doom<Landed<R>>, key: &Key) -> Invalidated {
        let mut invalidated = Invalidated::nowhere();
        // Shared layer first: a reader could otherwise copy the old value back from it. Memory last, as every copy ends
        // there.
        for layer in &self.layers {
            invalidated.set(layer.kind(), layer.remove(key, self.trace).await);
        }
        self.forget(doom, |memory| memory.remove(key.lookup()), |failed| failed.remove(key.lookup()));
        self.memory.iter().for_each(|_| invalidated.set(LayerKind::Memory, Ok(Removal::Done)));
        if !invalidated.has_failed() {
            doom.cleared();
        }
        invalidated
    }

    /// Forgets all answers in every layer, in constant time. Goes on to the end even if its caller goes away.
    pub fn invalidate_all(self: &Arc<Self>) -> BoxFuture<'static, Invalidated> {
        let this = Arc::clone(self);
        task::to_the_end(async move { this.here().forgetting_all().await })
    }

    async fn forgetting_all(self: Arc<Self>) -> Invalidated {
        let doom = self.flights.doom_all();
        patience::settled(&doom).await;
        let mut invalidated = Invalidated::nowhere();
        for layer in &self.layers {
            invalidated.set(layer.kind(), layer.remove_all(&self.scope).await);
        }
        self.forget(&doom, Memory::remove_all, Memory::remove_all);
        self.memory.iter().for_each(|_| invalidated.set(LayerKind::Memory, Ok(Removal::Done)));
        if !invalidated.has_failed() {
            doom.cleared();
        }
        invalidated
    }

    /// The answer that a call would be given now without loading. Loads nothing, copies nothing, counts nothing.
    pub fn peek(self: &Arc<Self>, key: KeyText) -> BoxFuture<'static, Option<ReturnedValue<R>>> {
        let this = Arc::clone(self);
        Box::pin(async move {
            let this = this.here();
            if thread_ends() {
                return None;
            }
            match this.remembered(key.lookup()) {
                Remembered::Good(value, _) | Remembered::Due(value, _) | Remembered::Stale(value, _) => {
                    return Some(R::give(value));
                }
                Remembered::LastResort(value, _) if this.is_resting(key.lookup()) => {
                    return Some(R::give(value));
                }
                Remembered::LastResort(..) | Remembered::Nothing => {}
            }
            let key = this.key(&key);
            let asked = this.ask_layers(&key, Purpose::Call).await;
            let resting = this.is_resting(key.lookup());
            let old = asked.old.filter(|old| this.goes_first(&old.dates, resting));
            asked.found.or(old).map(|found| R::give(found.answer.value))
        })
    }

    /// The key of an answer.
    #[must_use]
    pub fn key(&self, key: &KeyText) -> Key {
        key.to_key(Arc::clone(&self.scope))
    }

    /// What happened to this function's calls so far.
    #[must_use]
    pub fn stats(self: &Arc<Self>) -> Stats {
        self.here().counters.snapshot()
    }

    /// Room for one load behind a caller's back; `None`: too many are running, or the cache is being shut down.
    fn room_for_refresh(&self) -> Option<UnderWay> {
        let room = self.runtime.begin_refresh();
        if room.is_none() {
            self.counters.refresh_dropped();
        }
        room
    }

    fn now(&self) -> Timestamp {
        self.runtime.clock.now()
    }

    /// What is said where every layer has forgotten.
    fn forgotten(&self) -> Invalidated {
        let mut invalidated = Invalidated::nowhere();
        for layer in &self.layers {
            invalidated.set(layer.kind(), Ok(Removal::Done));
        }
        self.memory.iter().for_each(|_| invalidated.set(LayerKind::Memory, Ok(Removal::Done)));
        invalidated
    }

    /// Whether a load may use the byte layers: not where the answer cannot be bytes, and not outside of tokio, whose timers
    /// keep a layer within its budget. A function that blocks has only such layers as keep to it by themselves.
    fn may_ask_layers(&self) -> bool {
        self.records.usable() && (self.definition.blocking || Handle::try_current().is_ok())
    }

    /// Whether a newer answer can be loaded behind a caller's back. Not without a runtime to do it in, nor where the body
    /// blocks its thread.
    fn may_renew(&self) -> bool {
        !self.definition.blocking && Handle::try_current().is_ok()
    }

    /// Removes from memory what `answers` and `failures` say, while no flight can store.
    fn forget<T, U>(
        &self,
        doom: &Doom<Landed<R>>,
        answers: impl FnOnce(&Memory<Held<R>>) -> T,
        failures: impl FnOnce(&Memory<Failed<R>>) -> U,
    ) {
        let answers = self.memory.as_ref().map(|memory| doom.apply(|| answers(memory)));
        let failures = self.failures.as_ref().map(|failed| doom.apply(|| failures(failed)));
        // Here, where no lock is held any more.
        drop((answers, failures));
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
