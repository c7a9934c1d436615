//! The functions that are cached on disk: by us, and by `cached`, which has a store on redb.

use std::{
    path::{Path, PathBuf},
    sync::OnceLock,
};

use cached::{RedbCache, RedbCacheError, macros::concurrent_cached};
use hybrid_cache_benches::user::User;

/// By us. The body is empty: a miss costs what the cache costs.
#[hybrid_cache::cached(layers = "disk", ttl = 3600)]
pub(crate) async fn ours(id: u64) -> User {
    User::of(id)
}

static CACHED_DIR: OnceLock<PathBuf> = OnceLock::new();

/// Where `cached` keeps its files. Before the first call.
pub(crate) fn keep_cached_in(dir: &Path) {
    CACHED_DIR.set(dir.to_path_buf()).unwrap();
}

/// As lazily written as ours: on the disk after a flush.
fn lazy_store() -> RedbCache<u64, User> {
    let dir = CACHED_DIR.get().unwrap();
    RedbCache::builder("lazy").disk_dir(dir).ttl_secs(3600).durable(false).build().unwrap()
}

/// By `cached`.
#[concurrent_cached(disk = true, name = "LAZY", ty = "RedbCache<u64, User>", create = "{ lazy_store() }")]
pub(crate) async fn cached_lazily(id: u64) -> Result<User, RedbCacheError> {
    Ok(User::of(id))
}

/// By `cached`, with every change on the disk before the call returns: what is to be compared with our removals.
#[concurrent_cached(
    disk = true,
    name = "DURABLE",
    ty = "RedbCache<u64, User>",
    create = "{ durable_store() }"
)]
pub(crate) async fn cached_durably(id: u64) -> Result<User, RedbCacheError> {
    Ok(User::of(id))
}

fn durable_store() -> RedbCache<u64, User> {
    let dir = CACHED_DIR.get().unwrap();
    RedbCache::builder("durable").disk_dir(dir).ttl_secs(3600).build().unwrap()
}

/// Opens both stores of `cached`, the second with these users in it.
pub(crate) async fn open_cached(
    users: &[User],
) -> (&'static RedbCache<u64, User>, &'static RedbCache<u64, User>) {
    use cached::ConcurrentCachedAsync as _;

    {
        let dir = CACHED_DIR.get().unwrap();
        let filling: RedbCache<u64, User> =
            RedbCache::builder("durable").disk_dir(dir).durable(false).build().unwrap();
        for user in users {
            filling.async_cache_set(user.id, user.clone()).await.unwrap();
        }
        filling.flush().unwrap();
    }
    let lazy = LAZY.get_or_init(|| async { lazy_store() }).await;
    let durable = DURABLE.get_or_init(|| async { durable_store() }).await;
    (lazy, durable)
}
