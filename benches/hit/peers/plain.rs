//! The floor: a function that returns the same value and caches nothing; where it stands in the loop that calls it, and as a
//! call, which is what a hit begins with.

use std::sync::Arc;

use hybrid_cache_benches::user::User;

use crate::{
    answers::{Answer, language, name},
    candidate::{Candidate, candidate},
    case::{Case, Key, Returns},
};

async fn by_id<A: Answer>(id: u64) -> A {
    A::of(id)
}

#[inline(never)]
fn called<A: Answer>(id: u64) -> A {
    A::of(id)
}

async fn by_pair<A: Answer>(id: u64, _lang: &str) -> A {
    A::of(id)
}

/// It is told the number as well, as reading it from the name would cost more than a hit.
async fn by_name<A: Answer>(_name: &str, id: u64) -> A {
    A::of(id)
}

pub fn candidates(case: Case) -> Vec<Candidate> {
    match case.returns {
        Returns::Arc => vec![floor::<Arc<User>>(case.key), called_floor::<Arc<User>>()],
        Returns::Clone => vec![floor::<User>(case.key), called_floor::<User>()],
    }
}

fn called_floor<A: Answer>() -> Candidate {
    candidate!(everywhere "floor, not inlined", |id| called::<A>(id))
}

fn floor<A: Answer>(key: Key) -> Candidate {
    match key {
        Key::Id => candidate!(everywhere "floor", |id| by_id::<A>(id).await),
        Key::Pair => {
            candidate!(everywhere "floor", |id| by_pair::<A>(id, black_box(language(id))).await)
        }
        Key::Name => candidate!(everywhere "floor", |id| by_name::<A>(black_box(name(id)), id).await),
    }
}
