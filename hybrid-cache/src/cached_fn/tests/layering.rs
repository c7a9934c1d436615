//! Which layer answers, how long, and what is copied where.

use std::time::Duration;

use super::{
    gate::Gate,
    world::{ALL, BYTES, Body, Function, MEMORY, TTL, World, key, settle},
};
use crate::{definition::Definition, error::LayerKind};

const SECOND: Duration = Duration::from_secs(1);

/// A fresh function of the same name in a world with the same stores: another process.
fn restarted(world: &World, layers: &'static [LayerKind]) -> (World, Function) {
    let other = world.with_the_same_stores();
    let function = other.function(layers);
    (other, function)
}

#[tokio::test]
async fn each_layer_alone_gives_the_same_answer() {
    let (world, body) = (World::new(), Body::new());
    let function = world.function(ALL);
    assert_eq!(body.call(function, "k").await, 1);
    settle().await;
    assert_eq!(body.call(function, "k").await, 1);

    let (_redis_and_disk, function) = restarted(&world, ALL);
    assert_eq!(body.call(function, "k").await, 1);
    assert_eq!(function.stats().redis_hits(), 1);

    world.redis.go_down();
    let (_only_disk, function) = restarted(&world, ALL);
    assert_eq!(body.call(function, "k").await, 1);
    assert_eq!((function.stats().disk_hits(), function.stats().redis_failures()), (1, 1));
    assert_eq!(body.runs(), 1);
}

#[tokio::test]
async fn layers_that_may_take_for_ever_do_not_end_a_call_without_memory() {
    let (world, body) = (World::without_time_limits(), Body::new());
    let function = world.function(BYTES);
    assert_eq!((body.call(function, "k").await, body.call(function, "k").await), (1, 1));
}

#[tokio::test]
async fn an_answer_from_a_clock_that_was_far_ahead_is_computed_again_and_once() {
    for layers in [ALL, BYTES, &[LayerKind::Redis], &[LayerKind::Disk], &[LayerKind::Memory, LayerKind::Disk]]
    {
        for ahead in [61, 3_600, 10 * 365 * 86_400] {
            let (world, body) = (World::new(), Body::new());
            world.advance(ahead * SECOND);
            assert_eq!(body.call(world.function(layers), "k").await, 1);
            settle().await;

            let (set_right, function) = restarted(&world, layers);
            assert_eq!(body.call(function, "k").await, 2, "{ahead} s ahead, with {layers:?}");
            settle().await;
            assert!(function.stats().refused_records() > 0);
            assert_eq!(body.call(function, "k").await, 2, "the new one is kept");
            set_right.advance(TTL);
            assert_eq!(body.call(function, "k").await, 3, "and no longer than it may be");
        }
    }
}

#[tokio::test]
async fn an_answer_from_a_clock_that_is_a_little_ahead_ends_when_its_writer_said() {
    for layers in [ALL, BYTES, &[LayerKind::Redis], &[LayerKind::Disk]] {
        let (world, body) = (World::new(), Body::new());
        world.advance(5 * SECOND);
        body.call(world.function(layers), "k").await;
        settle().await;

        let (behind, _) = restarted(&world, layers);
        for second in 0..TTL.as_secs() + 5 {
            // Nothing in memory, so that each reading is one of the record.
            let function = behind.restarted().function(layers);
            assert_eq!(body.call(function, "k").await, 1, "after {second} s, with {layers:?}");
            behind.advance(SECOND);
        }
        assert_eq!(body.call(behind.restarted().function(layers), "k").await, 2, "with {layers:?}");
    }
}

#[tokio::test]
async fn an_answer_from_a_slow_layer_is_copied_into_every_faster_one() {
    let (world, body) = (World::new(), Body::new());
    body.call(world.function(ALL), "k").await;
    settle().await;
    world.redis.forget_everything();

    let (_restarted, function) = restarted(&world, ALL);
    body.call(function, "k").await;
    settle().await;

    assert!(world.redis.holds(function, "k"));
    body.call(function, "k").await;
    assert_eq!((function.stats().memory_hits(), body.runs()), (1, 1));
}

#[tokio::test]
async fn a_call_waits_for_a_copy_only_as_long_as_the_layer_may_keep_it_waiting() {
    const DISK: &[LayerKind] = &[LayerKind::Disk];
    let (world, body) = (World::new(), Body::new());
    let gate = Gate::closed();
    *world.disk.before_put.lock().unwrap() = gate.clone();
    let function = world.function(DISK);

    let answer = tokio::time::timeout(30 * SECOND, body.call(function, "k")).await;

    assert_eq!(answer.expect("the copy waits for as long as it likes"), 1);
    assert!(!world.disk.holds(function, "k"));
    gate.let_everybody_pass();
    settle().await;
    assert!(world.disk.holds(function, "k"), "it is made all the same");
}

#[tokio::test]
async fn a_copy_never_outlives_the_copy_it_was_made_from() {
    let (world, body) = (World::new(), Body::new());
    body.call(world.function(ALL), "k").await;
    settle().await;
    world.redis.forget_everything();
    let (restarted, function) = restarted(&world, ALL);
    restarted.advance(9 * TTL / 10);

    body.call(function, "k").await;
    settle().await;

    assert_eq!(world.redis.life_of(function, "k"), 10 * SECOND);
    restarted.advance(10 * SECOND);
    assert_eq!(body.call(function, "k").await, 2);
}

#[tokio::test]
async fn an_answer_expires_in_each_layer_after_that_layers_ttl() {
    let (world, body) = (World::new(), Body::new());
    let definition = Definition::named("f")
        .layers(ALL)
        .layer_ttl(LayerKind::Memory, 10 * SECOND)
        .layer_ttl(LayerKind::Redis, 20 * SECOND)
        .layer_ttl(LayerKind::Disk, 40 * SECOND);
    let function = world.defined(&definition);
    body.call(function, "k").await;
    settle().await;
    assert_eq!(world.redis.life_of(function, "k"), 20 * SECOND);

    world.advance(10 * SECOND);
    body.call(function, "k").await;
    assert_eq!(function.stats().redis_hits(), 1);
    world.advance(10 * SECOND);
    body.call(function, "k").await;
    assert_eq!(function.stats().disk_hits(), 1);
    world.advance(20 * SECOND);
    body.call(function, "k").await;
    assert_eq!(body.runs(), 2);
}

#[tokio::test]
async fn jitter_only_ever_shortens_a_life() {
    let (world, body) = (World::new(), Body::new());
    let function = world.defined(&Definition::named("f").layers(ALL).ttl(100 * SECOND).jitter(0.5));
    let mut lives = Vec::new();
    for k in 0..50 {
        body.call(function, &k.to_string()).await;
        settle().await;
        lives.push(world.redis.life_of(function, &k.to_string()));
    }
    assert!(lives.iter().all(|life| (50 * SECOND..=100 * SECOND).contains(life)));
    assert!(lives.iter().any(|life| *life != lives[0]));
}

#[tokio::test]
async fn none_is_an_answer_with_a_shorter_life_or_none_at_all() {
    type Found = Option<u64>;
    for (none_ttl, runs) in [(None, 2), (Some(90 * SECOND), 1), (Some(Duration::ZERO), 3)] {
        let world = World::new();
        let mut definition = Definition::named("f").layers(ALL).ttl(TTL);
        if let Some(none_ttl) = none_ttl {
            definition = definition.none_ttl(none_ttl);
        }
        let function: Function<Found, false> = world.returning(&definition, Some(Option::is_none), None);
        for seconds in [0, 29, 31] {
            world.advance(seconds * SECOND);
            if function.hit(&key("k")).is_none() {
                assert_eq!(function.load(key("k"), async { None }).await, None);
            }
            settle().await;
        }
        assert_eq!(function.stats().loads(), runs, "with {none_ttl:?}");
    }
}

#[tokio::test]
async fn a_layer_that_fails_costs_no_call_its_answer() {
    let (world, body) = (World::new(), Body::new());
    let function = world.function(BYTES);
    world.redis.go_down();
    world.disk.go_down();
    assert_eq!((body.call(function, "k").await, body.call(function, "k").await), (1, 2));
    assert_eq!(function.stats().redis_failures(), 2);
}

#[tokio::test]
async fn a_damaged_record_is_a_miss_and_is_counted() {
    let (world, body) = (World::new(), Body::new());
    body.call(world.function(BYTES), "k").await;
    world.redis.damage(|bytes| *bytes.last_mut().unwrap() ^= 1);
    world.disk.damage(Vec::clear);
    let (_restarted, function) = restarted(&world, BYTES);
    assert_eq!(body.call(function, "k").await, 2);
    assert_eq!(function.stats().refused_records(), 2);
}

#[tokio::test]
async fn an_answer_of_another_version_of_the_function_is_a_miss() {
    let (world, body) = (World::new(), Body::new());
    body.call(world.function(BYTES), "k").await;
    let newer = world.with_the_same_stores();
    let function = newer.defined(&Definition::named("f").layers(BYTES).ttl(TTL).version(2));
    assert_eq!(body.call(function, "k").await, 2);
}

#[tokio::test]
async fn forgetting_everything_reaches_processes_that_read_the_same_store() {
    let (world, body) = (World::new(), Body::new());
    let function = world.function(ALL);
    body.call(function, "k").await;
    settle().await;
    let (_restarted, other) = restarted(&world, ALL);
    function.invalidate_all().await;
    assert_eq!(body.call(other, "k").await, 2);
}

#[tokio::test]
async fn a_type_that_does_not_survive_its_encoding_stays_in_memory() {
    let world = World::new();
    let definition = Definition::named("f").layers(ALL).ttl(TTL);
    let function: Function<serde_json::Value, false> = world.returning(&definition, None, None);
    let load = || function.load(key("k"), async { serde_json::json!({ "a": [1, "b"] }) });
    let answer = load().await;
    settle().await;
    assert_eq!(function.hit(&key("k")), Some(answer));
    assert!(world.redis.is_empty() && world.disk.is_empty());
    let asked = world.redis.gets();
    function.invalidate(key("k")).await;
    load().await;
    assert_eq!(world.redis.gets(), asked, "the layer is not asked for what is never stored there");
}

#[tokio::test]
async fn a_peek_neither_loads_nor_copies_nor_counts() {
    let (world, body) = (World::new(), Body::new());
    body.call(world.function(ALL), "k").await;
    settle().await;
    let (_restarted, function) = restarted(&world, ALL);
    assert_eq!(function.peek(key("k")).await, Some(1));
    assert!(function.hit(&key("k")).is_none());
    assert_eq!(function.peek(key("other")).await, None);
    assert_eq!(function.stats().calls(), 0);
}

#[tokio::test]
async fn a_disabled_cache_runs_every_body_and_touches_no_store() {
    let (world, body) = (World::disabled(), Body::new());
    let function = world.function(ALL);
    assert_eq!((body.call(function, "k").await, body.call(function, "k").await), (1, 2));
    function.put(key("k"), 9).await;
    function.invalidate(key("k")).await;
    assert!(world.redis.is_empty() && world.redis.gets() == 0);
}

#[tokio::test]
async fn two_functions_of_one_name_do_not_share_stored_answers() {
    let (world, body) = (World::new(), Body::new());
    let first = world.function(ALL);
    let second = world.function(ALL);
    body.call(first, "k").await;
    settle().await;
    assert_eq!(body.call(second, "k").await, 2);
}

#[tokio::test]
async fn memory_alone_asks_no_store() {
    let (world, body) = (World::new(), Body::new());
    body.call(world.function(MEMORY), "k").await;
    settle().await;
    assert_eq!(world.redis.gets() + world.disk.gets(), 0);
}

#[cfg(feature = "moka")]
#[tokio::test]
async fn a_function_with_moka_for_its_memory_answers_and_forgets_like_any_other() {
    for layers in [MEMORY, ALL] {
        let (world, body) = (World::new(), Body::new());
        let definition = Definition::named("f").layers(layers).ttl(TTL).eviction(crate::Eviction::TinyLfu);
        let function = world.defined(&definition);
        for _ in 0..3 {
            assert_eq!(body.call(function, "k").await, 1, "with {layers:?}");
        }
        assert!(function.hit(&key("k")).is_some());
        function.invalidate(key("k")).await.strict().unwrap();
        assert_eq!(body.call(function, "k").await, 2);
        function.put(key("k"), 77).await;
        assert_eq!(body.call(function, "k").await, 77);
        function.invalidate_all().await.strict().unwrap();
        assert_eq!(body.call(function, "k").await, 3);
        function.expire(key("k")).await.strict().unwrap();
        assert_eq!(body.call(function, "k").await, 4);
        world.advance(TTL);
        assert_eq!(body.call(function, "k").await, 5);
        assert_eq!(function.memory.as_ref().unwrap().len(), 1);
    }
}
