use hybrid_cache::cached;

const NEVER: std::time::Duration = std::time::Duration::ZERO;

#[derive(Clone)]
struct Failure;

impl From<hybrid_cache::DeadlineExceeded> for Failure {
    fn from(_: hybrid_cache::DeadlineExceeded) -> Self {
        Self
    }
}

#[cached(stale = NEVER, deadline = NEVER)]
async fn price(id: u64) -> Result<u64, Failure> {
    id.checked_mul(2).ok_or(Failure)
}

async fn caller() {
    price::invalidate(1).await;
}

fn main() {}
