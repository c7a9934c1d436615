//! What comes after an answer's life, and before its end: stale answers, last resorts, refreshes, kept errors, deadlines.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use futures_util::{future::join_all, poll};

use super::world::{ALL, BYTES, Body, Function, MEMORY, TTL, World, key, settle};
use crate::{
    cached_fn::{
        answer::{Answer, Found, Origin, Purpose},
        given::Provenance,
    },
    definition::{Abilities, Definition},
    error::{DeadlineExceeded, LayerKind},
    layers::memory::Entry,
    record::{Dates, codec::Codec},
};

const SECOND: Duration = Duration::from_secs(1);
const MEMORY_AND_REDIS: &[LayerKind] = &[LayerKind::Memory, LayerKind::Redis];

fn stale(layers: &'static [LayerKind]) -> Definition {
    Definition::named("f").layers(layers).ttl(TTL).stale(60 * SECOND)
}

fn last_resort(layers: &'static [LayerKind]) -> Definition {
    Definition::named("f").layers(layers).ttl(TTL).stale_if_error(60 * SECOND)
}

#[tokio::test]
async fn a_stale_answer_is_returned_at_once_and_refreshed_once() {
    for layers in [MEMORY, ALL, BYTES] {
        let (world, body) = (World::new(), Body::new());
        let function = world.defined(&stale(layers));
        assert_eq!(body.call(function, "k").await, 1);
        settle().await;
        world.advance(TTL);
        let slow = Body::gated();

        let answers = join_all((0..50).map(|_| slow.call(function, "k"))).await;

        assert_eq!(answers, [1; 50], "with {layers:?}");
        assert_eq!((function.stats().refreshes(), function.stats().stale_answers() > 0), (1, true));
        slow.gate().let_everybody_pass();
        settle().await;
        assert_eq!((body.call(function, "k").await, slow.runs(), body.runs()), (1, 1, 1), "with {layers:?}");
        assert_eq!(function.stats().loads(), 2);
    }
}

#[tokio::test]
async fn who_comes_while_a_stale_answer_is_refreshed_gets_it_too() {
    for layers in [MEMORY, ALL, BYTES] {
        let (world, body) = (World::new(), Body::new());
        let function = world.defined(&stale(layers));
        body.call(function, "k").await;
        settle().await;
        world.advance(TTL);
        let slow = Body::gated();

        for _ in 0..3 {
            assert_eq!(slow.call(function, "k").await, 1, "with {layers:?}");
            settle().await;
        }

        assert_eq!(slow.runs(), 1, "with {layers:?}");
        slow.gate().let_everybody_pass();
    }
}

#[tokio::test]
async fn once_its_stale_time_is_over_a_call_waits_for_the_refresh_that_is_under_way() {
    for layers in [MEMORY, ALL, BYTES] {
        let (world, body) = (World::new(), Body::new());
        let function = world.defined(&stale(layers));
        body.call(function, "k").await;
        settle().await;
        world.advance(TTL);
        let slow = Body::gated();
        slow.call(function, "k").await;
        slow.gate().reached().await;
        world.advance(60 * SECOND);

        let mut call = Box::pin(slow.call(function, "k"));

        assert!(poll!(&mut call).is_pending(), "with {layers:?}");
        slow.gate().let_everybody_pass();
        assert_eq!((call.await, slow.runs()), (1, 1), "with {layers:?}");
        settle().await;
    }
}

#[tokio::test]
async fn a_failed_refresh_is_not_repeated_for_a_tenth_of_the_ttl() {
    for layers in [MEMORY, BYTES] {
        let (world, body) = (World::new(), Body::new());
        let function = world.defined(&stale(layers));
        body.call(function, "k").await;
        settle().await;
        world.advance(TTL);
        body.fail(true);
        for _ in 0..5 {
            assert_eq!(body.call(function, "k").await, 1);
            settle().await;
        }
        assert_eq!(body.runs(), 2, "with {layers:?}");
        world.advance(TTL / 10);
        assert_eq!(body.call(function, "k").await, 1);
        settle().await;
        assert_eq!(body.runs(), 3, "with {layers:?}");
    }
}

#[tokio::test]
async fn an_old_answer_takes_the_place_of_an_error_and_the_source_is_left_alone_for_a_while() {
    for layers in [MEMORY, ALL, BYTES] {
        let (world, body) = (World::new(), Body::new());
        let function = world.defined(&last_resort(layers));
        body.call(function, "k").await;
        settle().await;
        world.advance(TTL);
        body.fail(true);
        for _ in 0..5 {
            assert_eq!(body.call(function, "k").await, 1, "with {layers:?}");
        }
        assert_eq!(body.runs(), 2, "with {layers:?}");
        world.advance(10 * SECOND);
        body.fail(false);
        assert_eq!(body.call(function, "k").await, 3, "with {layers:?}");
        world.advance(TTL + 60 * SECOND);
        body.fail(true);
        assert!(body.try_call(function, "k").await.is_err(), "with {layers:?}");
    }
}

#[tokio::test]
async fn the_pause_after_a_failure_does_not_lengthen_an_answers_time() {
    for layers in [MEMORY, BYTES] {
        let (world, body) = (World::new(), Body::new());
        let function = world.defined(&last_resort(layers).stale_if_error(5 * SECOND));
        body.call(function, "k").await;
        settle().await;
        world.advance(TTL);
        body.fail(true);
        for _ in 0..2 {
            assert_eq!(body.call(function, "k").await, 1);
        }
        world.advance(5 * SECOND);
        assert!(body.try_call(function, "k").await.is_err(), "with {layers:?}");
    }
}

#[tokio::test]
async fn what_was_invalidated_is_no_last_resort() {
    for layers in [MEMORY, ALL, BYTES] {
        let (world, body) = (World::new(), Body::new());
        let function = world.defined(&last_resort(layers));
        body.call(function, "k").await;
        settle().await;
        world.advance(TTL);
        let failing = Body::gated();
        failing.fail(true);
        let loading = tokio::spawn({
            let failing = failing.clone();
            async move { failing.try_call(function, "k").await }
        });
        failing.gate().reached().await;
        function.invalidate(key("k")).await;
        failing.gate().let_everybody_pass();
        assert!(loading.await.unwrap().is_err(), "with {layers:?}");
        assert!(failing.try_call(function, "k").await.is_err(), "with {layers:?}");
    }
}

#[tokio::test]
async fn what_was_expired_is_still_a_stale_answer_and_a_last_resort_in_every_layer() {
    for layers in [MEMORY, ALL, BYTES] {
        let (world, body) = (World::new(), Body::new());
        let function = world.defined(&stale(layers).stale_if_error(90 * SECOND));
        body.call(function, "k").await;
        settle().await;
        function.expire(key("k")).await.strict().unwrap();
        assert_eq!((body.call(function, "k").await, function.stats().stale_answers()), (1, 1));
        settle().await;
        assert_eq!((body.call(function, "k").await, body.runs()), (2, 2), "with {layers:?}");

        function.expire(key("k")).await.strict().unwrap();
        world.advance(60 * SECOND);
        body.fail(true);
        assert_eq!(body.call(function, "k").await, 2, "with {layers:?}");
        world.advance(30 * SECOND);
        assert!(body.try_call(function, "k").await.is_err(), "with {layers:?}");
    }
}

#[tokio::test]
async fn expiring_an_answer_leaves_no_fresh_copy_for_other_processes() {
    let (world, body) = (World::new(), Body::new());
    let function = world.defined(&stale(ALL));
    let elsewhere = world.with_the_same_redis();
    let other = elsewhere.defined(&stale(BYTES));
    body.call(other, "k").await;

    function.expire(key("k")).await.strict().unwrap();

    assert_eq!(body.call(other, "k").await, 1);
    assert_eq!(other.stats().stale_answers(), 1, "its own disk's copy did not pass for fresh");
}

#[tokio::test]
async fn expiring_beats_a_load_that_is_running() {
    for layers in [MEMORY, ALL, BYTES] {
        let (world, old) = (World::new(), Body::gated());
        let function = world.defined(&stale(layers));
        let loading = tokio::spawn({
            let old = old.clone();
            async move { old.call(function, "k").await }
        });
        old.gate().reached().await;
        function.expire(key("k")).await;
        old.gate().let_everybody_pass();
        assert_eq!(loading.await.unwrap(), 1);
        settle().await;
        assert_eq!(function.peek(key("k")).await, None, "with {layers:?}");
    }
}

#[tokio::test]
async fn without_anything_after_its_life_an_answer_that_is_expired_is_forgotten() {
    let (world, body) = (World::new(), Body::new());
    let function = world.function(ALL);
    body.call(function, "k").await;
    settle().await;
    function.expire(key("k")).await.strict().unwrap();
    assert!(!world.redis.holds(function, "k") && !world.disk.holds(function, "k"));
    assert_eq!(body.call(function, "k").await, 2);
}

#[tokio::test]
async fn a_layer_that_cannot_be_read_forgets_what_is_expired() {
    let (world, body) = (World::new(), Body::new());
    let function = world.defined(&stale(ALL));
    body.call(function, "k").await;
    settle().await;
    world.redis.refuse_reads(true);
    function.expire(key("k")).await.strict().unwrap();
    assert!(!world.redis.holds(function, "k") && world.disk.holds(function, "k"));
}

#[tokio::test]
async fn an_answer_is_refreshed_ahead_of_its_end_once_and_behind_the_callers_backs() {
    for layers in [MEMORY, ALL] {
        let (world, body) = (World::new(), Body::new());
        let function = world.defined(&Definition::named("f").layers(layers).ttl(TTL).refresh_ahead(0.8));
        body.call(function, "k").await;
        settle().await;
        world.advance(79 * SECOND);
        body.call(function, "k").await;
        settle().await;
        assert_eq!(body.runs(), 1, "with {layers:?}");
        world.advance(SECOND);
        assert_eq!(join_all((0..50).map(|_| body.call(function, "k"))).await, [1; 50]);
        settle().await;
        assert_eq!((body.call(function, "k").await, body.runs()), (2, 2), "with {layers:?}");
        assert_eq!((function.stats().refreshes(), function.stats().stale_answers()), (1, 0));
    }
}

#[tokio::test]
async fn a_copy_of_the_answer_in_hand_is_no_newer_one_though_memory_keeps_dates_less_exactly() {
    let (world, body) = (World::new(), Body::new());
    let function = world.defined(&stale(ALL).ttl(Duration::from_hours(30 * 24)));
    body.call(function, "k").await;
    let memory = function.memory.as_ref().unwrap();
    for odd in 0..100 {
        let now = world.now();
        let end = now.plus(Duration::from_hours(7 * 24)).plus(Duration::from_millis(odd));
        let dates = Dates { computed_at: now, fresh_until: end, kept_until: end };
        memory.redate(key("k").lookup(), |_| dates);
        let in_hand = Purpose::Renew(memory.peek(key("k").lookup(), Entry::dates).unwrap());
        let found = |dates| Found {
            layer: LayerKind::Redis,
            answer: Answer {
                value: 1,
                origin: Origin::Body(function.life_of(&1)),
                provenance: Provenance::BODY,
                load_time: Duration::ZERO,
                refused: false,
            },
            dates,
        };
        assert!(!function.serves(in_hand, &found(dates)), "{odd} ms more");
        let newer = Dates { fresh_until: end.plus(SECOND), ..dates };
        assert!(function.serves(in_hand, &found(newer)), "{odd} ms more");
    }
}

#[tokio::test]
async fn without_memory_a_call_that_finds_a_due_answer_has_it_refreshed_too() {
    let (world, body) = (World::new(), Body::new());
    let function = world.defined(&Definition::named("f").layers(BYTES).ttl(TTL).refresh_ahead(0.8));
    body.call(function, "k").await;
    world.advance(79 * SECOND);
    body.call(function, "k").await;
    settle().await;
    assert_eq!(body.runs(), 1);
    world.advance(SECOND);
    let slow = Body::gated();
    assert_eq!(join_all((0..20).map(|_| slow.call(function, "k"))).await, [1; 20]);
    assert_eq!((slow.runs(), function.stats().refreshes(), function.stats().stale_answers()), (1, 1, 0));
    slow.gate().let_everybody_pass();
    settle().await;
    world.advance(79 * SECOND);
    body.call(function, "k").await;
    assert_eq!((slow.runs(), body.runs()), (1, 1), "the new one is there, and is not due");
}

#[tokio::test]
async fn a_refresh_takes_what_another_process_has_computed_meanwhile() {
    let (world, body) = (World::new(), Body::new());
    let definition = stale(MEMORY_AND_REDIS);
    let function = world.defined(&definition);
    body.call(function, "k").await;
    settle().await;
    world.advance(TTL);
    let elsewhere = world.with_the_same_stores();
    elsewhere.advance(TTL);
    elsewhere.defined(&definition).refresh(key("k"), body.run()).await.unwrap();
    settle().await;

    assert_eq!(body.call(function, "k").await, 1);
    settle().await;

    assert_eq!((body.call(function, "k").await, body.runs()), (2, 2));
}

#[tokio::test]
async fn a_copy_in_memory_is_renewed_from_a_layer_whose_copy_lives_longer() {
    let (world, body) = (World::new(), Body::new());
    let definition = Definition::named("f")
        .layers(MEMORY_AND_REDIS)
        .ttl(TTL)
        .layer_ttl(LayerKind::Memory, 10 * SECOND)
        .refresh_ahead(0.8);
    let function = world.defined(&definition);
    body.call(function, "k").await;
    settle().await;
    for _ in 0..9 {
        world.advance(8 * SECOND);
        assert_eq!(body.call(function, "k").await, 1);
        settle().await;
        assert!(function.hit(&key("k")).is_some());
    }
    assert_eq!((body.runs(), function.stats().refreshes()), (1, 9));
    world.advance(8 * SECOND);
    body.call(function, "k").await;
    settle().await;
    assert_eq!(body.runs(), 2, "at 80 s Redis's copy is due as well");
}

#[tokio::test]
async fn a_copy_of_what_is_due_for_a_refresh_is_due() {
    let (world, body) = (World::new(), Body::new());
    let definition = Definition::named("f").layers(MEMORY_AND_REDIS).ttl(TTL).refresh_ahead(0.8);
    body.call(world.defined(&definition), "k").await;
    settle().await;
    let restarted = world.with_the_same_stores();
    restarted.advance(90 * SECOND);
    let function = restarted.defined(&definition);
    assert_eq!(body.call(function, "k").await, 1);
    assert_eq!(body.call(function, "k").await, 1);
    settle().await;
    assert_eq!(body.call(function, "k").await, 2);
}

#[tokio::test]
async fn an_answer_without_life_takes_the_place_of_a_stale_one() {
    for layers in [MEMORY, ALL, BYTES] {
        let world = World::new();
        let definition = stale(layers).none_ttl(Duration::ZERO);
        let function: Function<Option<u64>, false> =
            world.returning(&definition, Some(Option::is_none), None);
        function.load(key("k"), async { Some(1) }).await;
        settle().await;
        world.advance(TTL);
        assert_eq!(function.load(key("k"), async { None }).await, Some(1));
        settle().await;
        assert_eq!(function.peek(key("k")).await, None, "with {layers:?}");
    }
}

#[tokio::test]
async fn an_answer_that_is_refused_is_returned_and_leaves_a_stale_one_in_its_place() {
    for layers in [MEMORY, BYTES] {
        let world = World::new();
        let abilities = Abilities::new(Some(Codec::new()), None, None).cache_if(|n: &u64| *n < 10);
        let function: Function<u64, false> = world.made(&stale(layers), &abilities);
        assert_eq!(function.load(key("refused"), async { 11 }).await, 11);
        settle().await;
        assert_eq!(function.peek(key("refused")).await, None, "with {layers:?}");

        function.load(key("k"), async { 1 }).await;
        settle().await;
        world.advance(TTL);
        for _ in 0..3 {
            assert_eq!(function.load(key("k"), async { 12 }).await, 1, "with {layers:?}");
            settle().await;
        }
        assert_eq!(function.stats().refreshes(), 1, "the source is left alone for a while");
        function.put(key("k"), 13).await;
        assert_eq!(function.peek(key("k")).await, None, "with {layers:?}");
    }
}

#[tokio::test]
async fn an_answer_may_ask_for_a_shorter_life_but_not_for_a_longer_one() {
    for (asked, life) in [(7, 7), (0, 0), (1_000, 100)] {
        let world = World::new();
        let abilities = Abilities::new(Some(Codec::new()), None, None)
            .ttl_by(|seconds: &u64| Duration::from_secs(*seconds));
        let function: Function<u64, false> =
            world.made(&Definition::named("f").layers(ALL).ttl(TTL), &abilities);
        function.load(key("k"), async move { asked }).await;
        settle().await;
        if life > 0 {
            assert_eq!(world.redis.life_of(function_of_any_type(&world), "k"), SECOND * life);
            world.advance(SECOND * (life - 1));
            assert_eq!(function.peek(key("k")).await, Some(asked));
            world.advance(SECOND);
        }
        assert_eq!(function.peek(key("k")).await, None, "asked for {asked} s");
    }
}

/// Only for the text of its keys.
fn function_of_any_type(world: &World) -> Function {
    world.with_the_same_stores().function(MEMORY)
}

#[tokio::test]
async fn an_error_is_given_out_again_for_its_time_and_forgotten_with_the_answer() {
    let world = World::new();
    let body = AtomicUsize::new(0);
    let definition = Definition::named("f").layers(MEMORY).ttl(TTL).err_ttl(2 * SECOND);
    let function: Function<Result<u64, String>> =
        world.made(&definition, &Abilities::new(None, None, Some(Clone::clone)));
    let call = || {
        let run = body.fetch_add(1, SeqCst);
        function.load(key("k"), async move { Err(run.to_string()) })
    };
    let told = |answer: Result<u64, String>| answer.unwrap_err();
    assert_eq!((told(call().await), told(call().await)), ("0".into(), "0".into()));
    world.advance(2 * SECOND);
    assert_eq!(told(call().await), "2");
    function.invalidate(key("k")).await;
    assert_eq!(told(call().await), "3");
    function.invalidate_all().await;
    assert_eq!(told(call().await), "4");
    function.put(key("k"), 7).await;
    assert_eq!(call().await, Ok(7));
}

#[tokio::test]
async fn an_error_of_a_load_that_an_invalidation_overtook_is_not_kept() {
    let world = World::new();
    let definition = Definition::named("f").layers(MEMORY).ttl(TTL).err_ttl(2 * SECOND);
    let function: Function<Result<u64, String>> =
        world.made(&definition, &Abilities::new(None, None, Some(Clone::clone)));
    let old = Body::gated();
    let loading = tokio::spawn(function.load(key("k"), {
        let run = old.run();
        async move { run.await.map_err(|_| String::new()).and(Err("old".into())) }
    }));
    old.gate().reached().await;
    function.invalidate(key("k")).await;
    old.gate().let_everybody_pass();
    assert_eq!(loading.await.unwrap(), Err("old".into()));
    assert_eq!(function.load(key("k"), async { Ok(7) }).await, Ok(7));
}

#[tokio::test]
async fn a_panic_of_what_the_attribute_names_goes_to_the_caller() {
    let world = World::new();
    let abilities = Abilities::new(None, None, None).cache_if(|_: &u64| panic!("this one"));
    let function: Function<u64, false> = world.made(&Definition::named("f").layers(MEMORY), &abilities);
    let panicked = tokio::spawn(function.load(key("k"), async { 1 })).await.unwrap_err().into_panic();
    assert_eq!(panicked.downcast_ref(), Some(&"this one"));
    assert_eq!(function.flights.len(), 0);
}

#[derive(Debug, PartialEq)]
struct Late(Duration);

impl From<DeadlineExceeded> for Late {
    fn from(deadline: DeadlineExceeded) -> Self {
        Self(deadline.after())
    }
}

#[tokio::test]
async fn a_load_is_dropped_at_its_deadline() {
    let (world, hung) = (World::new(), Body::gated());
    let abilities = Abilities::new(None, None, None).deadline_error(Late::from);
    let definition = Definition::named("f").layers(MEMORY).ttl(TTL).deadline(10 * SECOND);
    let function: Function<Result<u64, Late>> = world.made(&definition, &abilities);
    let load = || {
        let run = hung.run();
        tokio::spawn(function.load(key("k"), async move { Ok(run.await.unwrap()) }))
    };
    let call = load();
    hung.gate().reached().await;
    world.advance(9 * SECOND);
    settle().await;
    assert_eq!(hung.running(), 1);
    world.advance(SECOND);
    assert_eq!(call.await.unwrap(), Err(Late(10 * SECOND)));
    assert_eq!(hung.running(), 0, "the body is dropped");
    assert_eq!(function.stats().load_errors(), 1);
}

#[tokio::test]
async fn a_load_that_hangs_is_dropped_after_the_wait_unless_its_caller_still_waits() {
    for caller_waits in [true, false] {
        let (world, hung) = (World::new(), Body::gated());
        let function = world.defined(&Definition::named("f").layers(MEMORY).ttl(TTL).wait(5 * SECOND));
        let mut call = Box::pin(hung.call(function, "k"));
        assert!(poll!(&mut call).is_pending());
        hung.gate().reached().await;
        let call = caller_waits.then_some(call);
        world.advance(4 * SECOND);
        world.tidy();
        settle().await;
        assert_eq!(hung.running(), 1, "somebody might still come");
        world.advance(2 * SECOND);
        world.tidy();
        settle().await;
        assert_eq!(hung.running(), usize::from(caller_waits));
        hung.gate().let_everybody_pass();
        if let Some(call) = call {
            assert_eq!(call.await, 1);
        }
        settle().await;
        assert_eq!(
            function.peek(key("k")).await,
            caller_waits.then_some(1),
            "no other load has begun meanwhile"
        );
        assert_eq!(function.flights.len(), 0);
    }
}

#[tokio::test]
async fn who_waited_for_a_load_that_was_invalidated_and_hangs_is_freed_as_well() {
    let (world, hung) = (World::new(), Body::gated());
    let function = world.defined(&Definition::named("f").layers(MEMORY).ttl(TTL).wait(5 * SECOND));
    let leader = tokio::spawn({
        let hung = hung.clone();
        async move { hung.call(function, "k").await }
    });
    hung.gate().reached().await;
    let waiter = tokio::spawn(async move { Body::new().call(function, "k").await });
    settle().await;
    function.invalidate(key("k")).await;
    world.advance(6 * SECOND);
    world.tidy();
    assert_eq!(waiter.await.unwrap(), 1);
    leader.abort();
}

#[tokio::test]
async fn no_more_bodies_run_at_once_than_allowed() {
    let (world, body) = (World::new(), Body::gated());
    let function = world.defined(&Definition::named("f").layers(MEMORY).ttl(TTL).max_loads(3));
    let calls = (0..20).map(|k| {
        let body = body.clone();
        tokio::spawn(async move { body.call(function, &k.to_string()).await })
    });
    let calls: Vec<_> = calls.collect();
    body.gate().reached().await;
    settle().await;
    assert_eq!(body.running(), 3);
    body.gate().let_everybody_pass();
    join_all(calls).await;
    assert_eq!(body.runs(), 20);
}

#[tokio::test]
async fn a_load_within_a_load_of_the_same_function_has_its_place() {
    let (world, inner) = (World::new(), Body::new());
    let function = world.defined(&Definition::named("f").layers(MEMORY).ttl(TTL).max_loads(1));
    let outer = function.load(key("outer"), async move { Ok(inner.call(function, "inner").await) });
    assert_eq!(outer.await.unwrap(), 1);
}

#[tokio::test]
async fn bodies_that_hang_do_not_keep_others_waiting_for_ever() {
    let (world, hung) = (World::new(), Body::gated());
    let definition = Definition::named("f").layers(MEMORY).ttl(TTL).max_loads(1).wait(5 * SECOND);
    let function = world.defined(&definition);
    let _hanging = tokio::spawn({
        let hung = hung.clone();
        async move { hung.call(function, "hangs").await }
    });
    hung.gate().reached().await;
    let call = tokio::spawn(async move { Body::new().call(function, "k").await });
    settle().await;
    assert!(!call.is_finished());
    world.advance(5 * SECOND);
    assert_eq!(call.await.unwrap(), 1);
}

#[tokio::test]
async fn two_functions_that_need_each_others_answers_do_not_wait_for_each_other() {
    let world = World::new();
    let f: Function = world.function(MEMORY);
    let g: Function = world.defined(&Definition::named("g").layers(MEMORY).ttl(TTL));
    let (in_f, in_g) = (Body::gated(), Body::gated());
    let load = |function: Function, this: &Body, other: Function, that: &Body| {
        let (gate, needed) = (this.gate().clone(), that.clone());
        tokio::spawn(function.load(key("k"), async move {
            gate.pass().await;
            Ok(10 + needed.call(other, "k").await)
        }))
    };
    let (of_f, of_g) = (load(f, &in_f, g, &in_g), load(g, &in_g, f, &in_f));
    in_f.gate().reached().await;
    in_g.gate().reached().await;
    in_f.gate().let_everybody_pass();
    in_g.gate().let_everybody_pass();
    let (of_f, of_g) = (of_f.await.unwrap().unwrap(), of_g.await.unwrap().unwrap());
    // One of the two waited for the other, which ran the body it needed itself.
    assert!((of_f, of_g) == (11, 21) || (of_f, of_g) == (21, 11), "{of_f}, {of_g}");
}

#[tokio::test]
async fn no_more_refreshes_run_at_once_than_allowed_and_the_others_are_counted() {
    let (world, body) = (World::new(), Body::new());
    let function = world.defined(&stale(MEMORY));
    for k in 0..300 {
        body.call(function, &k.to_string()).await;
    }
    world.advance(TTL);
    let slow = Body::gated();
    for k in 0..300 {
        slow.call(function, &k.to_string()).await;
    }
    settle().await;
    assert_eq!((slow.running(), function.stats().refreshes()), (256, 256));
    assert_eq!(function.stats().dropped_refreshes(), 44);
    slow.gate().let_everybody_pass();
    settle().await;
    slow.call(function, "299").await;
    settle().await;
    assert_eq!(function.stats().refreshes(), 257, "there is room again");
}

#[test]
fn a_refresh_whose_runtime_goes_away_is_replaced() {
    let (world, body) = (World::new(), Body::new());
    let function = world.defined(&stale(MEMORY));
    let runtime = || tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime().block_on(body.call(function, "k"));
    world.advance(TTL);
    let lost = Body::gated();
    runtime().block_on(async {
        lost.call(function, "k").await;
        lost.gate().reached().await;
    });
    assert_eq!(lost.running(), 0, "it went away with its runtime");
    runtime().block_on(async {
        assert_eq!(body.call(function, "k").await, 1);
        settle().await;
        assert_eq!(body.call(function, "k").await, 2);
    });
    assert_eq!(world.runtime.refreshes.count(), 0);
}

#[tokio::test]
async fn what_is_refreshed_when_everything_ends_is_dropped_and_told() {
    let (world, body) = (World::new(), Body::new());
    let function = world.defined(&stale(MEMORY));
    body.call(function, "k").await;
    body.call(function, "other").await;
    world.advance(TTL);
    let slow = Body::gated();
    slow.call(function, "k").await;
    slow.gate().reached().await;

    let shutdown = world.runtime.shut_down(SECOND / 5).await;

    assert_eq!((shutdown.loads_dropped(), shutdown.is_complete(), slow.running()), (1, false, 0));
    assert_eq!(body.call(function, "other").await, 2, "memory goes on answering");
    settle().await;
    assert_eq!(function.stats().refreshes(), 1, "no new one begins");
}

#[tokio::test]
async fn the_end_waits_for_a_refresh_that_gets_done() {
    let (world, body) = (World::new(), Body::new());
    let function = world.defined(&stale(ALL));
    body.call(function, "k").await;
    settle().await;
    world.advance(TTL);
    body.call(function, "k").await;
    let shutdown = world.runtime.shut_down(SECOND).await;
    assert!(shutdown.is_complete(), "{shutdown}");
    assert_eq!((body.runs(), function.peek(key("k")).await), (2, Some(2)));
}

#[tokio::test]
async fn removals_that_are_lost_with_the_process_are_told_at_its_end() {
    let (world, body) = (World::new(), Body::new());
    let function = world.function(ALL);
    body.call(function, "k").await;
    settle().await;
    world.redis.queue_removals();
    world.redis.go_down();
    function.invalidate(key("k")).await;

    let shutdown = world.runtime.shut_down(SECOND).await;

    assert_eq!((shutdown.removals_lost(), shutdown.is_complete()), (1, false));
    assert!(shutdown.to_string().contains("1 removals lost"), "{shutdown}");
}

/// A value whose end asks for an answer of its own function.
#[derive(Clone)]
struct Nosy(Arc<dyn Fn() + Send + Sync>);

impl Drop for Nosy {
    fn drop(&mut self) {
        (self.0)();
    }
}

#[tokio::test]
async fn a_value_whose_end_calls_its_own_function_holds_nobody_up() {
    let world = World::new();
    let abilities = Abilities::new(None, None, None);
    let definition = Definition::named("f").layers(MEMORY).ttl(TTL).capacity(8);
    let function: Function<Nosy, false> = world.made(&definition, &abilities);
    // Would wait for ever if the caller held the flight table's lock, or one of memory's.
    let asks: Arc<dyn Fn() + Send + Sync> = Arc::new(|| {
        drop(function.flights.lead(b"another", crate::clock::now()));
        function.memory.iter().for_each(|memory| drop(memory.remove(b"another")));
    });
    for round in 0..2_000 {
        let value = Nosy(Arc::clone(&asks));
        let k = (round % 50).to_string();
        match round % 3 {
            0 => function.put(key(&k), value).await,
            1 => drop(function.load(key(&k), async { value }).await),
            _ => drop(function.invalidate(key(&k)).await),
        }
    }
}
