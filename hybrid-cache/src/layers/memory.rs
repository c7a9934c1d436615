//! The memory layer: typed values, no encoding.
//!
//! Entries lie in [shards](shard), each under a read-write lock: a read takes that of its key's shard, and writes at most
//! one byte of the entry. One count says what all shards hold together, so that nothing is evicted before all the room is
//! taken, and nothing is kept beyond it. Who stores an entry makes room for it: in its shard, or in others if that one is
//! empty (`docs/decisions/0036-s3-fifo-in-shards.md`).
//!
//! No code of the user's types runs under a lock. Values are [cloned](Held) without it, compared and measured elsewhere,
//! and dropped by the caller, who is handed what was [removed](Removed). Writes of one key must not overlap; the flight
//! table sees to that.

use std::fmt;

use foldhash::quality::RandomState;
use smallvec::SmallVec;

#[path = "memory/entry.rs"] // said for the model checker, which compiles this file from elsewhere
mod entry;
#[path = "memory/ghosts.rs"]
mod ghosts;
#[path = "memory/key.rs"]
mod key;
#[path = "memory/shard.rs"]
mod shard;
#[path = "memory/sweep.rs"]
mod sweep;

pub(crate) use self::{
    entry::{Entry, Life},
    key::Lookup,
};
use self::{
    key::{Sought, StoredKey},
    shard::{Shard, Taken},
    sweep::Sweep,
};
use crate::{
    clock::Timestamp,
    record::Dates,
    sync::{
        Mutex, PoisonError, RwLock, RwLockWriteGuard,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

/// A shard has at least so many entries, where there is room for them: with fewer, each knows too little of what is read.
const ENTRIES_A_SHARD: u64 = 256;

/// And so few only where there would be fewer shards than threads.
const FEWEST_A_SHARD: u64 = 64;

/// More shards make no difference to as many threads.
const MOST_SHARDS: u64 = 64;

/// How many bytes an entry is thought to have, where their bound says how many shards there are.
const BYTES_AN_ENTRY: u64 = 256;

/// What is looked through for ended entries under one lock.
const SWEPT_AT_ONCE: usize = 256;

/// As long as less than this part of the room is taken, entries need not show that they are of use.
const ROOMY: (u64, u64) = (9, 10);

/// What the table and the ghosts of a shard take for an entry.
const BESIDE_AN_ENTRY: usize = 16;

/// The answers of one function that are in memory. `V` is what is kept of one; to clone it must not run code of the user's.
pub(crate) struct Memory<V> {
    /// A power of two of them.
    shards: Box<[Padded<RwLock<Shard<V>>>]>,
    hasher: RandomState,
    bound: Bound,
    /// What all entries count.
    weight: Padded<AtomicU64>,
    /// What was forgotten all at once and has not been dropped yet.
    forgotten: Mutex<Vec<Shard<V>>>,
    sweep: Sweep,
}

/// What bounds a memory.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Bound {
    /// So many entries.
    Entries(u64),
    /// So many bytes.
    Bytes(u64),
}

/// What an entry counts towards the bound of its memory.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Weight(u32);

impl Weight {
    /// Of an entry in a memory that is bounded by number.
    pub(crate) const ONE: Self = Self(1);
}

/// Values that are in memory no more. To be dropped where no lock is held: that runs the code of their type.
#[must_use = "is to be dropped where no lock is held"]
pub(crate) struct Removed<V>(SmallVec<[V; 1]>);

/// Alone in its cache lines.
#[repr(align(128))]
struct Padded<T>(T);

impl<V> Memory<V> {
    pub(crate) fn new(bound: Bound) -> Self {
        let entries = match bound {
            Bound::Entries(entries) => entries,
            Bound::Bytes(bytes) => bytes / BYTES_AN_ENTRY,
        };
        let shards = (0..shards_for(entries)).map(|_| Padded(RwLock::new(Shard::new()))).collect();
        Self {
            shards,
            hasher: RandomState::default(),
            bound,
            weight: Padded(AtomicU64::new(0)),
            forgotten: Mutex::new(Vec::new()),
            sweep: Sweep::new(),
        }
    }

    /// What an entry would count whose value takes so many bytes; `None`: it is larger than all of this memory may be, and is
    /// not to be stored.
    pub(crate) fn weigh(&self, key: &[u8], value: impl FnOnce() -> usize) -> Option<Weight> {
        let (most, weight) = match self.bound {
            Bound::Entries(most) => (most, 1),
            Bound::Bytes(most) => {
                let beside = size_of::<Entry<V>>() + BESIDE_AN_ENTRY + StoredKey::bytes_elsewhere(key);
                (most, u32::try_from(value().saturating_add(beside)).ok()?)
            }
        };
        (u64::from(weight) <= most).then_some(Weight(weight))
    }

    /// What `look` makes of the entry under `key`; `None` if there is none.
    ///
    /// Takes the read lock of a shard, and no other. Allocates nothing.
    #[inline]
    pub(crate) fn read<R>(&self, key: Lookup<'_>, look: impl FnOnce(&Entry<V>) -> R) -> Option<R> {
        let sought = Sought::new(key, &self.hasher);
        let shard = self.shard(sought.hash).read().unwrap_or_else(PoisonError::into_inner);
        let entry = shard.get(&sought)?;
        entry.used();
        Some(look(entry))
    }

    /// Like [`read`](Self::read), but leaves no trace of having looked.
    pub(crate) fn peek<R>(&self, key: &[u8], look: impl FnOnce(&Entry<V>) -> R) -> Option<R> {
        let sought = Sought::new(key.into(), &self.hasher);
        let shard = self.shard(sought.hash).read().unwrap_or_else(PoisonError::into_inner);
        shard.get(&sought).map(look)
    }

    /// Stores an answer, in place of any before it. What gives way is handed out.
    pub(crate) fn insert(&self, key: &[u8], value: V, Weight(weight): Weight, life: &Life) -> Removed<V> {
        let sought = Sought::new(key.into(), &self.hasher);
        let mut removed = Removed::nothing();
        // Counted before it is there: so what there is never counts more than the bound, but for entries that make room in
        // another shard than their own. Each makes room for itself and not for others that are counted already: what they
        // hand out would pile up where a thread is not let go on.
        let mut missing = u64::from(weight);
        let before = self.weight.0.fetch_add(missing, Relaxed);
        let mut shard = self.write(sought.hash);
        match shard.replace(&sought, value, life, weight) {
            Ok(old) => {
                self.taken(old, &mut removed);
                self.make_room_in(&mut shard, &mut missing, &mut removed);
            }
            Err(value) => {
                let straight = before.saturating_mul(ROOMY.1) < self.bound.most().saturating_mul(ROOMY.0);
                self.make_room_in(&mut shard, &mut missing, &mut removed);
                shard.insert(&sought, value, life, weight, straight, &self.hasher);
            }
        }
        drop(shard);
        self.make_room(sought.hash, missing, &mut removed);
        self.sweep.comes_to_an_end(life.dates.kept_until);
        removed
    }

    /// Evicts what counts as much as is `missing`, if it is.
    fn make_room_in(&self, shard: &mut Shard<V>, missing: &mut u64, removed: &mut Removed<V>) {
        while *missing > 0
            && self.weight.0.load(Relaxed) > self.bound.most()
            && let Some(evicted) = shard.evict(&self.hasher)
        {
            *missing = missing.saturating_sub(evicted.weight.into());
            self.taken(evicted, removed);
        }
    }

    /// The same from all shards, beginning behind the one of `hash`: that had nothing else than what was stored there.
    fn make_room(&self, hash: u64, mut missing: u64, removed: &mut Removed<V>) {
        for step in 1..=self.shards.len() as u64 {
            if missing == 0 || self.weight.0.load(Relaxed) <= self.bound.most() {
                return;
            }
            let mut shard = self.write(hash.wrapping_add(step << SHARD_BITS));
            self.make_room_in(&mut shard, &mut missing, removed);
        }
    }

    fn taken(&self, Taken { value, weight }: Taken<V>, removed: &mut Removed<V>) {
        self.weight.0.fetch_sub(u64::from(weight), Relaxed);
        removed.0.push(value);
    }

    /// Lets calls that find the entry of `key` return it without another thought until `until`.
    ///
    /// This and the two below overwrite what [`redate`](Self::redate) has decided, so they must not run beside it.
    pub(crate) fn quiet(&self, key: &[u8], until: Timestamp) {
        self.change(key, |entry| entry.set_quiet(until));
    }

    /// The same, if the entry of `key` still has the dates `old`.
    pub(crate) fn quiet_if(&self, key: &[u8], old: &Dates, until: Timestamp) {
        self.change(key, |entry| {
            if entry.dates() == *old {
                entry.set_quiet(until);
            }
        });
    }

    /// Lets calls that find the entry of `key` decide for themselves again what may be done with it.
    pub(crate) fn reconsider(&self, key: &[u8]) {
        self.change(key, Entry::reconsider);
    }

    /// Changes the dates of the entry of `key`, which can only shorten its life.
    pub(crate) fn redate(&self, key: &[u8], redate: impl FnOnce(&Dates) -> Dates) {
        self.change(key, |entry| {
            let dates = redate(&entry.dates());
            entry.redate(dates);
            self.sweep.comes_to_an_end(dates.kept_until);
        });
    }

    fn change(&self, key: &[u8], change: impl FnOnce(&mut Entry<V>)) {
        let sought = Sought::new(key.into(), &self.hasher);
        if let Some(entry) = self.write(sought.hash).get_mut(&sought) {
            change(entry);
        }
    }

    /// Forgets `key`.
    pub(crate) fn remove(&self, key: &[u8]) -> Removed<V> {
        let sought = Sought::new(key.into(), &self.hasher);
        let mut removed = Removed::nothing();
        if let Some(taken) = self.write(sought.hash).remove(&sought) {
            self.taken(taken, &mut removed);
        }
        removed
    }

    /// Forgets everything, in constant time; what it was is dropped by [`tidy`](Self::tidy).
    pub(crate) fn remove_all(&self) {
        let forgotten = self.shards.iter().map(|shard| {
            let mut shard = shard.0.write().unwrap_or_else(PoisonError::into_inner);
            let shard = std::mem::replace(&mut *shard, Shard::new());
            self.weight.0.fetch_sub(shard.weight(), Relaxed);
            shard
        });
        let forgotten: Vec<_> = forgotten.filter(|shard| shard.len() > 0).collect();
        self.forgotten.lock().unwrap_or_else(PoisonError::into_inner).extend(forgotten);
    }

    /// Drops what nobody may be given any more at `now`, and gives memory back that is not in use.
    pub(crate) fn tidy(&self, now: Timestamp) {
        drop(std::mem::take(&mut *self.forgotten.lock().unwrap_or_else(PoisonError::into_inner)));
        // What others were about to store while somebody made room, who then found nothing to evict.
        let mut removed = Removed::nothing();
        self.make_room(0, u64::MAX, &mut removed);
        drop(removed);
        self.sweep.if_worthwhile(now, || {
            let ends = self.shards.iter().filter_map(|shard| self.remove_ended(&shard.0, now));
            ends.min()
        });
        for Padded(shard) in &self.shards {
            if shard.read().unwrap_or_else(PoisonError::into_inner).is_sparse() {
                shard.write().unwrap_or_else(PoisonError::into_inner).shrink(&self.hasher);
            }
        }
    }

    /// Removes what nobody may be given any more; when the next entry comes to its end.
    fn remove_ended(&self, shard: &RwLock<Shard<V>>, now: Timestamp) -> Option<Timestamp> {
        let mut next_end = None;
        let mut from = 0;
        loop {
            let mut removed = Removed::nothing();
            let mut locked = shard.write().unwrap_or_else(PoisonError::into_inner);
            if from >= locked.numbers() {
                return next_end;
            }
            let numbers = from..from + SWEPT_AT_ONCE;
            from = numbers.end;
            let end = locked.remove_ended(numbers, now, &self.hasher, &mut |ended| {
                self.taken(ended, &mut removed);
            });
            next_end = next_end.into_iter().chain(end).min();
            // Then `removed`, which may run code of the user's.
            drop(locked);
        }
    }

    /// The number of entries.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.0.read().unwrap_or_else(PoisonError::into_inner).len()).sum()
    }

    #[inline]
    fn shard(&self, hash: u64) -> &RwLock<Shard<V>> {
        // Not the bits by which the table of the shard finds its entries.
        let at = (hash >> SHARD_BITS) as usize & (self.shards.len() - 1);
        #[expect(clippy::indexing_slicing, reason = "there is a power of two of them")]
        &self.shards[at].0
    }

    fn write(&self, hash: u64) -> RwLockWriteGuard<'_, Shard<V>> {
        self.shard(hash).write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// From which bit on a hash says the shard.
const SHARD_BITS: u32 = 48;

/// A power of two.
fn shards_for(entries: u64) -> usize {
    let threads = std::thread::available_parallelism().map_or(1, |threads| threads.get() as u64);
    let usual = (entries / ENTRIES_A_SHARD).min(MOST_SHARDS);
    let enough = threads.min(entries / FEWEST_A_SHARD);
    usize::try_from(usual.max(enough).max(1)).map_or(1, usize::next_power_of_two)
}

impl<V> Removed<V> {
    fn nothing() -> Self {
        Self(SmallVec::new())
    }
}

impl Bound {
    const fn most(self) -> u64 {
        match self {
            Self::Entries(most) | Self::Bytes(most) => most,
        }
    }
}

impl<V> fmt::Debug for Memory<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory").field("bound", &self.bound).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
