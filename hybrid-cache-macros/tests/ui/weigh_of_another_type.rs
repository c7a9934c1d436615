use hybrid_cache::cached;

fn size(text: &str) -> usize {
    text.len()
}

#[cached(max_bytes = "64MiB", weigh = size)]
async fn price(id: u64) -> u64 {
    id
}

async fn caller() {
    price::invalidate(1).await;
}

fn main() {}
