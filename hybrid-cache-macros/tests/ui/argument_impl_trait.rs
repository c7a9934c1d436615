use hybrid_cache::cached;

#[cached]
async fn price(id: impl Into<u64>) -> u64 {
    id.into()
}

async fn caller() {
    price::invalidate(1_u8).await;
}

fn main() {}
