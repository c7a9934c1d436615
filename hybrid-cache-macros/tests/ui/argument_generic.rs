use hybrid_cache::cached;

#[cached]
async fn price<T: Into<u64>, const N: usize>(id: T) -> u64 {
    id.into() + N as u64
}

fn main() {}
