use hybrid_cache::cached;

#[cached(inline = true)]
async fn price(id: std::borrow::Cow<'_, u64>) -> u64 {
    *id
}

async fn caller() {
    price::invalidate(std::borrow::Cow::Owned(1)).await;
}

fn main() {}
