use hybrid_cache::cached;

#[cached(time = 60, size = 100, result = true, option = true, sync_writes = "by_key", time_refresh = true)]
async fn price(id: u64) -> u64 {
    id
}

#[cached(ty = "SizedCache<u64, u64>", create = "{ SizedCache::with_size(10) }", convert = "{ id }", sync = true)]
async fn count(id: u64) -> u64 {
    id
}

#[cached(disk = true, map_error = "|error| error", evict = true, time_to_live = 5, max_capacity = 7, Ignore = "db")]
async fn stock(id: u64) -> u64 {
    id
}

fn main() {}
