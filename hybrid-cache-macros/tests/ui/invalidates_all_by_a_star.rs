use hybrid_cache::{cached, invalidates, updates};

#[cached]
async fn price(id: u64) -> u64 {
    id
}

#[invalidates(price(*))]
async fn save(id: u64) -> Result<(), String> {
    Err(id.to_string())
}

#[invalidates(price(..))]
async fn store(id: u64) -> Result<(), String> {
    Err(id.to_string())
}

#[updates(price(_))]
async fn change(id: u64) -> Result<u64, String> {
    Ok(id)
}

fn main() {}
