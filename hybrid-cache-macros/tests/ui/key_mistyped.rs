use hybrid_cache::cached;

#[cached(key = "{ids}")]
async fn price(id: u64) -> u64 {
    id
}

fn main() {}
