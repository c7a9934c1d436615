//! Calls one candidate so many times, and says how many allocations that were: `hit-counts CASE CANDIDATE CALLS`.
//!
//! A program of its own, which the bench `hit` starts: the allocator that counts would slow down what is timed there. It
//! is also what runs under valgrind, where it must not take long: it asks for a hundred keys.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::unused_async,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::redundant_closure,
    clippy::type_complexity,
    unreachable_pub,
    reason = "candidates are those of the bench, which does more with them"
)]

mod answers;
mod candidate;
mod case;
mod peers;

use hybrid_cache_benches::keys::Distribution;

const KEYS: usize = 100;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [case, candidate, calls] = words.as_slice() else {
        eprintln!("usage: hit-counts CASE CANDIDATE CALLS");
        std::process::exit(2);
    };
    let case = case::CASES.into_iter().find(|one| one.title() == *case).unwrap();
    answers::prepare(KEYS);
    let candidate = peers::candidates(case).into_iter().find(|one| one.name == candidate).unwrap();
    candidate.warm(&(0..KEYS as u32).collect::<Vec<_>>());
    // The same work before the calls, however many of them there are.
    let ids = Distribution::Zipf.sequence(KEYS, 100_000);
    let ids = &ids[..calls.parse().unwrap()];
    let counted = allocation_counter::measure(|| counted_calls(&candidate, ids));
    println!("{}", counted.count_total);
}

/// Valgrind is told to count in here only: filling caches takes more or fewer instructions from run to run, as their hashes
/// are seeded at random.
#[inline(never)]
fn counted_calls(candidate: &candidate::Candidate, ids: &[u32]) {
    candidate.warm(ids);
}
