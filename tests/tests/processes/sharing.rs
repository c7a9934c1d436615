//! Many callers, one load.

use hybrid_cache_test_support::RedisServer;

use crate::{eventually, program::Settings};

#[test]
fn sixty_four_tasks_that_ask_for_one_answer_share_one_load_whatever_the_layers() {
    for layers in ["mem", "redis", "disk", "mem,redis", "mem,disk", "redis,disk", "mem,redis,disk"] {
        let (redis, dir) = (RedisServer::start(), tempfile::tempdir().unwrap());
        let mut program = Settings::new().redis(&redis).disk(dir.path()).quote_in(layers).start();
        program.ask("gate closed");
        program.ask("many 64 quote 7");
        eventually("a body begins", || program.number("bodies") > 0);
        program.ask("gate open");

        assert_eq!(program.ask("answers"), "64 x 1", "layers = {layers}");
        let stats = program.stats("quote");
        assert_eq!((program.number("bodies"), stats.get("loads")), (1, 1), "layers = {layers}: {stats:?}");
    }
}

#[test]
fn an_error_that_cannot_be_shared_is_found_by_everyone_and_blocks_no_one() {
    let mut program = Settings::new().quote_in("mem").start();
    program.ask("many 64 quote 404");

    assert_eq!(program.ask("answers"), "64 x error: no quote");
    assert_eq!(program.call("quote", 7), "1");
}

#[test]
fn different_questions_do_not_wait_for_each_other() {
    let mut program = Settings::new().quote_in("mem").start();
    program.call("quote", 2);
    program.ask("gate closed");
    program.ask("many 1 quote 1");
    eventually("the first body begins", || program.number("bodies") == 2);

    assert_eq!(program.call("quote", 2), "1", "an answer in memory while another is being loaded");
    program.ask("many 1 quote 3");
    eventually("a third body begins beside it", || program.number("bodies") == 3);
    program.ask("gate open");
    assert_eq!(program.ask("answers"), "2 x 1");
}

#[test]
fn a_caller_that_goes_away_does_not_take_the_load_along() {
    let mut program = Settings::new().quote_in("mem").start();
    program.ask("gate closed");
    program.ask("many 1 quote 7");
    eventually("the body begins", || program.number("bodies") == 1);
    program.ask("abandon");
    program.ask("many 3 quote 7");
    program.ask("gate open");

    assert_eq!(program.ask("answers"), "3 x 1");
    assert_eq!(program.number("bodies"), 1);
}

#[test]
fn a_panic_in_the_body_is_its_callers_and_leaves_the_key_free() {
    let mut program = Settings::new().quote_in("mem").start();
    program.ask("many 8 quote 500");
    assert_eq!(program.ask("answers"), "8 x panic", "whoever leads runs the body and panics, so do all");
    program.ask("price 2");
    assert_eq!(program.call("quote", 500), "2");
}
