//! What the environment decides.

use std::fs;

use hybrid_cache_test_support::RedisServer;

use crate::program::Settings;

#[test]
fn with_caching_switched_off_every_call_runs_its_body_and_nothing_is_opened_or_written() {
    let (redis, dir) = (RedisServer::start(), tempfile::tempdir().unwrap());
    let cache = dir.path().join("cache");
    let connections = || {
        let stats: String = redis.ask(&["INFO", "stats"]);
        let line = stats.lines().find_map(|line| line.strip_prefix("total_connections_received:"));
        line.unwrap().parse::<u64>().unwrap()
    };
    let before = connections();
    let settings = Settings::new().redis(&redis).disk(&cache).set("HYBRID_CACHE_ENABLED", "false");
    let mut program = settings.start();
    for price in 1..4 {
        program.ask(&format!("price {price}"));
        assert_eq!(program.call("quote", 7), price.to_string());
        assert_eq!(program.call("plain", 7), price.to_string());
    }
    program.ask("put quote 7 9");
    assert_eq!(program.ask("peek quote 7"), "none");
    assert_eq!(program.ask("refresh quote 7"), "3");
    assert_eq!(program.ask("invalidate quote 7"), "memory=not-in-use redis=not-in-use disk=not-in-use");
    program.ask("invalidate_all quote");
    program.ask("flush");
    assert_eq!(program.ask("key quote 7"), "hc:shop.quote:id=7", "keys do not depend on it");
    program.quit();

    // Looking is a connection of its own.
    assert_eq!(connections(), before + 1);
    assert!(!cache.exists());
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    assert_eq!(redis.ask::<u64>(&["DBSIZE"]), 0);
}

#[test]
fn a_functions_own_variables_are_stronger_than_its_attribute() {
    let redis = RedisServer::start();
    let settings = Settings::new().redis(&redis);
    let mut program = settings
        .clone()
        .set("HYBRID_CACHE_FN_SHOP_QUOTE_LAYERS", "redis")
        .set("HYBRID_CACHE_FN_SHOP_QUOTE_TTL", "90s")
        .set("HYBRID_CACHE_FN_SHOP_BRIEF_ENABLED", "false")
        .start();
    program.call("quote", 7);
    program.call("quote", 7);
    program.ask("flush");
    assert_eq!(program.stats("quote").of(["loads", "memory", "redis"]), [1, 0, 1]);
    assert!(redis.ask::<u64>(&["PTTL", "hc:shop.quote:id=7"]) <= 90_000);
    program.ask("price 2");
    program.ask("advance 91");
    assert_eq!(program.call("quote", 7), "2");

    for price in 3..5 {
        program.ask(&format!("price {price}"));
        assert_eq!(program.call("brief", 7), price.to_string());
    }
    assert_eq!(redis.ask::<u64>(&["EXISTS", "hc:shop.brief:id=7"]), 0);
    assert_eq!(program.call("plain", 7), "4");
    program.ask("price 5");
    assert_eq!(program.call("plain", 7), "4", "other functions are as they were");
}

#[test]
fn variables_that_are_about_two_functions_are_said_once() {
    let told = |settings: Settings| {
        let mut program = settings.start();
        for id in 0..3 {
            program.call("plain", id);
            program.call("twin", id);
            program.call("quote", id);
        }
        let log = program.quit();
        assert_eq!(log.matches("differ in punctuation").count(), log.matches("FN_SHOP_PLAIN_*").count());
        (log.matches("shop-plain").count(), log.matches("shop.plain").count())
    };
    let memory = Settings::new().quote_in("mem");
    assert_eq!(told(memory.clone().set("HYBRID_CACHE_FN_SHOP_PLAIN_TTL", "5m")), (1, 1));
    assert_eq!(told(memory), (0, 0), "nobody sets anything for them");
}

#[test]
fn functions_that_name_no_layers_take_those_of_the_environment() {
    let redis = RedisServer::start();
    for (layers, in_redis) in [("mem", 0), ("mem,redis", 1), ("redis", 1)] {
        redis.tell(&["FLUSHALL"]);
        let mut program = Settings::new().redis(&redis).set("HYBRID_CACHE_LAYERS", layers).start();
        program.call("plain", 7);
        program.ask("flush");
        assert_eq!(redis.ask::<u64>(&["EXISTS", "hc:shop.plain:id=7"]), in_redis, "{layers}");
    }
}

#[test]
fn a_time_to_live_from_the_environment_is_for_functions_that_name_none() {
    let mut program = Settings::new().quote_in("mem").set("HYBRID_CACHE_TTL", "2m").start();
    program.call("plain", 7);
    program.call("quote", 7);
    program.ask("price 2");
    program.ask("advance 100");
    assert_eq!(program.call("plain", 7), "1");
    program.ask("advance 21");
    assert_eq!(program.call("plain", 7), "2");
    assert_eq!(program.call("quote", 7), "1");
}

#[test]
fn the_redis_address_may_stand_in_the_variable_that_others_use() {
    let redis = RedisServer::start();
    let mut program = Settings::new().set("REDIS_URL", redis.url()).start();
    program.call("quote", 7);
    program.ask("flush");
    assert_eq!(redis.ask::<u64>(&["EXISTS", "hc:shop.quote:id=7"]), 1);
}

#[test]
fn a_server_may_be_reached_through_its_socket_with_a_password_and_a_database() {
    let redis = RedisServer::builder().password("open sesame").start();
    let socket = format!("redis+unix://{}?db=3", redis.socket().display());
    for url in [socket, format!("redis://127.0.0.1:{}/3", redis.port())] {
        redis.tell(&["FLUSHALL"]);
        let settings = Settings::new().set("HYBRID_CACHE_REDIS_URL", &url);
        let mut program = settings.set("HYBRID_CACHE_REDIS_PASSWORD", "open sesame").start();
        program.call("quote", 7);
        program.ask("flush");
        let keyspace: String = redis.ask(&["INFO", "keyspace"]);
        assert!(keyspace.contains("db3:") && !keyspace.contains("db0:"), "{url}: {keyspace}");
    }
}

#[test]
fn an_unknown_variable_is_said_once_with_the_names_that_exist() {
    let mut program = Settings::new().set("HYBRID_CACHE_TLT", "60").start();
    for id in 0..3 {
        program.call("plain", id);
        program.call("drawing", id);
    }
    let log = program.quit();
    assert_eq!(log.matches("HYBRID_CACHE_TLT").count(), 1, "{log}");
    for name in ["HYBRID_CACHE_TTL", "HYBRID_CACHE_NAMESPACE", "HYBRID_CACHE_DISK_MAX_BYTES"] {
        assert!(log.contains(name), "{name} is not among the names:\n{log}");
    }
}

#[test]
fn a_value_that_cannot_be_read_is_said_once_and_the_default_is_used() {
    let mut program = Settings::new().set("HYBRID_CACHE_TTL", "soon").start();
    program.call("plain", 7);
    program.call("drawing", 7);
    program.ask("price 2");
    program.ask("advance 200");
    assert_eq!(program.call("plain", 7), "1");
    program.ask("advance 101");
    assert_eq!(program.call("plain", 7), "2");
    let log = program.quit();
    assert_eq!(log.matches("\"soon\"").count(), 1, "{log}");
}

/// The longest `Duration` there is, as text.
const FOREVER: &str = "18446744073709551615s 999999999ns";

#[test]
fn no_setting_is_so_long_so_short_or_so_large_that_a_call_panics() {
    const DURATIONS: [&str; 5] = ["TTL", "WAIT", "REDIS_TIMEOUT", "DISK_TIMEOUT", "FN_SHOP_QUOTE_TTL"];
    let (redis, dir) = (RedisServer::start(), tempfile::tempdir().unwrap());
    let mut all = Vec::new();
    for duration in [
        FOREVER,
        "18446744073709551615",
        "18446744073709551615s 999999998ns",
        "9223372036854775807",
        "1ns",
        "0",
    ] {
        all.push(DURATIONS.map(|name| (name, duration)).to_vec());
    }
    // One at a time where a short one would keep the others from being used.
    all.extend(DURATIONS.map(|name| vec![(name, "1ns")]));
    for number in ["18446744073709551615", "18446744073709551614", "1", "0"] {
        all.push(vec![("MEM_CAPACITY", number), ("MEM_MAX_BYTES", number), ("DISK_MAX_BYTES", number)]);
    }
    for part in ["0", "0.9999999999999999", "1", "-1", "NaN", "inf"] {
        all.push(vec![("TTL", FOREVER), ("JITTER", part)]);
    }
    for settings in all {
        let mut program = Settings::new().redis(&redis).disk(dir.path());
        for (name, value) in &settings {
            program = program.set(&format!("HYBRID_CACHE_{name}"), value);
        }
        let mut program = program.set("HYBRID_CACHE_LAYERS", "mem,redis,disk").start();
        program.ask("report");
        for id in 0..3 {
            for function in ["plain", "quote", "found", "brief"] {
                for _ in 0..2 {
                    let answer = program.call(function, id);
                    let expected = if function == "found" && id % 2 == 1 { "none" } else { "1" };
                    assert_eq!(answer, expected, "{settings:?}");
                }
                program.ask(&format!("refresh {function} {id}"));
                program.ask(&format!("invalidate {function} {id}"));
            }
        }
        program.ask("put quote 7 9");
        program.ask("flush");
        program.ask("advance 86400");
        program.call("quote", 7);
        program.ask("shutdown");
        let (_, log) = program.crash();
        assert!(!log.contains("panicked"), "{settings:?}: {log}");
    }
}

#[test]
fn an_answer_that_lives_for_ever_is_kept_in_every_layer() {
    let (redis, dir) = (RedisServer::start(), tempfile::tempdir().unwrap());
    let settings =
        Settings::new().redis(&redis).disk(dir.path()).set("HYBRID_CACHE_FN_SHOP_QUOTE_TTL", FOREVER);
    for layers in ["redis", "disk"] {
        let settings = settings.clone().quote_in(layers);
        let mut program = settings.start();
        program.call("quote", 7);
        program.ask("flush");
        program.quit();
        let mut program = settings.start();
        program.ask("price 2");
        assert_eq!(program.call("quote", 7), "1", "from {layers}");
        program.quit();
    }
}

#[test]
fn install_refuses_what_cannot_be_used_and_names_all_of_it() {
    let settings = Settings::new()
        .set("HYBRID_CACHE_TTL", "soon")
        .set("HYBRID_CACHE_LAYERS", "mem,tape")
        .set("HYBRID_CACHE_COLOUR", "red");
    let error = settings.start().ask("install");
    assert!(error.starts_with("error: "), "{error}");
    for word in ["HYBRID_CACHE_TTL", "soon", "HYBRID_CACHE_LAYERS", "HYBRID_CACHE_COLOUR"] {
        assert!(error.contains(word), "{word} is not in: {error}");
    }
    let mut program = Settings::new().start();
    assert_eq!(program.ask("install"), "installed");
    assert!(program.ask("install").starts_with("error: "), "once for each process");
}

#[test]
fn the_disk_layer_lives_in_the_users_cache_directory_if_nobody_says_where() {
    let home = tempfile::tempdir().unwrap();
    let mut program = Settings::new().set("HOME", home.path().display()).quote_in("disk").start();
    program.call("quote", 7);
    let report = program.ask("report");
    program.quit();
    let dir = home.path().join(if cfg!(target_os = "macos") { "Library/Caches" } else { ".cache" });
    let dir = dir.join("hybrid-cache/shop");
    assert!(dir.is_dir(), "{report}");
    assert!(report.contains(&dir.display().to_string()), "{report}");
}
