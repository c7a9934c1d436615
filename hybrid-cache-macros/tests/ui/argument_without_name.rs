use hybrid_cache::cached;

#[cached]
async fn price((id, _): (u64, u64), _: u8) -> u64 {
    id
}

async fn caller() {
    price::invalidate((1, 2), 3).await;
}

fn main() {}
