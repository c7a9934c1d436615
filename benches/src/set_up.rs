//! Peers whose attribute says neither how large their memory is nor where: that is set up beside it, and here, as several
//! benches ask them.

use std::{collections::HashMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use cachekit::{
    BackendError, CacheKit,
    backend::{Backend, HealthStatus},
};

/// The store behind the memory of `cachekit-rs`, which does not come without one: it keeps nothing.
#[derive(Debug)]
struct Nothing;

#[async_trait]
impl Backend for Nothing {
    async fn get(&self, _key: &str) -> Result<Option<Vec<u8>>, BackendError> {
        Ok(None)
    }

    async fn set(&self, _key: &str, _value: Vec<u8>, _ttl: Option<Duration>) -> Result<(), BackendError> {
        Ok(())
    }

    async fn delete(&self, _key: &str) -> Result<bool, BackendError> {
        Ok(false)
    }

    async fn exists(&self, _key: &str) -> Result<bool, BackendError> {
        Ok(false)
    }

    async fn health(&self) -> Result<HealthStatus, BackendError> {
        Ok(HealthStatus {
            is_healthy: true,
            latency_ms: 0.0,
            backend_type: "nothing".into(),
            details: HashMap::new(),
        })
    }
}

/// `cachekit-rs` with room for so many answers in memory, and otherwise as its preset `minimal`, which it recommends for
/// speed.
///
/// # Panics
///
/// If it refuses that.
#[must_use]
pub fn cachekit(capacity: usize) -> CacheKit {
    let builder = CacheKit::builder().backend(Arc::new(Nothing)).l1_capacity(capacity).swr_enabled(false);
    builder.build().unwrap_or_else(|error| panic!("cachekit-rs cannot be set up: {error}"))
}

/// Gives the functions of `oxcache` that name this service a new memory with room for so many answers, its default one over
/// moka.
///
/// # Panics
///
/// If it refuses that.
pub async fn oxcache(service: &str, capacity: usize) {
    let memory = oxcache::Cache::<String, Vec<u8>>::builder().capacity(capacity as u64).build_sync();
    let registered = match memory {
        Ok(memory) => memory.register_for_macro(service).await,
        Err(error) => Err(error),
    };
    registered.unwrap_or_else(|error| panic!("oxcache cannot be set up: {error}"));
}

#[cfg(test)]
mod tests {
    use std::{
        convert::Infallible,
        sync::atomic::{AtomicU64, Ordering::Relaxed},
    };

    use cachekit::CachekitError;

    use super::*;
    use crate::user::User;

    static LOADS: AtomicU64 = AtomicU64::new(0);

    fn load(id: u64, lang: &str) -> User {
        LOADS.fetch_add(1, Relaxed);
        User::of(if lang == "en" { id } else { 1_000 + id })
    }

    #[cachekit::cachekit(client = memory, ttl = 3600, interop = "user", namespace = "tests")]
    async fn of_cachekit(memory: &CacheKit, id: u64, lang: &str) -> Result<User, CachekitError> {
        Ok(load(id, lang))
    }

    #[oxcache::cached(service = "tests", ttl = 3600)]
    async fn of_oxcache(id: u64, lang: &str) -> Result<User, Infallible> {
        Ok(load(id, lang))
    }

    #[tokio::test]
    async fn each_answers_from_memory_with_what_was_loaded() {
        let memory = cachekit(1_000);
        oxcache("tests", 1_000).await;
        for _ in 0..2 {
            for id in 0..100 {
                assert_eq!(of_cachekit(&memory, id, "en").await.unwrap(), User::of(id));
                assert_eq!(of_cachekit(&memory, id, "de").await.unwrap(), User::of(1_000 + id));
                assert_eq!(of_oxcache(id, "en").await.unwrap(), User::of(id));
                assert_eq!(of_oxcache(id, "de").await.unwrap(), User::of(1_000 + id));
            }
        }
        assert_eq!(LOADS.load(Relaxed), 400);
    }
}
