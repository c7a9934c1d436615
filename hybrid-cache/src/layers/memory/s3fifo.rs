//! The engine of our own: S3-FIFO in shards.
//!
//! Entries lie in [shards](shard), each under a read-write lock: a read takes that of its key's shard, and writes at most
//! one byte of the entry. One count says what all shards hold together, so that nothing is evicted before all the room is
//! taken, and nothing is kept beyond it. Who stores an entry makes room for it: in its shard, or in others if that one is
//! empty (`docs/decisions/0036-s3-fifo-in-shards.md`).

use std::{mem, sync::Arc};

use foldhash::quality::RandomState;

use super::{
    Bound, Forgotten, Removed, Weight,
    entry::{Entry, EntryDates},
    key::{Form, Lookup, Sought, StoredKey},
    pool::Stake,
    shard::{Shard, Taken},
};
use crate::{
    clock::Timestamp,
    sync::{
        Mutex, PoisonError, RwLock, RwLockWriteGuard,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
};

/// A shard has at least so many entries, where there is room for them: with fewer, each knows too little of what is read.
const ENTRIES_A_SHARD: u64 = 512;

/// And about so few only where there would be fewer shards than threads.
const FEWEST_A_SHARD: u64 = 64;

/// More shards make no difference to as many threads, but where there are more threads.
const MOST_SHARDS: u64 = 64;

/// How many bytes an entry may have, where their bound says how many shards there are: a shard of few entries knows too little,
/// and one of many does no harm.
const BYTES_AN_ENTRY: u64 = 4_096;

/// What is looked through for ended entries under one lock.
const SWEPT_AT_ONCE: usize = 256;

/// What is evicted of one shard before others have to give, too: a large entry is not to cost its shard all that it has.
const EVICTED_AT_ONCE: usize = 16;

/// As long as less than this part of the room is taken, entries need not show that they are of use.
const ROOMY: (u64, u64) = (9, 10);

pub(super) struct S3Fifo<V> {
    /// A power of two of them.
    pub(super) shards: Box<[Padded<RwLock<Shard<V>>>]>,
    hasher: RandomState,
    bound: Bound,
    /// What all entries count.
    weight: Padded<AtomicU64>,
    /// What they take of the bytes that all functions share.
    stake: Option<Arc<Stake>>,
    /// Which shard is the next to give way to other functions.
    next_to_give: AtomicUsize,
    /// What was forgotten all at once and has not been dropped yet.
    forgotten: Mutex<Vec<Shard<V>>>,
}

/// Alone in its cache lines.
#[repr(align(128))]
pub(super) struct Padded<T>(pub(super) T);

impl<V: Send + 'static> S3Fifo<V> {
    pub(super) fn new(bound: Bound, stake: Option<Arc<Stake>>) -> Self {
        let entries = match bound {
            Bound::Entries(entries) => entries,
            Bound::Bytes(bytes) => bytes / BYTES_AN_ENTRY,
        };
        let entries = match &stake {
            Some(stake) => entries.min(stake.pool().most() / BYTES_AN_ENTRY),
            None => entries,
        };
        let shards = (0..shards_for(entries)).map(|_| Padded(RwLock::new(Shard::new()))).collect();
        Self {
            shards,
            hasher: RandomState::default(),
            bound,
            weight: Padded(AtomicU64::new(0)),
            stake,
            next_to_give: AtomicUsize::new(0),
            forgotten: Mutex::new(Vec::new()),
        }
    }

    /// What an entry of `key` takes beside what its value says.
    pub(super) fn beside_a_value(key: &[u8]) -> usize {
        size_of::<Entry<V>>() + BESIDE_AN_ENTRY + StoredKey::bytes_elsewhere(key)
    }

    /// What `look` makes of the entry under `key`; `None` if there is none.
    ///
    /// Takes the read lock of a shard, and no other. Allocates nothing.
    #[inline]
    pub(super) fn read<R>(&self, key: Lookup<'_>, look: impl FnOnce(&Entry<V>) -> R) -> Option<R> {
        match key {
            Lookup::Short(words) => self.read_sought(&Sought::new(words, &self.hasher), look),
            Lookup::Long(key) => self.read_long(key, look),
        }
    }

    /// Apart, so that short keys have no more to do with it.
    #[inline(never)]
    fn read_long<R>(&self, key: &[u8], look: impl FnOnce(&Entry<V>) -> R) -> Option<R> {
        self.read_sought(&Sought::new(key, &self.hasher), look)
    }

    #[inline]
    fn read_sought<R>(&self, sought: &Sought<impl Form>, look: impl FnOnce(&Entry<V>) -> R) -> Option<R> {
        let shard = self.shard(sought.hash).read().unwrap_or_else(PoisonError::into_inner);
        let entry = shard.get(sought)?;
        entry.used();
        Some(look(entry))
    }

    /// Like [`read`](Self::read), but leaves no trace of having looked.
    pub(super) fn peek<R>(&self, key: &[u8], look: impl FnOnce(&Entry<V>) -> R) -> Option<R> {
        let sought = Sought::new(Lookup::from(key), &self.hasher);
        let shard = self.shard(sought.hash).read().unwrap_or_else(PoisonError::into_inner);
        shard.get(&sought).map(look)
    }

    /// Stores an answer, in place of any before it. What gives way is handed out.
    pub(super) fn insert(
        &self,
        key: &[u8],
        value: V,
        Weight(weight): Weight,
        life: &EntryDates,
    ) -> Removed<V> {
        let sought = Sought::new(Lookup::from(key), &self.hasher);
        let mut removed = Removed::nothing();
        // Counted before it is there: so what there is never counts more than the bound, but for entries that make room in
        // another shard than their own. Each makes room for itself and not for others that are counted already: what they
        // hand out would pile up where a thread is not let go on.
        let mut missing = self.bound.counts(weight);
        let before = self.weight.0.fetch_add(missing, Relaxed);
        if let Some(stake) = &self.stake {
            stake.take(weight);
        }
        let mut shard = self.write(sought.hash);
        match shard.replace(&sought, value, life, weight) {
            Ok(old) => {
                self.taken(old, &mut removed);
                self.make_room_in(&mut shard, &mut missing, &mut removed);
            }
            Err(value) => {
                let straight = self.is_roomy(before);
                self.make_room_in(&mut shard, &mut missing, &mut removed);
                shard.insert(&sought, value, life, weight, straight, &self.hasher);
            }
        }
        drop(shard);
        self.make_room(sought.hash, missing, &mut removed);
        removed
    }

    /// Evicts what counts as much as is `missing`, if it is, but not much from one shard.
    fn make_room_in(&self, shard: &mut Shard<V>, missing: &mut u64, removed: &mut Removed<V>) {
        for _ in 0..EVICTED_AT_ONCE {
            if *missing == 0 || self.weight.0.load(Relaxed) <= self.bound.most() {
                return;
            }
            let Some(evicted) = shard.evict(&self.hasher) else { return };
            *missing = missing.saturating_sub(self.bound.counts(evicted.weight));
            self.taken(evicted, removed);
        }
    }

    /// The same from all shards in turn, beginning behind the one of `hash`, until there is room or nothing is left.
    fn make_room(&self, hash: u64, mut missing: u64, removed: &mut Removed<V>) {
        let shards = self.shards.len() as u64;
        let (mut step, mut without) = (0, 0);
        while missing > 0 && self.weight.0.load(Relaxed) > self.bound.most() && without < shards {
            step += 1;
            let (mut shard, before) = (self.write(hash.wrapping_add(step << SHARD_BITS)), missing);
            self.make_room_in(&mut shard, &mut missing, removed);
            without = if missing == before { without + 1 } else { 0 };
        }
    }

    fn taken(&self, Taken { value, weight }: Taken<V>, removed: &mut Removed<V>) {
        self.weight.0.fetch_sub(self.bound.counts(weight), Relaxed);
        if let Some(stake) = &self.stake {
            stake.give_back(weight.into());
        }
        removed.0.push(value);
    }

    /// Whether there is so much room that entries need not show that they are of use, where all count `weight`.
    fn is_roomy(&self, weight: u64) -> bool {
        let roomy = |(taken, most): (u64, u64)| taken.saturating_mul(ROOMY.1) < most.saturating_mul(ROOMY.0);
        roomy((weight, self.bound.most())) && self.stake.as_ref().is_none_or(|stake| roomy(stake.fill()))
    }

    /// Evicts about so many bytes for other functions; see [`GivesWay`](super::pool::GivesWay).
    pub(super) fn give_way(&self, stake: &Stake, bytes: u64) -> u64 {
        let shards = self.shards.len();
        let usual = stake.held() / shards as u64;
        let (mut given, mut without) = (0, 0);
        // Its own walk: of two who shared one, each would miss what the other passes.
        let mut next = self.next_to_give.load(Relaxed);
        // Twice around without any, and there is none: the first time those were left out that hold less than others, which
        // keeps them all of one size.
        while given < bytes && stake.is_over() && without < 2 * shards {
            let Some(Padded(shard)) = self.shards.get(next & (shards - 1)) else { break };
            next = next.wrapping_add(1);
            let (before, mut removed) = (given, Removed::nothing());
            let mut shard = shard.write().unwrap_or_else(PoisonError::into_inner);
            let at_most = if shard.weight() >= usual || without >= shards { EVICTED_AT_ONCE } else { 0 };
            for _ in 0..at_most {
                let evicted = if given < bytes && stake.is_over() { shard.evict(&self.hasher) } else { None };
                let Some(evicted) = evicted else { break };
                given += u64::from(evicted.weight);
                self.taken(evicted, &mut removed);
            }
            // Then `removed`, which may run code of the user's.
            drop(shard);
            without = if given == before { without + 1 } else { 0 };
        }
        self.next_to_give.store(next, Relaxed);
        given
    }

    pub(super) fn change(&self, key: &[u8], change: impl FnOnce(&mut Entry<V>)) {
        let sought = Sought::new(Lookup::from(key), &self.hasher);
        if let Some(entry) = self.write(sought.hash).get_mut(&sought) {
            change(entry);
        }
    }

    /// Forgets `key`.
    pub(super) fn remove(&self, key: &[u8]) -> Removed<V> {
        let sought = Sought::new(Lookup::from(key), &self.hasher);
        let mut removed = Removed::nothing();
        if let Some(taken) = self.write(sought.hash).remove(&sought) {
            self.taken(taken, &mut removed);
        }
        removed
    }

    /// Forgets everything, in constant time; see [`Memory::remove_all`](super::Memory::remove_all).
    pub(super) fn remove_all(&self) -> Forgotten {
        let forgotten = self.shards.iter().map(|shard| {
            let mut shard = shard.0.write().unwrap_or_else(PoisonError::into_inner);
            let shard = mem::replace(&mut *shard, Shard::new());
            let counts = match self.bound {
                Bound::Entries(_) => shard.len() as u64,
                Bound::Bytes(_) => shard.weight(),
            };
            self.weight.0.fetch_sub(counts, Relaxed);
            if let Some(stake) = &self.stake {
                stake.give_back(shard.weight());
            }
            shard
        });
        let forgotten: Vec<_> = forgotten.filter(|shard| shard.len() > 0).collect();
        Box::new(mem::replace(&mut *self.forgotten.lock().unwrap_or_else(PoisonError::into_inner), forgotten))
    }

    /// Drops what was forgotten all at once, and gives memory back that is not in use. Says whether it has moved entries.
    pub(super) fn settle(&self) -> bool {
        let forgotten = mem::take(&mut *self.forgotten.lock().unwrap_or_else(PoisonError::into_inner));
        // Where the lock is not held any more.
        drop(forgotten);
        // What others were about to store while somebody made room, who then found nothing to evict.
        let mut removed = Removed::nothing();
        self.make_room(0, u64::MAX, &mut removed);
        drop(removed);
        let mut moved = false;
        for Padded(shard) in &self.shards {
            if shard.read().unwrap_or_else(PoisonError::into_inner).is_sparse() {
                shard.write().unwrap_or_else(PoisonError::into_inner).shrink(&self.hasher);
                moved = true;
            }
        }
        moved
    }

    /// Removes what nobody may be given any more at `now`; when the next entry comes to its end.
    pub(super) fn remove_ended(&self, now: Timestamp) -> Option<Timestamp> {
        self.shards.iter().filter_map(|Padded(shard)| self.remove_ended_in(shard, now)).min()
    }

    fn remove_ended_in(&self, shard: &RwLock<Shard<V>>, now: Timestamp) -> Option<Timestamp> {
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

    /// What all entries count.
    #[cfg(test)]
    pub(super) fn weight(&self) -> u64 {
        self.weight.0.load(Relaxed)
    }

    /// The number of entries.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
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

/// What the table and the ghosts of a shard take for an entry.
pub(super) const BESIDE_AN_ENTRY: usize = 16;

/// A power of two.
fn shards_for(entries: u64) -> usize {
    let threads = std::thread::available_parallelism().map_or(1, |threads| threads.get() as u64);
    let usual = (entries / ENTRIES_A_SHARD).clamp(1, MOST_SHARDS);
    let enough = threads.min(entries / FEWEST_A_SHARD).next_power_of_two();
    // Rounded down: the fewer shards there are, the less they differ in size.
    let usual = 1 << usual.ilog2();
    usize::try_from(enough.max(usual)).unwrap_or(1)
}
