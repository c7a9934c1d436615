//! `quick_cache`, without a macro. It has a bound and no time to live.

use std::{hash::Hash, sync::Arc};

use equivalent::Equivalent;
use hybrid_cache_benches::user::User;
use quick_cache::sync::Cache;

use crate::{
    answers::{Answer, load, name},
    candidate::{Candidate, candidate},
    case::{Case, Key, Returns},
    peers::pair::{Pair, owned_name, pair},
};

fn get<K, Q, A>(cache: &Cache<K, A>, key: &Q, own: impl FnOnce() -> K, id: u64) -> A
where
    K: Hash + Eq,
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
        Returns::Arc => vec![returning::<Arc<User>>(case)],
        Returns::Clone => vec![returning::<User>(case)],
    }
}

fn returning<A: Answer>(case: Case) -> Candidate {
    match case.key {
        Key::Id => {
            let cache: Cache<u64, A> = Cache::new(case.capacity());
            candidate!(everywhere "quick_cache", |id| get(&cache, &id, || id, id))
        }
        Key::Pair => {
            let cache: Cache<Pair, A> = Cache::new(case.capacity());
            candidate!(everywhere "quick_cache", |id| get(&cache, &pair(id), || pair(id).to_owned(), id))
        }
        Key::Name => {
            let cache: Cache<Arc<str>, A> = Cache::new(case.capacity());
            candidate!(everywhere "quick_cache", |id| get(&cache, name(id), || owned_name(id), id))
        }
    }
}
