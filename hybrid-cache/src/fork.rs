//! Whether this process is a fork of one that has used the cache, and what follows from that.
//!
//! A fork has a copy of the memory and one of the threads. Threads of ours are not among those: nothing moves the clock, so that
//! nothing would ever expire, and nobody looks after loads that hang. They are started again as soon as the fork is noticed:
//! by whatever is no hit, and by one hit in a while. To ask which process this is takes a system call; so nobody asks who knows
//! of somebody who has just asked.
//!
//! What other threads were doing when the process forked is not done to the end. A lock of ours that one of them held stays
//! locked; each is held for some assignments, and nothing can be done about it.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::SeqCst};

use crate::{clock, runtime};

/// The process that has looked last; 0: none yet.
static PROCESS: AtomicU32 = AtomicU32::new(0);

/// When it looked, in milliseconds of the system's clock.
static LOOKED: AtomicU64 = AtomicU64::new(0);

/// How long a look is worth something, in milliseconds.
const JUST_NOW: u64 = 5;

/// Looks whether the process has forked since anybody looked. True for who finds out.
#[cold]
#[inline(never)]
pub(crate) fn look() -> bool {
    let now = clock::wall_clock();
    if LOOKED.load(SeqCst).abs_diff(now) < JUST_NOW {
        return false;
    }
    LOOKED.store(now, SeqCst);
    let process = std::process::id();
    let before = PROCESS.swap(process, SeqCst);
    if before == process || before == 0 {
        return false;
    }
    let forked_at = clock::start_again();
    runtime::after_fork(forked_at);
    tracing::warn!(
        process,
        parent = before,
        "this process was forked from one that uses the cache; memory and Redis go on, the disk layer is off here",
    );
    true
}

/// The process that looked last.
#[cfg(any(feature = "disk", feature = "disk-sled"))]
pub(crate) fn process() -> u32 {
    match PROCESS.load(SeqCst) {
        0 => std::process::id(),
        process => process,
    }
}
