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

use std::{collections::HashMap, mem, sync::Arc};

use foldhash::fast::RandomState;

use crate::{
    clock::Timestamp,
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
    keys: HashMap<Arc<str>, Slot<A>, RandomState>,
    /// How many invalidations of all keys are running.
    dooms: usize,
}

/// What is going on for one key; removed as soon as that is nothing.
#[derive(Debug)]
struct Slot<A> {
    /// The flight that new callers may wait for.
    joinable: Option<Arc<Flight<A>>>,
    /// Every flight whose ticket still exists, the joinable one included.
    flying: Vec<Arc<Flight<A>>>,
    /// How many invalidations of this key are running.
    dooms: usize,
}

#[derive(Debug)]
struct Flight<A> {
    /// From when on its age counts, in milliseconds: when it took off, or when its turn came after that. [`NOT_YET`] while it
    /// waits for its turn. Relaxed: only touched under the table's lock.
    since: AtomicU64,
    /// Whether it may no longer store. Relaxed: only touched under the table's lock.
    doomed: AtomicBool,
    /// Locked for a few assignments, within the table's lock or without it, and never the other way round.
    progress: Mutex<Progress<A>>,
    /// How many wait for it. Relaxed: grows under the table's lock only, and may be seen too large.
    waiters: AtomicUsize,
    /// How many copies into slower layers it is making. Grows under the table's lock only.
    copies: AtomicUsize,
    /// Told when `progress` changes, and when the last copy ends.
    changed: Notify,
}

/// Later than any moment.
const NOT_YET: u64 = u64::MAX;

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
        Self { table: Arc::new(Mutex::new(Table { keys, dooms: 0 })) }
    }

    /// Joins the flight of `key`, or starts one.
    pub(crate) fn board(&self, key: &str, now: Timestamp) -> Boarding<A> {
        let mut table = lock(&self.table);
        if let Some(flight) = table.joinable(key) {
            flight.waiters.fetch_add(1, Relaxed);
            return Boarding::Wait(Waiter { since: now, flight: Arc::clone(flight) });
        }
        Boarding::Lead(self.take_off(&mut table, key, now, Start::Joinable))
    }

    /// Starts a flight unless there is one to join.
    pub(crate) fn lead(&self, key: &str, now: Timestamp) -> Option<Ticket<A>> {
        let mut table = lock(&self.table);
        let flying = table.joinable(key).is_some();
        (!flying).then(|| self.take_off(&mut table, key, now, Start::Joinable))
    }

    /// Starts a flight that nobody can join, beside whatever flies already.
    pub(crate) fn fly_alone(&self, key: &str, now: Timestamp) -> Ticket<A> {
        self.take_off(&mut lock(&self.table), key, now, Start::Alone)
    }

    /// Starts a flight whose answer is newer than that of every flight before it: those store nothing any more.
    pub(crate) fn supersede(&self, key: &str, now: Timestamp) -> Ticket<A> {
        let mut table = lock(&self.table);
        if let Some(slot) = table.keys.get_mut(key) {
            slot.doom();
        }
        self.take_off(&mut table, key, now, Start::Joinable)
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
    pub(crate) fn doom(&self, key: &str) -> Doom<A> {
        let mut table = lock(&self.table);
        let key: Arc<str> = Arc::from(key);
        let slot = table.keys.entry(Arc::clone(&key)).or_default();
        slot.dooms += 1;
        let doomed = slot.doom();
        Doom { flights: self.clone(), key: Some(key), doomed }
    }

    /// Dooms the flights of all keys, and every one that starts before the returned guard is dropped.
    pub(crate) fn doom_all(&self) -> Doom<A> {
        let mut table = lock(&self.table);
        table.dooms += 1;
        let doomed = table.keys.values_mut().flat_map(Slot::doom).collect();
        Doom { flights: self.clone(), key: None, doomed }
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
    pub(crate) fn waiting(&self, key: &str) -> usize {
        let table = lock(&self.table);
        let flying = table.keys.get(key).into_iter().flat_map(|slot| &slot.flying);
        flying.map(|flight| flight.waiters.load(Relaxed)).sum()
    }

    /// Whether an invalidation of `key` is under way.
    #[cfg(test)]
    pub(crate) fn is_doomed(&self, key: &str) -> bool {
        lock(&self.table).keys.get(key).is_some_and(|slot| slot.dooms > 0)
    }

    fn take_off(&self, table: &mut Table<A>, key: &str, now: Timestamp, start: Start) -> Ticket<A> {
        let all_dooms = table.dooms;
        let key: Arc<str> = Arc::from(key);
        let slot = table.keys.entry(Arc::clone(&key)).or_default();
        let born_doomed = match start {
            Start::Joinable | Start::Alone => all_dooms + slot.dooms > 0,
            Start::ExemptFromOne => all_dooms + slot.dooms > 1,
            Start::Exempt => false,
        };
        let flight = Arc::new(Flight {
            since: AtomicU64::new(now.as_millis()),
            doomed: AtomicBool::new(born_doomed),
            progress: Mutex::new(Progress::Flying),
            waiters: AtomicUsize::new(0),
            copies: AtomicUsize::new(0),
            changed: Notify::new(),
        });
        slot.flying.push(Arc::clone(&flight));
        if start == Start::Joinable {
            slot.joinable = Some(Arc::clone(&flight));
        }
        Ticket { table: Arc::clone(&self.table), key, flight }
    }
}

/// In what relation a new flight stands to others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Start {
    /// Later callers wait for it.
    Joinable,
    /// Nobody waits for it.
    Alone,
    /// Nobody waits for it, and the invalidations that are running do not doom it: it is newer than they are.
    Exempt,
    /// Nobody waits for it, and one of the invalidations that are running does not doom it: that is what it is part of.
    ExemptFromOne,
}

impl<A> Flight<A> {
    fn is_awaited(&self) -> bool {
        self.waiters.load(Relaxed) > 0
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
    /// The flight of `key` that can be joined. One that is overdue is retired by whoever comes.
    fn joinable(&mut self, key: &str) -> Option<&Arc<Flight<A>>> {
        let slot = self.keys.get_mut(key)?;
        let overdue = |flight: &&Arc<Flight<A>>| matches!(*lock(&flight.progress), Progress::Overdue);
        if let Some(overdue) = slot.joinable.as_ref().filter(overdue).map(Arc::clone) {
            slot.retire(&overdue);
            overdue.give_up();
        }
        slot.joinable.as_ref()
    }

    fn remove_if_idle(&mut self, key: &str) {
        let idle = |slot: &Slot<A>| slot.flying.is_empty() && slot.dooms == 0;
        if self.keys.get(key).is_some_and(idle) {
            self.keys.remove(key);
        }
    }
}

impl<A> Slot<A> {
    /// Dooms what flies and lets nobody join it any more.
    fn doom(&mut self) -> Vec<Arc<Flight<A>>> {
        self.joinable = None;
        for flight in &self.flying {
            flight.doomed.store(true, Relaxed);
        }
        self.flying.clone()
    }

    /// Lets `flight` store nothing any more, and nobody join it. Who waits for it is to be told.
    fn retire(&mut self, flight: &Arc<Flight<A>>) {
        flight.doomed.store(true, Relaxed);
        self.leave(flight);
    }

    /// Lets nobody join `flight` any more.
    fn leave(&mut self, flight: &Arc<Flight<A>>) {
        self.joinable.take_if(|joinable| Arc::ptr_eq(joinable, flight));
    }
}

impl<A> Default for Slot<A> {
    fn default() -> Self {
        Self { joinable: None, flying: Vec::new(), dooms: 0 }
    }
}

/// The right to load one key and, unless doomed, to store the answer. Dropping it ends the flight, whatever happened.
#[derive(Debug)]
pub(crate) struct Ticket<A> {
    table: Arc<Mutex<Table<A>>>,
    key: Arc<str>,
    flight: Arc<Flight<A>>,
}

impl<A> Ticket<A> {
    /// Runs `store`, which must be quick, unless the flight is doomed. Says whether it ran.
    #[must_use]
    pub(crate) fn store(&self, store: impl FnOnce()) -> bool {
        let _table = lock(&self.table);
        let allowed = !self.flight.doomed.load(Relaxed);
        if allowed {
            store();
        }
        allowed
    }

    /// Announces a copy into a slower layer; `None` if the flight is doomed and must make none.
    #[must_use]
    pub(crate) fn begin_copy(&self) -> Option<Copying<A>> {
        let _table = lock(&self.table);
        if self.flight.doomed.load(Relaxed) {
            return None;
        }
        self.flight.copies.fetch_add(1, Relaxed);
        Some(Copying { flight: Arc::clone(&self.flight) })
    }

    /// What is loaded.
    pub(crate) fn key(&self) -> &Arc<str> {
        &self.key
    }

    /// Whether nothing of this flight may be stored any more.
    #[must_use]
    pub(crate) fn is_doomed(&self) -> bool {
        let _table = lock(&self.table);
        self.flight.doomed.load(Relaxed)
    }

    /// The load waits for its turn: until that has come it is not retired for its age.
    pub(crate) fn pause_age(&self) {
        let _table = lock(&self.table);
        self.flight.since.store(NOT_YET, Relaxed);
    }

    /// The load begins.
    pub(crate) fn count_age_from(&self, now: Timestamp) {
        let _table = lock(&self.table);
        self.flight.since.store(now.as_millis(), Relaxed);
    }

    /// Waits until the flight is retired, or would be if somebody waited for it.
    pub(crate) fn retired(&self) -> impl Future<Output = ()> + use<A> {
        let flight = Arc::clone(&self.flight);
        async move {
            let look = || matches!(*lock(&flight.progress), Progress::Lost | Progress::Overdue).then_some(());
            flight.seen(look).await;
        }
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
            let mut table = lock(&self.table);
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
            let mut table = lock(&self.table);
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
        self.flight.waiters.fetch_sub(1, Relaxed);
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
    key: Option<Arc<str>>,
    doomed: Vec<Arc<Flight<A>>>,
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
    pub(crate) fn apply(&self, remove: impl FnOnce()) {
        let _table = lock(&self.flights.table);
        remove();
    }

    /// A ticket to store a value that is newer than this invalidation. A later invalidation dooms it as any other.
    pub(crate) fn ticket(&self, key: &str, now: Timestamp) -> Ticket<A> {
        self.flights.take_off(&mut lock(&self.flights.table), key, now, Start::Exempt)
    }

    /// A ticket to put back what was stored before this invalidation, with other dates. Another one, later or under way,
    /// dooms it: that has forgotten what is put back, or is about to.
    pub(crate) fn ticket_to_redate(&self, key: &str, now: Timestamp) -> Ticket<A> {
        self.flights.take_off(&mut lock(&self.flights.table), key, now, Start::ExemptFromOne)
    }
}

impl<A> Drop for Doom<A> {
    /// Nobody who comes from now on may join a flight that was born under this invalidation: it may have read what was
    /// not removed yet.
    fn drop(&mut self) {
        let mut table = lock(&self.flights.table);
        let Some(key) = self.key.take() else {
            table.dooms -= 1;
            table.keys.values_mut().for_each(|slot| slot.joinable = None);
            return;
        };
        if let Some(slot) = table.keys.get_mut(&key) {
            slot.joinable = None;
            slot.dooms -= 1;
        }
        table.remove_if_idle(&key);
    }
}

/// A panic while the lock was held left the table as consistent as before: every change is a few plain assignments.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
