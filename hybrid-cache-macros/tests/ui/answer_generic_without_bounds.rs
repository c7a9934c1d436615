use hybrid_cache::cached;

#[cached(layers = "mem")]
async fn made<T: Default>(id: u64) -> T {
    T::default()
}

#[cached(layers = "mem")]
async fn found<T>(id: u64) -> Result<Option<T>, String>
where
    T: Clone + Send + Sync,
{
    Ok(None)
}

async fn caller() {
    let _: u64 = made(1).await;
}

fn main() {}
