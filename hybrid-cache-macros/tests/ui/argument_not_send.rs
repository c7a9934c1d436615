use std::rc::Rc;

use hybrid_cache::cached;

#[cached(skip(owned))]
async fn price(owned: Rc<u64>, id: u64) -> u64 {
    *owned + id
}

#[cached(skip(lent))]
async fn cost(lent: &Rc<u64>, id: u64) -> u64 {
    **lent + id
}

async fn caller() {
    price::invalidate(1).await;
    cost::invalidate(1).await;
}

fn main() {}
