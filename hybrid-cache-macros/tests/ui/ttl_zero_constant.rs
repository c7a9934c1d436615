use hybrid_cache::cached;

const NEVER: std::time::Duration = std::time::Duration::ZERO;

#[cached(ttl = NEVER)]
async fn price(id: u64) -> u64 {
    id
}

async fn caller() {
    price::invalidate(1).await;
}

fn main() {}
