use hybrid_cache::cached;

#[cached(ttl = "5M")]
async fn price(id: u64) -> u64 {
    id
}

#[cached(ttl = "1h", stale = "1month", stale_if_error = "1y")]
async fn count(id: u64) -> u64 {
    id
}

fn main() {}
