use hybrid_cache::cached;

#[cached]
async fn price(mut id: u64) -> u64 {
    id += 1;
    id
}

async fn caller() {
    price::invalidate(1).await;
}

fn main() {}
