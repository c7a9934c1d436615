use hybrid_cache::cached;

struct Price(u64);

impl Price {
    #[cached(layers = "mem")]
    async fn load(id: u64) -> Result<Self, String> {
        Ok(Self(id))
    }

    #[cached(layers = "mem", skip(self))]
    fn doubled(&self, by: u64) -> Result<Price, String> {
        Ok(Price(self.0 * by))
    }
}

async fn caller(price: Price) {
    Price::load_invalidate(1).await;
    let _ = Price::load_peek(1).await;
    Price::doubled_put(1, price);
}

fn main() {}
