use hybrid_cache::cached;

struct Shop;

impl Shop {
    #[cached(skip(self))]
    async fn price(&mut self, id: u64) -> u64 {
        id
    }
}

fn main() {}
