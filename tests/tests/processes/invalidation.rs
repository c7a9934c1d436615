//! Forgetting: against running loads, in every layer, from every process.

use hybrid_cache_test_support::RedisServer;

use crate::{
    eventually,
    program::{Program, Settings},
};

const COMBINATIONS: [&str; 7] =
    ["mem", "redis", "disk", "mem,redis", "mem,disk", "redis,disk", "mem,redis,disk"];

/// A program with a load of `quote(7)` under way that has seen the price 1, while the price is 2 already.
fn program_with_an_old_load(settings: &Settings) -> Program {
    let mut program = settings.start();
    program.ask("gate closed");
    program.ask("many 1 quote 7");
    eventually("the body has seen the old price", || program.number("bodies") == 1);
    program.ask("price 2");
    program
}

/// Lets the load end, and checks that neither this process nor the layers it leaves behind know the old price.
#[track_caller]
fn the_old_load_leaves_nothing(mut program: Program, settings: &Settings) {
    program.ask("gate open");
    assert_eq!(program.ask("answers"), "1 x 1", "its own caller asked before the price changed");
    program.ask("flush");
    assert_ne!(program.ask("peek quote 7"), "1");
    assert_eq!(program.call("quote", 7), "2");
    assert_eq!(program.call("quote", 7), "2");
    program.quit();

    let mut program = settings.start();
    program.ask("price 2");
    assert_eq!(program.call("quote", 7), "2");
}

#[test]
fn an_invalidation_beats_a_load_that_began_before_it_in_every_layer() {
    for layers in COMBINATIONS {
        let (redis, dir) = (RedisServer::start(), tempfile::tempdir().unwrap());
        let settings = Settings::new().redis(&redis).disk(dir.path()).quote_in(layers);
        let mut program = program_with_an_old_load(&settings);
        let forgotten = program.ask("invalidate quote 7");
        assert!(!forgotten.contains("queued") && !forgotten.contains("failed"), "{forgotten}");
        the_old_load_leaves_nothing(program, &settings);
    }
}

#[test]
fn invalidate_all_beats_a_load_that_began_before_it_in_every_layer() {
    for layers in COMBINATIONS {
        let (redis, dir) = (RedisServer::start(), tempfile::tempdir().unwrap());
        let settings = Settings::new().redis(&redis).disk(dir.path()).quote_in(layers);
        let mut program = program_with_an_old_load(&settings);
        program.ask("invalidate_all quote");
        the_old_load_leaves_nothing(program, &settings);
    }
}

#[test]
fn a_put_beats_a_load_that_began_before_it_in_every_layer() {
    for layers in COMBINATIONS {
        let (redis, dir) = (RedisServer::start(), tempfile::tempdir().unwrap());
        let settings = Settings::new().redis(&redis).disk(dir.path()).quote_in(layers);
        let mut program = program_with_an_old_load(&settings);
        program.ask("put quote 7 2");
        the_old_load_leaves_nothing(program, &settings);
    }
}

#[test]
fn a_call_after_an_invalidation_does_not_join_the_load_from_before() {
    let mut program = program_with_an_old_load(&Settings::new().quote_in("mem"));
    let bodies = program.number("bodies");
    program.ask("invalidate quote 7");
    program.ask("many 3 quote 7");
    eventually("a body looks at the new price", || program.number("bodies") > bodies);
    program.ask("gate open");

    assert_eq!(program.ask("answers"), "4 x 1, 2");
    assert_eq!(program.ask("peek quote 7"), "2");
    assert_eq!(program.number("bodies"), bodies + 1);
}

#[test]
fn an_invalidated_answer_is_gone_from_every_layer_and_others_stay() {
    let (redis, dir) = (RedisServer::start(), tempfile::tempdir().unwrap());
    let settings = Settings::new().redis(&redis).disk(dir.path());
    let mut program = settings.start();
    program.call("quote", 7);
    program.call("quote", 8);
    program.ask("flush");
    program.ask("price 2");

    assert_eq!(program.ask("invalidate quote 7"), "memory=done redis=done disk=done");

    assert_eq!(program.ask("peek quote 7"), "none");
    assert_eq!(program.ask("peek quote 8"), "1");
    program.quit();
    for layers in ["redis", "disk"] {
        let mut program = settings.clone().quote_in(layers).start();
        assert_eq!(program.ask("peek quote 7"), "none", "{layers}");
        assert_eq!(program.ask("peek quote 8"), "1", "{layers}");
        program.quit();
    }
}

#[test]
fn invalidate_all_forgets_this_function_everywhere_and_no_other() {
    let (redis, dir) = (RedisServer::start(), tempfile::tempdir().unwrap());
    let settings = Settings::new().redis(&redis).disk(dir.path());
    let mut program = settings.start();
    for id in 0..50 {
        program.call("quote", id);
    }
    program.call("brief", 1);
    program.ask("flush");

    assert_eq!(program.ask("invalidate_all quote"), "memory=done redis=done disk=done");

    assert_eq!(program.ask("peek quote 7"), "none");
    program.quit();
    for layers in ["redis", "disk"] {
        let settings = settings.clone().quote_in(layers).set("HYBRID_CACHE_FN_SHOP_BRIEF_LAYERS", layers);
        let mut program = settings.start();
        for id in 0..50 {
            assert_eq!(program.ask(&format!("peek quote {id}")), "none", "{layers}");
        }
        assert_eq!(program.ask("peek brief 1"), "1", "{layers}");
        program.quit();
    }
}

#[test]
fn a_process_that_never_called_the_function_can_forget_its_answers() {
    for forget in ["invalidate quote 7", "invalidate_all quote"] {
        let (redis, dir) = (RedisServer::start(), tempfile::tempdir().unwrap());
        let settings = Settings::new().redis(&redis).disk(dir.path());
        let mut program = settings.start();
        program.call("quote", 7);
        program.ask("flush");
        program.quit();

        let mut other = settings.start();
        assert_eq!(other.ask(forget), "memory=done redis=done disk=done");
        other.quit();

        let mut program = settings.start();
        program.ask("price 2");
        assert_eq!(program.call("quote", 7), "2", "after {forget}");
    }
}

#[test]
fn an_invalidation_reaches_another_process_through_redis() {
    let redis = RedisServer::start();
    let settings = Settings::new().redis(&redis);
    let (mut program, mut other) = (settings.start(), settings.start());
    program.call("brief", 7);
    program.ask("flush");
    assert_eq!(other.call("brief", 7), "1");
    assert_eq!(other.stats("brief").of(["loads", "redis"]), [0, 1]);
    program.ask("price 2");
    other.ask("price 2");

    program.ask("invalidate brief 7");

    // Its own memory keeps the answer for a second.
    other.ask("advance 2");
    assert_eq!(other.call("brief", 7), "2");
    assert_eq!(settings.start().call("brief", 7), "2", "and so does one that starts now");
}

#[test]
fn an_answer_that_another_process_put_is_found_in_redis() {
    let redis = RedisServer::start();
    let settings = Settings::new().redis(&redis);
    let (mut program, mut other) = (settings.start(), settings.start());
    other.call("brief", 7);
    other.ask("flush");

    program.ask("put brief 7 5");

    other.ask("advance 2");
    assert_eq!(other.call("brief", 7), "5");
}

#[test]
fn put_replaces_the_answer_in_every_layer_before_it_returns() {
    let (redis, dir) = (RedisServer::start(), tempfile::tempdir().unwrap());
    let settings = Settings::new().redis(&redis).disk(dir.path());
    let mut program = settings.start();
    program.call("quote", 7);
    program.ask("flush");
    program.ask("put quote 7 5");
    assert_eq!(program.call("quote", 7), "5");
    assert_eq!(program.stats("quote").get("loads"), 1);
    program.ask("flush");
    program.quit();
    for layers in ["redis", "disk"] {
        assert_eq!(settings.clone().quote_in(layers).start().ask("peek quote 7"), "5", "{layers}");
    }
}

#[test]
fn refresh_asks_the_body_whatever_is_kept_and_replaces_it_in_every_layer() {
    let (redis, dir) = (RedisServer::start(), tempfile::tempdir().unwrap());
    let settings = Settings::new().redis(&redis).disk(dir.path());
    let mut program = settings.start();
    program.call("quote", 7);
    program.ask("flush");
    program.ask("price 2");
    assert_eq!(program.ask("refresh quote 7"), "2");
    assert_eq!(program.call("quote", 7), "2");
    assert_eq!(program.stats("quote").of(["loads", "memory"]), [2, 1]);
    program.ask("flush");
    program.quit();
    for layers in ["redis", "disk"] {
        assert_eq!(settings.clone().quote_in(layers).start().ask("peek quote 7"), "2", "{layers}");
    }
}

#[test]
fn a_refresh_that_fails_is_the_callers_error_and_leaves_what_is_kept() {
    let mut program = Settings::new().quote_in("mem").start();
    program.ask("put quote 404 1");
    assert_eq!(program.call("quote", 404), "1");

    assert_eq!(program.ask("refresh quote 404"), "error: no quote");

    assert_eq!(program.ask("peek quote 404"), "1");
}

#[test]
fn peek_never_loads_counts_or_copies() {
    let redis = RedisServer::start();
    let settings = Settings::new().redis(&redis).quote_in("mem,redis");
    let mut program = settings.start();
    assert_eq!(program.ask("peek quote 7"), "none");
    assert_eq!(program.number("bodies"), 0);
    program.call("quote", 7);
    program.ask("flush");
    program.quit();

    let mut program = settings.start();
    assert_eq!(program.ask("peek quote 7"), "1");
    program.ask("flush");
    let nothing = ["loads", "memory", "redis", "disk", "misses"];
    assert_eq!(program.stats("quote").of(nothing), [0; 5]);
    redis.tell(&["FLUSHALL"]);
    assert_eq!(program.ask("peek quote 7"), "none", "it was not copied into memory");
}

#[test]
fn uncached_asks_nothing_and_leaves_nothing() {
    let redis = RedisServer::start();
    let mut program = Settings::new().redis(&redis).quote_in("mem,redis").start();
    program.call("quote", 7);
    program.ask("price 2");

    assert_eq!(program.ask("uncached quote 7"), "2");
    assert_eq!(program.ask("uncached quote 8"), "2");

    assert_eq!(program.call("quote", 7), "1");
    assert_eq!(program.ask("peek quote 8"), "none");
}

#[test]
fn an_invalidation_by_another_process_reaches_the_copies_on_this_ones_disk() {
    for forget in ["invalidate brief 7", "invalidate_all brief"] {
        let (redis, dir) = (RedisServer::start(), tempfile::tempdir().unwrap());
        let settings = Settings::new().redis(&redis).disk(dir.path());
        let (mut program, mut other) = (settings.start(), settings.start());
        // Each has a slot of its own in the directory, so that neither can touch what the other has there.
        program.call("brief", 7);
        program.ask("flush");
        assert_eq!(other.call("brief", 7), "1");
        other.ask("flush");
        program.ask("price 2");
        other.ask("price 2");

        program.ask(forget);

        other.ask("advance 2");
        assert_eq!(other.call("brief", 7), "2", "after {forget}");
        other.quit();
        program.quit();
        let mut next = [settings.start(), settings.start()];
        for program in &mut next {
            program.ask("price 3");
            assert_ne!(program.call("brief", 7), "1", "after {forget} and a restart");
        }
    }
}
