use hybrid_cache::cached;

#[cached(layers = "mem,redis")]
fn price(id: u64) -> u64 {
    id
}

fn main() {
    price::invalidate(1);
}
