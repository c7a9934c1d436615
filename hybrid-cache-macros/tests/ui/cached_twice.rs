use hybrid_cache::cached;

#[cached(ttl = 60)]
#[cached(layers = "mem")]
async fn price(id: u64) -> u64 {
    id
}

async fn caller() {
    price(1).await;
    price::invalidate(1).await;
}

fn main() {}
