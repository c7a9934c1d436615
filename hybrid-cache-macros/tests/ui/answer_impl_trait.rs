use hybrid_cache::cached;

#[cached]
async fn price(id: u64) -> impl Iterator<Item = u64> {
    0..id
}

async fn caller() {
    price::invalidate(1).await;
}

fn main() {}
