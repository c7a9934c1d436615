use hybrid_cache::cached;

struct Shop;

impl Shop {
    #[cached(companion = Prices)]
    async fn price(id: u64) -> u64 {
        let _ = Self;
        id
    }
}

fn main() {}
