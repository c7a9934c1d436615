use hybrid_cache::cached;

#[cached(inline)]
async fn price(ids: &mut Vec<u64>) -> usize {
    ids.len()
}

async fn caller() {
    price::invalidate(&mut Vec::new()).await;
}

fn main() {}
