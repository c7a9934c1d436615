use hybrid_cache::{cached, updates};

#[cached]
async fn product(id: u64) -> u64 {
    id
}

#[cached]
#[updates(product(id))]
async fn save(id: u64) -> Result<u64, String> {
    Ok(id)
}

async fn caller() {
    product::invalidate(1).await;
    save::invalidate(1).await;
}

fn main() {}
