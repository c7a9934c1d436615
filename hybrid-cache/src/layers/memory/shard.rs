//! A part of the entries, and which of them give way: S3-FIFO.
//!
//! Most entries are never asked for again. A new one stands in a *small* queue, a tenth of the whole, and goes from there
//! into the *main* one if it was read twice meanwhile; else it is evicted, and its key is a [ghost](super::ghosts) for a
//! while. A key that comes back as a ghost goes into the main queue at once. At the end of the main queue, an entry that
//! was read gets another turn for each read, up to three. So a read only counts (`Entry::used`), and nothing is ever moved
//! for it.
//!
//! Entries lie in one vector, and queues and table know them by number. Nothing here runs code of the user's types: what is
//! removed is handed out.

use std::ops::Range;

use foldhash::quality::RandomState;
use hashbrown::HashTable;

use super::{
    entry::{Entry, EntryDates, Place},
    ghosts::Ghosts,
    key::{Form, Lookup, Sought},
};
use crate::clock::Timestamp;

/// Marks the end of a queue.
const NOBODY: u32 = u32::MAX;

/// The small queue's share is one of so many.
const SMALL_SHARE: u64 = 10;

/// So many reads in the small queue lead into the main one.
const USES_TO_STAY: u8 = 2;

/// So many entries at most get another turn where one is evicted: else that could be all of a large shard, three times over,
/// under its lock.
const MOST_TURNS: usize = 1_000;

/// A vector of fewer entries is not worth making smaller.
const FEW: usize = 64;

pub(super) struct Shard<V> {
    table: HashTable<u32>,
    entries: Vec<Option<Entry<V>>>,
    /// What each counts, unless all count one: then there is nothing here.
    weights: Vec<u32>,
    free: Vec<u32>,
    small: Queue,
    main: Queue,
    ghosts: Ghosts,
}

/// A queue of entries, linked by their numbers.
struct Queue {
    newest: u32,
    oldest: u32,
    weight: u64,
}

/// What was taken out of a shard.
pub(super) struct Taken<V> {
    pub(super) value: V,
    pub(super) weight: u32,
}

impl<V> Shard<V> {
    pub(super) const fn new() -> Self {
        Self {
            table: HashTable::new(),
            entries: Vec::new(),
            weights: Vec::new(),
            free: Vec::new(),
            small: Queue::EMPTY,
            main: Queue::EMPTY,
            ghosts: Ghosts::NONE,
        }
    }

    #[inline]
    pub(super) fn get(&self, sought: &Sought<impl Form>) -> Option<&Entry<V>> {
        let mut found = None;
        self.table.find(sought.hash, |at| {
            found = self.entry(*at).filter(|entry| sought.is(&entry.key));
            found.is_some()
        })?;
        found
    }

    pub(super) fn get_mut(&mut self, sought: &Sought<Lookup<'_>>) -> Option<&mut Entry<V>> {
        let at = *self.table.find(sought.hash, |at| self.is_at(*at, sought))?;
        self.entry_mut(at)
    }

    pub(super) fn len(&self) -> usize {
        self.table.len()
    }

    /// What all entries count.
    pub(super) const fn weight(&self) -> u64 {
        self.small.weight + self.main.weight
    }

    /// Puts a new value and life in the place of those that an entry of this key has; what it had. `Err` if there is none.
    pub(super) fn replace(
        &mut self,
        sought: &Sought<Lookup<'_>>,
        value: V,
        life: &EntryDates,
        weight: u32,
    ) -> Result<Taken<V>, V> {
        let Some(at) = self.table.find(sought.hash, |at| self.is_at(*at, sought)).copied() else {
            return Err(value);
        };
        let before = self.weight_at(at);
        let Some(entry) = self.entry_mut(at) else { return Err(value) };
        let old = std::mem::replace(&mut entry.value, value);
        entry.set_life(life);
        // Else it may be the first to give way to what it has grown by.
        let uses = entry.uses();
        *uses = (*uses).max(1);
        let place = entry.place;
        self.set_weight(at, weight);
        let queue = self.queue(place);
        queue.weight = queue.weight - u64::from(before) + u64::from(weight);
        Ok(Taken { value: old, weight: before })
    }

    /// Stores an entry of a key that has none. `straight`: there is no need to look whether it is of use.
    pub(super) fn insert(
        &mut self,
        sought: &Sought<Lookup<'_>>,
        value: V,
        life: &EntryDates,
        weight: u32,
        straight: bool,
        hasher: &RandomState,
    ) {
        let returns = self.ghosts.recall(sought.hash, self.table.len());
        let mut entry = Entry::new(sought.to_stored(), value, life);
        entry.place = if straight || returns { Place::Main } else { Place::Small };
        self.add(sought.hash, entry, weight, hasher);
    }

    pub(super) fn remove(&mut self, sought: &Sought<Lookup<'_>>) -> Option<Taken<V>> {
        let at = *self.table.find(sought.hash, |at| self.is_at(*at, sought))?;
        self.take(at, sought.hash)
    }

    /// Takes the entry out that is to give way; `None` if there is none.
    pub(super) fn evict(&mut self, hasher: &RandomState) -> Option<Taken<V>> {
        let mut turns = 0;
        loop {
            let from_small = self.small.weight.saturating_mul(SMALL_SHARE) > self.weight();
            let queue = if from_small { &self.small } else { &self.main };
            let at = queue.oldest;
            let entry = self.entry_mut(at)?;
            let uses = entry.uses();
            turns += 1;
            if turns > MOST_TURNS {
                *uses = 0;
            }
            if from_small && *uses >= USES_TO_STAY {
                *uses = 0;
            } else if !from_small && *uses > 0 {
                *uses -= 1;
            } else {
                let hash = entry.key.hash(hasher);
                if from_small {
                    self.ghosts.remember(hash, self.table.len());
                }
                return self.take(at, hash);
            }
            self.unlink(at);
            self.link(at, Place::Main);
        }
    }

    /// Takes those out of the entries numbered `from` to `to` whose life is over at `now`; when the next one of them ends.
    pub(super) fn remove_ended(
        &mut self,
        numbers: Range<usize>,
        now: Timestamp,
        hasher: &RandomState,
        removed: &mut impl FnMut(Taken<V>),
    ) -> Option<Timestamp> {
        let mut next_end: Option<Timestamp> = None;
        for at in numbers.start..numbers.end.min(self.entries.len()) {
            let Some(entry) = self.entries.get(at).and_then(Option::as_ref) else { continue };
            let end = entry.kept_until();
            if end > now {
                next_end = Some(next_end.map_or(end, |next| next.min(end)));
            } else {
                let hash = entry.key.hash(hasher);
                u32::try_from(at).ok().and_then(|at| self.take(at, hash)).into_iter().for_each(&mut *removed);
            }
        }
        next_end
    }

    /// How many numbers entries have had; each is below.
    pub(super) const fn numbers(&self) -> usize {
        self.entries.len()
    }

    /// Whether most of its memory is not in use.
    pub(super) fn is_sparse(&self) -> bool {
        self.entries.len() > FEW && self.table.len() <= self.entries.len() / 4
    }

    /// Gives the memory back that is not in use.
    pub(super) fn shrink(&mut self, hasher: &RandomState) {
        let mut packed = Self { ghosts: std::mem::replace(&mut self.ghosts, Ghosts::NONE), ..Self::new() };
        packed.entries.reserve_exact(self.table.len());
        for place in [Place::Small, Place::Main] {
            loop {
                let at = self.queue(place).oldest;
                let weight = self.weight_at(at);
                self.unlink(at);
                let Some(entry) = self.slot(at).and_then(Option::take) else { break };
                packed.add(entry.key.hash(hasher), entry, weight, hasher);
            }
        }
        *self = packed;
    }

    /// Gives an entry a number, a place in the table, and one in its queue.
    fn add(&mut self, hash: u64, entry: Entry<V>, weight: u32, hasher: &RandomState) {
        let place = entry.place;
        let at = self.free.pop().unwrap_or_else(|| {
            // Not doubled: half of that would be memory for nothing.
            if self.entries.len() == self.entries.capacity() {
                self.entries.reserve_exact((self.entries.len() / 4).max(4));
            }
            self.entries.push(None);
            u32::try_from(self.entries.len() - 1).unwrap_or(NOBODY)
        });
        if let Some(slot) = self.slot(at) {
            *slot = Some(entry);
        }
        self.set_weight(at, weight);
        self.link(at, place);
        let Self { table, entries, .. } = self;
        table.insert_unique(hash, at, |at| {
            let entry = entries.get(*at as usize).and_then(Option::as_ref);
            entry.map_or(0, |entry| entry.key.hash(hasher))
        });
    }

    /// Takes an entry out, whose key has this hash.
    fn take(&mut self, at: u32, hash: u64) -> Option<Taken<V>> {
        let weight = self.weight_at(at);
        self.unlink(at);
        if let Ok(found) = self.table.find_entry(hash, |other| *other == at) {
            found.remove();
        }
        let entry = self.slot(at)?.take()?;
        self.free.push(at);
        Some(Taken { value: entry.value, weight })
    }

    #[inline]
    fn is_at(&self, at: u32, sought: &Sought<Lookup<'_>>) -> bool {
        self.entry(at).is_some_and(|entry| sought.is(&entry.key))
    }

    #[inline]
    fn entry(&self, at: u32) -> Option<&Entry<V>> {
        self.entries.get(at as usize)?.as_ref()
    }

    fn slot(&mut self, at: u32) -> Option<&mut Option<Entry<V>>> {
        self.entries.get_mut(at as usize)
    }

    fn entry_mut(&mut self, at: u32) -> Option<&mut Entry<V>> {
        self.slot(at)?.as_mut()
    }

    const fn queue(&mut self, place: Place) -> &mut Queue {
        match place {
            Place::Small => &mut self.small,
            Place::Main => &mut self.main,
        }
    }

    /// Puts an entry at the newer end of a queue.
    fn link(&mut self, at: u32, place: Place) {
        let weight = u64::from(self.weight_at(at));
        let queue = self.queue(place);
        let newest = std::mem::replace(&mut queue.newest, at);
        if newest == NOBODY {
            queue.oldest = at;
        }
        queue.weight += weight;
        if let Some(entry) = self.entry_mut(at) {
            (entry.place, entry.newer, entry.older) = (place, NOBODY, newest);
        }
        if let Some(newest) = self.entry_mut(newest) {
            newest.newer = at;
        }
    }

    /// Takes an entry out of its queue.
    fn unlink(&mut self, at: u32) {
        let weight = u64::from(self.weight_at(at));
        let Some(Entry { place, newer, older, .. }) = self.entry(at) else { return };
        let (place, newer, older) = (*place, *newer, *older);
        let queue = self.queue(place);
        queue.weight -= weight;
        if queue.newest == at {
            queue.newest = older;
        }
        if queue.oldest == at {
            queue.oldest = newer;
        }
        if let Some(entry) = self.entry_mut(newer) {
            entry.older = older;
        }
        if let Some(entry) = self.entry_mut(older) {
            entry.newer = newer;
        }
    }

    fn weight_at(&self, at: u32) -> u32 {
        self.weights.get(at as usize).copied().unwrap_or(1)
    }

    /// Nothing is kept for as long as every entry counts one.
    fn set_weight(&mut self, at: u32, weight: u32) {
        let at = at as usize;
        if weight != 1 && self.weights.len() <= at {
            self.weights.reserve_exact(self.entries.capacity().max(at + 1) - self.weights.len());
            self.weights.resize(at + 1, 1);
        }
        if let Some(place) = self.weights.get_mut(at) {
            *place = weight;
        }
    }
}

impl Queue {
    const EMPTY: Self = Self { newest: NOBODY, oldest: NOBODY, weight: 0 };
}

#[cfg(test)]
#[path = "shard/tests.rs"] // as this file has a path, too
mod tests;
