use std::rc::Rc;

use hybrid_cache::cached;

type Loaded = Result<Option<Rc<u64>>, String>;

#[cached(none_ttl = 2)]
async fn price(id: u64) -> Loaded {
    Ok(Some(Rc::new(id)))
}

async fn caller() {
    price::invalidate(1).await;
}

fn main() {}
