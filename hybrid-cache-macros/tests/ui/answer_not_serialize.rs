use hybrid_cache::cached;

#[derive(Clone)]
struct Price(u64);

#[cached(layers = "mem,redis")]
async fn price(id: u64) -> Result<Option<Price>, String> {
    Ok(Some(Price(id)))
}

async fn caller() {
    price::invalidate(1).await;
}

fn main() {}
