use hybrid_cache::cached;

#[cached]
async fn price<'a>(id: &'a str) -> Result<std::borrow::Cow<'a, str>, ()> {
    Ok(id.into())
}

async fn caller() {
    price::invalidate("a").await;
}

fn main() {}
