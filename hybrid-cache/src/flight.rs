//! One load per key at a time, and the right to store what was loaded.
//!
//! The first caller for a key *leads*: it gets a [`Ticket`]; the others wait for its answer. A leader that vanishes, for
//! whatever reason, drops its ticket, and who waits boards again: one of them leads then. A leader that neither answers
//! nor vanishes is *retired* after a while, with the same effect; while nobody waits for it, it may go on. An invalidation *dooms* the flights of its key: a
//! doomed flight still answers the callers it had, but stores nothing, and later callers start a new one.
//!
//! A leader that has an older answer, good enough for the moment, *offers* it: who comes while the flight goes on to a
//! newer one takes it and does not wait.
//!
//! This file knows nothing about layers, time to live or what a load does.
//!
//! # Why a doomed flight leaves nothing behind
//!
//! Every store is made by somebody who holds a ticket, and is one of two kinds:
//!
//! - **Into memory**, by [`Ticket::store`]: the check and the store happen under the table's lock, dooming happens under
//!   the same lock. So a store is either complete before the doom, and then the invalidation's removal, which comes
//!   after the doom, takes it away; or it comes after the doom and is refused.
//! - **Into a slower layer**, which takes time, by [`Ticket::begin_copy`]: the check and the announcement of the copy
//!   happen under that lock. So a copy is either announced before the doom, and then [`Doom::settled`] waits until it
//!   has ended before anything is removed; or it comes after the doom and is refused.
//!
//! A flight that starts while an invalidation is running is born doomed, because it may read a slower layer that the
//! invalidation has not reached yet.
//!
//! # Why what was replaced does not come back
//!
//! A refresh, a put and an expiry by hand *replace*: once one of them returned, no older answer is left in any layer. Each
//! holds a ticket with a number, taken when it begins, and makes its changes as a [`Replacement`]:
//!
//! - Replacements of one key are made one after the other, and each dooms every load while it is made, as an invalidation
//!   does. So no two of them leave different answers in different layers.
//! - A replacement that comes later than one with a higher number changes nothing: that one left nothing older behind
//!   ([`Verdict::Nothing`]). `cleared` is the highest number of which that is known, that of invalidations included.
//! - One that must not be stored, because something that began later wants a newer answer or has stored one where a layer
//!   failed, removes what is there instead ([`Verdict::Remove`]): nobody can tell whether the later one will succeed.
//! - A replacement that only began later, and may yet fail, forbids nothing.

use std::{collections::HashMap, mem, sync::Arc};

use foldhash::fast::RandomState;
use smallvec::SmallVec;

use crate::{
    clock::Timestamp,
    key::PackedKey,
    sync::{
        Mutex, MutexGuard, Notify, PoisonError,
        atomic::{
            AtomicBool, AtomicU64, AtomicUsize,
            Ordering::{AcqRel, Acquire, Relaxed},
        },
    },
};

/// What a caller for a key becomes.
#[derive(Debug)]
pub(crate) enum Boarding<A> {
    /// It runs the load.
    Lead(Ticket<A>),
    /// It waits for somebody else's load.
    Wait(Waiter<A>),
}

/// How a wait for somebody else's load ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Landing<A> {
    /// With this answer.
    Answer(A),
    /// Without one: its leader vanished or panicked, or it was retired. Board again.
    Lost,
}

/// All flights of one cached function. A clone is the same table.
#[derive(Debug)]
pub(crate) struct Flights<A> {
    table: Arc<Mutex<Table<A>>>,
}

impl<A> Clone for Flights<A> {
    fn clone(&self) -> Self {
        Self { table: Arc::clone(&self.table) }
    }
}

#[derive(Debug)]
struct Table<A> {
    keys: HashMap<PackedKey, Slot<A>, RandomState>,
    /// How many invalidations of all keys are running.
    dooms: usize,
    /// The number of the last flight or invalidation: the order in which they began.
    last: u64,
}

/// What is going on for one key; removed as soon as that is nothing.
#[derive(Debug)]
struct Slot<A> {
    /// The flight that new callers may wait for.
    joinable: Option<Arc<Flight<A>>>,
    /// Every flight whose ticket still exists, the joinable one included.
    flying: SmallVec<[Arc<Flight<A>>; 1]>,
    /// How many invalidations and replacements of this key are running.
    dooms: usize,
    /// The flight whose replacement is being made.
    replacing: Option<Arc<Flight<A>>>,
    /// No layer holds anything from before the operation with this number.
    cleared: u64,
    /// The highest number of a replacement that stored its answer. A layer that failed may hold an older one.
    replaced: u64,
    /// The number of the last load that began and might store.
    last_load: u64,
}

#[derive(Debug)]
struct Flight<A> {
    /// When it began, in the order of all.
    number: u64,
    start: Start,
    /// From when on its age counts, in milliseconds. Relaxed: only touched under the table's lock.
    since: AtomicU64,
    /// Whether it may no longer store. Written under the table's lock only.
    doomed: AtomicBool,
    /// Locked for a few assignments, within the table's lock or without it, and never the other way round.
    progress: Mutex<Progress<A>>,
    /// How many wait for it. Grows under the table's lock only, and may be seen too large.
    waiters: AtomicUsize,
    /// How many copies into slower layers it is making. Grows under the table's lock only.
    copies: AtomicUsize,
    /// Told when `progress` changes, when it is doomed, when the last one who waits goes away, and when the last copy or its
    /// replacement ends.
    changed: Notify,
}

#[derive(Debug)]
enum Progress<A> {
    Flying,
    /// Flying, with an older answer for those who come until then.
    Offering(Arc<A>, Timestamp),
    /// Flying for longer than anybody waits, and nobody does: whoever comes starts anew.
    Overdue,
    Landed(Arc<A>),
    /// There is no answer to be had: the ticket was dropped, the flight was retired, or it landed while nobody waited.
    Lost,
}

impl<A> Flights<A> {
    pub(crate) fn new() -> Self {
        let keys = HashMap::with_hasher(RandomState::default());
        Self { table: Arc::new(Mutex::new(Table { keys, dooms: 0, last: 0 })) }
    }

    /// Joins the flight of `key`, or starts one.
    pub(crate) fn board(&self, key: &[u8], now: Timestamp) -> Boarding<A> {
        let mut table = lock(&self.table);
        if let Some(flight) = table.joinable(key) {
            flight.waiters.fetch_add(1, Relaxed);
            return Boarding::Wait(Waiter { since: now, flight: Arc::clone(flight) });
        }
        Boarding::Lead(self.take_off(&mut table, key, now, Start::Joinable))
    }

    /// Starts a flight unless there is one to join.
    pub(crate) fn lead(&self, key: &[u8], now: Timestamp) -> Option<Ticket<A>> {
        let mut table = lock(&self.table);
        let flying = table.joinable(key).is_some();
        (!flying).then(|| self.take_off(&mut table, key, now, Start::Joinable))
    }

    /// Starts a flight that nobody can join, beside whatever flies already.
    pub(crate) fn fly_alone(&self, key: &[u8], now: Timestamp) -> Ticket<A> {
        self.take_off(&mut lock(&self.table), key, now, Start::Alone)
    }

    /// Starts a flight that replaces what is stored by what it loads. The loads that run store nothing any more, and who
    /// comes from now on waits for this one.
    pub(crate) fn supersede(&self, key: &[u8], now: Timestamp) -> Ticket<A> {
        let mut table = lock(&self.table);
        if let Some(slot) = table.keys.get_mut(key) {
            slot.doom(|flight| !flight.start.replaces());
        }
        self.take_off(&mut table, key, now, Start::Refresh)
    }

    /// Starts a flight that replaces what is stored by an answer that is at hand.
    pub(crate) fn put(&self, key: &[u8], now: Timestamp) -> Ticket<A> {
        self.take_off(&mut lock(&self.table), key, now, Start::Put)
    }

    /// Starts a flight that puts back what is stored with other dates. Nothing that began before it may be stored any more,
    /// a refresh included: that would be as old as what is expired.
    pub(crate) fn expire(&self, key: &[u8], now: Timestamp) -> Ticket<A> {
        let mut table = lock(&self.table);
        if let Some(slot) = table.keys.get_mut(key) {
            slot.doom(|_| true);
        }
        self.take_off(&mut table, key, now, Start::Expiry)
    }

    /// Retires the flights that took off before `moment` and that somebody waits for: who does boards again, and they
    /// store nothing. So a body that hangs blocks its key for a while, and once. One that nobody waits for goes on, until
    /// somebody comes.
    pub(crate) fn retire_before(&self, moment: Timestamp) {
        let old = |flight: &Flight<A>| flight.since.load(Relaxed) < moment.as_millis();
        let mut overdue = Vec::new();
        for slot in lock(&self.table).keys.values() {
            overdue.extend(
                slot.flying.iter().filter(|flight| old(flight) && !flight.is_awaited()).map(Arc::clone),
            );
        }
        // Who comes in between is told the same as who waits for a flight that is retired.
        for flight in overdue {
            flight.end_flying(Progress::Overdue);
        }
        self.retire(|flight| old(flight) && flight.is_awaited());
    }

    /// Goes on in a fork: those who invalidate and replace in threads that are not here do not come to an end, and
    /// flights from before `moment` are retired.
    pub(crate) fn go_on_in_fork(&self, moment: Timestamp) {
        let mut replacing = Vec::new();
        {
            let mut table = lock(&self.table);
            table.dooms = 0;
            for slot in table.keys.values_mut() {
                slot.dooms = 0;
                replacing.extend(slot.replacing.take());
            }
        }
        for flight in replacing {
            flight.changed.notify_waiters();
        }
        self.retire_before(moment);
    }

    /// Retires the flights that nobody but their leader's caller waits for.
    pub(crate) fn retire_unattended(&self) {
        self.retire(|flight| !flight.is_awaited());
    }

    fn retire(&self, which: impl Fn(&Flight<A>) -> bool) {
        let mut retired = Vec::new();
        for slot in lock(&self.table).keys.values_mut() {
            // Doomed ones too: callers from before the doom wait for them.
            let flights: Vec<_> = slot.flying.iter().filter(|flight| which(flight)).map(Arc::clone).collect();
            for flight in &flights {
                slot.retire(flight);
            }
            retired.extend(flights);
        }
        // Not under the lock: an answer that was offered is dropped, and with it runs the code of its type.
        for flight in retired {
            flight.give_up();
        }
    }

    /// Dooms the flights of `key`, and every one that starts before the returned guard is dropped.
    pub(crate) fn doom(&self, key: &[u8]) -> Doom<A> {
        let mut table = lock(&self.table);
        let key = PackedKey::from_slice(key);
        let number = table.next_number();
        let slot = table.keys.entry(key.clone()).or_default();
        slot.dooms += 1;
        let doomed = slot.doom(|_| true);
        Doom { flights: self.clone(), key: Some(key), number, doomed, replacing: None }
    }

    /// Dooms the flights of all keys, and every one that starts before the returned guard is dropped.
    pub(crate) fn doom_all(&self) -> Doom<A> {
        let mut table = lock(&self.table);
        table.dooms += 1;
        let number = table.next_number();
        let doomed = table.keys.values_mut().flat_map(|slot| slot.doom(|_| true)).collect();
        Doom { flights: self.clone(), key: None, number, doomed, replacing: None }
    }

    /// Runs `work`, which must be quick, while no flight can store and no invalidation can remove.
    pub(crate) fn exclusively(&self, work: impl FnOnce()) {
        let _table = lock(&self.table);
        work();
    }

    /// How many keys something is going on for.
    #[cfg_attr(not(test), allow(dead_code, reason = "for tests, and for the model in `tests/model`"))]
    pub(crate) fn len(&self) -> usize {
        lock(&self.table).keys.len()
    }

    /// How many wait for flights of `key`.
    #[cfg(test)]
    pub(crate) fn waiting(&self, key: &[u8]) -> usize {
        let table = lock(&self.table);
        let flying = table.keys.get(key).into_iter().flat_map(|slot| &slot.flying);
        flying.map(|flight| flight.waiters.load(Relaxed)).sum()
    }

    /// Whether an invalidation of `key` is under way.
    #[cfg(test)]
    pub(crate) fn is_doomed(&self, key: &[u8]) -> bool {
        lock(&self.table).keys.get(key).is_some_and(|slot| slot.dooms > 0)
    }

    fn take_off(&self, table: &mut Table<A>, key: &[u8], now: Timestamp, start: Start) -> Ticket<A> {
        let (all_dooms, number) = (table.dooms, table.next_number());
        let key = PackedKey::from_slice(key);
        let slot = table.keys.entry(key.clone()).or_default();
        let dooms = all_dooms + slot.dooms;
        let born_doomed = match start {
            Start::Joinable | Start::Alone => dooms > 0,
            // It puts back what an invalidation that runs has yet to remove. A replacement that runs goes before it.
            Start::Expiry => dooms > usize::from(slot.replacing.is_some()),
            // It reads nothing that is stored, and so is newer than every invalidation that runs.
            Start::Refresh | Start::Put => false,
        };
        if !start.replaces() && !born_doomed {
            slot.last_load = number;
        }
        let flight = Arc::new(Flight {
            number,
            start,
            since: AtomicU64::new(now.as_millis()),
            doomed: AtomicBool::new(born_doomed),
            progress: Mutex::new(Progress::Flying),
            waiters: AtomicUsize::new(0),
            copies: AtomicUsize::new(0),
            changed: Notify::new(),
        });
        slot.flying.push(Arc::clone(&flight));
        if matches!(start, Start::Joinable | Start::Refresh) {
            slot.joinable = Some(Arc::clone(&flight));
        }
        Ticket { flights: self.clone(), key, flight }
    }
}

/// What kind of flight starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Start {
    /// A load that later callers wait for.
    Joinable,
    /// A load that nobody waits for.
    Alone,
    /// A load whose answer replaces what is stored, and that later callers wait for.
    Refresh,
    /// An answer that replaces what is stored, and that nobody waits for.
    Put,
    /// The answer that is stored, with other dates; nobody waits for it.
    Expiry,
}

impl Start {
    /// Whether the answer is to take the place of every older one.
    const fn replaces(self) -> bool {
        matches!(self, Self::Refresh | Self::Put | Self::Expiry)
    }
}

impl<A> Flight<A> {
    fn is_awaited(&self) -> bool {
        self.waiters.load(Acquire) > 0
    }

    fn is_doomed(&self) -> bool {
        self.doomed.load(Acquire)
    }

    fn doom(&self) {
        if !self.doomed.swap(true, AcqRel) {
            self.changed.notify_waiters();
        }
    }

    /// Tells those who wait that there will be no answer, unless there was one.
    fn give_up(&self) {
        self.end_flying(Progress::Lost);
    }

    fn end_flying(&self, end: Progress<A>) {
        self.change(|progress| {
            let flying = match progress {
                Progress::Flying | Progress::Offering(..) => true,
                Progress::Overdue => matches!(end, Progress::Lost),
                Progress::Landed(_) | Progress::Lost => false,
            };
            flying.then_some(end)
        });
    }

    /// Goes on to what `next` says, if it says something, and tells everybody.
    fn change(&self, next: impl FnOnce(&Progress<A>) -> Option<Progress<A>>) {
        let before = {
            let mut progress = lock(&self.progress);
            let Some(next) = next(&progress) else { return };
            mem::replace(&mut *progress, next)
        };
        self.changed.notify_waiters();
        // Only here, after the lock: an answer that was offered runs the code of its type, which may ask for this very flight.
        drop(before);
    }

    /// Waits until `look` sees something.
    async fn seen<T>(&self, mut look: impl FnMut() -> Option<T>) -> T {
        loop {
            // Before the look: from here on it is told of every change, also before it listens.
            let changed = self.changed.notified();
            if let Some(seen) = look() {
                return seen;
            }
            changed.await;
        }
    }
}

impl<A> Table<A> {
    fn next_number(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// The flight of `key` that can be joined. One that is overdue is retired by whoever comes.
    fn joinable(&mut self, key: &[u8]) -> Option<&Arc<Flight<A>>> {
        let slot = self.keys.get_mut(key)?;
        let overdue = |flight: &&Arc<Flight<A>>| matches!(*lock(&flight.progress), Progress::Overdue);
        if let Some(overdue) = slot.joinable.as_ref().filter(overdue).map(Arc::clone) {
            slot.retire(&overdue);
            overdue.give_up();
        }
        slot.joinable.as_ref()
    }

    fn remove_if_idle(&mut self, key: &[u8]) {
        let idle = |slot: &Slot<A>| slot.flying.is_empty() && slot.dooms == 0;
        if self.keys.get(key).is_some_and(idle) {
            self.keys.remove(key);
        }
    }
}

impl<A> Slot<A> {
    /// Dooms those `which` fly, and lets nobody join any of them any more. Returns all that fly.
    fn doom(&mut self, which: impl Fn(&Flight<A>) -> bool) -> Vec<Arc<Flight<A>>> {
        self.joinable = None;
        self.flying.iter().filter(|flight| which(flight)).for_each(|flight| flight.doom());
        self.flying.to_vec()
    }

    /// Lets nobody join `flight` any more, and a load store nothing any more. What replaces may still do so: it judges by
    /// what has begun since. Who waits for it is to be told.
    fn retire(&mut self, flight: &Arc<Flight<A>>) {
        if !flight.start.replaces() {
            flight.doom();
        }
        self.leave(flight);
    }

    /// Lets nobody join a flight any more that may have read what the operation with this number removes: all but those that
    /// replace and began after it.
    fn forbid_to_join(&mut self, number: u64) {
        self.joinable.take_if(|flight| !flight.start.replaces() || flight.number < number);
    }

    /// Lets nobody join `flight` any more.
    fn leave(&mut self, flight: &Arc<Flight<A>>) {
        self.joinable.take_if(|joinable| Arc::ptr_eq(joinable, flight));
    }
}

impl<A> Default for Slot<A> {
    fn default() -> Self {
        Self {
            joinable: None,
            flying: SmallVec::new(),
            dooms: 0,
            replacing: None,
            cleared: 0,
            replaced: 0,
            last_load: 0,
        }
    }
}

/// The right to load one key and, unless doomed, to store the answer. Dropping it ends the flight, whatever happened.
#[derive(Debug)]
pub(crate) struct Ticket<A> {
    flights: Flights<A>,
    key: PackedKey,
    flight: Arc<Flight<A>>,
}

impl<A> Ticket<A> {
    /// Runs `store`, which must be quick, unless the flight is doomed or a newer answer took the place of all older ones:
    /// `None` if it did not run.
    #[must_use]
    pub(crate) fn store<T>(&self, store: impl FnOnce() -> T) -> Option<T> {
        let table = lock(&self.flights.table);
        let cleared = table.keys.get(&self.key).map_or(0, |slot| slot.cleared);
        let allowed = !self.flight.is_doomed() && cleared <= self.flight.number;
        if !allowed {
            // What `store` holds is dropped after this.
            drop(table);
            return None;
        }
        Some(store())
    }

    /// Announces a copy into a slower layer; `None` if the flight is doomed and must make none.
    #[must_use]
    pub(crate) fn begin_copy(&self) -> Option<Copying<A>> {
        let _table = lock(&self.flights.table);
        if self.flight.is_doomed() {
            return None;
        }
        self.flight.copies.fetch_add(1, Relaxed);
        Some(Copying { flight: Arc::clone(&self.flight) })
    }

    /// Waits until no other replacement of the key is being made, and dooms the loads of the key until the returned guard
    /// is dropped. For flights that replace.
    pub(crate) async fn replace(&self) -> Replacement<A> {
        loop {
            let other = {
                let mut table = lock(&self.flights.table);
                let slot = table.keys.entry(self.key.clone()).or_default();
                match &slot.replacing {
                    Some(other) => Arc::clone(other),
                    None => return self.begin_replacement(slot),
                }
            };
            let is_replacing = || {
                let table = lock(&self.flights.table);
                let replacing = table.keys.get(&self.key).and_then(|slot| slot.replacing.as_ref());
                replacing.is_some_and(|replacing| Arc::ptr_eq(replacing, &other))
            };
            other.seen(|| (!is_replacing()).then_some(())).await;
        }
    }

    fn begin_replacement(&self, slot: &mut Slot<A>) -> Replacement<A> {
        let number = self.flight.number;
        slot.replacing = Some(Arc::clone(&self.flight));
        slot.dooms += 1;
        // This flight itself may still be joined: its answer is about to be given.
        let joinable =
            slot.joinable.take().filter(|flight| flight.start.replaces() && flight.number >= number);
        let doomed = slot.doom(|flight| !flight.start.replaces());
        slot.joinable = joinable;
        let replacing = Some(Arc::clone(&self.flight));
        let (flights, key) = (self.flights.clone(), Some(self.key.clone()));
        Replacement {
            doom: Doom { flights, key, number, doomed, replacing },
            flight: Arc::clone(&self.flight),
        }
    }

    /// What is loaded.
    pub(crate) fn key(&self) -> &[u8] {
        &self.key
    }

    /// Whether nothing of this flight may be stored any more.
    #[must_use]
    pub(crate) fn is_doomed(&self) -> bool {
        let _table = lock(&self.flights.table);
        self.flight.is_doomed()
    }

    /// The load begins only now, or waits for its turn and still gets on: it is not to be retired for its age.
    pub(crate) fn count_age_from(&self, now: Timestamp) {
        let _table = lock(&self.flights.table);
        self.flight.since.store(now.as_millis(), Relaxed);
    }

    /// Waits until nobody but the leader's caller has a use for the answer: the flight is retired, or would be if somebody
    /// waited for it; or it is doomed, and nobody waits for it.
    pub(crate) fn useless(&self) -> impl Future<Output = ()> + use<A> {
        let flight = Arc::clone(&self.flight);
        async move {
            let retired = || matches!(*lock(&flight.progress), Progress::Lost | Progress::Overdue);
            // Nobody can join what is doomed, so there will not be more who wait.
            let look = || (retired() || (flight.is_doomed() && !flight.is_awaited())).then_some(());
            flight.seen(look).await;
        }
    }

    /// Waits until nobody waits for the flight. Somebody may come later.
    pub(crate) fn unattended(&self) -> impl Future<Output = ()> + use<A> {
        let flight = Arc::clone(&self.flight);
        async move { flight.seen(|| (!flight.is_awaited()).then_some(())).await }
    }

    /// Retires the flight unless somebody waits for it. Says whether it did.
    #[must_use]
    pub(crate) fn retire_unattended(&self) -> bool {
        let mut table = lock(&self.flights.table);
        let unattended = !self.flight.is_awaited();
        if unattended && let Some(slot) = table.keys.get_mut(&self.key) {
            slot.retire(&self.flight);
        }
        unattended
    }

    /// Gives an older answer to all who wait, and to who comes before `until`; the flight goes on.
    pub(crate) fn offer(&self, answer: A, until: Timestamp) {
        // What comes too late is dropped here, after the lock of `progress`.
        let mut offer = Some(Progress::Offering(Arc::new(answer), until));
        self.flight.change(|progress| match progress {
            Progress::Flying => offer.take(),
            _ => None,
        });
    }

    /// Gives the answer to all who wait, and does not ask for it if nobody does; who comes later starts anew. The ticket may
    /// still be used to make copies.
    pub(crate) fn land(&self, answer: impl FnOnce() -> A) {
        let awaited = {
            let mut table = lock(&self.flights.table);
            if let Some(slot) = table.keys.get_mut(&self.key) {
                slot.leave(&self.flight);
            }
            // From here on there will not be more of them.
            self.flight.is_awaited()
        };
        let end = if awaited { Progress::Landed(Arc::new(answer())) } else { Progress::Lost };
        self.flight.change(|_| Some(end));
    }
}

impl<A> Drop for Ticket<A> {
    fn drop(&mut self) {
        {
            let mut table = lock(&self.flights.table);
            if let Some(slot) = table.keys.get_mut(&self.key) {
                slot.leave(&self.flight);
                slot.flying.retain(|flight| !Arc::ptr_eq(flight, &self.flight));
            }
            table.remove_if_idle(&self.key);
        }
        // Only after the flight left the table: who is told that it was lost must not find it there again.
        self.flight.give_up();
    }
}

/// One copy into a slower layer, under way until dropped.
#[derive(Debug)]
pub(crate) struct Copying<A> {
    flight: Arc<Flight<A>>,
}

impl<A> Drop for Copying<A> {
    fn drop(&mut self) {
        // Whoever sees that it has ended sees what it did.
        if self.flight.copies.fetch_sub(1, AcqRel) == 1 {
            self.flight.changed.notify_waiters();
        }
    }
}

/// A caller that waits for somebody else's load.
#[derive(Debug)]
pub(crate) struct Waiter<A> {
    since: Timestamp,
    flight: Arc<Flight<A>>,
}

impl<A> Drop for Waiter<A> {
    fn drop(&mut self) {
        if self.flight.waiters.fetch_sub(1, AcqRel) == 1 {
            self.flight.changed.notify_waiters();
        }
    }
}

impl<A: Clone> Waiter<A> {
    /// Waits until the load has an answer, ends without one or is retired.
    pub(crate) async fn wait(self) -> Landing<A> {
        let landing = self.flight.seen(|| match &*lock(&self.flight.progress) {
            Progress::Flying => None,
            Progress::Offering(_, until) if self.since >= *until => None,
            Progress::Landed(answer) | Progress::Offering(answer, _) => Some(Some(Arc::clone(answer))),
            Progress::Overdue | Progress::Lost => Some(None),
        });
        // Cloned after the lock: that is code of its type.
        landing.await.map_or(Landing::Lost, |answer| Landing::Answer(Arc::unwrap_or_clone(answer)))
    }
}

/// An invalidation under way: until it is dropped, flights of its keys store nothing.
#[derive(Debug)]
pub(crate) struct Doom<A> {
    flights: Flights<A>,
    /// `None`: all keys.
    key: Option<PackedKey>,
    number: u64,
    doomed: Vec<Arc<Flight<A>>>,
    /// The flight whose replacement this is, if it is one.
    replacing: Option<Arc<Flight<A>>>,
}

impl<A> Doom<A> {
    /// Waits until the doomed flights have ended the copies that they had begun, so that what is removed from now on
    /// stays removed. Does not wait for their loads.
    pub(crate) async fn settled(&self) {
        for flight in &self.doomed {
            flight.seen(|| (flight.copies.load(Acquire) == 0).then_some(())).await;
        }
    }

    /// Runs `remove`, which must be quick, while no flight can store.
    pub(crate) fn apply<T>(&self, remove: impl FnOnce() -> T) -> T {
        let _table = lock(&self.flights.table);
        remove()
    }

    /// Nothing from before this is left in any layer.
    pub(crate) fn cleared(&self) {
        let mut table = lock(&self.flights.table);
        let clear = |slot: &mut Slot<A>| slot.cleared = slot.cleared.max(self.number);
        match &self.key {
            Some(key) => table.keys.get_mut(key).into_iter().for_each(clear),
            None => table.keys.values_mut().for_each(clear),
        }
    }
}

impl<A> Drop for Doom<A> {
    /// Nobody who comes from now on may join a flight that was born under this invalidation: it may have read what was
    /// not removed yet.
    fn drop(&mut self) {
        self.end(&mut lock(&self.flights.table));
        if let Some(flight) = &self.replacing {
            flight.changed.notify_waiters();
        }
    }
}

impl<A> Doom<A> {
    // In one step: who begins after it finds neither a doom nor a replacement.
    fn end(&self, table: &mut Table<A>) {
        let Some(key) = &self.key else {
            // Of a fork, which counts anew, there may be fewer than there were.
            table.dooms = table.dooms.saturating_sub(1);
            table.keys.values_mut().for_each(|slot| slot.forbid_to_join(self.number));
            return;
        };
        if let Some(slot) = table.keys.get_mut(key) {
            slot.dooms = slot.dooms.saturating_sub(1);
            let is_ours = |flight: &mut Arc<Flight<A>>| {
                self.replacing.as_ref().is_some_and(|replacing| Arc::ptr_eq(replacing, flight))
            };
            slot.replacing.take_if(is_ours);
            slot.forbid_to_join(self.number);
        }
        table.remove_if_idle(key);
    }
}

/// Another answer on its way into every layer. Until it is dropped, loads of its key store nothing, and no other
/// replacement of the key is made.
#[derive(Debug)]
pub(crate) struct Replacement<A> {
    doom: Doom<A>,
    flight: Arc<Flight<A>>,
}

/// What a replacement is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Store its answer in the place of every older one.
    Store,
    /// Remove what is stored: something that began later wants a newer answer than this one.
    Remove,
    /// Nothing: no layer holds anything as old as this.
    Nothing,
}

impl<A> Replacement<A> {
    /// What is to be done, as far as is known now: an invalidation may begin at any moment.
    pub(crate) fn verdict(&self) -> Verdict {
        let table = lock(&self.doom.flights.table);
        let Some(slot) = self.doom.key.as_ref().and_then(|key| table.keys.get(key)) else {
            return Verdict::Remove;
        };
        // What is put or expired by hand is so from its turn on, and no load begins during that which may store.
        let outdated = self.flight.start == Start::Refresh && slot.last_load > self.doom.number;
        if slot.cleared > self.doom.number {
            Verdict::Nothing
        } else if self.flight.is_doomed() || outdated || slot.replaced > self.doom.number {
            Verdict::Remove
        } else {
            Verdict::Store
        }
    }

    /// Notes that this answer is about to be stored: from here on, no replacement with a lower number stores its own, even if
    /// a layer fails to take this one.
    pub(crate) fn stores(&self) {
        let mut table = lock(&self.doom.flights.table);
        if let Some(slot) = self.doom.key.as_ref().and_then(|key| table.keys.get_mut(key)) {
            slot.replaced = slot.replaced.max(self.doom.number);
        }
    }

    /// What it dooms, as an invalidation would.
    pub(crate) fn doom(&self) -> &Doom<A> {
        &self.doom
    }
}

/// A panic while the lock was held left the table as consistent as before: every change is a few plain assignments.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
