//! When it is worthwhile to look through all entries for those whose life is over. Knows nothing of entries.
//!
//! Who stores an entry announces its end *after* it is in memory; who sweeps forgets all announcements *before* it looks.
//! So an entry is either seen by the sweep, or its announcement comes after the sweep began and stays. `SeqCst`, as each side
//! writes one thing and then reads the other's.

use std::time::{Duration, Instant};

use crate::{
    clock::Timestamp,
    sync::{
        Mutex, TryLockError,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
};

/// For how much longer than a sweep takes nobody sweeps afterwards: so sweeping takes at most a 64th of a processor.
const REST: u32 = 64;

pub(super) struct Sweep {
    /// When the first entry comes to its end, in milliseconds; may be too early.
    next_end: AtomicU64,
    /// Held by whoever sweeps; until when nobody shall. By the monotonic clock, as this is about work.
    rests_until: Mutex<Option<Instant>>,
}

impl Sweep {
    pub(super) const fn new() -> Self {
        Self { next_end: AtomicU64::new(u64::MAX), rests_until: Mutex::new(None) }
    }

    /// There is an entry, stored before this call, that comes to its end then.
    pub(super) fn comes_to_an_end(&self, then: Timestamp) {
        // Looked at first: it is hardly ever the first one, and others read this.
        if then.as_millis() < self.next_end.load(SeqCst) {
            self.next_end.fetch_min(then.as_millis(), SeqCst);
        }
    }

    /// Calls `sweep` if something has come to its end by `now` and the last time is long enough ago. It says when the next
    /// entry comes to its end.
    pub(super) fn if_worthwhile(&self, now: Timestamp, sweep: impl FnOnce() -> Option<Timestamp>) {
        if self.next_end.load(SeqCst) > now.as_millis() {
            return;
        }
        let mut rests_until = match self.rests_until.try_lock() {
            Ok(rests_until) => rests_until,
            // Somebody's clean-up has panicked, which is no reason to keep what has ended.
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return,
        };
        let begun = Instant::now();
        if rests_until.is_some_and(|until| begun < until) {
            return;
        }
        self.next_end.store(u64::MAX, SeqCst);
        let unfinished = Unfinished { sweep: self, now };
        let next = sweep();
        std::mem::forget(unfinished);
        if let Some(next) = next {
            self.comes_to_an_end(next);
        }
        let took: Duration = begun.elapsed();
        *rests_until = begun.checked_add(took.saturating_mul(REST + 1));
    }
}

/// Lets what a sweep has not come to be looked for again, where a panic ended it.
struct Unfinished<'a> {
    sweep: &'a Sweep,
    now: Timestamp,
}

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        self.sweep.comes_to_an_end(self.now);
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    const fn at(millis: u64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn nothing_is_swept_before_something_has_come_to_its_end() {
        let (sweep, swept) = (Sweep::new(), Cell::new(0));
        let look = |now, next| {
            sweep.if_worthwhile(at(now), || {
                swept.set(swept.get() + 1);
                next
            });
            swept.get()
        };
        assert_eq!(look(1_000, None), 0, "there is nothing");
        sweep.comes_to_an_end(at(2_000));
        sweep.comes_to_an_end(at(3_000));
        assert_eq!(look(1_999, None), 0, "nothing has ended");
        assert_eq!(look(2_000, Some(at(3_000))), 1);
        assert_eq!(look(2_999, None), 1, "what is left has not ended");
    }

    #[test]
    fn the_end_of_what_is_stored_during_a_sweep_is_not_overlooked() {
        let sweep = Sweep::new();
        sweep.comes_to_an_end(at(1_000));
        sweep.if_worthwhile(at(1_000), || {
            sweep.comes_to_an_end(at(1_500));
            None
        });
        assert_eq!(sweep.next_end.load(SeqCst), 1_500);
    }

    #[test]
    fn a_long_sweep_is_followed_by_a_long_rest() {
        let sweep = Sweep::new();
        sweep.comes_to_an_end(at(1_000));
        sweep.if_worthwhile(at(1_000), || {
            let begun = Instant::now();
            while begun.elapsed() < Duration::from_millis(20) {}
            Some(at(1_000))
        });
        let swept = Cell::new(false);
        sweep.if_worthwhile(at(1_000), || {
            swept.set(true);
            None
        });
        assert!(!swept.get());
    }

    #[test]
    fn a_panic_ends_a_sweep_and_not_the_next_one() {
        let sweep = Sweep::new();
        sweep.comes_to_an_end(at(1_000));
        let panics = std::panic::AssertUnwindSafe(|| {
            sweep.if_worthwhile(at(1_000), || std::panic::resume_unwind(Box::new("on purpose")));
        });
        assert!(std::panic::catch_unwind(panics).is_err());
        let swept = Cell::new(false);
        sweep.if_worthwhile(at(1_000), || {
            swept.set(true);
            None
        });
        assert!(swept.get());
    }
}
