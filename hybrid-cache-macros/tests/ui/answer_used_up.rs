use std::{cell::Cell, pin::Pin};

use hybrid_cache::cached;

struct Response {
    body: Cell<Option<String>>,
}

struct Stream {
    items: Pin<Box<dyn Iterator<Item = u64> + Send>>,
}

#[cached(layers = "mem")]
async fn page(id: u64) -> Response {
    Response { body: Cell::new(Some(id.to_string())) }
}

#[cached(layers = "mem")]
async fn items(id: u64) -> Stream {
    Stream { items: Box::pin(0..id) }
}

fn main() {}
