use hybrid_cache::cached;

#[derive(Clone)]
struct Shop;

impl Shop {
    #[cached(key = "{id}", skip(lang))]
    async fn price(&self, id: u64, lang: &str) -> u64 {
        id + lang.len() as u64
    }
}

async fn caller(shop: Shop) {
    Shop::price_invalidate(1).await;
    shop.price(1, "en").await;
}

fn main() {}
