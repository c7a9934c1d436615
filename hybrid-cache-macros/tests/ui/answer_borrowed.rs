use hybrid_cache::cached;

#[cached]
async fn price(id: &str) -> &str {
    id
}

async fn caller() {
    price::invalidate("a").await;
}

fn main() {}
