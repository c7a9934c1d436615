use hybrid_cache::cached;

fn is_even(id: u64) -> bool {
    id.is_multiple_of(2)
}

#[cached(cache_if = is_even)]
async fn price(id: u64) -> u64 {
    id
}

async fn caller() {
    price::invalidate(1).await;
}

fn main() {}
