use hybrid_cache::cached;

#[cached(layers = "memory", ttl = 0, jitter = 2.0, weigh = 5, capacity = "x", skip(nobody))]
async fn price(id: u64) -> u64 {
    id
}

async fn caller() {
    price::invalidate(1).await;
}

fn main() {}
