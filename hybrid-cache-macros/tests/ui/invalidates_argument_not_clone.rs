use hybrid_cache::{cached, invalidates};

#[derive(serde::Serialize)]
struct Id(u64);

#[cached]
async fn product(id: Id, lang: &str) -> u64 {
    id.0 + lang.len() as u64
}

#[invalidates(product(id, "en"))]
async fn save(id: Id) -> Result<u64, String> {
    Ok(id.0)
}

async fn caller() {
    product::invalidate(Id(1), "en").await;
}

fn main() {}
