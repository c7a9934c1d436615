//! This crate.

use std::sync::Arc;

use hybrid_cache_benches::user::User;

use crate::{
    candidate::{Candidate, candidate, in_cases_for_all, in_the_other_cases},
    case::Case,
};

pub fn candidates(case: Case) -> Vec<Candidate> {
    if case.is_for_all() { candidates_for_all(case) } else { candidates_in_the_others(case) }
}

macro_rules! by_id {
    ($module:ident, $answer:ty, $capacity:tt) => {
        mod $module {
            use super::*;
            use crate::answers::load;

            #[hybrid_cache::cached(layers = "mem", ttl = 3600, capacity = $capacity)]
            async fn user(id: u64) -> $answer {
                load(id)
            }

            pub(super) fn candidates() -> Vec<Candidate> {
                vec![candidate!(everywhere "hybrid-cache", |id| user(id).await)]
            }
        }
    };
}

macro_rules! by_pair {
    ($module:ident, $answer:ty, $capacity:tt) => {
        mod $module {
            use super::*;
            use crate::answers::{language, load};

            #[hybrid_cache::cached(layers = "mem", ttl = 3600, capacity = $capacity)]
            async fn user(id: u64, _lang: &str) -> $answer {
                load(id)
            }

            pub(super) fn candidates() -> Vec<Candidate> {
                vec![candidate!(everywhere "hybrid-cache", |id| user(id, language(id)).await)]
            }
        }
    };
}

macro_rules! by_name {
    ($module:ident, $answer:ty, $capacity:tt) => {
        mod $module {
            use super::*;
            use crate::answers::{load_by_name, name};

            #[hybrid_cache::cached(layers = "mem", ttl = 3600, capacity = $capacity)]
            async fn user(name: &str) -> $answer {
                load_by_name(name)
            }

            pub(super) fn candidates() -> Vec<Candidate> {
                vec![candidate!(everywhere "hybrid-cache", |id| user(name(id)).await)]
            }
        }
    };
}

in_cases_for_all!(by_id, by_pair, by_name);
in_the_other_cases!(by_id, by_pair, by_name);
