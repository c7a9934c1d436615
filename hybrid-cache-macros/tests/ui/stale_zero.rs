use hybrid_cache::cached;

#[cached(stale = 0, stale_if_error = "0s")]
async fn price(id: u64) -> u64 {
    id
}

async fn caller() {
    price::invalidate(1).await;
}

fn main() {}
