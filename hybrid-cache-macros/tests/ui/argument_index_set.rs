use hybrid_cache::cached;

/// Stands for the crate of that name.
mod indexmap {
    pub type IndexSet<T> = Vec<T>;
}

#[cached]
async fn price(ids: Option<indexmap::IndexSet<u64>>) -> usize {
    ids.map_or(0, |ids| ids.len())
}

async fn caller() {
    price::invalidate(None).await;
}

fn main() {}
