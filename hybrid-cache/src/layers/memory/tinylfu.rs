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
};
use crate::{
    clock::Timestamp,
    sync::{Mutex, PoisonError, RwLock},
};

pub(super) struct TinyLfu<V> {
    cache: RwLock<Entries<V>>,
    bound: Bound,
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
    entry: RwLock<Option<Entry<V>>>,
    weight: Weight,
}

/// What moka takes for an entry, by the number of bytes that it asked the heap for.
const BESIDE_AN_ENTRY: usize = 250;

impl<V: Send + Sync + 'static> TinyLfu<V> {
    pub(super) fn new(bound: Bound) -> Self {
        let left = Arc::default();
        Self { cache: RwLock::new(entries(bound, &left)), bound, left, forgotten: Mutex::default() }
    }

    /// What an entry of `key` takes beside what its value says.
    pub(super) fn beside_a_value(key: &[u8]) -> usize {
        size_of::<Kept<V>>() + BESIDE_AN_ENTRY + 2 * StoredKey::bytes_elsewhere(key)
    }

    pub(super) fn read<R>(&self, key: Lookup<'_>, look: impl FnOnce(&Entry<V>) -> R) -> Option<R> {
        let slot = self.entries().get(&*key.to_bytes())?;
        let entry = slot.entry.read().unwrap_or_else(PoisonError::into_inner);
        entry.as_ref().map(look)
    }

    pub(super) fn peek<R>(&self, key: &[u8], look: impl FnOnce(&Entry<V>) -> R) -> Option<R> {
        self.read(key.into(), look)
    }

    pub(super) fn insert(&self, key: &[u8], value: V, weight: Weight, life: &EntryDates) -> Removed<V> {
        let lookup = Lookup::from(key);
        let entry = RwLock::new(Some(Entry::new(lookup.into(), value, life)));
        let entries = self.entries();
        entries.insert(lookup.to_bytes().into_vec(), Arc::new(Kept { entry, weight }));
        // Else it would wait for more, and meanwhile keep more than there is room for.
        entries.run_pending_tasks();
        self.removed()
    }

    pub(super) fn change(&self, key: &[u8], change: impl FnOnce(&mut Entry<V>)) {
        let Some(slot) = self.entries().get(&*Lookup::from(key).to_bytes()) else { return };
        if let Some(entry) = &mut *slot.entry.write().unwrap_or_else(PoisonError::into_inner) {
            change(entry);
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

    pub(super) fn remove_ended(&self, now: Timestamp) -> Option<Timestamp> {
        let entries = self.entries();
        let mut next_end: Option<Timestamp> = None;
        for (key, slot) in &entries {
            let end =
                slot.entry.read().unwrap_or_else(PoisonError::into_inner).as_ref().map(Entry::kept_until);
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
        .weigher(|_, slot: &Slot<V>| slot.weight.0)
        .eviction_policy(EvictionPolicy::tiny_lfu())
        .eviction_listener(move |_, slot: Slot<V>, _| {
            left.lock().unwrap_or_else(PoisonError::into_inner).push(slot);
        })
        .build_with_hasher(RandomState::default())
}

fn removed<V>(slots: Vec<Slot<V>>) -> Removed<V> {
    let take = |slot: Slot<V>| slot.entry.write().unwrap_or_else(PoisonError::into_inner).take();
    Removed(slots.into_iter().filter_map(take).map(|entry| entry.value).collect())
}
