use hybrid_cache::{cached, invalidates, updates};

#[cached]
async fn product(id: u64, lang: &str) -> u64 {
    id + lang.len() as u64
}

#[invalidates(product(id, "en"))]
async fn save(id: u64) -> Option<u64> {
    Some(product(id, "en").await)
}

#[invalidates(product(id, "en"))]
fn change(id: u64) -> impl Future<Output = Result<u64, String>> {
    async move { Ok(product(id, "en").await) }
}

#[updates(product(id, "en"))]
async fn put(id: u64) -> u64 {
    id
}

async fn caller() {
    product::invalidate(1, "en").await;
}

fn main() {}
