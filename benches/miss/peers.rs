//! The candidates, as functions of a number. Each exists three times: with room for everything, with room for so little that
//! every load evicts, and with a body that is not over at once; `$service` is by what some of them tell these apart.

macro_rules! functions {
    ($module:ident, $service:tt, $body:ident, $capacity:tt) => {
        pub mod $module {
            use std::{convert::Infallible, sync::LazyLock, time::Duration};

            use cached::macros::{cached, concurrent_cached};
            use cachekit::{CacheKit, CachekitError, cachekit};
            use foldhash::fast::RandomState;
            use foyer::{CacheBuilder, S3FifoConfig};
            use hybrid_cache_benches::set_up;
            use tokio::runtime::Runtime;

            use crate::{
                body::$body,
                candidate::{Candidate, candidate},
            };

            #[hybrid_cache::cached(layers = "mem", ttl = 3600, capacity = $capacity)]
            async fn ours(id: u64) -> u64 {
                $body(id).await
            }

            #[hybrid_cache::cached(layers = "mem", ttl = 3600, capacity = $capacity, inline)]
            async fn ours_inline(id: u64) -> u64 {
                $body(id).await
            }

            #[cached(max_size = $capacity, ttl_secs = 3600)]
            async fn cached_plain(id: u64) -> u64 {
                $body(id).await
            }

            #[cached(max_size = $capacity, ttl_secs = 3600, sync_writes = "by_key")]
            async fn cached_by_key(id: u64) -> u64 {
                $body(id).await
            }

            #[concurrent_cached(max_size = $capacity, ttl_secs = 3600)]
            async fn cached_sharded(id: u64) -> u64 {
                $body(id).await
            }

            #[cachekit(client = memory, ttl = 3600, interop = "numbers", namespace = $service)]
            async fn cachekit_rs(memory: &CacheKit, id: u64) -> Result<u64, CachekitError> {
                Ok($body(id).await)
            }

            #[oxcache::cached(service = $service, ttl = 3600)]
            async fn ox(id: u64) -> Result<u64, Infallible> {
                Ok($body(id).await)
            }

            static CACHEKIT: LazyLock<CacheKit> = LazyLock::new(|| set_up::cachekit($capacity));
            static GET_WITH: LazyLock<moka::future::Cache<u64, u64, RandomState>> = LazyLock::new(moka);
            static INSERT: LazyLock<moka::future::Cache<u64, u64, RandomState>> = LazyLock::new(moka);
            static QUICK: LazyLock<quick_cache::sync::Cache<u64, u64>> =
                LazyLock::new(|| quick_cache::sync::Cache::new($capacity));
            static FOYER: LazyLock<foyer::Cache<u64, u64>> = LazyLock::new(|| {
                CacheBuilder::new($capacity).with_eviction_config(S3FifoConfig::default()).build()
            });

            fn moka() -> moka::future::Cache<u64, u64, RandomState> {
                moka::future::Cache::builder()
                    .max_capacity($capacity)
                    .time_to_live(Duration::from_hours(1))
                    .build_with_hasher(RandomState::default())
            }

            async fn get_then_insert(id: u64) -> u64 {
                if let Some(answer) = INSERT.get(&id).await {
                    return answer;
                }
                let answer = $body(id).await;
                INSERT.insert(id, answer).await;
                answer
            }

            async fn quick(id: u64) -> u64 {
                let load = async { Ok::<_, Infallible>($body(id).await) };
                let Ok(answer) = QUICK.get_or_insert_async(&id, load).await;
                answer
            }

            async fn foyer(id: u64) -> u64 {
                let load = move || async move { Ok::<_, Infallible>($body(id).await) };
                *FOYER.get_or_fetch(&id, load).await.unwrap().value()
            }

            pub fn candidates() -> Vec<Candidate> {
                Runtime::new().unwrap().block_on(set_up::oxcache($service, $capacity));
                vec![
                    candidate!("floor", |id| $body(id).await),
                    candidate!("hybrid-cache", |id| ours(id).await),
                    candidate!("hybrid-cache, inline", |id| ours_inline(id).await),
                    candidate!("cached(max_size, ttl)", |id| cached_plain(id).await),
                    candidate!("cached(max_size, ttl, by_key)", |id| cached_by_key(id).await),
                    candidate!("concurrent_cached(max_size, ttl)", |id| cached_sharded(id).await),
                    candidate!("cachekit-rs", |id| cachekit_rs(&CACHEKIT, id).await.unwrap()),
                    candidate!("oxcache", |id| ox(id).await.unwrap()),
                    candidate!("moka get_with", |id| GET_WITH.get_with(id, $body(id)).await),
                    candidate!("moka get, insert", |id| get_then_insert(id).await),
                    candidate!("quick_cache", |id| quick(id).await),
                    candidate!("foyer (memory)", |id| foyer(id).await),
                ]
            }
        }
    };
}

functions!(with_room, "with_room", empty, 2_000_000);
functions!(evicting, "evicting", empty, 1_000);
functions!(with_a_body, "with_a_body", yielding, 2_000_000);
