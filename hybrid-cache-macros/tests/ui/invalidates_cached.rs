use hybrid_cache::{cached, invalidates};

#[cached]
async fn product(id: u64, lang: &str) -> u64 {
    id + lang.len() as u64
}

#[invalidates(product(id, "en"))]
#[cached]
async fn save(id: u64) -> Result<u64, String> {
    Ok(id)
}

async fn caller() {
    product::invalidate(1, "en").await;
}

fn main() {}
