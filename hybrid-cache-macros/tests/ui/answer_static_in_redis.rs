use hybrid_cache::cached;

#[cached(layers = "mem,redis")]
async fn motto(id: u64) -> &'static str {
    "none"
}

#[cached(layers = "disk")]
async fn mottos(id: u64) -> Result<Option<Vec<&'static str>>, String> {
    Ok(None)
}

fn main() {}
