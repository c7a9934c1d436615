//! Redis dies, hangs, comes back, or was never there: no call fails, and none takes much longer for it.

use std::{
    net::TcpListener,
    time::{Duration, Instant},
};

use hybrid_cache_test_support::RedisServer;

use crate::{
    eventually,
    program::{Numbers, Program, Settings},
};

/// What one call may wait for Redis and disk together with their own budgets, 250 ms and 50 ms for reading, and again
/// for writing where no memory takes the answer first; and a second for a machine that is busy with other tests.
const LIMIT_MS: u64 = 2 * (250 + 50) + 1_000;
const CALLS: u64 = 10_000;

#[track_caller]
fn start_traffic(program: &mut Program) {
    // Every call asks for something else, so that each has to go through all layers and the body.
    program.ask(&format!("traffic {CALLS} 8 {CALLS}"));
}

#[track_caller]
fn none_failed_and_none_was_slow(program: &mut Program) {
    let report = Numbers::new(program.ask("traffic_report"));
    assert_eq!(report.of(["calls", "wrong"]), [CALLS, 0], "{report:?}");
    assert!(report.get("slowest_ms") <= LIMIT_MS, "{report:?}");
}

#[test]
fn redis_killed_in_the_middle_of_ten_thousand_calls_hurts_none_and_is_used_again_when_it_is_back() {
    let mut redis = RedisServer::start();
    let dir = tempfile::tempdir().unwrap();
    let mut program = Settings::with_default_budgets().redis(&redis).disk(dir.path()).start();
    start_traffic(&mut program);
    eventually("a third of the calls is done", || program.number("made") > CALLS / 3);
    assert!(redis.ask::<u64>(&["DBSIZE"]) > 0, "Redis was in use");
    redis.kill();
    none_failed_and_none_was_slow(&mut program);

    redis.restart();
    let back = Instant::now();
    let mut id = 100_000;
    eventually("an answer is in Redis again", || {
        id += 1;
        program.call("quote", id);
        redis.ask::<u64>(&["EXISTS", &format!("hc:shop.quote:id={id}")]) == 1
    });
    assert!(back.elapsed() < Duration::from_secs(15), "not within seconds but {:?}", back.elapsed());
    let warnings = program.quit().matches(" WARN ").count();
    assert!((1..=4).contains(&warnings), "a change of state is said, a failed call is not: {warnings}");
}

#[test]
fn redis_killed_under_a_function_without_memory_hurts_no_call() {
    let mut redis = RedisServer::start();
    let mut program = Settings::with_default_budgets().redis(&redis).quote_in("redis").start();
    start_traffic(&mut program);
    eventually("a third of the calls is done", || program.number("made") > CALLS / 3);
    redis.kill();
    none_failed_and_none_was_slow(&mut program);
}

#[test]
fn calls_go_on_while_redis_hangs() {
    let redis = RedisServer::start();
    let mut program = Settings::with_default_budgets().redis(&redis).quote_in("mem,redis").start();
    start_traffic(&mut program);
    eventually("a third of the calls is done", || program.number("made") > CALLS / 3);
    redis.pause();
    none_failed_and_none_was_slow(&mut program);

    // Redis was found out by now and is not asked any more, or only by one call at a time.
    let started = Instant::now();
    for id in 200_000..200_100 {
        assert_eq!(program.call("quote", id), "1");
    }
    let limit = Duration::from_secs(5);
    assert!(started.elapsed() < limit, "a hundred calls took {:?}", started.elapsed());
    redis.resume();
}

#[test]
fn an_invalidation_while_redis_hangs_is_queued_and_done_before_anything_is_read_again() {
    let redis = RedisServer::start();
    let settings = Settings::with_default_budgets().redis(&redis).quote_in("mem,redis");
    let mut program = settings.start();
    program.call("quote", 7);
    program.ask("flush");
    assert_eq!(redis.ask::<u64>(&["EXISTS", "hc:shop.quote:id=7"]), 1);
    redis.pause();
    program.ask("price 2");
    assert_eq!(program.ask("invalidate quote 7"), "memory=done redis=queued disk=not-in-use");
    assert_eq!(program.call("quote", 7), "2");
    program.ask("price 3");
    assert_eq!(program.ask("invalidate_all quote"), "memory=done redis=queued disk=not-in-use");
    assert_eq!(program.call("quote", 7), "3");
    redis.resume();

    let mut id = 1_000;
    eventually("Redis is used again", || {
        id += 1;
        program.call("quote", id);
        redis.ask::<u64>(&["EXISTS", &format!("hc:shop.quote:id={id}")]) == 1
    });
    assert_eq!(program.call("quote", 7), "3");
    let mut other = settings.start();
    other.ask("price 4");
    assert_eq!(
        other.call("quote", 7),
        "4",
        "what the queue held was delivered: nothing old is left in Redis"
    );
}

#[test]
fn a_server_that_is_not_there_is_said_once_and_costs_next_to_nothing() {
    // A port that nobody listens on.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let settings = Settings::with_default_budgets().quote_in("mem,redis");
    let mut program = settings.set("HYBRID_CACHE_REDIS_URL", format!("redis://127.0.0.1:{port}")).start();
    start_traffic(&mut program);
    none_failed_and_none_was_slow(&mut program);
    assert!(program.stats("quote").get("redis_failures") > 0);
    let log = program.quit();
    assert_eq!(log.matches(" WARN ").count(), 1, "{log}");
}

#[test]
fn a_server_that_accepts_and_never_answers_does_not_hold_up_a_call() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let settings = Settings::with_default_budgets().quote_in("mem,redis");
    let mut program = settings.set("HYBRID_CACHE_REDIS_URL", format!("redis://127.0.0.1:{port}")).start();
    for id in 0..20 {
        let started = Instant::now();
        assert_eq!(program.call("quote", id), "1");
        assert!(started.elapsed() < Duration::from_millis(LIMIT_MS), "{:?}", started.elapsed());
    }
}

#[test]
fn layers_that_are_named_and_not_configured_are_skipped_and_said_once() {
    let mut program = Settings::new().quote_in("mem,redis").start();
    for id in 0..100 {
        program.call("quote", id);
        program.call("found", id);
    }
    let log = program.quit();
    assert_eq!(log.matches("HYBRID_CACHE_REDIS_URL").count(), 1, "{log}");
}
