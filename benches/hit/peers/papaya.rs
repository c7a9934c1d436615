//! `papaya`, a concurrent map: no bound, no time to live. What a look into an index costs, and no more.

use std::sync::Arc;

use foldhash::fast::RandomState;
use hybrid_cache_benches::user::User;
use papaya::HashMap;

use crate::{
    answers::{Answer, load},
    candidate::{Candidate, candidate},
    case::{Case, Key, Returns},
};

pub fn candidates(case: Case) -> Vec<Candidate> {
    match (case.key, case.returns) {
        (Key::Id, Returns::Arc) => vec![by_id::<Arc<User>>(case)],
        (Key::Id, Returns::Clone) => vec![by_id::<User>(case)],
        _ => Vec::new(),
    }
}

fn by_id<A: Answer>(case: Case) -> Candidate {
    let map: HashMap<u64, A, RandomState> =
        HashMap::with_capacity_and_hasher(case.capacity(), RandomState::default());
    candidate!("papaya (a map)", |id| {
        let map = map.pin();
        map.get(&id).cloned().unwrap_or_else(|| map.get_or_insert_with(id, || load(id)).clone())
    })
}
