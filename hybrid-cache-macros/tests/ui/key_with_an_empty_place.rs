use hybrid_cache::cached;

#[cached(key = "{}:{lang}")]
async fn price(id: u64, lang: String) -> String {
    format!("{id}{lang}")
}

async fn caller() {
    price::invalidate(1, String::new()).await;
}

fn main() {}
