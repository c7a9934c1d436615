use hybrid_cache::{cached, invalidates};

#[derive(Clone)]
struct Repo;

impl Repo {
    #[cached(skip(self))]
    async fn price(&self, id: u64) -> u64 {
        id
    }

    #[invalidates(self.price(id))]
    async fn save(&self, id: u64) -> Result<(), String> {
        Err(id.to_string())
    }
}

#[invalidates(repo.price(id))]
async fn save(repo: &Repo, id: u64) -> Result<(), String> {
    repo.save(id).await
}

fn main() {}
