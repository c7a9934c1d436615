use hybrid_cache::cached;

#[cached(none_ttl = 2)]
async fn price(id: u64) -> Result<u64, String> {
    id.checked_mul(2).ok_or_else(String::new)
}

async fn caller() {
    price::invalidate(1).await;
}

fn main() {}
