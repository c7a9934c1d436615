//! `multi-tier-cache` with its fastest memory alone, and its fastest encoding. It keeps bytes under strings: there is no
//! answer in an `Arc`, and a key that is not a string is written as one for each call.

use std::{sync::Arc, time::Duration};

use hybrid_cache_benches::user::User;
use multi_tier_cache::{
    CacheManager, CacheSerializer, CacheStrategy, CacheTier, QuickCacheBackend,
    serialization::BincodeSerializer,
};

use crate::{
    answers::{language, load, name},
    candidate::{Candidate, candidate},
    case::{Case, Key, Returns, Size},
};

const STRATEGY: CacheStrategy = CacheStrategy::Custom(Duration::from_hours(1));

async fn get(cache: &CacheManager, key: &str, id: u64) -> User {
    cache.get_or_compute_typed(key, STRATEGY, || async { Ok(load(id)) }).await.unwrap()
}

pub fn candidates(case: Case) -> Vec<Candidate> {
    if (case.returns, case.size) != (Returns::Clone, Size::K10) {
        return Vec::new();
    }
    let memory = QuickCacheBackend::new(case.capacity() as u64).unwrap();
    let tier = CacheTier::new(Arc::new(memory), 1, false, 1, 1.0);
    let mut cache = CacheManager::new_with_tiers(vec![tier], None).unwrap();
    cache.set_serializer(CacheSerializer::Bincode(BincodeSerializer));
    vec![match case.key {
        Key::Id => candidate!("multi-tier-cache", |id| get(&cache, &format!("user:{id}"), id).await),
        Key::Pair => candidate!("multi-tier-cache", |id| {
            get(&cache, &format!("user:{id}:{}", language(id)), id).await
        }),
        Key::Name => candidate!("multi-tier-cache", |id| get(&cache, name(id), id).await),
    }]
}
