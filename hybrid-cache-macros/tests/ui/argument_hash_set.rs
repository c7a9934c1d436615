use std::collections::{BTreeSet, HashSet};

use hybrid_cache::cached;

#[cached]
async fn price(ids: &HashSet<u64>, kinds: Vec<HashSet<u8>>, sorted: BTreeSet<u8>) -> usize {
    ids.len() + kinds.len() + sorted.len()
}

#[cached(key = "{ids.0}", skip(tags))]
async fn cost(ids: (u64, HashSet<u64>), tags: HashSet<u64>) -> usize {
    ids.1.len() + tags.len()
}

async fn caller() {
    price::invalidate(&HashSet::new(), Vec::new(), BTreeSet::new()).await;
    cost::invalidate((1, HashSet::new())).await;
}

fn main() {}
