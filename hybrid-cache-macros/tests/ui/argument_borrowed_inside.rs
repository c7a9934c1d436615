use hybrid_cache::cached;

#[cached]
async fn price(tags: &[&str], at: std::borrow::Cow<'_, str>) -> usize {
    tags.len() + at.len()
}

async fn caller() {
    price::invalidate(&["a"], "b".into()).await;
}

fn main() {}
