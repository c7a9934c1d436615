//! `hitbox`, as the macro of `hitbox-fn` with the memory of `hitbox-moka`. It keeps bytes, so there is no answer in an
//! `Arc`; they are encoded as its documentation recommends for speed.

use std::{sync::LazyLock, time::Duration};

use hitbox::policy::PolicyConfig;
use hitbox_backend::{PassthroughCompressor, format::BincodeFormat};
use hitbox_fn::{Cache, CacheableResponse, cached};
use hitbox_moka::MokaBackend;
use hybrid_cache_benches::user::User;
use serde::{Deserialize, Serialize};

use crate::{
    answers::{language, load, load_by_name, name},
    candidate::{Candidate, candidate},
    case::{Case, Key, Returns, Size},
};

/// What hitbox is to keep has to be of a type that derives this trait of it.
#[derive(Debug, Clone, Serialize, Deserialize, CacheableResponse)]
struct Response {
    user: User,
}

type Memory = Cache<MokaBackend<BincodeFormat, PassthroughCompressor>>;

static CACHE: LazyLock<Memory> = LazyLock::new(|| {
    let capacity = 2 * Size::K10.keys() as u64;
    Cache::builder()
        .backend(MokaBackend::builder().max_entries(capacity).value_format(BincodeFormat).build())
        .policy(PolicyConfig::builder().ttl(Duration::from_hours(1)).build())
        .build()
});

#[cached]
async fn by_id(id: u64) -> Response {
    Response { user: load(id) }
}

#[cached]
async fn by_pair(id: u64, lang: String) -> Response {
    let _ = lang;
    Response { user: load(id) }
}

#[cached]
async fn by_name(name: String) -> Response {
    Response { user: load_by_name(&name) }
}

pub fn candidates(case: Case) -> Vec<Candidate> {
    match (case.key, case.returns, case.size) {
        (Key::Id, Returns::Clone, Size::K10) => {
            vec![candidate!("hitbox-fn + hitbox-moka", |id| by_id(id).cache(&*CACHE).await.user)]
        }
        (Key::Pair, Returns::Clone, Size::K10) => {
            vec![candidate!("hitbox-fn + hitbox-moka", |id| {
                by_pair(id, language(id).to_owned()).cache(&*CACHE).await.user
            })]
        }
        (Key::Name, Returns::Clone, Size::K10) => {
            vec![candidate!("hitbox-fn + hitbox-moka", |id| {
                by_name(name(id).to_owned()).cache(&*CACHE).await.user
            })]
        }
        _ => Vec::new(),
    }
}
