use hybrid_cache::cached;

type Loaded<T> = Result<T, String>;

#[cached(layers = "mem")]
async fn loaded<T: Default + Clone + Send + Sync + 'static>(id: u64) -> Loaded<T> {
    if id > 0 { Ok(T::default()) } else { Err("none".to_owned()) }
}

async fn caller() {
    let _ = loaded::<u8>(1).await;
}

fn main() {}
