use hybrid_cache::cached;

#[cached(capacity = 5, max_bytes = "64MiB")]
async fn price(id: u64) -> u64 {
    id
}

async fn caller() {
    price::invalidate(1).await;
}

fn main() {}
