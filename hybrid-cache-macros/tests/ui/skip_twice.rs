use hybrid_cache::cached;

#[cached(skip(id, id))]
async fn price(id: u64) -> u64 {
    id
}

async fn caller() {
    price::invalidate().await;
}

fn main() {}
