use hybrid_cache::cached;

struct Failure;

#[cached(deadline = "10s")]
async fn price(id: u64) -> Result<u64, Failure> {
    id.checked_mul(2).ok_or(Failure)
}

async fn caller() {
    price::invalidate(1).await;
}

fn main() {}
