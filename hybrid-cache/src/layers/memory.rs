//! The memory layer: typed values, no encoding.
//!
//! moka decides what stays; reads go through a concurrent index beside it. Most of what a read of moka costs is
//! telling it about the read, so an entry does that at most once in a [report tick](Memory::report_tick). A miss is always
//! reported: without that the hit ratio falls behind moka's own (`docs/decisions/0002-memory.md`).
//!
//! Whoever tells moka something may be made to do its housekeeping, which allocates and takes microseconds. So a hit
//! leaves its report in a [bounded list](reports), and whoever misses, stores or tidies up hands the list to moka, in
//! order and before its own. What does not fit is left out: the list only fills up while hardly anybody misses, and then
//! hardly anything is being evicted.
//!
//! moka knows an entry by the hash of its key and by a number of its own, by which its eviction finds exactly that entry
//! and never a newer one of the same key. Two keys of the same hash are one to moka: storing the second evicts the first.
//! An entry is in the index from before moka hears of it until after moka let go of it. Writes of one key must not overlap;
//! the flight table sees to that.

use std::{fmt, sync::Arc};

use moka::{ops::compute::Op, policy::EvictionPolicy, sync::Cache};
use papaya::Guard;

#[path = "memory/key.rs"] // said for the model checker, which compiles this file from elsewhere
mod key;
#[path = "memory/reports.rs"]
mod reports;
#[path = "memory/sweep.rs"]
mod sweep;

use self::{
    key::{Exactly, Hashed, OfText, StoredKey},
    reports::Reports,
    sweep::Sweep,
};
use crate::{
    clock::Timestamp,
    record::Dates,
    sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed},
};

/// For how long an entry keeps quiet towards moka after it has reported a read, at most.
const REPORT_TICK_MILLIS: u64 = 128;

/// And for how much less than the time in which as much is stored as there is room for: entries that are in use must say so
/// before it is decided about them.
const REPORT_TICKS_A_TURNOVER: u64 = 4;

/// Every so many insertions, what the index has replaced or outgrown is freed at once. Otherwise its old tables would wait for
/// as many removals by the thread that outgrew them, and there are few while it grows.
const INSERTS_A_FLUSH: u64 = 256;

type Index<V> = papaya::HashMap<StoredKey, Entry<V>, Hashed>;

/// The answers of one function that are in memory.
pub(crate) struct Memory<V> {
    index: Arc<Index<V>>,
    /// Entries with a smaller number have been forgotten all at once.
    forgotten_below: AtomicU64,
    /// How often a part of what there is room for has been stored.
    ticks: AtomicU32,
    reports: Reports,
    bound: Bound<V>,
    eviction: Cache<u64, Stub, Hashed>,
    /// Below it, what every insertion writes and a hit need not see.
    next_id: AtomicU64,
    /// What has been stored, as far as that is bounded.
    stored: AtomicU64,
    /// What has been stored since moka last evicted, as far as that is bounded.
    unsettled: AtomicU64,
    sweep: Sweep,
}

/// What bounds a memory.
pub(crate) enum Bound<V> {
    /// So many entries.
    Entries(u64),
    /// So many bytes: of keys, and of values as far as this function says.
    Bytes(u64, fn(&V) -> usize),
}

/// What an entry counts towards the bound of its memory.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Weight(u32);

impl Weight {
    /// Of an entry in a memory that is bounded by number.
    pub(crate) const ONE: Self = Self(1);
}

/// Which part of the bytes that a memory is bounded by may be stored before moka has to evict. By itself it waits for a
/// number of entries, which may be large ones.
const UNSETTLED_PART: u64 = 16;

/// An answer in memory. In this order, so that what a hit looks at lies together, behind the key.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Entry<V> {
    pub(crate) value: V,
    /// Until then, in milliseconds, a call that finds this entry returns it and has nothing else to decide.
    quiet_until: AtomicU64,
    /// The report tick in which moka was last told of a read.
    reported: AtomicU32,
    /// From when on it may be due for a refresh; at the latest when its life ends.
    pub(crate) due_from: Timestamp,
    computed_at: Timestamp,
    // In milliseconds; these change when the answer is expired by hand.
    fresh_until: AtomicU64,
    kept_until: AtomicU64,
}

impl<V> Entry<V> {
    /// Whether a call at `now` returns this entry and has nothing else to decide.
    #[inline]
    pub(crate) fn is_quiet(&self, now: Timestamp) -> bool {
        // Relaxed, here and below: dates order nothing. That a call which begins after an expiry or invalidation sees what
        // that wrote follows from its beginning after it.
        now.as_millis() < self.quiet_until.load(Relaxed)
    }

    pub(crate) fn dates(&self) -> Dates {
        Dates {
            computed_at: self.computed_at,
            fresh_until: Timestamp::from_millis(self.fresh_until.load(Relaxed)),
            kept_until: Timestamp::from_millis(self.kept_until.load(Relaxed)),
        }
    }

    fn set_quiet(&self, until: Timestamp) {
        self.quiet_until.store(until.as_millis(), Relaxed);
    }
}

/// What moka keeps of an entry.
#[derive(Debug, Clone, Copy)]
struct Stub {
    id: u64,
    weight: Weight,
}

impl<V: Send + Sync + 'static> Memory<V> {
    /// Room for `capacity` entries.
    pub(crate) fn new(capacity: u64) -> Self {
        Self::bounded(Bound::Entries(capacity))
    }

    /// Room for as much as `bound` says.
    pub(crate) fn bounded(bound: Bound<V>) -> Self {
        let capacity = bound.most();
        let index = Arc::new(Index::with_hasher(Hashed));
        let evicted_from = Arc::clone(&index);
        let builder = match bound {
            Bound::Entries(_) => Cache::builder(),
            Bound::Bytes(..) => Cache::builder().weigher(|_, stub: &Stub| stub.weight.0),
        };
        let eviction = builder
            .max_capacity(capacity)
            .eviction_policy(EvictionPolicy::tiny_lfu())
            // Also of what was replaced: that is gone from the index already, unless it is of another key of the same hash.
            .eviction_listener(move |hash: Arc<u64>, stub: Stub, _| {
                evicted_from.pin().remove(&Exactly { hash: *hash, id: stub.id });
            })
            .build_with_hasher(Hashed);
        Self {
            index,
            forgotten_below: AtomicU64::new(0),
            ticks: AtomicU32::new(0),
            reports: Reports::new(capacity),
            bound,
            eviction,
            next_id: AtomicU64::new(0),
            stored: AtomicU64::new(0),
            unsettled: AtomicU64::new(0),
            sweep: Sweep::new(),
        }
    }

    /// What an entry would count; `None`: it is larger than all of this memory may be, and is not to be stored.
    ///
    /// Runs code of the value's type, so not to be called under a lock.
    pub(crate) fn weigh(&self, key: &str, value: &V) -> Option<Weight> {
        let Bound::Bytes(most, size) = &self.bound else { return Some(Weight::ONE) };
        // Nothing counts nothing: there would be no bound to how many there are.
        let bytes = size(value).saturating_add(key.len()).max(1);
        let weight = u32::try_from(bytes).ok()?;
        (u64::from(weight) <= *most).then_some(Weight(weight))
    }

    /// What `look` makes of the entry under `key`; `None` if there is none.
    ///
    /// Takes no lock and allocates nothing.
    #[inline]
    pub(crate) fn read<R>(&self, key: &[u8], now: Timestamp, look: impl FnOnce(&Entry<V>) -> R) -> Option<R> {
        let key = OfText::new(key);
        let index = self.index.pin();
        let Some((stored_key, entry)) = index.get_key_value(&key) else {
            self.report_miss(key.hash);
            return None;
        };
        if self.is_forgotten(stored_key) {
            self.report_miss(key.hash);
            return None;
        }
        let tick = self.report_tick(now);
        if entry.reported.load(Relaxed) != tick && self.reports.add(key.hash) {
            entry.reported.store(tick, Relaxed);
        }
        Some(look(entry))
    }

    /// Like [`read`](Self::read), but leaves no trace of having looked.
    pub(crate) fn peek<R>(&self, key: &str, look: impl FnOnce(&Entry<V>) -> R) -> Option<R> {
        let index = self.index.pin();
        let (stored_key, entry) = index.get_key_value(&OfText::new(key.as_bytes()))?;
        (!self.is_forgotten(stored_key)).then(|| look(entry))
    }

    /// Whether this entry is from before everything was forgotten.
    #[inline]
    fn is_forgotten(&self, key: &StoredKey) -> bool {
        key.id < self.forgotten_below.load(Relaxed)
    }

    /// The present report tick: how often the time or a turnover has asked all entries to report once more.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "wraps after years; then one report is left out")]
    fn report_tick(&self, now: Timestamp) -> u32 {
        ((now.as_millis() / REPORT_TICK_MILLIS) as u32).wrapping_add(self.ticks.load(Relaxed))
    }

    /// Stores an answer, in place of any before it.
    pub(crate) fn insert(
        &self,
        key: &str,
        value: V,
        weight: Weight,
        dates: Dates,
        due_from: Timestamp,
        now: Timestamp,
    ) {
        let stub = Stub { id: self.next_id.fetch_add(1, Relaxed), weight };
        let entry = Entry {
            value,
            due_from,
            computed_at: dates.computed_at,
            fresh_until: AtomicU64::new(dates.fresh_until.as_millis()),
            kept_until: AtomicU64::new(dates.kept_until.as_millis()),
            quiet_until: AtomicU64::new(due_from.min(dates.fresh_until).as_millis()),
            reported: AtomicU32::new(self.report_tick(now)),
        };
        let hash = OfText::new(key.as_bytes()).hash;
        self.hand_over_reports();
        // The index first: moka may decide against the entry at once, and must find it then.
        let guard = self.index.guard();
        self.index.insert(StoredKey::new(key, stub.id), entry, &guard);
        if stub.id.is_multiple_of(INSERTS_A_FLUSH) {
            guard.flush();
        }
        drop(guard);
        self.eviction.insert(hash, stub);
        self.sweep.comes_to_an_end(dates.kept_until);
        self.count_stored(weight);
    }

    fn count_stored(&self, Weight(weight): Weight) {
        let weight = u64::from(weight);
        self.unsettled.fetch_add(weight, Relaxed);
        let before = self.stored.fetch_add(weight, Relaxed);
        let part = (self.bound.most() / REPORT_TICKS_A_TURNOVER).max(1);
        if before / part != before.wrapping_add(weight) / part {
            self.ticks.fetch_add(1, Relaxed);
        }
    }

    /// Lets moka evict, if so many bytes have been stored that it must not wait. To be called after a store, and not under a
    /// lock: this waits for whoever is evicting.
    pub(crate) fn settle(&self) {
        let Bound::Bytes(most, _) = self.bound else { return };
        if self.unsettled.load(Relaxed) > most / UNSETTLED_PART {
            self.evict();
        }
    }

    /// Lets calls that find the entry of `key` return it without another thought until `until`.
    ///
    /// This and the two below overwrite what [`redate`](Self::redate) has decided, so they must not run beside it.
    pub(crate) fn quiet(&self, key: &str, until: Timestamp) {
        self.peek(key, |entry| entry.set_quiet(until));
    }

    /// The same, if the entry of `key` still has the dates `old`.
    pub(crate) fn quiet_if(&self, key: &str, old: &Dates, until: Timestamp) {
        self.peek(key, |entry| {
            if entry.dates() == *old {
                entry.set_quiet(until);
            }
        });
    }

    /// Lets calls that find the entry of `key` decide for themselves again what may be done with it.
    pub(crate) fn reconsider(&self, key: &str) {
        self.peek(key, |entry| entry.set_quiet(entry.due_from.min(entry.dates().fresh_until)));
    }

    /// Changes the dates of the entry of `key`, which can only shorten its life.
    pub(crate) fn redate(&self, key: &str, redate: impl FnOnce(&Dates) -> Dates) {
        self.peek(key, |entry| {
            let dates = redate(&entry.dates());
            entry.kept_until.store(dates.kept_until.as_millis(), Relaxed);
            self.sweep.comes_to_an_end(dates.kept_until);
            entry.fresh_until.store(dates.fresh_until.as_millis(), Relaxed);
            entry.set_quiet(Timestamp::from_millis(0));
        });
    }

    /// Runs `work`, and drops the values that it removes or replaces only afterwards: dropping one runs the code of its
    /// type, which must not happen under a lock that `work` takes.
    pub(crate) fn dropping_later<T>(&self, work: impl FnOnce() -> T) -> T {
        // What is taken out of the index is freed once no guard from before is left.
        let _guard = self.index.guard();
        work()
    }

    /// Forgets `key`.
    pub(crate) fn remove(&self, key: &str) {
        let key = OfText::new(key.as_bytes());
        self.index.pin().remove(&key);
        self.eviction.invalidate(&key.hash);
    }

    /// Forgets everything, in constant time; the space follows.
    pub(crate) fn remove_all(&self) {
        self.forgotten_below.fetch_max(self.next_id.load(Relaxed), Relaxed);
        self.eviction.invalidate_all();
    }

    /// Lets moka evict what is over capacity, which it otherwise does when it is written to, and frees the space of what
    /// nobody may be given any more at `now`.
    pub(crate) fn tidy(&self, now: Timestamp) {
        // Else a value could be dropped by moka, under its locks.
        self.dropping_later(|| {
            self.hand_over_reports();
            self.sweep.if_worthwhile(now, || self.remove_ended(now));
            self.evict();
        });
    }

    /// Removes what nobody may be given any more; when the next entry comes to its end.
    ///
    /// moka could do this too, by a timer for each entry. They would be a tenth of the memory that there is for an entry, and
    /// a part of what every insertion costs.
    fn remove_ended(&self, now: Timestamp) -> Option<Timestamp> {
        let mut next_end = None;
        let index = self.index.pin();
        for (key, entry) in &index {
            let end = entry.dates().kept_until;
            if end > now {
                next_end = Some(next_end.map_or(end, |next: Timestamp| next.min(end)));
                continue;
            }
            let exactly = Exactly { hash: key.hash(), id: key.id };
            index.remove(&exactly);
            // Beside a write of this key: what that has stored stays.
            let forget = |kept: Option<moka::Entry<u64, Stub>>| match kept {
                Some(kept) if kept.value().id == exactly.id => Op::Remove,
                _ => Op::Nop,
            };
            self.eviction.entry(exactly.hash).and_compute_with(forget);
        }
        next_end
    }

    fn evict(&self) {
        self.unsettled.store(0, Relaxed);
        // An answer whose clean-up asks for an answer may come here again, and moka holds a lock while it evicts.
        self.dropping_later(|| self.eviction.run_pending_tasks());
    }

    /// The number of entries, those included whose space has not been freed yet.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.index.len()
    }

    #[cold]
    fn report_miss(&self, hash: u64) {
        self.hand_over_reports();
        self.eviction.get(&hash);
    }

    /// Tells moka of the hits that nobody has told it of yet.
    fn hand_over_reports(&self) {
        self.reports.hand_over(|hash| {
            self.eviction.get(&hash);
        });
    }
}

impl<V> Bound<V> {
    const fn most(&self) -> u64 {
        match self {
            Self::Entries(most) | Self::Bytes(most, _) => *most,
        }
    }
}

impl<V> fmt::Debug for Memory<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory")
            .field("capacity", &self.eviction.policy().max_capacity())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
