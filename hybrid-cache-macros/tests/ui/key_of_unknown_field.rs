use hybrid_cache::cached;

#[derive(Clone)]
struct User {
    name: String,
}

#[cached(key = "{id}:{user.nam}")]
async fn price(id: u64, user: User) -> String {
    format!("{id}{}", user.name)
}

async fn caller() {
    price::invalidate(1, User { name: String::new() }).await;
}

fn main() {}
