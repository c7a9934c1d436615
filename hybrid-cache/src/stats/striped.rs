//! A counter that threads can count with at the same time without taking a cache line from one another.
//!
//! A thread that counts takes one of a few places, by a bit in [`TAKEN`], and keeps it until it ends. In each counter there
//! is a cell for each place, which nobody but the place's owner writes: so an increment is a load and a store, a third of
//! what a read-modify-write costs. Who gets no place counts in a cell that all of these share, by such an operation.
//!
//! Nothing is lost when a place changes hands: its bit is cleared with `Release` after the old owner's last store, and
//! taken with `Acquire` before the new owner's first load.

use std::{
    cell::Cell,
    sync::atomic::{
        AtomicU64, AtomicUsize,
        Ordering::{AcqRel, Acquire, Relaxed, Release},
    },
};

use crate::recursion;

/// Cells of a counter that are some thread's own.
const CELLS: usize = 15;

/// How many increments of a thread are not worth a second look.
const A_WHILE: u64 = 64;

/// What a thread without a place of its own has.
const SHARED: usize = CELLS;

/// What a thread has that has not counted yet.
const NONE_YET: usize = CELLS + 1;

/// A counter.
#[derive(Debug, Default)]
pub(super) struct Striped {
    cells: [Padded; CELLS],
    shared: Padded,
}

/// 128 bytes: two lines, as processors fetch them in pairs.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Padded(AtomicU64);

impl Striped {
    /// True for the first of its thread, and for one in a while after that.
    #[inline]
    pub(super) fn increment(&self) -> bool {
        let Some(Padded(cell)) = self.cells.get(PLACE.get()) else { return self.increment_without_place() };
        let before = cell.load(Relaxed);
        cell.store(before.wrapping_add(1), Relaxed);
        before.is_multiple_of(A_WHILE)
    }

    #[cold]
    fn increment_without_place(&self) -> bool {
        if PLACE.get() == NONE_YET && take_place() != SHARED {
            return self.increment();
        }
        let Padded(cell) = &self.shared;
        cell.fetch_add(1, Relaxed).is_multiple_of(A_WHILE)
    }

    pub(super) fn sum(&self) -> u64 {
        self.cells.iter().chain([&self.shared]).map(|Padded(cell)| cell.load(Relaxed)).sum()
    }
}

/// Which places have an owner: a bit for each.
static TAKEN: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static PLACE: Cell<usize> = const { Cell::new(NONE_YET) };
    /// Beside it, as what has to be cleaned up is slower to get at.
    static OWNED: Cell<Option<Owned>> = const { Cell::new(None) };
    /// Whether the thread is ending.
    static ENDS: Cell<bool> = const { Cell::new(false) };
}

/// A place that is given back when its thread ends.
struct Owned(usize);

impl Drop for Owned {
    fn drop(&mut self) {
        ENDS.set(true);
        // What counts in the thread's last moments still counts.
        PLACE.set(SHARED);
        if self.0 != SHARED {
            TAKEN.fetch_and(!(1 << self.0), Release);
        }
    }
}

/// Whether this thread is ending, and dropping its thread-local values. What a load needs may be dropped already, and to ask
/// for it would panic, in a destructor, which ends the process.
pub(crate) fn thread_ends() -> bool {
    ENDS.get()
}

/// Makes sure that [`thread_ends`] will be known in this thread.
pub(crate) fn watch_thread() {
    if PLACE.get() == NONE_YET {
        take_place();
    }
}

#[cold]
fn take_place() -> usize {
    // Values are dropped in the reverse of the order in which they were first used, and that this thread ends must be known
    // before it can enter no scope any more.
    recursion::touch();
    let mut place = SHARED;
    let taken = TAKEN.fetch_update(AcqRel, Acquire, |taken| {
        place = taken.trailing_ones() as usize;
        (place < SHARED).then_some(taken | 1 << place)
    });
    if taken.is_err() {
        place = SHARED;
    }
    let owned = Owned(place);
    if OWNED.try_with(move |place| place.set(Some(owned))).is_err() {
        // The thread ends; what could not be kept was dropped, which has given the place back.
        return SHARED;
    }
    PLACE.set(place);
    place
}

#[cfg(test)]
mod tests {
    use std::{sync::Barrier, thread};

    use super::*;

    #[test]
    fn nothing_is_lost_though_more_threads_count_than_there_are_places() {
        const THREADS: usize = 3 * CELLS;
        const COUNTS: u64 = 20_000;
        let (counter, begin) = (Striped::default(), Barrier::new(THREADS));
        thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    begin.wait();
                    (0..COUNTS).for_each(|_| {
                        counter.increment();
                    });
                });
            }
        });
        assert_eq!(counter.sum(), THREADS as u64 * COUNTS);
    }

    #[test]
    fn nothing_is_lost_when_places_change_hands() {
        let counter = Striped::default();
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..200 {
                        thread::scope(|scope| {
                            scope.spawn(|| {
                                (0..100).for_each(|_| {
                                    counter.increment();
                                });
                            });
                        });
                    }
                });
            }
        });
        assert_eq!(counter.sum(), 4 * 200 * 100);
    }

    #[test]
    fn a_place_is_free_again_when_its_thread_has_ended() {
        // Other tests take places at the same time, but never all of them for long.
        for _ in 0..10 * CELLS {
            thread::spawn(|| Striped::default().increment()).join().unwrap();
        }
        let own = (0..1_000).any(|_| {
            thread::spawn(|| {
                Striped::default().increment();
                PLACE.get() != SHARED
            })
            .join()
            .unwrap()
        });
        assert!(own, "places are not given back");
    }
}
