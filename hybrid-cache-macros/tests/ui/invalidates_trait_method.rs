use hybrid_cache::{cached, invalidates};

#[cached]
async fn product(id: u64, lang: &str) -> u64 {
    id + lang.len() as u64
}

trait Saves {
    #[invalidates(product(id, "en"))]
    async fn save(&self, id: u64) -> Result<u64, String>;
}

async fn caller() {
    product::invalidate(1, "en").await;
}

fn main() {}
