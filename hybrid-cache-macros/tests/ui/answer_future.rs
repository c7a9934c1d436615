use std::{future::Future, pin::Pin};

use hybrid_cache::cached;

#[cached]
fn price(id: u64) -> impl Future<Output = u64> {
    async move { id }
}

#[cached]
fn count(id: u64) -> Pin<Box<dyn Future<Output = Option<u64>> + Send>> {
    Box::pin(async move { Some(id) })
}

async fn caller() {
    price::invalidate(1);
}

fn main() {}
