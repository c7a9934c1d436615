//! The caches that are asked, each with room for as many entries as it is told.

use std::{
    collections::HashSet,
    pin::Pin,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

use cached::{Cached, LruCache};
use foyer::{EvictionConfig, LfuConfig, S3FifoConfig};

/// To whose hits those of all are compared.
pub(crate) const REFERENCE: &str = "moka::future";

/// A cache that has not been made yet.
pub(crate) struct Candidate {
    pub(crate) name: &'static str,
    /// Makes it with room for so many entries, asks for keys one after another, and says how many were not there.
    pub(crate) misses: fn(usize, Vec<u32>) -> Misses,
}

type Misses = Pin<Box<dyn Future<Output = u64>>>;

/// What settles for how many entries our cache has room, where a function does not say so itself.
pub(crate) const OUR_CAPACITY: &str = "HYBRID_CACHE_MEM_CAPACITY";

static LOADS: AtomicU64 = AtomicU64::new(0);

#[hybrid_cache::cached(layers = "mem", ttl = 3600)]
async fn ours(key: u32) -> u32 {
    LOADS.fetch_add(1, Relaxed);
    key
}

/// A candidate: how it is made with room for `$capacity` entries, whether it has `$key`, and how it gets it.
macro_rules! candidate {
    ($name:expr, |$capacity:ident| $new:expr, |$cache:ident, $key:ident| $has:expr, $insert:expr) => {
        Candidate {
            name: $name,
            misses: |$capacity, keys| {
                Box::pin(async move {
                    #[allow(unused_mut, reason = "some change what they are asked by reference, some do not")]
                    let mut $cache = $new;
                    let mut misses = 0;
                    for $key in keys {
                        if !$has {
                            misses += 1;
                            $insert;
                        }
                    }
                    misses
                })
            },
        }
    };
}

/// All that are compared.
pub(crate) fn all() -> Vec<Candidate> {
    vec![
        candidate!(
            REFERENCE,
            |capacity| moka::future::Cache::<u32, u32>::new(capacity as u64),
            |cache, key| cache.get(&key).await.is_some(),
            cache.insert(key, key).await
        ),
        candidate!(
            "quick_cache",
            |capacity| quick_cache::sync::Cache::<u32, u32>::new(capacity),
            |cache, key| cache.get(&key).is_some(),
            cache.insert(key, key)
        ),
        candidate!(
            "foyer S3-FIFO",
            |capacity| foyer(capacity, S3FifoConfig::default()),
            |cache, key| cache.get(&key).is_some(),
            cache.insert(key, key)
        ),
        candidate!(
            "foyer LFU",
            |capacity| foyer(capacity, LfuConfig::default()),
            |cache, key| cache.get(&key).is_some(),
            cache.insert(key, key)
        ),
        candidate!(
            "cached, LRU",
            |capacity| LruCache::<u32, u32>::builder().max_size(capacity).build().unwrap(),
            |cache, key| cache.cache_get(&key).is_some(),
            cache.cache_set(key, key)
        ),
        Candidate {
            name: "hybrid-cache",
            misses: |capacity, keys| {
                Box::pin(async move {
                    assert_eq!(std::env::var(OUR_CAPACITY), Ok(capacity.to_string()));
                    for key in keys {
                        ours(key).await;
                    }
                    LOADS.load(Relaxed)
                })
            },
        },
        // What no cache can be better than: each key is missed when it first comes.
        Candidate {
            name: "room for all",
            misses: |_, keys| Box::pin(async move { keys.into_iter().collect::<HashSet<_>>().len() as u64 }),
        },
    ]
}

fn foyer(capacity: usize, eviction: impl Into<EvictionConfig>) -> foyer::Cache<u32, u32> {
    foyer::Cache::builder(capacity).with_eviction_config(eviction).build()
}
