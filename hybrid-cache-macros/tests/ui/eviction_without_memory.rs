use hybrid_cache::cached;

#[cached(layers = "redis,disk", eviction = "s3fifo")]
async fn price(id: u64) -> u64 {
    id
}

async fn caller() {
    price::invalidate(1).await;
}

fn main() {}
