use hybrid_cache::cached;

#[cached(weigh = size_of_answer)]
async fn price(id: u64) -> u64 {
    id
}

async fn caller() {
    price::invalidate(1).await;
}

fn main() {}
