use hybrid_cache::cached;

trait Shop {
    async fn price(&self, id: u64) -> u64;
}

struct Corner;

impl Shop for Corner {
    #[cached(skip(self))]
    async fn price(&self, id: u64) -> u64 {
        id
    }
}

fn main() {}
