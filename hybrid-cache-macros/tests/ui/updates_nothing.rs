use hybrid_cache::{cached, updates};

#[cached]
async fn product(id: u64, lang: &str) -> u64 {
    id + lang.len() as u64
}

#[updates()]
async fn save(id: u64) -> Result<(), String> {
    product(id, "en").await;
    Ok(())
}

async fn caller() {
    product::invalidate(1, "en").await;
}

fn main() {}
