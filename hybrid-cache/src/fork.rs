//! Whether this process is a fork of one that has used the cache, and what follows from that.
//!
//! A fork has a copy of the memory and one of the threads. Threads of ours are not among those: nothing moves the clock, so that
//! nothing would ever expire, and nobody looks after loads that hang. They are started again as soon as the fork is noticed:
//! by whatever is no hit, and by one hit in a while. To ask which process this is takes a system call. A hit does without it
//! for some milliseconds after another hit has asked. A call that waits for a thread of ours always asks.
//!
//! What other threads were doing when the process forked is not done to the end. A lock of ours that one of them held stays
//! locked; each is held for some assignments, and nothing can be done about it.

use std::{
    sync::atomic::{AtomicU32, AtomicU64, Ordering::SeqCst},
    thread,
};

use crate::{clock, runtime};

/// The process that has looked last; 0: none yet.
static PROCESS: AtomicU32 = AtomicU32::new(0);

/// The process whose threads have been started. No lock, which a fork might find locked for good.
static STARTED: AtomicU32 = AtomicU32::new(0);

/// When a hit looked last, in milliseconds of the system's clock.
static LOOKED: AtomicU64 = AtomicU64::new(0);

/// How long that is worth something to other hits, in milliseconds.
const JUST_NOW: u64 = 5;

/// Looks whether the process has forked since anybody looked. True for who finds out.
pub(crate) fn look() -> bool {
    let process = std::process::id();
    let before = PROCESS.load(SeqCst);
    if before == process || PROCESS.compare_exchange(before, process, SeqCst, SeqCst).is_err() {
        // A second thread of a fork would else set alarms on a clock that does not run yet.
        while STARTED.load(SeqCst) != process {
            thread::yield_now();
        }
        return false;
    }
    if before == 0 {
        STARTED.store(process, SeqCst);
        return false;
    }
    start_again(process, before);
    true
}

/// The same, unless a hit has just looked.
#[cold]
#[inline(never)]
pub(crate) fn look_now_and_then() -> bool {
    let now = clock::wall_clock();
    if LOOKED.load(SeqCst).abs_diff(now) < JUST_NOW {
        return false;
    }
    LOOKED.store(now, SeqCst);
    look()
}

#[cold]
fn start_again(process: u32, parent: u32) {
    let forked_at = clock::start_again();
    runtime::after_fork(forked_at);
    STARTED.store(process, SeqCst);
    tracing::warn!(
        process,
        parent,
        "this process was forked from one that uses the cache; memory and Redis go on, the disk layer is off here",
    );
}
