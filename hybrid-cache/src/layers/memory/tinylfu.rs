//! moka as the engine: `TinyLFU`. Simple rather than fast.
//!
//! moka knows an entry behind an `Arc`, which it may hold on to for a while after it has let go of the entry. So the value is
//! taken out of there by us as soon as moka says that the entry has left, and is dropped by whoever made it leave.

use std::{mem, sync::Arc};

use foldhash::fast::RandomState;
use moka::{ops::compute::Op, policy::EvictionPolicy, sync::Cache};

use super::{
    Bound, Forgotten, Removed, Weight,
    entry::{Entry, EntryDates},
    key::{Lookup, StoredKey},
    pool::Stake,
};
use crate::{
    clock::Timestamp,
    sync::{
        Mutex, PoisonError, RwLock,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

pub(super) struct TinyLfu<V> {
    cache: RwLock<Entries<V>>,
    bound: Bound,
    /// What its entries take of the bytes that all functions share.
    stake: Option<Arc<Stake>>,
    /// How many entries were evicted for other functions so far.
    passed: AtomicUsize,
    /// What has left and has not been handed out yet.
    left: Arc<Mutex<Vec<Slot<V>>>>,
    /// What was forgotten all at once and has not been dropped yet.
    forgotten: Mutex<Vec<Entries<V>>>,
}

type Entries<V> = Cache<Vec<u8>, Slot<V>, RandomState>;

/// What moka keeps of an entry.
type Slot<V> = Arc<Kept<V>>;

struct Kept<V> {
    /// `None` once it has left.
    entry: RwLock<Option<Occupant<V>>>,
    weight: Weight,
}

/// An entry, and what it counts while it is there.
struct Occupant<V> {
    entry: Entry<V>,
    _claim: Option<Claim>,
}

/// The bytes of an entry, among those that all functions share, until dropped: there are many ways to leave.
struct Claim {
    stake: Arc<Stake>,
    weight: Weight,
}

impl Claim {
    fn new(stake: Arc<Stake>, weight: Weight) -> Self {
        stake.take(weight.0);
        Self { stake, weight }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.stake.give_back(self.weight.0.into());
    }
}

/// What moka takes for an entry, by the number of bytes that it asked the heap for.
const BESIDE_AN_ENTRY: usize = 250;

/// One in so many bytes is evicted at least, where other functions need room.
const GIVEN_AT_ONCE: u64 = 64;

impl<V: Send + Sync + 'static> TinyLfu<V> {
    pub(super) fn new(bound: Bound, stake: Option<Arc<Stake>>) -> Self {
        let left = Arc::default();
        let cache = RwLock::new(entries(bound, &left));
        Self { cache, bound, stake, passed: AtomicUsize::new(0), left, forgotten: Mutex::default() }
    }

    /// What an entry of `key` takes beside what its value says.
    pub(super) fn beside_a_value(key: &[u8]) -> usize {
        size_of::<Kept<V>>() + BESIDE_AN_ENTRY + 2 * StoredKey::bytes_elsewhere(key)
    }

    pub(super) fn read<R>(&self, key: Lookup<'_>, look: impl FnOnce(&Entry<V>) -> R) -> Option<R> {
        let slot = self.entries().get(&*key.to_bytes())?;
        let occupant = slot.entry.read().unwrap_or_else(PoisonError::into_inner);
        occupant.as_ref().map(|occupant| look(&occupant.entry))
    }

    pub(super) fn peek<R>(&self, key: &[u8], look: impl FnOnce(&Entry<V>) -> R) -> Option<R> {
        self.read(key.into(), look)
    }

    pub(super) fn insert(&self, key: &[u8], value: V, weight: Weight, life: &EntryDates) -> Removed<V> {
        let lookup = Lookup::from(key);
        let claim = self.stake.clone().map(|stake| Claim::new(stake, weight));
        let occupant = Occupant { entry: Entry::new(lookup.into(), value, life), _claim: claim };
        let entry = RwLock::new(Some(occupant));
        let entries = self.entries();
        entries.insert(lookup.to_bytes().into_vec(), Arc::new(Kept { entry, weight }));
        // Else it would wait for more, and meanwhile keep more than there is room for.
        entries.run_pending_tasks();
        self.removed()
    }

    pub(super) fn change(&self, key: &[u8], change: impl FnOnce(&mut Entry<V>)) {
        let Some(slot) = self.entries().get(&*Lookup::from(key).to_bytes()) else { return };
        if let Some(occupant) = &mut *slot.entry.write().unwrap_or_else(PoisonError::into_inner) {
            change(&mut occupant.entry);
        }
    }

    pub(super) fn remove(&self, key: &[u8]) -> Removed<V> {
        self.entries().invalidate(&*Lookup::from(key).to_bytes());
        self.removed()
    }

    pub(super) fn remove_all(&self) -> Forgotten {
        let empty = entries(self.bound, &self.left);
        let full = mem::replace(&mut *self.cache.write().unwrap_or_else(PoisonError::into_inner), empty);
        Box::new(mem::replace(
            &mut *self.forgotten.lock().unwrap_or_else(PoisonError::into_inner),
            vec![full],
        ))
    }

    pub(super) fn settle(&self) -> bool {
        let forgotten = mem::take(&mut *self.forgotten.lock().unwrap_or_else(PoisonError::into_inner));
        for entries in forgotten {
            let slots: Vec<_> = entries.iter().map(|(_, slot)| slot).collect();
            drop(entries);
            drop(removed(slots));
        }
        self.entries().run_pending_tasks();
        drop(self.removed());
        false
    }

    /// Evicts about so many bytes for other functions; see [`GivesWay`](super::pool::GivesWay). Which entries is left to chance,
    /// as moka does not say which it would evict; and not few, as it takes a walk to get at them.
    pub(super) fn give_way(&self, stake: &Stake, bytes: u64) -> u64 {
        // What was forgotten all at once counts until it is dropped.
        self.settle();
        let entries = self.entries();
        let (held, number) = (stake.held(), usize::try_from(entries.entry_count()).unwrap_or(usize::MAX));
        let wanted = bytes.max(held / GIVEN_AT_ONCE);
        let begin = self.passed.load(Relaxed).checked_rem(number).unwrap_or(0);
        let mut given = 0;
        // Again from the first: those that were passed over to get to the others.
        for (key, slot) in entries.iter().skip(begin).chain(entries.iter()) {
            if given >= wanted || !stake.is_over() {
                break;
            }
            self.passed.fetch_add(1, Relaxed);
            entries.invalidate(key.as_slice());
            given += u64::from(slot.weight.0);
            drop(self.removed());
        }
        entries.run_pending_tasks();
        given
    }

    pub(super) fn remove_ended(&self, now: Timestamp) -> Option<Timestamp> {
        let entries = self.entries();
        let mut next_end: Option<Timestamp> = None;
        for (key, slot) in &entries {
            let occupant = slot.entry.read().unwrap_or_else(PoisonError::into_inner);
            let end = occupant.as_ref().map(|occupant| occupant.entry.kept_until());
            drop(occupant);
            match end {
                Some(end) if end > now => next_end = Some(next_end.map_or(end, |next| next.min(end))),
                _ => {
                    // Beside a write of this key: what that has stored stays.
                    entries.entry_by_ref(key.as_slice()).and_compute_with(|there| match there {
                        Some(there) if Arc::ptr_eq(there.value(), &slot) => Op::Remove,
                        _ => Op::Nop,
                    });
                    drop(removed(vec![slot]));
                }
            }
        }
        next_end
    }

    #[cfg(test)]
    pub(super) fn weight(&self) -> u64 {
        let entries = self.entries();
        entries.run_pending_tasks();
        entries.weighted_size()
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.entries().iter().count()
    }

    fn entries(&self) -> Entries<V> {
        self.cache.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The values of what has left.
    fn removed(&self) -> Removed<V> {
        removed(mem::take(&mut *self.left.lock().unwrap_or_else(PoisonError::into_inner)))
    }
}

fn entries<V: Send + Sync + 'static>(bound: Bound, left: &Arc<Mutex<Vec<Slot<V>>>>) -> Entries<V> {
    let left = Arc::clone(left);
    Cache::builder()
        .max_capacity(bound.most())
        .weigher(move |_, slot: &Slot<V>| u32::try_from(bound.counts(slot.weight.0)).unwrap_or(u32::MAX))
        .eviction_policy(EvictionPolicy::tiny_lfu())
        .eviction_listener(move |_, slot: Slot<V>, _| {
            left.lock().unwrap_or_else(PoisonError::into_inner).push(slot);
        })
        .build_with_hasher(RandomState::default())
}

fn removed<V>(slots: Vec<Slot<V>>) -> Removed<V> {
    let take = |slot: Slot<V>| slot.entry.write().unwrap_or_else(PoisonError::into_inner).take();
    Removed(slots.into_iter().filter_map(take).map(|occupant| occupant.entry.value).collect())
}
