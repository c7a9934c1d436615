use hybrid_cache::cached;

#[cached]
async fn price(id: u64) -> u64 {
    let shared = std::rc::Rc::new(id);
    std::future::ready(()).await;
    *shared
}

async fn caller() {
    price::invalidate(1).await;
}

fn main() {}
