//! What stands in Redis.

use hybrid_cache_test_support::RedisServer;

use crate::program::Settings;

#[test]
fn everything_in_redis_is_under_the_namespace_and_has_a_time_to_live() {
    let redis = RedisServer::start();
    let settings = Settings::new().redis(&redis).set("HYBRID_CACHE_NAMESPACE", "corner-shop");
    let mut program = settings.start();
    for id in 0..20 {
        for function in ["quote", "brief", "found", "letter", "first_reading"] {
            program.call(function, id);
        }
    }
    program.ask("put quote 3 9");
    program.ask("refresh quote 4");
    program.ask("invalidate quote 5");
    program.ask("invalidate_all brief");
    program.call("brief", 1);
    program.ask("flush");

    let keys: Vec<String> = redis.ask(&["KEYS", "*"]);
    assert!(keys.len() > 80, "{keys:?}");
    for key in &keys {
        assert!(key.starts_with("corner-shop:"), "{key}");
        assert!(redis.ask::<i64>(&["PTTL", key]) > 0, "{key} would stay for ever");
        assert_eq!(redis.ask::<String>(&["TYPE", key]), "string", "{key}");
    }
    assert!(keys.contains(&"corner-shop:shop.quote:id=4".to_owned()));
    assert_eq!(
        program.ask("key quote 4"),
        "corner-shop:shop.quote:id=4",
        "what `key` says is what stands there"
    );
}

#[test]
fn a_user_with_the_rights_that_are_documented_can_do_everything_and_reaches_nothing_else() {
    let documented =
        include_str!("../../../SECURITY.md").lines().find(|line| line.starts_with("ACL SETUSER"));
    let redis = RedisServer::start();
    redis.tell(&documented.unwrap().split_whitespace().collect::<Vec<_>>());
    let address = format!("redis://hybrid-cache:password@127.0.0.1:{}", redis.port());
    let settings = Settings::new().set("HYBRID_CACHE_REDIS_URL", address);
    for layers in ["mem,redis,disk", "redis"] {
        let mut program = settings.clone().quote_in(layers).start();
        program.call("quote", 1);
        program.ask("put quote 2 9");
        program.ask("refresh quote 3");
        assert!(program.ask("invalidate quote 4").contains("redis=done"));
        assert!(program.ask("invalidate_all quote").contains("redis=done"));
        program.call("quote", 5);
        program.ask("flush");
        assert_eq!(program.stats("quote").get("redis_failures"), 0, "{}", program.log());
        program.quit();
        let mut program = settings.clone().quote_in("redis").start();
        program.ask("price 2");
        assert_eq!(program.call("quote", 5), "1", "it is in Redis, and may be read");
        program.quit();
    }
    let allowed = |words: &[&str]| {
        let asked: Vec<&str> = ["ACL", "DRYRUN", "hybrid-cache"].iter().chain(words).copied().collect();
        redis.ask::<String>(&asked) == "OK"
    };
    assert!(allowed(&["GETRANGE", "hc:x", "0", "9"]));
    for refused in [
        &["GETRANGE", "else:x", "0", "9"][..],
        &["SET", "hcx", "1"],
        &["KEYS", "*"],
        &["FLUSHALL"],
        &["CONFIG", "GET", "*"],
    ] {
        assert!(!allowed(refused), "{refused:?}");
    }
}

#[test]
fn programs_in_different_namespaces_do_not_see_each_other() {
    let redis = RedisServer::start();
    let settings = Settings::new().redis(&redis).quote_in("redis");
    let mut program = settings.clone().set("HYBRID_CACHE_NAMESPACE", "one").start();
    let mut other = settings.set("HYBRID_CACHE_NAMESPACE", "two").start();
    other.ask("price 2");
    program.call("quote", 7);
    assert_eq!(other.call("quote", 7), "2");
    program.ask("invalidate_all quote");
    assert_eq!(other.ask("peek quote 7"), "2");
}

#[test]
fn an_answer_of_more_than_a_mebibyte_is_not_in_redis_which_is_said_once() {
    let redis = RedisServer::start();
    let mut program = Settings::new().redis(&redis).start();
    let large = [1_048_577, 1_500_000, 3_000_000];
    for _ in 0..2 {
        for length in large {
            assert_eq!(program.call("letter", length), format!("{length} bytes"));
        }
    }
    assert_eq!(program.call("letter", 1_000_000), "1000000 bytes");
    program.ask("flush");

    assert_eq!(program.stats("letter").of(["loads", "memory"]), [4, 3], "memory keeps them all");
    for length in large {
        assert_eq!(redis.ask::<u64>(&["EXISTS", &format!("hc:shop.letter:length={length}")]), 0);
    }
    assert_eq!(redis.ask::<u64>(&["EXISTS", "hc:shop.letter:length=1000000"]), 1);
    let log = program.quit();
    assert_eq!(log.matches("too large").count(), 1, "{log}");
}

#[test]
fn bytes_that_are_not_ours_are_a_miss_and_are_replaced() {
    let redis = RedisServer::start();
    let mut program = Settings::new().redis(&redis).quote_in("redis").start();
    let key = program.ask("key quote 7");
    let key = key.as_str();
    program.call("quote", 8);
    let copy_of_another = "redis.call('SET', KEYS[1], redis.call('GET', KEYS[2]), 'PX', 60000)";
    let turn_the_last_bit = "local old = redis.call('GET', KEYS[1]) \
        local last = string.char(bit.bxor(old:byte(-1), 1)) \
        redis.call('SET', KEYS[1], old:sub(1, -2) .. last, 'PX', 60000)";
    let foreign: [&[&str]; 8] = [
        &["SET", key, "x"],
        &["SET", key, "not ours"],
        &["SETRANGE", key, "0", "xx"],
        &["SETRANGE", key, "40", "xx"],
        &["APPEND", key, "x"],
        &["EVAL", "redis.call('SET', KEYS[1], redis.call('GET', KEYS[1]):sub(1, -2))", "1", key],
        &["EVAL", turn_the_last_bit, "1", key],
        &["EVAL", copy_of_another, "2", key, "hc:shop.quote:id=8"],
    ];
    for (price, command) in (2..).zip(foreign) {
        program.ask("refresh quote 7");
        redis.tell(command);
        program.ask(&format!("price {price}"));
        assert_eq!(program.call("quote", 7), price.to_string(), "after {command:?}");
        assert_eq!(program.ask("peek quote 7"), price.to_string(), "it was replaced, after {command:?}");
        assert_eq!(program.stats("quote").of(["refused", "redis_failures"]), [price - 1, 0], "{command:?}");
    }
    program.quit();
}

#[test]
fn a_key_of_another_type_is_a_miss_and_is_replaced() {
    let redis = RedisServer::start();
    let mut program = Settings::new().redis(&redis).quote_in("redis").start();
    for command in [["RPUSH", "hc:shop.quote:id=7", "a", "b"], ["HSET", "hc:shop.quote:id=7", "a", "b"]] {
        redis.tell(&["DEL", "hc:shop.quote:id=7"]);
        redis.tell(&command);
        assert_eq!(program.call("quote", 7), "1");
        assert_eq!(program.ask("peek quote 7"), "1", "after {command:?}");
    }
    program.quit();
}

#[test]
fn what_was_deleted_by_hand_is_gone() {
    let redis = RedisServer::start();
    let mut program = Settings::new().redis(&redis).quote_in("redis").start();
    program.call("quote", 7);
    program.ask("price 2");
    redis.tell(&["DEL", "hc:shop.quote:id=7"]);
    assert_eq!(program.call("quote", 7), "2");
    program.ask("price 3");
    redis.tell(&["FLUSHALL"]);
    assert_eq!(program.call("quote", 7), "3");
}

#[test]
fn a_full_server_that_refuses_writes_fails_no_call() {
    let redis =
        RedisServer::builder().options(["--maxmemory", "1mb", "--maxmemory-policy", "noeviction"]).start();
    let mut program = Settings::new().redis(&redis).quote_in("mem,redis").start();
    for id in 0..50 {
        assert_eq!(program.call("quote", id), "1");
    }
    assert_eq!(program.stats("quote").of(["loads", "errors"]), [50, 0]);
    program.quit();
}
