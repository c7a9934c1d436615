use std::rc::Rc;

use hybrid_cache::cached;

#[cached(err_ttl = 2)]
async fn price(id: u64) -> Result<u64, Rc<str>> {
    id.checked_mul(2).ok_or_else(|| "too large".into())
}

async fn caller() {
    let _: Result<u64, Rc<str>> = price(1).await;
    price::invalidate(1).await;
}

fn main() {}
