use hybrid_cache::cached;

struct Db(u64);

#[cached(skip(db))]
async fn price(db: &Db, id: u64) -> u64 {
    db.0 + id
}

async fn caller() {
    price::invalidate(1).await;
}

fn main() {}
