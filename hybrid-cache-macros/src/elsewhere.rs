//! Options of other crates that cache answers, by the names that they have there, and what to write here instead.
//!
//! From `cached`, `memoize`, `moka`, `quick_cache`, `foyer`, and what HTTP and other languages call it.

/// What stands here for the option that is called `name` elsewhere.
pub(crate) fn called(name: &str) -> Option<&'static str> {
    Some(match name {
        "time" | "time_to_live" | "TimeToLive" | "expire" | "expires" | "expiration" | "expire_after"
        | "expires_in" | "max_age" | "lifespan" | "lifetime" | "duration" | "timeout_secs" | "ttl_secs"
        | "ttl_seconds" | "ttl_millis" => {
            "how long answers live is `ttl` here: `ttl = 60` (seconds) or `ttl = \"5m\"`"
        }
        "time_to_idle" | "tti" | "idle" => {
            "answers live for a time from when they were computed, however often they are used: `ttl = \"5m\"`"
        }
        "size" | "max_size" | "max_capacity" | "max_entries" | "max_items" | "Capacity" | "limit" | "cap" => {
            "the number of answers in memory is `capacity` here: `capacity = 1_000`; their size, `max_bytes = \"64MiB\"`"
        }
        "unbound" | "unbounded" => {
            "memory is bounded always; for more answers raise `capacity`: `capacity = 1_000_000`, or bound their size: \
             `max_bytes = \"1GiB\"`"
        }
        "evict" | "flush" | "clear" | "cache_evict" => {
            "to forget answers, call the function's `invalidate` or `invalidate_all`, or write `#[invalidates(..)]` on the \
             function that changes what they were made of"
        }
        "result" | "cache_err" | "cache_errors" => {
            "the `Ok` of a `Result` is kept and errors are not; to keep errors too, write `err_ttl = 2`"
        }
        "option" | "cache_none" => "a `None` is kept like any answer; to keep none, write `none_ttl = 0`",
        "sync_writes" | "sync_writes_buckets" | "single_flight" | "coalesce" => {
            "calls with the same arguments share one load always; leave it out"
        }
        "sync" | "sync_lock" | "SharedCache" | "thread_safe" => "all threads share the answers; leave it out",
        "map_error" => "trouble of a layer is no error of the function, it is skipped; leave it out",
        "convert" | "key_fn" | "key_by" | "hash" | "CustomHasher" | "HasherInit" => {
            "all arguments are the key; for parts of them write a template: `key = \"{user.id}:{lang}\"`"
        }
        "Ignore" | "ignore" | "exclude" | "without" | "skip_args" | "ignore_args" => {
            "arguments are left out of the key with `skip(db, ctx)`"
        }
        "policy" | "eviction_policy" | "lru" | "lfu" => {
            "which answers leave memory first is `eviction` here: `eviction = \"s3fifo\"` or `eviction = \"tinylfu\"`"
        }
        "create" | "ty" | "r#type" | "type" => {
            "the store is not chosen here: `layers = \"mem,redis,disk\"` says where answers are kept, and `capacity` how many"
        }
        "disk" | "io" | "redis" | "mem" | "memory" | "store" | "backend" | "storage" | "io_cached" => {
            "where answers are kept is `layers` here: `layers = \"mem,redis,disk\"`"
        }
        "disk_dir" | "disk_path" | "cache_dir" | "path" | "dir" | "url" | "connection_config" => {
            "this is set for the process, not for a function: `HYBRID_CACHE_DISK_DIR`, `HYBRID_CACHE_REDIS_URL`, or \
             `hybrid_cache::builder()`"
        }
        "sync_to_disk_on_cache_change" => "what is forgotten is synced to the disk always; leave it out",
        "cache_prefix_block" | "prefix" | "namespace" | "cache_name" | "cache" | "region" => {
            "what answers are kept under is `name` here: `name = \"catalog.product\"`; the namespace is set for the process, \
             with `HYBRID_CACHE_NAMESPACE`"
        }
        "refresh" | "time_refresh" | "refresh_after" | "refresh_interval" => {
            "a hit does not lengthen a life; to compute answers anew before they end, write `refresh_ahead = 0.8`"
        }
        "with_cached_flag" | "with_info" => {
            "where an answer came from is told by the companion `with_info`; leave it out"
        }
        "force_refresh" | "force" | "bypass" => {
            "to compute an answer anew, call the companion `refresh`, or calls in `hybrid_cache::refreshing(..)`"
        }
        "grace" | "swr" | "stale_while_revalidate" | "soft_ttl" => {
            "old answers are returned while they are computed anew with `stale`: `stale = \"60s\"`"
        }
        "fallback" | "fail_safe" => {
            "old answers are returned if a load fails with `stale_if_error`: `stale_if_error = \"1h\"`"
        }
        "condition" | "when" | "unless" | "cache_when" | "predicate" | "filter" => {
            "which answers are kept is said by a function of the answer: `cache_if = Product::is_complete`"
        }
        "timeout" => "how long a load may take is `deadline` here: `deadline = \"10s\"`",
        "concurrency" | "max_concurrency" | "max_concurrent" => {
            "the number of loads at once is `max_loads` here: `max_loads = 16`"
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_other_crates_call_it_is_translated_and_no_option_of_ours_is() {
        let translated = [
            ("time", "`ttl`"),
            ("size", "`capacity`"),
            ("unbound", "raise `capacity`"),
            ("sync_writes", "leave it out"),
        ];
        for (name, here) in translated {
            assert!(called(name).is_some_and(|text| text.contains(here)), "{name}");
        }
        for option in crate::args::all_options() {
            assert_eq!(called(option), None, "{option}");
        }
    }
}
