use hybrid_cache::cached;

#[cached]
async fn price(id: u64) {
    println!("{id}");
}

async fn caller() {
    price::invalidate(1).await;
}

fn main() {}
