//! `oxcache`, over moka. It keeps JSON under strings, so there is no answer in an `Arc`; its functions return a `Result`.

use std::convert::Infallible;

use ::oxcache::cached;
use hybrid_cache_benches::{set_up, user::User};

use crate::{
    answers::{language, load, load_by_name, name},
    candidate::{Candidate, candidate, runtime},
    case::{Case, Key, Returns},
};

#[cached(service = "users", ttl = 3600)]
async fn by_id(id: u64) -> Result<User, Infallible> {
    Ok(load(id))
}

#[cached(service = "users", ttl = 3600)]
async fn by_pair(id: u64, lang: &str) -> Result<User, Infallible> {
    Ok(load(id))
}

#[cached(service = "users", ttl = 3600)]
async fn by_name(name: &str) -> Result<User, Infallible> {
    Ok(load_by_name(name))
}

pub fn candidates(case: Case) -> Vec<Candidate> {
    if case.returns == Returns::Arc {
        return Vec::new();
    }
    // In place of the memory of the case before.
    runtime().block_on(set_up::oxcache("users", case.capacity()));
    vec![match case.key {
        Key::Id => candidate!(everywhere "oxcache", |id| by_id(id).await.unwrap()),
        Key::Pair => candidate!("oxcache", |id| by_pair(id, language(id)).await.unwrap()),
        Key::Name => candidate!("oxcache", |id| by_name(name(id)).await.unwrap()),
    }]
}
