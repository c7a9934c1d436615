//! Scopes in which calls do without the cache, or make it anew.

use std::time::Duration;

use futures_util::{future::join_all, poll};

use super::world::{ALL, BYTES, Body, Function, MEMORY, TTL, World, key, settle};
use crate::{bypass, definition::Definition, mode::Mode, refreshing};

const SECOND: Duration = Duration::from_secs(1);

/// One call whose body calls `inner` in its turn, and says what it was given.
async fn call_outer(outer: Function, inner: Function, body: &Body) -> u64 {
    let body = body.clone();
    match outer.hit(&key("outer")) {
        Some(answer) => answer.unwrap(),
        None => outer.load(key("outer"), async move { body.try_call(inner, "k").await }).await.unwrap(),
    }
}

fn two(world: &World, layers: &'static [crate::error::LayerKind]) -> (Function, Function) {
    let outer = world.defined(&Definition::named("outer").layers(layers).ttl(TTL));
    (outer, world.function(layers))
}

#[tokio::test]
async fn without_the_cache_a_call_runs_its_body_and_leaves_what_is_stored() {
    for layers in [MEMORY, ALL, BYTES] {
        let (world, body) = (World::new(), Body::new());
        let function = world.function(layers);
        assert_eq!(body.call(function, "k").await, 1);
        settle().await;
        assert_eq!(bypass(body.call(function, "k")).await, 2, "with {layers:?}");
        assert_eq!(bypass(body.call(function, "new")).await, 3);
        settle().await;
        assert_eq!(function.peek(key("new")).await, None, "with {layers:?}");
        assert_eq!(body.call(function, "k").await, 1, "with {layers:?}");
    }
}

#[tokio::test]
async fn without_the_cache_no_store_is_asked_and_nothing_is_counted() {
    let (world, body) = (World::new(), Body::new());
    let function = world.function(ALL);
    let before = (world.redis.gets(), world.disk.gets());
    bypass(body.call(function, "k")).await;
    assert_eq!((world.redis.gets(), world.disk.gets()), before);
    assert_eq!((function.stats().calls(), function.stats().loads()), (0, 0));
}

#[tokio::test]
async fn without_the_cache_no_call_waits_for_the_load_of_another() {
    let (world, slow, body) = (World::new(), Body::gated(), Body::new());
    let function = world.function(MEMORY);
    let mut leader = Box::pin(slow.call(function, "k"));
    assert!(poll!(&mut leader).is_pending());
    assert_eq!(bypass(body.call(function, "k")).await, 1);
    assert!(poll!(&mut leader).is_pending());
    slow.gate().let_everybody_pass();
    leader.await;
}

#[tokio::test]
async fn a_cache_made_anew_replaces_what_is_stored_in_every_layer() {
    for layers in [MEMORY, ALL, BYTES] {
        let (world, body) = (World::new(), Body::new());
        let function = world.function(layers);
        assert_eq!(body.call(function, "k").await, 1);
        settle().await;
        assert_eq!(refreshing(body.call(function, "k")).await, 2, "with {layers:?}");
        settle().await;
        assert_eq!(body.call(function, "k").await, 2, "with {layers:?}");
        let restarted = world.restarted().function(layers);
        let expected = if layers == MEMORY { 3 } else { 2 };
        assert_eq!(body.call(restarted, "k").await, expected, "with {layers:?}");
    }
}

#[tokio::test]
async fn calls_that_ask_together_for_a_cache_made_anew_all_compute() {
    let (world, body) = (World::new(), Body::new());
    let function = world.function(MEMORY);
    body.call(function, "k").await;
    let answers = refreshing(join_all((0..3).map(|_| body.call(function, "k")))).await;
    assert_eq!(answers, [2, 3, 4]);
    assert_eq!(body.call(function, "k").await, 4, "the last one that began is what stays");
}

#[tokio::test]
async fn the_calls_that_a_body_makes_are_in_the_scope_of_its_caller() {
    for layers in [MEMORY, ALL, BYTES] {
        let (world, body) = (World::new(), Body::new());
        let (outer, inner) = two(&world, layers);
        assert_eq!(call_outer(outer, inner, &body).await, 1);
        settle().await;

        assert_eq!(bypass(call_outer(outer, inner, &body)).await, 2, "with {layers:?}");
        assert_eq!(call_outer(outer, inner, &body).await, 1, "with {layers:?}");
        assert_eq!(refreshing(call_outer(outer, inner, &body)).await, 3, "with {layers:?}");
        settle().await;
        assert_eq!((call_outer(outer, inner, &body).await, body.call(inner, "k").await), (3, 3));
    }
}

#[tokio::test]
async fn an_inline_call_is_in_the_scope_as_well() {
    for layers in [MEMORY, ALL, BYTES] {
        let (world, body) = (World::new(), Body::new());
        let function = world.function(layers);
        let call = || async { function.load_inline(key("k"), body.run()).await.unwrap() };
        assert_eq!((call().await, bypass(call()).await), (1, 2), "with {layers:?}");
        settle().await;
        assert_eq!((call().await, refreshing(call()).await), (1, 3), "with {layers:?}");
        settle().await;
        assert_eq!(call().await, 3, "with {layers:?}");
    }
}

#[tokio::test]
async fn a_call_that_tells_where_its_answer_is_from_is_in_the_scope_as_well() {
    let (world, body) = (World::new(), Body::new());
    let function = world.function(MEMORY);
    body.call(function, "k").await;
    let ask = || async {
        let answer = function.with_info(key("k"), body.run()).await;
        (answer.layer(), answer.into_value().unwrap())
    };
    assert_eq!(bypass(ask()).await, (None, 2));
    assert_eq!(refreshing(ask()).await, (None, 3));
}

#[tokio::test]
async fn of_nested_scopes_the_innermost_counts_until_it_ends() {
    let (world, body) = (World::new(), Body::new());
    let function = world.function(MEMORY);
    body.call(function, "k").await;
    bypass(async {
        assert_eq!(refreshing(body.call(function, "k")).await, 2);
        assert_eq!(body.call(function, "k").await, 3);
    })
    .await;
    assert_eq!(body.call(function, "k").await, 2);
    refreshing(async {
        assert_eq!(bypass(body.call(function, "k")).await, 4);
        assert_eq!(body.call(function, "k").await, 5);
    })
    .await;
    assert_eq!(body.call(function, "k").await, 5);
}

#[tokio::test]
async fn a_scope_ends_with_its_future_and_is_not_seen_beside_it() {
    let (world, body) = (World::new(), Body::new());
    let function = world.function(MEMORY);
    body.call(function, "k").await;
    let slow = Body::gated();
    let mut bypassing = Box::pin(bypass(slow.call(function, "k")));
    assert!(poll!(&mut bypassing).is_pending());
    assert_eq!(body.call(function, "k").await, 1);
    drop(bypassing);
    assert_eq!(body.call(function, "k").await, 1);
}

#[tokio::test]
async fn what_is_no_call_does_in_a_scope_what_it_does_elsewhere() {
    for mode in [Mode::Bypass, Mode::Refresh] {
        let (world, body) = (World::new(), Body::new());
        let function = world.function(ALL);
        crate::mode::inherit(mode, async {
            function.put(key("k"), 7).await;
            assert_eq!(function.peek(key("k")).await, Some(7), "in {mode:?}");
            function.expire(key("k")).await;
            assert_eq!(function.peek(key("k")).await, None, "in {mode:?}");
            assert_eq!(function.refresh(key("k"), body.run()).await.unwrap(), 1);
            settle().await;
            assert_eq!(function.peek(key("k")).await, Some(1), "in {mode:?}");
            function.invalidate(key("k")).await;
            assert_eq!(function.peek(key("k")).await, None, "in {mode:?}");
        })
        .await;
    }
}

/// A call that began outside of any scope and waits for a load in vain is polled inside of one, and finds a stale answer then.
#[tokio::test]
async fn a_refresh_behind_a_callers_back_is_in_nobodys_scope() {
    let (world, body, hanging) = (World::new(), Body::new(), Body::gated());
    let outer = world.defined(&Definition::named("outer").layers(MEMORY).ttl(TTL).stale(60 * SECOND));
    let inner = world.defined(&Definition::named("inner").layers(MEMORY).ttl(10 * TTL));
    let mut leader = Box::pin(outer.load(key("outer"), hanging.run()));
    assert!(poll!(&mut leader).is_pending());
    let mut waiter = Box::pin(call_outer(outer, inner, &body));
    assert!(poll!(&mut waiter).is_pending());
    outer.put(key("outer"), 7).await;
    world.advance(TTL);
    world.tidy();

    assert_eq!(bypass(waiter).await, 7);

    settle().await;
    assert_eq!((outer.stats().refreshes(), body.runs()), (1, 1));
    assert_eq!(inner.peek(key("k")).await, Some(1), "the refresh kept what it was made of");
}

#[tokio::test]
async fn an_error_in_a_cache_made_anew_is_the_callers_and_leaves_what_is_stored() {
    let (world, body) = (World::new(), Body::new());
    let function = world.function(ALL);
    body.call(function, "k").await;
    settle().await;
    body.fail(true);
    assert!(refreshing(body.try_call(function, "k")).await.is_err());
    assert_eq!(body.call(function, "k").await, 1);
}
