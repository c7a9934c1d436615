//! `moka`, without a macro: what somebody writes by hand. Its documentation recommends a fast hasher where keys are not an
//! attacker's; it gets the one that hybrid-cache uses.

use std::{hash::Hash, sync::Arc, time::Duration};

use equivalent::Equivalent;
use foldhash::fast::RandomState;
use hybrid_cache_benches::user::User;

use crate::{
    answers::{Answer, load, name},
    candidate::{Candidate, candidate},
    case::{Case, Key, Returns},
    peers::pair::{Pair, owned_name, pair},
};

type Future<K, A> = moka::future::Cache<K, A, RandomState>;
type Sync<K, A> = moka::sync::Cache<K, A, RandomState>;

async fn get<K, Q, A>(cache: &Future<K, A>, key: &Q, own: impl FnOnce() -> K, id: u64) -> A
where
    K: Hash + Eq + Send + std::marker::Sync + 'static,
    Q: Hash + Equivalent<K> + ?Sized,
    A: Answer,
{
    if let Some(answer) = cache.get(key).await {
        return answer;
    }
    let answer: A = load(id);
    cache.insert(own(), answer.clone()).await;
    answer
}

fn get_sync<K, Q, A>(cache: &Sync<K, A>, key: &Q, own: impl FnOnce() -> K, id: u64) -> A
where
    K: Hash + Eq + Send + std::marker::Sync + 'static,
    Q: Hash + Equivalent<K> + ?Sized,
    A: Answer,
{
    if let Some(answer) = cache.get(key) {
        return answer;
    }
    let answer: A = load(id);
    cache.insert(own(), answer.clone());
    answer
}

pub fn candidates(case: Case) -> Vec<Candidate> {
    match case.returns {
        Returns::Arc => returning::<Arc<User>>(case),
        Returns::Clone => returning::<User>(case),
    }
}

fn returning<A: Answer>(case: Case) -> Vec<Candidate> {
    let capacity = case.capacity() as u64;
    match case.key {
        Key::Id => {
            // The reference of all tables has a bound and no time to live: as fast as it can be.
            let bounded: Future<u64, A> = moka::future::Cache::builder()
                .max_capacity(capacity)
                .build_with_hasher(RandomState::default());
            let expiring: Future<u64, A> = moka::future::Cache::builder()
                .max_capacity(capacity)
                .time_to_live(Duration::from_hours(1))
                .build_with_hasher(RandomState::default());
            let sync: Sync<u64, A> =
                moka::sync::Cache::builder().max_capacity(capacity).build_with_hasher(RandomState::default());
            vec![
                candidate!(everywhere "moka::future", |id| get(&bounded, &id, || id, id).await),
                candidate!("moka::future, time_to_live", |id| get(&expiring, &id, || id, id).await),
                candidate!("moka::sync", |id| get_sync(&sync, &id, || id, id)),
            ]
        }
        Key::Pair => {
            let cache: Future<Pair, A> = moka::future::Cache::builder()
                .max_capacity(capacity)
                .build_with_hasher(RandomState::default());
            vec![candidate!(everywhere "moka::future", |id| {
                get(&cache, &pair(id), || pair(id).to_owned(), id).await
            })]
        }
        Key::Name => {
            let cache: Future<Arc<str>, A> = moka::future::Cache::builder()
                .max_capacity(capacity)
                .build_with_hasher(RandomState::default());
            vec![candidate!(everywhere "moka::future", |id| {
                get(&cache, name(id), || owned_name(id), id).await
            })]
        }
    }
}
