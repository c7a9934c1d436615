//! What time it is: coarse and cheap to read, never backwards, and movable by tests.
//!
//! Dates have to mean the same in every process that shares a record, so they are wall-clock times. Within a
//! process they also must not jump back when somebody sets the clock, so they advance with the monotonic clock.

use std::{
    pin::Pin,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant, SystemTime},
};

use futures_util::future::{Either, select};

use self::alarm::{Alarm, Alarms};

mod alarm;
mod timestamp;

pub(crate) use self::timestamp::Timestamp;

/// Where a cached function reads the time.
#[derive(Debug, Clone, Default)]
pub(crate) enum Clock {
    /// The process's clock.
    #[default]
    Process,
    /// A clock that only moves when it is told to.
    Manual(Arc<ManualClock>),
}

#[derive(Debug)]
pub(crate) struct ManualClock {
    millis: AtomicU64,
    alarms: Alarms,
}

impl Clock {
    /// A clock that shows `now` until it is moved.
    pub(crate) fn manual(now: Timestamp) -> Self {
        use_scopes();
        Self::Manual(Arc::new(ManualClock { millis: AtomicU64::new(now.as_millis()), alarms: Alarms::new() }))
    }

    /// The present moment, at most one [`TICK`] old.
    #[inline]
    pub(crate) fn now(&self) -> Timestamp {
        match self {
            Self::Process => now(),
            Self::Manual(clock) => Timestamp::from_millis(clock.millis.load(Ordering::SeqCst)),
        }
    }

    /// Waits until `duration` has passed on this clock.
    pub(crate) fn after(&self, duration: Duration) -> Alarm {
        Alarm::new(self.clone(), self.now().plus(duration))
    }

    /// Moves this clock forward for everything that reads it.
    pub(crate) fn advance(&self, duration: Duration) {
        let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        match self {
            Self::Process => advance(millis),
            Self::Manual(clock) => add(&clock.millis, millis),
        }
        self.alarms().ring(self.now());
    }

    fn alarms(&self) -> &Alarms {
        match self {
            Self::Process => &ALARMS,
            Self::Manual(clock) => &clock.alarms,
        }
    }
}

/// How often the process's clock moves, and so how far it may lag.
pub(crate) const TICK: Duration = Duration::from_millis(5);

/// The present as the ticking thread last wrote it; zero until that thread runs. Its highest bit is [`SCOPES`].
static NOW: AtomicU64 = AtomicU64::new(0);

/// Says that tasks may be in scopes, where they have another clock, or treat the cache in another mode. It is here so that a
/// hit asks for it and for the present at once.
const SCOPES: u64 = 1 << 63;

/// What tests have added to the present.
static ADVANCED: AtomicU64 = AtomicU64::new(0);

/// Who waits for a moment of the process's clock; the ticking thread wakes them.
static ALARMS: Alarms = Alarms::new();

/// The present moment of the process's clock: one load of a shared, mostly read cache line.
#[inline]
pub(crate) fn now() -> Timestamp {
    // A date orders nothing but the alarms, see there; where reads are hot, this costs what a relaxed load costs.
    match NOW.load(Ordering::SeqCst) & !SCOPES {
        0 => start(),
        millis => Timestamp::from_millis(millis),
    }
}

/// The same, if this clock runs and no task can be in a scope.
#[inline]
pub(crate) fn now_without_scopes() -> Option<Timestamp> {
    let now = NOW.load(Ordering::SeqCst);
    (1..SCOPES).contains(&now).then_some(Timestamp::from_millis(now))
}

/// Whether a task may be in a scope.
#[inline]
pub(crate) fn scopes_in_use() -> bool {
    NOW.load(Ordering::SeqCst) & SCOPES != 0
}

/// From now on, tasks may be.
pub(crate) fn use_scopes() {
    NOW.fetch_or(SCOPES, Ordering::SeqCst);
}

/// What `work` comes to; `None` if that takes longer than `limit`. In real time, whatever a test does to the clock, and in
/// any runtime or none.
pub(crate) async fn within<T>(limit: Duration, work: Pin<&mut impl Future<Output = T>>) -> Option<T> {
    let begun = Instant::now();
    let mut work = work;
    loop {
        let left = limit.saturating_sub(begun.elapsed());
        match select(work, Clock::Process.after(left)).await {
            Either::Left((output, _)) => return Some(output),
            // Here a test may have moved the clock, and not the time.
            Either::Right(((), unfinished)) if begun.elapsed() < limit => work = unfinished,
            Either::Right(_) => return None,
        }
    }
}

fn advance(millis: u64) {
    now();
    add(&ADVANCED, millis);
    change_now(|now| now.saturating_add(millis));
}

/// Adds to a time; stops at the end of time instead of wrapping, which would be a way back.
fn add(time: &AtomicU64, millis: u64) {
    // The closure refuses nothing.
    let _ = time.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |time| Some(time.saturating_add(millis)));
}

fn change_now(change: impl Fn(u64) -> u64) {
    // The closure refuses nothing.
    let _ = NOW.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |now| {
        Some(change(now & !SCOPES).min(!SCOPES) | now & SCOPES)
    });
}

/// Starts the ticking thread; without one (no thread can be had) every call reads the system's clock.
#[cold]
fn start() -> Timestamp {
    static TICKING: OnceLock<bool> = OnceLock::new();
    let wall = wall_clock();
    let ticking = *TICKING.get_or_init(|| {
        let started = spawn(wall);
        if started {
            change_now(|now| now.max(wall));
        }
        started
    });
    if ticking {
        Timestamp::from_millis((NOW.load(Ordering::SeqCst) & !SCOPES).max(wall))
    } else {
        Timestamp::from_millis(wall)
    }
}

fn spawn(wall: u64) -> bool {
    let thread = thread::Builder::new().name("hybrid-cache-clock".into()).stack_size(64 * 1024);
    thread.spawn(move || tick_for_ever(wall)).is_ok()
}

/// Goes on in a fork, where nothing has moved the clock since; returns when.
pub(crate) fn start_again() -> Timestamp {
    let wall = wall_clock();
    let present = wall.saturating_add(ADVANCED.load(Ordering::SeqCst));
    ALARMS.forget_all();
    if NOW.load(Ordering::SeqCst) & !SCOPES != 0 {
        change_now(|now| now.max(present));
        if !spawn(wall) {
            // Then each call reads the system's clock.
            change_now(|_| 0);
        }
    }
    Timestamp::from_millis(present)
}

/// The present after `elapsed` on the monotonic clock. It advances with that one, so that setting the clock back does not
/// lengthen a life; it follows the wall clock when that is well ahead, as after the machine slept, so that nobody's
/// answers outlive their dates.
const fn advanced(present: u64, elapsed: u64, wall: u64) -> u64 {
    const LEAP: u64 = 1_000;
    let present = present.saturating_add(elapsed);
    if wall > present.saturating_add(LEAP) { wall } else { present }
}

/// Writes the present down at every tick.
fn tick_for_ever(mut present: u64) {
    let mut last = Instant::now();
    loop {
        thread::sleep(TICK);
        let elapsed = last.elapsed();
        let millis = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
        last += Duration::from_millis(millis);
        present = advanced(present, millis, wall_clock());
        // `advance` adds to both; a maximum keeps a date that it has already shown.
        let shown = present.saturating_add(ADVANCED.load(Ordering::SeqCst));
        change_now(|now| now.max(shown));
        ALARMS.ring(Timestamp::from_millis(shown));
    }
}

/// What the system says it is, in milliseconds since 1970.
pub(crate) fn wall_clock() -> u64 {
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
    fn that_tasks_may_be_in_scopes_is_known_from_then_on_and_changes_no_time() {
        let before = now();
        use_scopes();
        advance(3);
        assert!(scopes_in_use() && now_without_scopes().is_none());
        assert!((3..3_600_000).contains(&now().since(before).as_millis()), "{:?}", now());
    }

    #[test]
    fn a_clock_that_is_set_back_takes_no_time_back_and_one_that_is_set_ahead_is_followed() {
        let hour = 3_600_000;
        assert_eq!(advanced(10 * hour, 5, 10 * hour + 5), 10 * hour + 5);
        for set_back in [9 * hour, 1, 0] {
            assert_eq!(advanced(10 * hour, 5, set_back), 10 * hour + 5);
        }
        assert_eq!(advanced(10 * hour, 5, 11 * hour), 11 * hour, "the machine has slept");
        assert_eq!(advanced(u64::MAX, 5, 9 * hour), u64::MAX);
    }

    #[test]
    fn a_manual_clock_stands_still_until_it_is_moved() {
        let clock = Clock::manual(Timestamp::from_millis(7));
        assert_eq!(clock.now(), Timestamp::from_millis(7));
        clock.advance(Duration::from_millis(2));
        assert_eq!(clock.now(), Timestamp::from_millis(9));
    }

    #[test]
    fn a_clock_that_is_moved_beyond_the_end_of_time_stands_there() {
        let clock = Clock::manual(Timestamp::from_millis(7));
        for _ in 0..2 {
            clock.advance(Duration::MAX);
            assert_eq!(clock.now(), Timestamp::from_millis(u64::MAX));
        }
    }
}
