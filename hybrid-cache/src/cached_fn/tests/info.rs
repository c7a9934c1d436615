//! What `with_info` tells of an answer, wherever it came from.

use std::{io, time::Duration};

use futures_util::{FutureExt, poll};

use super::world::{ALL, Answer as Output, BYTES, Body, Function, MEMORY, TTL, World, key, settle};
use crate::{answer::Answer, definition::Definition, error::LayerKind};

const SECOND: Duration = Duration::from_secs(1);

/// What is told of an answer: value, layer, seconds, stale, waited.
type Told = (u64, Option<LayerKind>, u64, bool, bool);

fn told(answer: Answer<Output>) -> Told {
    let (layer, age) = (answer.layer(), answer.age().as_secs());
    let (stale, waited) = (answer.is_stale(), answer.waited());
    (answer.into_value().unwrap(), layer, age, stale, waited)
}

async fn ask(body: &Body, function: Function) -> Told {
    told(function.with_info(key("k"), body.run()).await)
}

fn stale(layers: &'static [LayerKind]) -> Definition {
    Definition::named("f").layers(layers).ttl(TTL).stale(60 * SECOND)
}

#[tokio::test]
async fn a_computed_answer_is_from_no_layer_and_not_old() {
    for layers in [MEMORY, ALL, BYTES, &[]] {
        let (world, body) = (World::new(), Body::new());
        let function = world.function(layers);
        assert_eq!(ask(&body, function).await, (1, None, 0, false, false), "with {layers:?}");
    }
}

#[tokio::test]
async fn an_answer_tells_the_layer_that_had_it_and_how_long_ago_it_was_computed() {
    let fastest = [(MEMORY, LayerKind::Memory), (ALL, LayerKind::Memory), (BYTES, LayerKind::Redis)];
    for (layers, layer) in fastest.into_iter().chain([(&[LayerKind::Disk][..], LayerKind::Disk)]) {
        let (world, body) = (World::new(), Body::new());
        let function = world.function(layers);
        body.call(function, "k").await;
        settle().await;
        world.advance(30 * SECOND);
        assert_eq!(ask(&body, function).await, (1, Some(layer), 30, false, false), "with {layers:?}");
    }
}

#[tokio::test]
async fn an_answer_is_as_old_in_memory_as_in_the_layer_that_it_was_copied_from() {
    let (world, body) = (World::new(), Body::new());
    body.call(world.function(ALL), "k").await;
    settle().await;
    world.advance(30 * SECOND);
    let function = world.restarted().function(ALL);

    assert_eq!(ask(&body, function).await, (1, Some(LayerKind::Redis), 30, false, false));
    world.advance(10 * SECOND);
    assert_eq!(ask(&body, function).await, (1, Some(LayerKind::Memory), 40, false, false));
}

#[tokio::test]
async fn a_hit_counts_the_same_whether_it_is_told_about_or_not() {
    let (world, body) = (World::new(), Body::new());
    let function = world.function(MEMORY);
    ask(&body, function).await;
    ask(&body, function).await;
    let stats = function.stats();
    assert_eq!((stats.calls(), stats.memory_hits(), stats.misses(), stats.loads()), (2, 1, 1, 1));
}

#[tokio::test]
async fn who_waited_for_the_load_of_another_call_is_told_so() {
    for layers in [MEMORY, ALL, BYTES] {
        let (world, body) = (World::new(), Body::gated());
        let function = world.function(layers);
        let mut leader = Box::pin(ask(&body, function));
        assert!(poll!(&mut leader).is_pending());
        let mut waiter = Box::pin(ask(&body, function));
        assert!(poll!(&mut waiter).is_pending());
        body.gate().let_everybody_pass();
        assert_eq!(leader.await, (1, None, 0, false, false), "with {layers:?}");
        assert_eq!(waiter.await, (1, None, 0, false, true), "with {layers:?}");
        assert_eq!(function.stats().coalesced(), 1);
    }
}

#[tokio::test]
async fn who_waited_for_a_load_that_found_the_answer_in_a_layer_is_told_which() {
    let (world, body) = (World::new(), Body::new());
    let function = world.function(BYTES);
    body.call(function, "k").await;
    settle().await;
    world.advance(30 * SECOND);
    let mut leader = Box::pin(ask(&body, function));
    assert!(poll!(&mut leader).is_pending());
    assert_eq!(ask(&body, function).await, (1, Some(LayerKind::Redis), 30, false, true));
    assert_eq!(leader.await, (1, Some(LayerKind::Redis), 30, false, false));
}

#[tokio::test]
async fn a_stale_answer_is_told_to_be_stale_also_while_it_is_refreshed() {
    for (layers, layer) in [(MEMORY, LayerKind::Memory), (ALL, LayerKind::Memory), (BYTES, LayerKind::Redis)]
    {
        let (world, body) = (World::new(), Body::new());
        let function = world.defined(&stale(layers));
        body.call(function, "k").await;
        settle().await;
        world.advance(TTL + SECOND);
        let slow = Body::gated();
        assert_eq!(ask(&slow, function).await, (1, Some(layer), 101, true, false), "with {layers:?}");
        slow.gate().reached().await;
        world.advance(SECOND);
        // Where there is no memory, it is the load of the call before that offers it.
        let waited = layers == BYTES;
        assert_eq!(ask(&slow, function).await, (1, Some(layer), 102, true, waited), "with {layers:?}");

        slow.gate().let_everybody_pass();
        settle().await;
        let (_, layer_after, age, stale, _) = ask(&slow, function).await;
        assert_eq!((layer_after, age, stale), (Some(layer), 0, false), "with {layers:?}");
    }
}

#[tokio::test]
async fn a_last_resort_is_told_to_be_stale_to_all_who_are_given_it() {
    for (layers, layer) in [(MEMORY, LayerKind::Memory), (ALL, LayerKind::Memory), (BYTES, LayerKind::Redis)]
    {
        let (world, body) = (World::new(), Body::new());
        let definition = Definition::named("f").layers(layers).ttl(TTL).stale_if_error(60 * SECOND);
        let function = world.defined(&definition);
        body.call(function, "k").await;
        settle().await;
        world.advance(TTL);
        let failing = Body::gated();
        failing.fail(true);
        let mut leader = Box::pin(ask(&failing, function));
        assert!(poll!(&mut leader).is_pending());
        let mut waiter = Box::pin(ask(&failing, function));
        assert!(poll!(&mut waiter).is_pending());
        failing.gate().let_everybody_pass();
        assert_eq!(leader.await, (1, Some(layer), 100, true, false), "with {layers:?}");
        assert_eq!(waiter.await, (1, Some(layer), 100, true, true), "with {layers:?}");
        assert_eq!(ask(&failing, function).await, (1, Some(layer), 100, true, false), "with {layers:?}");
    }
}

#[tokio::test]
async fn an_error_comes_with_the_same_and_a_kept_one_is_from_memory() {
    let world = World::new();
    let definition = Definition::named("f").layers(MEMORY).ttl(TTL).err_ttl(10 * SECOND);
    let function: Function<Result<u64, String>> = world.returning(&definition, None, Some(String::clone));
    let failing = || function.with_info(key("k"), async { Err("no".to_owned()) });

    let computed = failing().await;
    assert_eq!((computed.layer(), computed.value()), (None, &Err("no".to_owned())));
    world.advance(3 * SECOND);
    let kept = failing().await;
    assert_eq!((kept.layer(), kept.age(), kept.is_stale()), (Some(LayerKind::Memory), 3 * SECOND, false));
    assert_eq!(kept.into_value(), Err("no".to_owned()));
}

#[tokio::test]
async fn an_error_that_is_shared_is_told_to_have_been_waited_for() {
    let world = World::new();
    let definition = Definition::named("f").layers(MEMORY).ttl(TTL);
    let function: Function<Result<u64, String>> = world.returning(&definition, None, Some(String::clone));
    let failing = || function.with_info(key("k"), async { Err("no".to_owned()) });
    let mut leader = Box::pin(failing());
    assert!(poll!(&mut leader).is_pending());
    let waiter = failing().await;
    assert_eq!((waiter.waited(), leader.await.waited()), (true, false));
}

#[tokio::test]
async fn an_inline_call_tells_the_same() {
    for (layers, layer) in [(MEMORY, LayerKind::Memory), (ALL, LayerKind::Memory), (BYTES, LayerKind::Redis)]
    {
        let (world, body) = (World::new(), Body::new());
        let function = world.defined(&stale(layers));
        let ask = || async { told(function.with_info_inline(key("k"), body.run()).await) };
        assert_eq!(ask().await, (1, None, 0, false, false));
        settle().await;
        world.advance(30 * SECOND);
        assert_eq!(ask().await, (1, Some(layer), 30, false, false), "with {layers:?}");
        world.advance(TTL);
        assert_eq!(ask().await, (1, Some(layer), 130, true, false), "with {layers:?}");
    }
}

#[test]
fn outside_of_tokio_an_answer_is_told_about_as_well() {
    let (world, body) = (World::new(), Body::new());
    let function = world.function(MEMORY);
    let ask = || ask(&body, function).now_or_never().unwrap();
    assert_eq!((ask(), ask()), ((1, None, 0, false, false), (1, Some(LayerKind::Memory), 0, false, false)));
}

#[tokio::test]
async fn without_the_cache_every_answer_is_computed() {
    let (world, body) = (World::disabled(), Body::new());
    let function = world.function(ALL);
    for run in 1..3 {
        assert_eq!(ask(&body, function).await, (run, None, 0, false, false));
    }
}

#[tokio::test]
async fn what_was_put_in_counts_as_computed_then() {
    let (world, body) = (World::new(), Body::new());
    let function = world.function(ALL);
    function.put(key("k"), 7).await;
    world.advance(5 * SECOND);
    assert_eq!(ask(&body, function).await, (7, Some(LayerKind::Memory), 5, false, false));
}

#[tokio::test]
async fn an_error_that_cannot_be_shared_is_told_as_the_calls_own() {
    let world = World::new();
    let function = world.function(MEMORY);
    let failing = || function.with_info(key("k"), async { Err(io::Error::other("no")) });
    let mut leader = Box::pin(failing());
    assert!(poll!(&mut leader).is_pending());
    let second = failing().await;
    assert_eq!((second.layer(), second.waited(), second.value().is_err()), (None, false, true));
}
