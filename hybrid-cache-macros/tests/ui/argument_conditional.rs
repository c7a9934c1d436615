use hybrid_cache::cached;

#[cached]
async fn price(id: u64, #[cfg(unix)] _at: u64) -> u64 {
    id
}

async fn caller() {
    price::invalidate(1, 2).await;
}

fn main() {}
