use hybrid_cache::cached;

const SECONDS: u64 = 5;

#[cached(ttl = SECONDS)]
async fn price(id: u64) -> u64 {
    id
}

async fn caller() {
    price::invalidate(1).await;
}

fn main() {}
