use hybrid_cache::cached;

struct Shop;

impl Shop {
    #[cached(ttl = 5)]
    async fn price(&self, id: u64) -> u64 {
        id
    }
}

fn main() {}
