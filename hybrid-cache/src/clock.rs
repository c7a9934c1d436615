//! What time it is: coarse and cheap to read, never backwards, and movable by tests.
//!
//! Dates have to mean the same in every process that shares a record, so they are wall-clock times. Within a
//! process they also must not jump back when somebody sets the clock, so they advance with the monotonic clock.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant, SystemTime},
};

use serde::{Deserialize, Serialize};

/// A moment, in whole milliseconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct Timestamp(u64);

impl Timestamp {
    #[cfg_attr(
        not(any(test, feature = "disk", feature = "disk-sled")),
        expect(dead_code, reason = "only the disk layer stores dates of its own")
    )]
    pub(crate) const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    pub(crate) const fn as_millis(self) -> u64 {
        self.0
    }

    /// This moment moved into the future; stops at the end of time instead of wrapping.
    pub(crate) fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)))
    }

    /// This moment moved into the past; stops at the beginning of time.
    pub(crate) fn minus(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)))
    }

    /// How much later this is than `earlier`; zero if it is not later.
    pub(crate) const fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

/// Where a cached function reads the time.
#[derive(Debug, Clone, Default)]
pub(crate) enum Clock {
    /// The process's clock.
    #[default]
    Process,
    /// A clock that only moves when it is told to.
    #[cfg_attr(not(test), expect(dead_code, reason = "only tests stop the time"))]
    Manual(Arc<AtomicU64>),
}

impl Clock {
    /// The present moment, at most one [`TICK`] old.
    pub(crate) fn now(&self) -> Timestamp {
        match self {
            Self::Process => now(),
            Self::Manual(millis) => Timestamp(millis.load(Ordering::Relaxed)),
        }
    }
}

/// How often the process's clock moves, and so how far it may lag.
pub(crate) const TICK: Duration = Duration::from_millis(5);

/// The present as the ticking thread last wrote it; zero until that thread runs.
static NOW: AtomicU64 = AtomicU64::new(0);

/// What tests have added to the present.
static ADVANCED: AtomicU64 = AtomicU64::new(0);

/// The present moment of the process's clock: one load of a shared, mostly read cache line.
pub(crate) fn now() -> Timestamp {
    // Relaxed: the value is a date, it orders nothing.
    match NOW.load(Ordering::Relaxed) {
        0 => start(),
        millis => Timestamp(millis),
    }
}

/// Moves the process's clock forward by `duration` for everything that reads it.
pub(crate) fn advance(duration: Duration) {
    now();
    let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    ADVANCED.fetch_add(millis, Ordering::Relaxed);
    NOW.fetch_add(millis, Ordering::Relaxed);
}

/// Starts the ticking thread; without one (no thread can be had) every call reads the system's clock.
#[cold]
fn start() -> Timestamp {
    static TICKING: OnceLock<bool> = OnceLock::new();
    let wall = wall_clock();
    let ticking = *TICKING.get_or_init(|| {
        let thread = thread::Builder::new().name("hybrid-cache-clock".into()).stack_size(64 * 1024);
        let started = thread.spawn(move || tick_for_ever(wall)).is_ok();
        if started {
            NOW.store(wall, Ordering::Relaxed);
        }
        started
    });
    if ticking { Timestamp(NOW.load(Ordering::Relaxed).max(wall)) } else { Timestamp(wall) }
}

/// Advances with the monotonic clock, so that setting the clock back does not lengthen a life; follows the wall
/// clock when that is well ahead, as after the machine slept, so that nobody's answers outlive their dates.
fn tick_for_ever(mut present: u64) {
    const LEAP: u64 = 1_000;
    let mut last = Instant::now();
    loop {
        thread::sleep(TICK);
        let elapsed = last.elapsed();
        let millis = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
        last += Duration::from_millis(millis);
        present = present.saturating_add(millis);
        let wall = wall_clock();
        if wall > present.saturating_add(LEAP) {
            present = wall;
        }
        // `advance` adds to both; a maximum keeps a date that it has already shown.
        NOW.fetch_max(present.saturating_add(ADVANCED.load(Ordering::Relaxed)), Ordering::Relaxed);
    }
}

fn wall_clock() -> u64 {
    let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    // Never zero: zero means that the clock does not tick yet.
    u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_never_goes_back() {
        let mut last = now();
        for _ in 0..1_000 {
            let next = now();
            assert!(next >= last);
            last = next;
        }
    }

    #[test]
    fn a_manual_clock_stands_still_until_it_is_moved() {
        let millis = Arc::new(AtomicU64::new(7));
        let clock = Clock::Manual(Arc::clone(&millis));
        assert_eq!(clock.now(), Timestamp::from_millis(7));
        millis.store(9, Ordering::Relaxed);
        assert_eq!(clock.now(), Timestamp::from_millis(9));
    }

    #[test]
    fn a_moment_far_in_the_future_does_not_wrap() {
        assert_eq!(Timestamp::from_millis(5).plus(Duration::MAX), Timestamp::from_millis(u64::MAX));
        assert_eq!(Timestamp::from_millis(5).since(Timestamp::from_millis(9)), Duration::ZERO);
    }
}
