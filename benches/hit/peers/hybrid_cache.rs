//! This crate.

use std::sync::Arc;

use hybrid_cache_benches::user::User;

use crate::candidate::in_every_case;

macro_rules! by_id {
    ($module:ident, $answer:ty, $capacity:tt) => {
        mod $module {
            use super::*;
            use crate::{
                answers::load,
                candidate::{Candidate, candidate},
            };

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
            use crate::{
                answers::{language, load},
                candidate::{Candidate, candidate},
            };

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
            use crate::{
                answers::{load_by_name, name},
                candidate::{Candidate, candidate},
            };

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

in_every_case!(by_id, by_pair, by_name);
