use hybrid_cache::cached;

#[cached(tags())]
async fn price(id: u64, lang: &str) -> u64 {
    id + lang.len() as u64
}

async fn caller() {
    price::invalidate(1, "en").await;
}

fn main() {}
