//! One answer, from each layer.

use hybrid_cache_test_support::RedisServer;

use crate::program::Settings;

/// Loads, and hits in memory, in Redis, on disk.
const WHERE: [&str; 4] = ["loads", "memory", "redis", "disk"];

#[test]
fn each_layer_alone_gives_the_same_answer_without_a_load() {
    let mut redis = RedisServer::start();
    let (dir, empty_dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let settings = Settings::new().redis(&redis).disk(&dir.path().join("cache"));

    let mut program = settings.start();
    program.ask("price 3");
    assert_eq!(program.call("quote", 7), "3");
    program.ask("flush");
    // From here on a load would be seen.
    program.ask("price 4");
    assert_eq!(program.call("quote", 7), "3", "from memory");
    assert_eq!(program.stats("quote").of(WHERE), [1, 1, 0, 0]);
    program.quit();

    let mut program = settings.clone().disk(empty_dir.path()).start();
    assert_eq!(program.call("quote", 7), "3", "from Redis: memory is gone, the disk is empty");
    assert_eq!(program.stats("quote").of(WHERE), [0, 0, 1, 0]);

    redis.kill();
    assert_eq!(program.call("quote", 7), "3", "from memory: Redis is gone");
    assert_eq!(program.stats("quote").of(WHERE), [0, 1, 1, 0]);
    drop(program);

    let mut program = settings.start();
    assert_eq!(program.call("quote", 7), "3", "from disk: memory and Redis are gone");
    assert_eq!(program.stats("quote").of(WHERE), [0, 0, 0, 1]);
    program.quit();
}

#[test]
fn an_answer_from_a_slow_layer_is_copied_into_the_faster_ones() {
    let redis = RedisServer::start();
    let dir = tempfile::tempdir().unwrap();
    let settings = Settings::new().redis(&redis).disk(dir.path());
    let mut program = settings.start();
    program.call("quote", 7);
    program.ask("flush");
    program.quit();
    redis.tell(&["DEL", "hc:shop.quote:id=7"]);

    let mut program = settings.start();
    program.ask("price 2");
    assert_eq!(program.call("quote", 7), "1");
    assert_eq!(program.call("quote", 7), "1");
    assert_eq!(program.stats("quote").of(WHERE), [0, 1, 0, 1]);
    program.ask("flush");
    let life: u64 = redis.ask(&["PTTL", "hc:shop.quote:id=7"]);
    assert!((1..=3_600_000).contains(&life), "{life} ms");
    program.quit();

    let mut program = settings.quote_in("redis").start();
    assert_eq!(program.call("quote", 7), "1");
    assert_eq!(program.stats("quote").of(WHERE), [0, 0, 1, 0]);
}

#[test]
fn a_copy_on_disk_is_not_believed_once_redis_has_forgotten_what_was_invalidated() {
    let (redis, dir) = (RedisServer::start(), tempfile::tempdir().unwrap());
    let settings = Settings::new().redis(&redis).disk(dir.path());
    let mut program = settings.start();
    program.call("quote", 7);
    program.ask("flush");
    program.quit();
    redis.tell(&["FLUSHALL"]);

    let mut program = settings.start();
    program.ask("price 2");
    assert_eq!(program.call("quote", 7), "2");
}

#[test]
fn a_copy_on_disk_from_before_an_invalidation_by_another_machine_is_not_believed() {
    let redis = RedisServer::start();
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let here = Settings::new().redis(&redis).disk(here.path());
    let mut program = here.start();
    program.call("quote", 7);
    program.ask("flush");
    program.quit();
    let mut elsewhere = Settings::new().redis(&redis).disk(there.path()).start();
    elsewhere.ask("invalidate quote 7");

    let mut program = here.start();
    program.ask("price 2");
    assert_eq!(program.call("quote", 7), "2");
    elsewhere.ask("price 3");
    program.ask("flush");
    assert_eq!(elsewhere.call("quote", 7), "2", "nothing old went back into Redis");
}

#[test]
fn an_answer_that_is_too_old_for_memory_comes_from_redis() {
    let redis = RedisServer::start();
    let mut program = Settings::new().redis(&redis).start();
    program.call("brief", 7);
    program.ask("flush");
    program.ask("price 2");
    program.ask("advance 2");

    assert_eq!(program.call("brief", 7), "1");
    assert_eq!(program.stats("brief").of(WHERE), [1, 0, 1, 0]);

    program.ask("advance 3600");
    assert_eq!(program.call("brief", 7), "2", "an hour is as long as any copy lives");
}

#[test]
fn a_copy_does_not_outlive_what_it_was_copied_from() {
    let (redis, dir) = (RedisServer::start(), tempfile::tempdir().unwrap());
    let settings = Settings::new().redis(&redis).disk(dir.path());
    let mut program = settings.start();
    program.call("quote", 7);
    program.ask("flush");
    program.quit();
    redis.tell(&["DEL", "hc:shop.quote:id=7"]);

    // Half of the hour has passed when this one copies the answer from the disk into Redis.
    let mut program = settings.start();
    program.ask("price 2");
    program.ask("advance 1800");
    assert_eq!(program.call("quote", 7), "1");
    program.ask("flush");
    let life: u64 = redis.ask(&["PTTL", "hc:shop.quote:id=7"]);
    assert!(life <= 1_800_000, "{life} ms are more than the half hour that was left");
    program.ask("advance 1801");
    assert_eq!(program.call("quote", 7), "2");
}

#[test]
fn a_type_that_cannot_be_stored_stays_in_memory_whatever_the_settings_say() {
    let (redis, dir) = (RedisServer::start(), tempfile::tempdir().unwrap());
    let cache = dir.path().join("cache");
    let settings = Settings::new().redis(&redis).disk(&cache).set("HYBRID_CACHE_LAYERS", "mem,redis,disk");
    let mut program = settings.start();

    assert_eq!(program.call("drawing", 7), "1");
    program.ask("price 2");
    assert_eq!(program.call("drawing", 7), "1");
    program.ask("flush");

    assert_eq!(redis.ask::<u64>(&["DBSIZE"]), 0);
    assert!(!cache.exists());
    program.call("plain", 7);
    program.ask("flush");
    assert_eq!(redis.ask::<u64>(&["EXISTS", "hc:shop.plain:id=7"]), 1, "a type that can be stored is");
    assert!(cache.exists());
}

#[test]
fn a_type_that_does_not_survive_a_round_trip_is_found_out_once_and_stays_in_memory() {
    let (redis, dir) = (RedisServer::start(), tempfile::tempdir().unwrap());
    let settings = Settings::new().redis(&redis).disk(dir.path());
    let mut program = settings.start();
    for id in 0..5 {
        program.call("document", id);
    }
    program.ask("flush");
    program.ask("price 2");

    assert_eq!(program.call("document", 3), r#"{"id":3,"price":1}"#);
    assert_eq!(redis.ask::<u64>(&["EXISTS", "hc:shop.document:id=3"]), 0);
    let log = program.quit();
    assert_eq!(log.matches(" ERROR ").count(), 1, "{log}");
    assert!(log.contains("shop.document"), "{log}");
    assert_eq!(settings.start().call("document", 3), r#"{"id":3,"price":1}"#, "loaded, not decoded");
}

#[test]
fn errors_are_not_kept_and_none_is_kept_for_its_own_time() {
    let (redis, dir) = (RedisServer::start(), tempfile::tempdir().unwrap());
    let mut program = Settings::new().redis(&redis).disk(dir.path()).start();
    for _ in 0..2 {
        assert_eq!(program.call("found", 404), "error: no quote");
        assert_eq!(program.call("found", 1), "none");
        assert_eq!(program.call("found", 2), "1");
    }
    program.ask("flush");
    assert_eq!(program.stats("found").of(["loads", "errors", "memory"]), [4, 2, 2]);
    assert_eq!(redis.ask::<u64>(&["EXISTS", "hc:shop.found:id=404"]), 0);
    assert!(redis.ask::<u64>(&["PTTL", "hc:shop.found:id=1"]) <= 10_000);

    program.ask("advance 11");
    program.call("found", 1);
    program.call("found", 2);
    assert_eq!(program.stats("found").get("loads"), 5, "only `None` was asked for again");
}
