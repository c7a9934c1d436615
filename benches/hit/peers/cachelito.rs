//! `cachelito-async`, with the one of its policies that it says is O(1) in everything. (`lru` walks through all entries for
//! each hit.)

use std::sync::Arc;

use hybrid_cache_benches::user::User;

use crate::{
    candidate::{Candidate, candidate, in_cases_for_all},
    case::Case,
};

pub fn candidates(case: Case) -> Vec<Candidate> {
    candidates_for_all(case)
}

macro_rules! by_id {
    ($module:ident, $answer:ty, $capacity:tt) => {
        mod $module {
            use cachelito_async::cache_async;

            use super::*;
            use crate::answers::load;

            #[cache_async(limit = $capacity, policy = "fifo", ttl = 3600)]
            async fn user(id: u64) -> $answer {
                load::<$answer>(id)
            }

            pub(super) fn candidates() -> Vec<Candidate> {
                vec![candidate!("cachelito-async", |id| user(id).await)]
            }
        }
    };
}

macro_rules! by_pair {
    ($module:ident, $answer:ty, $capacity:tt) => {
        mod $module {
            use cachelito_async::cache_async;

            use super::*;
            use crate::answers::{language, load};

            #[cache_async(limit = $capacity, policy = "fifo", ttl = 3600)]
            async fn user(id: u64, lang: &str) -> $answer {
                load::<$answer>(id)
            }

            pub(super) fn candidates() -> Vec<Candidate> {
                vec![candidate!("cachelito-async", |id| user(id, language(id)).await)]
            }
        }
    };
}

macro_rules! by_name {
    ($module:ident, $answer:ty, $capacity:tt) => {
        mod $module {
            use cachelito_async::cache_async;

            use super::*;
            use crate::answers::{load_by_name, name};

            #[cache_async(limit = $capacity, policy = "fifo", ttl = 3600)]
            async fn user(name: &str) -> $answer {
                load_by_name::<$answer>(name)
            }

            pub(super) fn candidates() -> Vec<Candidate> {
                vec![candidate!("cachelito-async", |id| user(name(id)).await)]
            }
        }
    };
}

in_cases_for_all!(by_id, by_pair, by_name);
