//! The candidates, a file for each crate. Each is set up as its own documentation recommends for speed, with room for all
//! keys and, where it has one, a time to live of an hour.

mod cached;
mod cachekit;
mod cachelito;
mod foyer;
mod hitbox;
mod hybrid_cache;
mod memoize;
mod moka;
mod multi_tier;
mod oxcache;
mod pair;
mod papaya;
mod plain;
mod quick_cache;

use crate::{candidate::Candidate, case::Case};

/// All candidates that can do what the case asks for.
pub fn candidates(case: Case) -> Vec<Candidate> {
    [
        plain::candidates,
        hybrid_cache::candidates,
        cached::candidates,
        cachekit::candidates,
        cachelito::candidates,
        hitbox::candidates,
        memoize::candidates,
        multi_tier::candidates,
        oxcache::candidates,
        moka::candidates,
        quick_cache::candidates,
        papaya::candidates,
        foyer::candidates,
    ]
    .into_iter()
    .flat_map(|candidates| candidates(case))
    .collect()
}
