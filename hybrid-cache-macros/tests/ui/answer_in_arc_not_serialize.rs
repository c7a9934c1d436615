use std::sync::Arc;

use hybrid_cache::cached;

struct Price(u64);

type Shared<T> = Arc<T>;

#[cached(layers = "mem,redis")]
async fn price(id: u64) -> Arc<Price> {
    Arc::new(Price(id))
}

#[cached(layers = "mem,disk")]
async fn known_price(id: u64) -> Result<Option<Shared<Price>>, String> {
    Ok(Some(Arc::new(Price(id))))
}

#[cached(layers = "mem,disk")]
async fn generic<T: Default + Send + Sync + 'static>(_id: u64) -> Arc<T> {
    Arc::new(T::default())
}

#[cached(layers = "mem,disk")]
async fn prices(id: u64) -> Vec<Arc<Price>> {
    vec![Arc::new(Price(id))]
}

async fn caller() {
    price::invalidate(1).await;
}

fn main() {}
