use hybrid_cache::cached;

trait Db {
    fn price(&self, id: u64) -> u64;
}

#[cached(skip(db))]
async fn price(db: &(dyn Db + Sync), id: u64) -> u64 {
    db.price(id)
}

async fn caller() {
    price::invalidate(1).await;
}

fn main() {}
