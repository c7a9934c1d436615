use hybrid_cache::cached;

#[derive(Clone)]
struct Page {
    text: String,
}

#[cached(layers = "mem", max_bytes = "64MiB")]
async fn price(id: u64) -> Page {
    Page { text: id.to_string() }
}

async fn caller() {
    price::invalidate(1).await;
}

fn main() {}
