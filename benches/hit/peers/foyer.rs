//! `foyer`'s memory alone, without a macro, with the fastest of its policies. It has a bound and no time to live. Its entries are counted references, so
//! that an entry is its `Arc`.

use foyer::{Cache, CacheBuilder, CacheEntry, S3FifoConfig};
use hybrid_cache_benches::user::User;

use crate::{
    answers::load,
    candidate::{Candidate, candidate},
    case::{Case, Key, Returns},
};

fn get(cache: &Cache<u64, User>, id: u64) -> CacheEntry<u64, User> {
    cache.get(&id).unwrap_or_else(|| cache.insert(id, load(id)))
}

pub fn candidates(case: Case) -> Vec<Candidate> {
    if case.key != Key::Id {
        return Vec::new();
    }
    let cache: Cache<u64, User> =
        CacheBuilder::new(case.capacity()).with_eviction_config(S3FifoConfig::default()).build();
    vec![match case.returns {
        Returns::Arc => candidate!("foyer (memory)", |id| get(&cache, id)),
        Returns::Clone => candidate!("foyer (memory)", |id| get(&cache, id).value().clone()),
    }]
}
