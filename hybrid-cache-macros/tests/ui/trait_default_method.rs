use hybrid_cache::cached;

trait Shop {
    #[cached(skip(self))]
    fn price(&self, id: u64) -> u64 {
        id
    }
}

fn main() {}
