//! `cachekit-rs`, with its memory alone. It keeps bytes under strings, so there is no answer in an `Arc`; its functions are
//! given what they are cached in, and return a `Result` of its own error.

use ::cachekit::{CacheKit, CachekitError, cachekit};
use hybrid_cache_benches::{set_up, user::User};

use crate::{
    answers::{language, load, load_by_name, name},
    candidate::{Candidate, candidate},
    case::{Case, Key, Returns},
};

#[cachekit(client = memory, ttl = 3600, interop = "by_id", namespace = "users")]
async fn by_id(memory: &CacheKit, id: u64) -> Result<User, CachekitError> {
    Ok(load(id))
}

#[cachekit(client = memory, ttl = 3600, interop = "by_pair", namespace = "users")]
async fn by_pair(memory: &CacheKit, id: u64, lang: &str) -> Result<User, CachekitError> {
    let _ = lang;
    Ok(load(id))
}

#[cachekit(client = memory, ttl = 3600, interop = "by_name", namespace = "users")]
async fn by_name(memory: &CacheKit, name: &str) -> Result<User, CachekitError> {
    Ok(load_by_name(name))
}

pub fn candidates(case: Case) -> Vec<Candidate> {
    if case.returns == Returns::Arc {
        return Vec::new();
    }
    let memory = set_up::cachekit(case.capacity());
    vec![match case.key {
        Key::Id => candidate!(everywhere "cachekit-rs", |id| by_id(&memory, id).await.unwrap()),
        Key::Pair => candidate!("cachekit-rs", |id| by_pair(&memory, id, language(id)).await.unwrap()),
        Key::Name => candidate!("cachekit-rs", |id| by_name(&memory, name(id)).await.unwrap()),
    }]
}
