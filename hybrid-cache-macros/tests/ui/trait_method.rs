use hybrid_cache::cached;

trait Shop {
    #[cached]
    async fn price(id: u64) -> u64;
}

fn main() {}
