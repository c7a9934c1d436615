use std::collections::BinaryHeap;

use hybrid_cache::cached;

#[cached(key = "{ids}:{lang}")]
async fn price(ids: BinaryHeap<u64>, lang: &str) -> usize {
    ids.len() + lang.len()
}

async fn caller() {
    price::invalidate(BinaryHeap::new(), "en").await;
}

fn main() {}
