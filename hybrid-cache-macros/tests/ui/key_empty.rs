use hybrid_cache::cached;

#[cached(key = "")]
async fn price() -> u64 {
    1
}

async fn caller() {
    price::invalidate().await;
}

fn main() {}
