//! The caches that are filled, with room for a tenth more than they are given.

use std::{
    collections::HashMap,
    convert::Infallible,
    pin::Pin,
    sync::{
        Arc, LazyLock, RwLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use cachekit::{CacheKit, CachekitError};
use foyer::{EvictionConfig, S3FifoConfig};
use hybrid_cache_benches::{set_up, user::User};
use tokio::sync::OnceCell;

/// The least that keeps answers: it neither forgets nor ends.
pub(crate) const FLOOR: &str = "HashMap";

/// What promises what ours does: bounded, and each entry with a life of its own.
pub(crate) const LIKE_OURS: &str = "moka::future, Expiry";

/// The same where all entries live equally long.
pub(crate) const ONE_LIFE: &str = "moka::future, time_to_live";

const ROOM: usize = 1_100_000;
const LIFE: Duration = Duration::from_hours(1);

/// A cache that is made when it is first filled.
pub(crate) struct Candidate {
    pub(crate) name: &'static str,
    /// Asks for the answers to all ids below this number, each of which is computed and kept if it is not there, and does
    /// what the cache has put off.
    pub(crate) fill: fn(u64) -> Pin<Box<dyn Future<Output = ()>>>,
}

/// A kind of answers.
pub(crate) struct Answers {
    pub(crate) name: &'static str,
    pub(crate) candidates: Vec<Candidate>,
}

/// All kinds, with all that are compared.
pub(crate) fn all() -> [Answers; 2] {
    [
        Answers { name: "Arc of 200 bytes", candidates: users::candidates() },
        Answers { name: "u64", candidates: numbers::candidates() },
    ]
}

static COMPUTED: AtomicU64 = AtomicU64::new(0);

/// How many answers have been computed in this process.
pub(crate) fn computed() -> u64 {
    COMPUTED.load(Relaxed)
}

/// Waits until our cache has done what it has put off: it looks after itself four times a second.
async fn settled() {
    hybrid_cache::flush().await;
    tokio::time::sleep(Duration::from_secs(1)).await;
}

/// Ends each entry an hour after it came, by its own date.
struct Lives;

impl<V> moka::Expiry<u64, V> for Lives {
    fn expire_after_create(&self, _: &u64, _: &V, _: Instant) -> Option<Duration> {
        Some(LIFE)
    }
}

/// A candidate of this name: how it is asked for the answer to `$id`, and how it does what it has put off.
macro_rules! candidate {
    ($name:expr, |$id:ident| $ask:expr $(, $settle:expr)?) => {
        Candidate {
            name: $name,
            fill: |entries| {
                Box::pin(async move {
                    for $id in 0..entries {
                        $ask;
                    }
                    $($settle;)?
                })
            },
        }
    };
}

/// All candidates with answers of the type `$answer`. `$compute` makes what is in them, of the type `$content`: this is what
/// those are asked for that keep bytes.
macro_rules! candidates {
    ($module:ident, $service:tt, $answer:ty, $content:ty, |$number:ident| $compute:expr) => {
        mod $module {
            use super::*;

            type Answer = $answer;
            type Content = $content;

            fn content($number: u64) -> Content {
                COMPUTED.fetch_add(1, Relaxed);
                $compute
            }

            fn compute(id: u64) -> Answer {
                Answer::from(content(id))
            }

            #[hybrid_cache::cached(layers = "mem", ttl = 3600, capacity = 1_100_000)]
            async fn ours(id: u64) -> Answer {
                compute(id)
            }

            #[cached::macros::cached(max_size = 1_100_000, ttl_secs = 3600)]
            async fn cached_bounded(id: u64) -> Answer {
                compute(id)
            }

            #[cached::macros::concurrent_cached(max_size = 1_100_000, ttl_secs = 3600)]
            async fn cached_sharded(id: u64) -> Answer {
                compute(id)
            }

            #[cachekit::cachekit(client = memory, ttl = 3600, interop = "content", namespace = $service)]
            async fn cachekit_rs(memory: &CacheKit, id: u64) -> Result<Content, CachekitError> {
                Ok(content(id))
            }

            #[oxcache::cached(service = $service, ttl = 3600)]
            async fn ox(id: u64) -> Result<Content, Infallible> {
                Ok(content(id))
            }

            static CACHEKIT: LazyLock<CacheKit> = LazyLock::new(|| set_up::cachekit(ROOM));
            static OXCACHE: OnceCell<()> = OnceCell::const_new();
            static MOKA: LazyLock<moka::future::Cache<u64, Answer>> =
                LazyLock::new(|| moka::future::Cache::new(ROOM as u64));
            static MOKA_LIVE: LazyLock<moka::future::Cache<u64, Answer>> = LazyLock::new(|| {
                moka::future::Cache::builder().max_capacity(ROOM as u64).time_to_live(LIFE).build()
            });
            static MOKA_LIVES: LazyLock<moka::future::Cache<u64, Answer>> = LazyLock::new(|| {
                moka::future::Cache::builder().max_capacity(ROOM as u64).expire_after(Lives).build()
            });
            static QUICK: LazyLock<quick_cache::sync::Cache<u64, Answer>> =
                LazyLock::new(|| quick_cache::sync::Cache::new(ROOM));
            static FOYER: LazyLock<foyer::Cache<u64, Answer>> = LazyLock::new(|| {
                foyer::Cache::builder(ROOM)
                    .with_eviction_config(EvictionConfig::from(S3FifoConfig::default()))
                    .build()
            });
            static PAPAYA: LazyLock<papaya::HashMap<u64, Answer>> = LazyLock::new(papaya::HashMap::new);
            static MAP: LazyLock<RwLock<HashMap<u64, Answer>>> = LazyLock::new(RwLock::default);

            async fn moka(cache: &moka::future::Cache<u64, Answer>, id: u64) {
                if cache.get(&id).await.is_none() {
                    cache.insert(id, compute(id)).await;
                }
            }

            pub(super) fn candidates() -> Vec<Candidate> {
                vec![
                    candidate!(FLOOR, |id| {
                        MAP.write().unwrap().entry(id).or_insert_with(|| compute(id));
                    }),
                    candidate!("papaya", |id| {
                        PAPAYA.pin().get_or_insert_with(id, || compute(id));
                    }),
                    candidate!("moka::future", |id| moka(&MOKA, id).await, MOKA.run_pending_tasks().await),
                    candidate!(
                        ONE_LIFE,
                        |id| moka(&MOKA_LIVE, id).await,
                        MOKA_LIVE.run_pending_tasks().await
                    ),
                    candidate!(
                        LIKE_OURS,
                        |id| moka(&MOKA_LIVES, id).await,
                        MOKA_LIVES.run_pending_tasks().await
                    ),
                    candidate!("quick_cache", |id| {
                        let _ = QUICK.get_or_insert_with(&id, || Ok::<_, ()>(compute(id)));
                    }),
                    candidate!("foyer S3-FIFO", |id| {
                        if FOYER.get(&id).is_none() {
                            FOYER.insert(id, compute(id));
                        }
                    }),
                    candidate!("cached, max_size, ttl", |id| {
                        cached_bounded(id).await;
                    }),
                    candidate!("cached concurrent, max_size, ttl", |id| {
                        cached_sharded(id).await;
                    }),
                    candidate!("cachekit-rs", |id| {
                        cachekit_rs(&CACHEKIT, id).await.unwrap();
                    }),
                    candidate!("oxcache", |id| {
                        OXCACHE.get_or_init(|| set_up::oxcache($service, ROOM)).await;
                        let Ok(_) = ox(id).await;
                    }),
                    candidate!(
                        "hybrid-cache",
                        |id| {
                            ours(id).await;
                        },
                        settled().await
                    ),
                ]
            }
        }
    };
}

candidates!(users, "users", Arc<User>, User, |id| User::of(id));
candidates!(numbers, "numbers", u64, u64, |id| id * 7);
