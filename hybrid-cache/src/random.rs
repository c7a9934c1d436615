//! Random numbers that are never drawn twice: generations of answers and epochs of functions.
//!
//! Two that are equal make an old answer pass for a new one. So they come from the operating system, each by itself. A generator
//! in the process would be copied when the process forks and when a virtual machine is restored, and draw in both what
//! it draws in one. A draw is a system call, for an answer that was computed or forgotten.

use std::{
    hash::{BuildHasher, RandomState},
    time::{Instant, SystemTime},
};

/// A number that nobody has drawn before or will draw again; never 0.
pub(crate) fn number() -> u64 {
    loop {
        let number = getrandom::u64().unwrap_or_else(|_| without_system());
        if number != 0 {
            return number;
        }
    }
}

/// For a system that has no random numbers, which none is that this is known to run on: what differs between processes,
/// hashed with what the standard library seeds its maps with.
fn without_system() -> u64 {
    RandomState::new().hash_one((std::process::id(), Instant::now(), SystemTime::now()))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn numbers_differ_and_are_not_zero() {
        for draw in [number, without_system] {
            let numbers: HashSet<u64> = (0..10_000).map(|_| draw()).collect();
            assert_eq!(numbers.len(), 10_000);
        }
        assert!((0..1_000).all(|_| number() != 0));
    }
}
