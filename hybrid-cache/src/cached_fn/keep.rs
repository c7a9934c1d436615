//! How an answer gets into memory and into a byte layer, with which dates and marks, and whether one that is found there
//! is believed. Not when, and in which order: that is in `cached_fn.rs`.

use std::{borrow::Cow, pin::pin, sync::Arc, time::Duration};

use futures_core::future::BoxFuture;
use futures_util::future::{Either, select};

use super::{
    CachedFn,
    answer::{Answer, Asked, Caller, Found, Landed, Load, Origin, Purpose, Remembered, Target},
    given::Provenance,
};
use crate::{
    clock::{Clock, Timestamp},
    definition::Size,
    error::LayerKind,
    flight::{Flights, Ticket},
    invalidated::Invalidated,
    key::Key,
    layers::{
        Layer, Reading, Removal, Terms,
        memory::{self, Memory, Weight},
    },
    outcome::{Held, Outcome, hold::Hold as _},
    policy::{Freshness, Life},
    record::{
        self, Current, Dates, Marks, Opened, Shared,
        codec::{Payload, guarded},
        refusal::Refusal,
    },
    runtime::work::UnderWay,
    sync::{Mutex, PoisonError},
};

/// How long a copy may keep a call waiting, where the settings do not say how long its layer may take.
const PATIENCE: Duration = Duration::from_millis(50);

/// An answer that remains to be copied into byte layers.
pub(super) struct Copies<R: Outcome> {
    pub(super) function: Arc<CachedFn<R>>,
    pub(super) load: Load<R>,
    pub(super) answer: Answer<R::Value>,
    pub(super) asked: Asked<R::Value>,
    /// Whether callers wait for them: where there is no memory to answer from, for as long as a layer may keep a call
    /// waiting; and where they replace what is older, until it is gone.
    pub(super) precede_answer: bool,
    /// What `flush` waits for.
    pub(super) under_way: Option<UnderWay>,
}

impl<R: Outcome> Copies<R> {
    /// The copies of an answer that is about to be given.
    pub(super) fn of(
        function: &Arc<CachedFn<R>>,
        load: Load<R>,
        answer: Answer<R::Value>,
        asked: Asked<R::Value>,
    ) -> Box<Self> {
        let under_way = function.runtime.copies.begin();
        // What replaces an older answer is given once that one is nowhere any more: else a caller that comes next, and finds
        // that memory has let go of the new one, copies the old one back.
        let precede_answer = function.memory.is_none() || load.purpose.replaces();
        let function = Arc::clone(function);
        Box::new(Self { function, load, answer, asked, precede_answer, under_way })
    }

    /// Makes them, one after the other, unless an invalidation forbids it meanwhile.
    pub(super) fn make(mut self: Box<Self>) -> BoxFuture<'static, Box<Self>> {
        Box::pin(async move {
            if self.load.purpose.replaces() {
                let function = Arc::clone(&self.function);
                function.replace(&mut self).await;
                self.load.give(self.answer.value.clone(), self.answer.provenance);
                return self;
            }
            let mut caller = std::mem::replace(&mut self.load.caller, Caller::nobody());
            {
                let payload = self.function.payload(&self.answer);
                let mut copying = pin!(self.function.copy(&self, payload.as_ref()));
                let mut give =
                    || self.load.give_to(&mut caller, self.answer.value.clone(), self.answer.provenance);
                if let Some(patience) = self.patience() {
                    let copied = select(&mut copying, Clock::Process.after(patience)).await;
                    give();
                    // A layer that is slow still gets it.
                    if let Either::Right(_) = copied {
                        copying.await;
                    }
                } else {
                    copying.await;
                }
            }
            self
        })
    }

    /// For how long callers wait for them; `None`: to the end.
    fn patience(&self) -> Option<Duration> {
        if !self.precede_answer {
            return None;
        }
        let settings = &self.function.runtime.settings;
        let budget = |target: &Target| {
            let timeout = match target.layer.kind() {
                LayerKind::Redis => settings.redis.as_ref().map(|redis| redis.timeout),
                _ => settings.disk.as_ref().map(|disk| disk.timeout),
            };
            timeout.unwrap_or(PATIENCE)
        };
        Some(self.asked.without.iter().map(budget).fold(Duration::ZERO, Duration::saturating_add))
    }
}

/// Keeps calls that find an entry from deciding anew what may be done with it, until dropped.
pub(super) struct Quiet<R: Outcome> {
    memory: Option<Arc<Memory<Held<R>>>>,
    flights: Flights<Landed<R>>,
    key: Box<[u8]>,
}

impl<R: Outcome> Drop for Quiet<R> {
    fn drop(&mut self) {
        if let Some(memory) = &self.memory {
            // Not beside an expiry, whose dates it would overwrite with those from before.
            self.flights.exclusively(|| memory.reconsider(&self.key));
        }
    }
}

impl<R: Outcome> CachedFn<R> {
    /// Puts an answer into memory, or what else follows for memory from it.
    pub(super) fn remember(&self, load: &Load<R>, answer: &Answer<R::Value>) {
        if answer.refused && !load.purpose.replaces() {
            // It takes no older one's place, and is not worth asking for again at once.
            return self.rest(load, None);
        }
        let now = self.now();
        let dates = self.dates(LayerKind::Memory, answer, now).filter(|_| !answer.refused);
        let key = load.key.lookup();
        // Refused if the flight is doomed: then nothing is to be left behind.
        if let Some(memory) = &self.memory {
            // Cloned before the lock: that is code of its type.
            let kept = dates.and_then(|dates| {
                let weight = self.weigh(memory, key, &answer.value)?;
                let life = memory::EntryDates { dates, due_from: self.due_from(answer, &dates, now) };
                Some((R::Holding::hold(answer.value.clone()), weight, life))
            });
            let store = || match kept {
                Some((held, weight, life)) => memory.insert(key, held, weight, &life),
                // An answer that has no life, or is too large, is newer than one that is there.
                None => memory.remove(key),
            };
            // Dropped where no lock is held: that is code of its type, too.
            let removed = load.ticket.store(store);
            // So are answers of other functions; before these, in case that their clean-up panics.
            self.runtime.make_room();
            drop(removed);
        }
        let newer = match &answer.origin {
            Origin::Body(_) => true,
            Origin::Copy(dates, ..) => now < dates.fresh_until,
        };
        if let Some(failures) = &self.failures
            && newer
        {
            drop(load.ticket.store(|| failures.remove(key)));
        }
    }

    /// What `value` counts in memory; `None` if it is too large for it, or its size function panics.
    fn weigh(&self, memory: &Memory<Held<R>>, key: &[u8], value: &R::Value) -> Option<Weight> {
        let size = || {
            let least = R::Holding::least(value);
            R::Holding::beside(match self.abilities.size() {
                Some(Size::Weighed(weigh)) => weigh(value),
                // Of a function that asked for no bound by size, an answer is not lost for want of one.
                Some(Size::Encoded(size)) => match size(value) {
                    usize::MAX if self.definition.max_bytes.is_none() => least,
                    size => size.max(least),
                },
                None => least,
            })
        };
        let weight = guarded(|| memory.weigh(key, size)).flatten();
        if weight.is_none() {
            self.say_too_large_for_memory();
        }
        weight
    }

    /// From when on memory's copy of `answer` is due for a refresh.
    fn due_from(&self, answer: &Answer<R::Value>, dates: &Dates, now: Timestamp) -> Timestamp {
        match &answer.origin {
            Origin::Body(life) => self.policy.due_from(dates, life.computed_at, answer.load_time),
            // A copy of what is due is due; else its own life counts from now.
            Origin::Copy(source, ..) => {
                let source_due = self.policy.due_from(source, source.computed_at, answer.load_time);
                if source_due <= now { now } else { self.policy.due_from(dates, now, answer.load_time) }
            }
        }
    }

    /// The bytes that an answer is copied as; `None` if there are none, or nobody wants them.
    pub(super) fn payload<'a>(&self, answer: &'a Answer<R::Value>) -> Option<Cow<'a, Payload>> {
        match &answer.origin {
            Origin::Body(_) if !answer.refused && !self.layers.is_empty() => {
                self.records.encode(&answer.value).map(Cow::Owned)
            }
            Origin::Body(_) => None,
            Origin::Copy(_, _, payload) => Some(Cow::Borrowed(payload)),
        }
    }

    /// Copies an answer into the byte layers. Says whether, where it is to replace older ones, those are gone.
    pub(super) async fn copy(
        &self,
        Copies { load, answer, asked, .. }: &Copies<R>,
        payload: Option<&Cow<'_, Payload>>,
    ) -> bool {
        let Load { ticket, key, purpose, .. } = load;
        let mut replaced = true;
        if purpose.replaces() {
            // What these hold is older, and they would be read again once they answer.
            for layer in &asked.unknown {
                replaced &= layer.remove(key, self.trace).await.is_ok();
            }
        }
        if answer.refused && !purpose.replaces() {
            return replaced;
        }
        // A fill keeps the generation that it found, so that copies elsewhere stay as good as they were.
        let inherited = asked.shared.and_then(|shared| shared.generation).filter(|_| !purpose.replaces());
        let generation = match &answer.origin {
            Origin::Body(_) => inherited.unwrap_or_else(record::new_generation),
            Origin::Copy(_, generation, _) => *generation,
        };
        for Target { layer, epoch, seen, held } in &asked.without {
            let now = self.now();
            let Some(_copying) = ticket.begin_copy() else { return false };
            let copied = match (payload, self.dates(layer.kind(), answer, now)) {
                (Some(payload), Some(dates)) => {
                    let private = !layer.kind().is_shared();
                    let shared_epoch = asked.shared.map(|shared| shared.epoch).filter(|_| private);
                    let marks = Marks { generation, epoch: *epoch, shared_epoch };
                    let record = self.records.seal(key, &marks, &dates, answer.load_time, payload);
                    let life = dates.kept_until.since(now);
                    // What follows an invalidation stays until every copy from before it has died of age.
                    let follows = !private && (inherited.is_some() || purpose.replaces());
                    let life = if follows { life.max(self.trace) } else { life };
                    layer.put_on(purpose.terms(*seen), key, record, life).await
                }
                // A new answer that has no life is newer than the one that is there.
                _ if purpose.replaces() || (*held && matches!(answer.origin, Origin::Body(_))) => {
                    layer.remove(key, self.trace).await.map(drop)
                }
                _ => continue,
            };
            if let Err(error) = &copied {
                self.layer_failed(layer.kind(), error);
            }
            // Better nothing than the answer that this one replaces; and an invalidation that could not wait any longer
            // for this copy relies on its being taken back.
            if (copied.is_err() && purpose.replaces()) || ticket.is_doomed() {
                replaced &= layer.remove(key, self.trace).await.is_ok();
            }
        }
        replaced
    }

    /// Ends the life of what the byte layers hold: an invalidation that leaves the value, for what comes after its life.
    pub(super) async fn expire_in_layers(&self, key: &Key, ticket: &Ticket<Landed<R>>) -> Invalidated {
        // All are read before one is written: what a copy on disk proves itself with stands in the shared layer.
        let mut shared = None;
        let mut readings = Vec::new();
        for layer in &self.layers {
            let reading = layer.get(key).await.ok();
            readings.push(reading.map(|Reading { record, epoch, seen }| {
                let current = current(layer.kind(), record.as_deref(), epoch, &mut shared);
                let found = record.map(|record| self.trust(layer.kind(), record, key, &current));
                (epoch, seen, found)
            }));
        }
        let mut invalidated = Invalidated::nowhere();
        // What other processes have on their disks must not pass for fresh either.
        let generation = record::new_generation();
        for (layer, reading) in self.layers.iter().zip(readings) {
            let redated = match reading {
                // Where the shared layer has nothing, copies on other machines' disks are believed without it.
                Some((_, _, None)) => !layer.kind().is_shared(),
                Some((epoch, seen, Some(Some(found)))) => {
                    let terms = Terms { replaces: true, unless_forgotten_since: Some(seen) };
                    let shared_epoch =
                        shared.map(|shared| shared.epoch).filter(|_| !layer.kind().is_shared());
                    let marks = Marks { generation, epoch, shared_epoch };
                    self.redate((layer, terms), key, ticket, &marks, &found).await
                }
                Some((_, _, Some(None))) | None => false,
            };
            let removal = if redated { Ok(Removal::Done) } else { layer.remove(key, self.trace).await };
            invalidated.set(layer.kind(), removal);
        }
        invalidated
    }

    /// Puts a record back with its life at an end; `false` if that could not be done, or if an invalidation forbids it.
    async fn redate(
        &self,
        (layer, terms): (&Arc<dyn Layer>, Terms),
        key: &Key,
        ticket: &Ticket<Landed<R>>,
        marks: &Marks,
        Found { answer, dates, .. }: &Found<R::Value>,
    ) -> bool {
        let Origin::Copy(_, _, payload) = &answer.origin else { return false };
        let Some(_copying) = ticket.begin_copy() else { return false };
        let now = self.now();
        let dates = self.policy.expired(dates, now);
        let left = dates.kept_until.since(now);
        let life = if layer.kind().is_shared() { left.max(self.trace) } else { left };
        let record = self.records.seal(key, marks, &dates, answer.load_time, payload);
        // As with other copies, an invalidation that could not wait any longer relies on its being taken back.
        !left.is_zero() && layer.put_on(terms, key, record, life).await.is_ok() && !ticket.is_doomed()
    }

    /// What a record holds, if it is ours and of this key. Whether its life is over is not asked here.
    pub(super) fn trust(
        &self,
        layer: LayerKind,
        record: Vec<u8>,
        key: &Key,
        current: &Current,
    ) -> Option<Box<Found<R::Value>>> {
        let opened = match self.records.open(record, key, current) {
            Ok(opened) => opened,
            Err(Refusal::Void) => return None,
            Err(refusal) => {
                self.counters.record_refused();
                tracing::debug!(function = %self.scope, %layer, %refusal, "a record was refused");
                return None;
            }
        };
        let now = self.now();
        let Some(dates) = self.policy.found(layer, &opened.dates, self.limit_of(&opened.value), now) else {
            self.counters.record_refused();
            self.say_from_the_future(layer, opened.dates.computed_at.since(now));
            return None;
        };
        let origin = Origin::Copy(dates, opened.generation, opened.payload);
        let Opened { value, load_time, .. } = opened;
        let provenance = Provenance::found(layer, dates);
        let answer = Answer { value, origin, provenance, load_time, refused: false };
        Some(Box::new(Found { layer, answer, dates }))
    }

    /// Whether an answer that a byte layer has, and that is fresh, serves the purpose of a load.
    pub(super) fn serves(&self, purpose: Purpose, Found { answer, dates, .. }: &Found<R::Value>) -> bool {
        match purpose {
            Purpose::Call => true,
            Purpose::Renew(old) => {
                let (found, old) = (memory::as_kept(dates), memory::as_kept(&old));
                self.policy.spares_load(&found, &old, answer.load_time, self.now())
            }
            Purpose::Refresh | Purpose::Put => false,
        }
    }

    /// Whether a fresh answer that a byte layer has is due for a refresh.
    pub(super) fn is_due(&self, Found { answer, dates, .. }: &Found<R::Value>) -> bool {
        let due_from = self.policy.due_from(dates, dates.computed_at, answer.load_time);
        self.policy.is_due(dates, due_from, self.now(), fastrand::f64())
    }

    fn dates(&self, layer: LayerKind, answer: &Answer<R::Value>, now: Timestamp) -> Option<Dates> {
        match &answer.origin {
            Origin::Body(life) => self.policy.computed(layer, *life),
            Origin::Copy(dates, ..) => self.policy.copied(layer, dates, self.limit_of(&answer.value), now),
        }
    }

    /// What memory holds, without a trace of having looked.
    pub(super) fn remembered(&self, key: &[u8]) -> Remembered<R::Value> {
        let Some(memory) = &self.memory else { return Remembered::Nothing };
        let now = self.now();
        let entry = memory.peek(key, |entry| (entry.value.clone(), entry.dates(), entry.due_from()));
        let Some((held, dates, due_from)) = entry else { return Remembered::Nothing };
        let value = || R::Holding::release(held);
        match self.policy.freshness(&dates, now) {
            Freshness::Fresh if self.policy.is_due(&dates, due_from, now, fastrand::f64()) => {
                Remembered::Due(value(), dates)
            }
            Freshness::Fresh => Remembered::Good(value(), dates),
            Freshness::Stale => Remembered::Stale(value(), dates),
            Freshness::LastResort => Remembered::LastResort(value(), dates),
            Freshness::Expired => Remembered::Nothing,
        }
    }

    /// Lets calls that find the entry of `key` return it without another thought until `until`, or until this is dropped.
    pub(super) fn keep_quiet(&self, ticket: &Ticket<Landed<R>>, key: &[u8], until: Timestamp) -> Quiet<R> {
        if let Some(memory) = &self.memory {
            // Refused if the flight is doomed: what was expired or forgotten since is not to be returned for it.
            let _ = ticket.store(|| memory.quiet(key, until));
        }
        Quiet { memory: self.memory.clone(), flights: self.flights.clone(), key: key.into() }
    }

    /// The longest life that this very value may have.
    fn limit_of(&self, value: &R::Value) -> Duration {
        let none = self.abilities.is_none.is_some_and(|is_none| is_none(value));
        let none_ttl = if none { self.policy.none_ttl } else { Duration::MAX };
        self.abilities.ttl_by.map_or(Duration::MAX, |ttl_by| ttl_by(value)).min(none_ttl)
    }

    pub(super) fn life_of(&self, value: &R::Value) -> Life {
        Life { computed_at: self.now(), limit: self.limit_of(value), draw: fastrand::f64() }
    }

    /// The error once more. Only errors that can be cloned are shared.
    pub(super) fn another(&self, error: &Mutex<R::Error>) -> R::Error {
        let error = error.lock().unwrap_or_else(PoisonError::into_inner);
        match self.abilities.clone_error {
            Some(clone) => clone(&error),
            None => super::task::lost(),
        }
    }
}

/// What a record of `layer` has to agree with. What the shared layer says, which is asked first, is kept in `shared`.
pub(super) fn current(
    layer: LayerKind,
    record: Option<&[u8]>,
    epoch: u64,
    shared: &mut Option<Shared>,
) -> Current {
    if layer.is_shared() {
        *shared = Some(Shared { epoch, generation: record.map(record::generation) });
        Current { epoch, shared: None }
    } else {
        Current { epoch, shared: *shared }
    }
}
