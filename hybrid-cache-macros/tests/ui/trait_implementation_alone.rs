use hybrid_cache::cached;

trait Shop {
    async fn name(&self, id: &u64) -> &str;
}

struct Corner(String);

impl Shop for Corner {
    #[cached(ttl = 0)]
    async fn name(&self, id: &u64) -> &str {
        if *id > 0 { &self.0 } else { "" }
    }
}

fn main() {}
