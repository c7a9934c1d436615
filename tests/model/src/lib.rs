//! Model checking of the flight table against the memory layer, and of memory by itself.
//!
//! The library's own `flight.rs` and `layers/memory.rs` are compiled here once more, with the locks and atomics of
//! [shuttle] in place of the standard library's: each is a point where another task may go on. `programs` lets loads,
//! copies and invalidations meet through them; `tests/schedules.rs` runs each program in thousands of orders, random ones
//! with fixed seeds and, within a bound, all of them.
//!
//! What is no such point of itself (tokio's `Notify`: only one task runs at a time, so it is atomic here)
//! has one before and after it in the programs.
//!
//! # What each defence is there for
//!
//! Taken out one at a time, these were missed:
//!
//! | taken out of `flight.rs` or `memory.rs` | missed by |
//! |---|---|
//! | the look for a doom before a store | seven programs |
//! | the look for a doom before a copy into a layer | copies, puts, overlapping invalidations |
//! | the doom of flights that start during an invalidation | what a call read in a layer while it was forgotten |
//! | the doom at the end of an invalidation | expiry, offer; of everything: what a call read in a layer |
//! | the wait for copies that have begun | copies |
//! | the doom of older flights by a refresh | the refresh |
//! | the look for a later answer that a layer did not take | a put that a layer does not take |
//! | the end of a replacement in one step | an expiry beside a put |
//! | check and store under one lock | loads, refresh, expiry |
//! | retiring, and telling those who wait | leaders that vanish |
//! | leaving the table before those who wait are told | leaders that vanish |
//! | to begin to listen before the look at what is waited for | copies, loads, leaders that vanish |

// The files that are compiled here have unit tests of their own, which run where they are at home.
#![cfg(not(test))]

#[expect(clippy::missing_panics_doc, clippy::expect_used, reason = "as in `programs`")]
pub mod bounds;
#[path = "../../../hybrid-cache/src/record/dates.rs"]
#[allow(dead_code, reason = "not everything of it is in a program")]
mod dates;
#[path = "../../../hybrid-cache/src/flight.rs"]
#[rustfmt::skip] // is formatted where it is
#[allow(dead_code, reason = "not everything of it is in a program")]
mod flight;
#[path = "../../../hybrid-cache/src/layers/memory.rs"]
#[rustfmt::skip] // is formatted where it is
#[allow(dead_code, unused_imports, unreachable_pub, reason = "not everything of it is in a program, nor for anybody else")]
mod memory;
#[expect(clippy::missing_panics_doc, clippy::panic, reason = "a program panics where the promise is broken")]
pub mod programs;
#[path = "../../../hybrid-cache/src/clock/timestamp.rs"]
#[allow(dead_code, reason = "not everything of it is in a program")]
mod timestamp;
mod world;

/// Where the compiled files look for each other.
mod clock {
    pub(crate) use crate::timestamp::Timestamp;
}

mod key {
    pub(crate) type PackedKey = smallvec::SmallVec<[u8; 16]>;
}

mod record {
    pub(crate) use crate::dates::Dates;
}

mod sync {
    use tokio::sync::futures::Notified;

    use crate::world::pause;

    pub(crate) use shuttle::sync::{
        Mutex, MutexGuard, PoisonError, RwLock, RwLockWriteGuard, TryLockError, atomic,
    };

    /// tokio's, with a moment before somebody begins to listen: between two of its steps others may go on.
    #[derive(Debug)]
    pub(crate) struct Notify(tokio::sync::Notify);

    impl Notify {
        pub(crate) fn new() -> Self {
            Self(tokio::sync::Notify::new())
        }

        pub(crate) fn notified(&self) -> Notified<'_> {
            pause();
            self.0.notified()
        }

        pub(crate) fn notify_waiters(&self) {
            pause();
            self.0.notify_waiters();
        }
    }
}
