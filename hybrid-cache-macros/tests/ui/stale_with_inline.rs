use hybrid_cache::cached;

#[cached(inline, stale = "60s", refresh_ahead = 0.8, stale_if_error = "1h")]
async fn price(id: u64) -> u64 {
    id
}

async fn caller() {
    price::invalidate(1).await;
}

fn main() {}
