//! `memoize`, with one cache for all threads, which is behind a mutex; its functions are not async. In its bounded, expiring
//! form, and in its fastest, which is neither.

use std::{sync::Arc, time::Duration};

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
            use ::memoize::memoize;

            use super::*;
            use crate::answers::load;

            #[memoize(SharedCache, Capacity: $capacity, TimeToLive: Duration::from_hours(1))]
            fn bounded(id: u64) -> $answer {
                load(id)
            }

            #[memoize(SharedCache)]
            fn unbounded(id: u64) -> $answer {
                load(id)
            }

            pub(super) fn candidates() -> Vec<Candidate> {
                vec![
                    candidate!("memoize(Capacity, TimeToLive)", |id| bounded(id)),
                    candidate!("memoize (unbounded)", |id| unbounded(id)),
                ]
            }
        }
    };
}

// Arguments have to be owned.
macro_rules! by_pair {
    ($module:ident, $answer:ty, $capacity:tt) => {
        mod $module {
            use ::memoize::memoize;

            use super::*;
            use crate::answers::{language, load};

            #[memoize(SharedCache, Capacity: $capacity, TimeToLive: Duration::from_hours(1))]
            fn bounded(id: u64, _lang: String) -> $answer {
                load(id)
            }

            pub(super) fn candidates() -> Vec<Candidate> {
                vec![candidate!("memoize(Capacity, TimeToLive)", |id| {
                    bounded(id, language(id).to_owned())
                })]
            }
        }
    };
}

macro_rules! by_name {
    ($module:ident, $answer:ty, $capacity:tt) => {
        mod $module {
            use ::memoize::memoize;

            use super::*;
            use crate::answers::{load_by_name, name};

            #[memoize(SharedCache, Capacity: $capacity, TimeToLive: Duration::from_hours(1))]
            fn bounded(name: String) -> $answer {
                load_by_name(&name)
            }

            pub(super) fn candidates() -> Vec<Candidate> {
                vec![candidate!("memoize(Capacity, TimeToLive)", |id| bounded(name(id).to_owned()))]
            }
        }
    };
}

in_cases_for_all!(by_id, by_pair, by_name);
