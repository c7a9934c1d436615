use hybrid_cache::cached;

#[cached(layers = "mem", stale = 5, refresh_ahead = 0.5, deadline = 5, inline)]
fn price(id: u64) -> Result<u64, String> {
    Ok(id)
}

fn main() {
    price::invalidate(1);
}
