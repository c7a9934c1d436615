//! Passwords stay where they belong.

use hybrid_cache_test_support::RedisServer;

use crate::program::Settings;

const PASSWORD: &str = "xyzzy-plugh-42";

/// Everything that the program shows while it is used in every manner and logs all it can.
fn everything_shown(settings: &Settings) -> String {
    let mut program = settings.clone().set("SHOP_LOG", "trace").start();
    let mut shown = String::new();
    for command in [
        "report",
        "debug",
        "install",
        "call quote 7",
        "flush",
        "peek quote 7",
        "key quote 7",
        "invalidate quote 7",
        "put quote 7 3",
        "refresh quote 7",
        "invalidate_all quote",
        "call letter 2000000",
        "stats quote",
        "total",
        "shutdown",
    ] {
        shown += &program.ask(command);
        shown.push('\n');
    }
    let (_, log) = program.crash();
    assert!(!log.contains("panicked"), "{log}");
    shown + &log
}

#[track_caller]
fn no_secret_in(shown: &str) {
    for secret in [PASSWORD, "xyzzy", "plugh"] {
        assert!(!shown.contains(secret), "{secret} is shown:\n{shown}");
    }
    assert!(shown.contains("report") || shown.contains("namespace"), "the report is part of it");
}

#[test]
fn a_password_that_works_is_never_shown() {
    let redis = RedisServer::builder().password(PASSWORD).start();
    let port = redis.port();
    let in_address =
        Settings::new().set("HYBRID_CACHE_REDIS_URL", format!("redis://:{PASSWORD}@127.0.0.1:{port}"));
    let beside = Settings::new().redis(&redis).set("HYBRID_CACHE_REDIS_PASSWORD", PASSWORD);
    let of_others = Settings::new().set("REDIS_URL", redis.url()).set("REDIS_PASSWORD", PASSWORD);
    for settings in [in_address, beside, of_others] {
        redis.tell(&["FLUSHALL"]);
        let shown = everything_shown(&settings);
        no_secret_in(&shown);
        assert!(shown.contains("redis=done"), "the password was used:\n{shown}");
    }
}

#[test]
fn a_password_that_the_server_refuses_is_never_shown() {
    let redis = RedisServer::builder().password("another one").start();
    let port = redis.port();
    let in_address =
        Settings::new().set("HYBRID_CACHE_REDIS_URL", format!("redis://user:{PASSWORD}@127.0.0.1:{port}"));
    let beside = Settings::new().redis(&redis).set("HYBRID_CACHE_REDIS_PASSWORD", PASSWORD);
    for settings in [in_address, beside] {
        let shown = everything_shown(&settings);
        no_secret_in(&shown);
        assert!(!shown.contains("redis=done"), "{shown}");
    }
}

#[test]
fn a_password_in_an_address_that_cannot_be_used_is_never_shown() {
    for url in [
        format!("redis://user:{PASSWORD}@no such host:1/0"),
        format!("redis://user:{PASSWORD}@127.0.0.1:99999"),
        format!("redis://user:{PASSWORD}@127.0.0.1:1/not-a-database"),
        format!("http://user:{PASSWORD}@127.0.0.1:1"),
        format!("user:{PASSWORD}@127.0.0.1"),
        format!("redis:/user:{PASSWORD}@127.0.0.1"),
        format!("redis://127.0.0.1:1?password={PASSWORD}"),
        format!("unix:///tmp/no-such-socket?pass={PASSWORD}"),
        PASSWORD.to_owned(),
    ] {
        no_secret_in(&everything_shown(&Settings::new().set("HYBRID_CACHE_REDIS_URL", url)));
    }
}

#[test]
fn a_password_in_the_wrong_variable_is_not_shown_either() {
    let address = format!("redis://user:{PASSWORD}@127.0.0.1:1");
    for variable in
        ["HYBRID_CACHE_LAYERS", "HYBRID_CACHE_NAMESPACE", "HYBRID_CACHE_TTL", "HYBRID_CACHE_REDIS"]
    {
        no_secret_in(&everything_shown(&Settings::new().set(variable, &address)));
    }
}
