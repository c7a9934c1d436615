use hybrid_cache::cached;

fn size(_: &u64) -> usize {
    8
}

#[cached(layers = "redis", weigh = size)]
async fn price(id: u64) -> u64 {
    id
}

async fn caller() {
    price::invalidate(1).await;
}

fn main() {}
