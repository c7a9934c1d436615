use hybrid_cache::cached;

#[cached(ttl = 5)]
struct Price {
    id: u64,
}

fn main() {
    let Price { id: _ } = Price { id: 1 };
}
