//! Which hits moka has not been told of yet: a bounded list, filled by hits and emptied by whoever misses, stores or tidies
//! up.
//!
//! Adding takes no lock and allocates nothing. Who adds may lose: when the list is full, or when it is emptied at that
//! moment, a report is left out or made twice. That costs a little of the hit ratio and nothing else.

use crate::sync::{
    Mutex,
    atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
};

/// How many reports wait at most, and so how much moka is told between two misses or two rounds of tidying up.
const MOST: usize = 1_024;

/// How many of them are handed over at once: more would be felt by the call that happens to miss.
const AT_ONCE: usize = 256;

/// Hashes of the keys that were hit.
pub(super) struct Reports {
    hashes: Box<[AtomicU64]>,
    /// How many places have been given out; beyond the last one, there was none.
    added: AtomicUsize,
    /// How many of them have been handed over. Taken by whoever does that; nobody waits for it.
    handed_over: Mutex<usize>,
}

impl Reports {
    /// Of a memory of this capacity.
    pub(super) fn new(capacity: u64) -> Self {
        let most = usize::try_from(capacity).map_or(MOST, |capacity| capacity.clamp(1, MOST));
        Self {
            hashes: (0..most).map(|_| AtomicU64::new(0)).collect(),
            added: AtomicUsize::new(0),
            handed_over: Mutex::new(0),
        }
    }

    /// Adds a hit of the key with this hash; `false` if there is no room.
    pub(super) fn add(&self, hash: u64) -> bool {
        // Looked at first: when the list is full, nobody has to take the cache line from the others to find that out.
        if self.added.load(Relaxed) >= self.hashes.len() {
            return false;
        }
        match self.hashes.get(self.added.fetch_add(1, Relaxed)) {
            Some(place) => {
                place.store(hash, Relaxed);
                true
            }
            None => false,
        }
    }

    /// Hands over the oldest ones.
    pub(super) fn hand_over(&self, mut tell: impl FnMut(u64)) {
        let added = self.added.load(Relaxed);
        if added == 0 {
            return;
        }
        // Somebody else is at it, or the lock is poisoned, which cannot last longer than this cache.
        let Ok(mut handed_over) = self.handed_over.try_lock() else { return };
        let waiting = self.hashes.get(*handed_over..added.min(self.hashes.len())).unwrap_or_default();
        for hash in waiting.iter().take(AT_ONCE) {
            tell(hash.load(Relaxed));
        }
        *handed_over += waiting.len().min(AT_ONCE);
        // All that were added have been told: begin again, unless one is added right now.
        if *handed_over >= added.min(self.hashes.len())
            && self.added.compare_exchange(added, 0, Relaxed, Relaxed).is_ok()
        {
            *handed_over = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(reports: &Reports) -> Vec<u64> {
        let mut told = Vec::new();
        reports.hand_over(|hash| told.push(hash));
        told
    }

    #[test]
    fn what_is_added_is_told_once_and_in_order() {
        let reports = Reports::new(10);
        for round in 0..5 {
            assert!(reports.add(round) && reports.add(round + 100));
            assert_eq!(told(&reports), [round, round + 100]);
            assert!(told(&reports).is_empty());
        }
    }

    #[test]
    fn what_does_not_fit_is_left_out_until_the_list_was_handed_over() {
        let reports = Reports::new(3);
        assert!((0..3).all(|hash| reports.add(hash)));
        assert!(!reports.add(3));
        assert_eq!(told(&reports), [0, 1, 2]);
        assert!(reports.add(4));
        assert_eq!(told(&reports), [4]);
    }

    #[test]
    fn a_long_list_is_handed_over_in_parts() {
        let reports = Reports::new(u64::MAX);
        assert!((0..1_000).all(|hash| reports.add(hash)));
        let parts: Vec<_> = (0..4).map(|_| told(&reports)).collect();
        assert!(parts.iter().all(|part| part.len() <= AT_ONCE));
        assert_eq!(parts.concat(), (0..1_000).collect::<Vec<_>>());
    }
}
