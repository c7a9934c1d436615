//! `cached`, in every form that is bounded and expires, and in its two forms without arguments, which do neither.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use cached::Expires;
use hybrid_cache_benches::user::User;

use crate::{
    candidate::{Candidate, candidate, in_cases_for_all, in_the_other_cases},
    case::Case,
};

pub fn candidates(case: Case) -> Vec<Candidate> {
    if case.is_for_all() { candidates_for_all(case) } else { candidates_in_the_others(case) }
}

/// An answer that knows when its time is over, for `expires = true`.
#[derive(Debug, Clone)]
struct Expiring<A> {
    answer: A,
    until: Instant,
}

impl<A> Expiring<A> {
    fn new(answer: A) -> Self {
        Self { answer, until: Instant::now() + Duration::from_hours(1) }
    }
}

impl<A> Expires for Expiring<A> {
    fn is_expired(&self) -> bool {
        Instant::now() >= self.until
    }
}

macro_rules! by_id {
    ($module:ident, $answer:ty, $capacity:tt) => {
        mod $module {
            use cached::macros::{cached, concurrent_cached};

            use super::*;
            use crate::answers::load;

            #[cached(max_size = $capacity, ttl_secs = 3600)]
            async fn one_lock(id: u64) -> $answer {
                load(id)
            }

            #[cached(max_size = $capacity, ttl_secs = 3600, sync_lock = "mutex")]
            async fn one_mutex(id: u64) -> $answer {
                load(id)
            }

            #[cached(max_size = $capacity, ttl_secs = 3600, sync_writes = "by_key")]
            async fn by_key(id: u64) -> $answer {
                load(id)
            }

            #[cached(max_size = $capacity, expires = true)]
            async fn expires(id: u64) -> Expiring<$answer> {
                Expiring::new(load(id))
            }

            #[concurrent_cached(max_size = $capacity, ttl_secs = 3600)]
            async fn sharded(id: u64) -> $answer {
                load(id)
            }

            #[concurrent_cached(max_size = $capacity, expires = true)]
            async fn sharded_expires(id: u64) -> Expiring<$answer> {
                Expiring::new(load(id))
            }

            #[cached]
            async fn unbounded(id: u64) -> $answer {
                load(id)
            }

            #[concurrent_cached]
            async fn sharded_unbounded(id: u64) -> $answer {
                load(id)
            }

            pub(super) fn candidates() -> Vec<Candidate> {
                vec![
                    candidate!(everywhere "cached(max_size, ttl)", |id| one_lock(id).await),
                    candidate!(everywhere "cached(max_size, ttl, mutex)", |id| one_mutex(id).await),
                    candidate!("cached(max_size, ttl, by_key)", |id| by_key(id).await),
                    candidate!("cached(max_size, expires)", |id| expires(id).await.answer),
                    candidate!(everywhere "concurrent_cached(max_size, ttl)", |id| sharded(id).await),
                    candidate!("concurrent_cached(max_size, expires)", |id| {
                        sharded_expires(id).await.answer
                    }),
                    candidate!("cached (unbounded)", |id| unbounded(id).await),
                    candidate!("concurrent_cached (unbounded)", |id| sharded_unbounded(id).await),
                ]
            }
        }
    };
}

macro_rules! by_id_few {
    ($module:ident, $answer:ty, $capacity:tt) => {
        mod $module {
            use cached::macros::{cached, concurrent_cached};

            use super::*;
            use crate::answers::load;

            #[cached(max_size = $capacity, ttl_secs = 3600)]
            async fn one_lock(id: u64) -> $answer {
                load(id)
            }

            #[cached(max_size = $capacity, ttl_secs = 3600, sync_lock = "mutex")]
            async fn one_mutex(id: u64) -> $answer {
                load(id)
            }

            #[concurrent_cached(max_size = $capacity, ttl_secs = 3600)]
            async fn sharded(id: u64) -> $answer {
                load(id)
            }

            pub(super) fn candidates() -> Vec<Candidate> {
                vec![
                    candidate!(everywhere "cached(max_size, ttl)", |id| one_lock(id).await),
                    candidate!(everywhere "cached(max_size, ttl, mutex)", |id| one_mutex(id).await),
                    candidate!(everywhere "concurrent_cached(max_size, ttl)", |id| sharded(id).await),
                ]
            }
        }
    };
}

// Borrowed arguments need an owned key, made for each call, as its documentation says.
macro_rules! by_pair {
    ($module:ident, $answer:ty, $capacity:tt) => {
        mod $module {
            use cached::macros::{cached, concurrent_cached};

            use super::*;
            use crate::answers::{language, load};

            #[cached(
                max_size = $capacity,
                ttl_secs = 3600,
                key = "(u64, String)",
                convert = { (id, lang.to_owned()) }
            )]
            async fn one_lock(id: u64, lang: &str) -> $answer {
                let _ = lang;
                load(id)
            }

            #[concurrent_cached(
                max_size = $capacity,
                ttl_secs = 3600,
                key = "(u64, String)",
                convert = { (id, lang.to_owned()) }
            )]
            async fn sharded(id: u64, lang: &str) -> $answer {
                let _ = lang;
                load(id)
            }

            pub(super) fn candidates() -> Vec<Candidate> {
                vec![
                    candidate!(everywhere "cached(max_size, ttl)", |id| one_lock(id, language(id)).await),
                    candidate!(everywhere "concurrent_cached(max_size, ttl)", |id| {
                        sharded(id, language(id)).await
                    }),
                ]
            }
        }
    };
}

macro_rules! by_name {
    ($module:ident, $answer:ty, $capacity:tt) => {
        mod $module {
            use cached::macros::{cached, concurrent_cached};

            use super::*;
            use crate::answers::{load_by_name, name};

            #[cached(
                max_size = $capacity,
                ttl_secs = 3600,
                key = "String",
                convert = { name.to_owned() }
            )]
            async fn one_lock(name: &str) -> $answer {
                load_by_name(name)
            }

            #[concurrent_cached(
                max_size = $capacity,
                ttl_secs = 3600,
                key = "String",
                convert = { name.to_owned() }
            )]
            async fn sharded(name: &str) -> $answer {
                load_by_name(name)
            }

            pub(super) fn candidates() -> Vec<Candidate> {
                vec![
                    candidate!(everywhere "cached(max_size, ttl)", |id| one_lock(name(id)).await),
                    candidate!(everywhere "concurrent_cached(max_size, ttl)", |id| sharded(name(id)).await),
                ]
            }
        }
    };
}

in_cases_for_all!(by_id, by_pair, by_name);
in_the_other_cases!(by_id_few, by_pair, by_name);
