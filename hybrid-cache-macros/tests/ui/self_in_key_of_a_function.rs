use hybrid_cache::cached;

#[cached(key = "{self.tenant}:{id}")]
async fn price(id: u64) -> u64 {
    id
}

fn main() {}
