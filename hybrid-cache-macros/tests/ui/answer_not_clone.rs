use std::time::Duration;

use hybrid_cache::cached;

struct Price(u64);

impl Price {
    fn is_known(&self) -> bool {
        self.0 > 0
    }

    fn life(&self) -> Duration {
        Duration::from_secs(self.0)
    }
}

#[cached(cache_if = Price::is_known, ttl_by = Price::life)]
async fn price(id: u64) -> Price {
    Price(id)
}

async fn caller() {
    price::put(1, Price(1)).await;
    let _: Option<Price> = price::peek(1).await;
    let _: Price = price(1).await;
    price::invalidate(1).await;
}

fn main() {}
