use hybrid_cache::{cached, invalidates};

#[cached]
async fn product(id: u64, lang: &str) -> u64 {
    id + lang.len() as u64
}

#[invalidates(product(1, "en"))]
struct Saved(u64);

async fn caller() {
    product::invalidate(1, "en").await;
}

fn main() {}
