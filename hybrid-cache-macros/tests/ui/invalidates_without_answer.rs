use hybrid_cache::{cached, invalidates};

#[cached]
async fn product(id: u64, lang: &str) -> u64 {
    id + lang.len() as u64
}

#[invalidates(product(id, "en"))]
async fn save(id: u64) {
    product(id, "en").await;
}

async fn caller() {
    product::invalidate(1, "en").await;
}

fn main() {}
