use hybrid_cache::cached;

#[derive(Clone)]
struct Db(u64);

#[cached]
async fn price(db: Db, id: u64) -> u64 {
    db.0 + id
}

fn main() {}
