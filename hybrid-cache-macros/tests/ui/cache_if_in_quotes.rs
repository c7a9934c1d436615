use hybrid_cache::cached;

#[cached(cache_if = "is_even", ttl_by = |price| price.life())]
async fn price(id: u64) -> u64 {
    id
}

async fn caller() {
    price::invalidate(1).await;
}

fn main() {}
