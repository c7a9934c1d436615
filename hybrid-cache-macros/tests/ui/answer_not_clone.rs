use hybrid_cache::cached;

struct Price(u64);

#[cached(layers = "mem")]
async fn price(id: u64) -> Result<Price, String> {
    Ok(Price(id))
}

async fn caller() {
    price::invalidate(1).await;
}

fn main() {}
