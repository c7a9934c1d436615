use hybrid_cache::cached;

trait Executor<'c>: Send {}

#[cached(stale = 60, skip(db))]
async fn price(db: impl Executor<'_>, id: u64) -> u64 {
    drop(db);
    id
}

#[cached(refresh_ahead = 0.8, skip(count))]
async fn count(count: &mut u64, id: u64) -> u64 {
    *count += 1;
    id
}

fn main() {}
