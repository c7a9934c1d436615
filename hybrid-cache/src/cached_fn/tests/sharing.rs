//! One load per key, whatever becomes of those who asked.

use std::{
    io,
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use futures_util::{FutureExt, future::join_all, poll};

use super::world::{ALL, BYTES, Body, Function, MEMORY, TTL, World, key, settle};
use crate::definition::Definition;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixty_four_tasks_that_ask_for_one_key_cause_one_load() {
    for layers in [MEMORY, ALL, BYTES] {
        for _ in 0..20 {
            let (world, body) = (World::new(), Body::new());
            let function = world.function(layers);
            let tasks = (0..64).map(|_| {
                let body = body.clone();
                tokio::spawn(async move { body.call(function, "k").await })
            });
            let answers = join_all(tasks).await;
            assert!(answers.into_iter().all(|answer| answer.unwrap() == 1));
            assert_eq!(body.runs(), 1);
        }
    }
}

#[tokio::test]
async fn a_caller_that_looked_into_memory_just_before_a_load_landed_does_not_load_again() {
    let (world, body) = (World::new(), Body::new());
    let function = world.function(MEMORY);
    assert!(function.hit(&key("k")).is_none());
    body.call(function, "k").await;
    assert_eq!(function.load(key("k"), body.run()).await.unwrap(), 1);
}

#[tokio::test]
async fn a_caller_that_goes_away_neither_stops_the_load_nor_makes_others_wait() {
    let (world, body) = (World::new(), Body::gated());
    let function = world.function(MEMORY);
    let mut leader = Box::pin(body.call(function, "k"));
    assert!(poll!(&mut leader).is_pending());
    body.gate().reached().await;
    let waiter = tokio::spawn({
        let body = body.clone();
        async move { body.call(function, "k").await }
    });
    settle().await;
    drop(leader);
    body.gate().let_everybody_pass();
    assert_eq!(waiter.await.unwrap(), 1);
    assert_eq!((body.runs(), body.call(function, "k").await), (1, 1));
}

#[tokio::test]
async fn a_panic_goes_to_the_caller_that_led_and_the_others_load_for_themselves() {
    let (world, body) = (World::new(), Body::new());
    let function = world.function(MEMORY);
    let panicking = function.load(key("k"), async { panic!("the body's own words") });
    let mut leader = Box::pin(AssertUnwindSafe(panicking).catch_unwind());
    assert!(poll!(&mut leader).is_pending());
    let waiter = tokio::spawn({
        let body = body.clone();
        async move { body.call(function, "k").await }
    });
    let panic = leader.await.unwrap_err();
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"the body's own words"));
    assert_eq!(waiter.await.unwrap(), 1);
    assert_eq!(function.stats().load_errors(), 1);
}

#[tokio::test]
async fn an_error_is_not_kept() {
    let world = World::new();
    let function = world.function(ALL);
    let failing = || function.load(key("k"), async { Err(io::Error::other("no")) });
    assert_eq!(failing().await.unwrap_err().to_string(), "no");
    assert_eq!(failing().await.unwrap_err().to_string(), "no");
    assert_eq!((function.stats().loads(), function.peek(key("k")).await), (2, None));
}

#[tokio::test]
async fn an_error_that_can_be_cloned_is_shared_by_all_who_waited() {
    let world = World::new();
    let definition = Definition::named("f").layers(MEMORY).ttl(TTL);
    let function: Function<Result<u64, String>> = world.returning(&definition, None, Some(String::clone));
    let runs = Arc::new(AtomicUsize::new(0));
    let calls = (0..50).map(|_| {
        let runs = Arc::clone(&runs);
        function.load(key("k"), async move {
            runs.fetch_add(1, SeqCst);
            Err("no".to_owned())
        })
    });
    assert!(join_all(calls).await.iter().all(|answer| answer == &Err("no".to_owned())));
    assert_eq!(runs.load(SeqCst), 1);
}

#[tokio::test]
async fn after_an_error_that_cannot_be_cloned_the_others_load_for_themselves_eight_at_a_time() {
    let world = World::new();
    let function = world.function(MEMORY);
    let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let calls = (0..50).map(|_| {
        let (running, most) = (Arc::clone(&running), Arc::clone(&most));
        function.load(key("k"), async move {
            most.fetch_max(running.fetch_add(1, SeqCst) + 1, SeqCst);
            settle().await;
            running.fetch_sub(1, SeqCst);
            Err(io::Error::other("no"))
        })
    });
    assert!(join_all(calls).await.iter().all(Result::is_err));
    assert_eq!((function.stats().loads(), most.load(SeqCst)), (50, 8));
}

#[tokio::test]
async fn a_body_that_calls_its_own_function_with_its_own_key_does_not_wait_for_itself() {
    let (world, body) = (World::new(), Body::new());
    let function = world.function(MEMORY);
    let inner = body.clone();
    let answer = function.load(key("k"), async move { Ok(inner.call(function, "k").await + 10) }).await;
    assert_eq!(answer.unwrap(), 11);
    assert_eq!(body.call(function, "k").await, 11);
}

#[tokio::test]
async fn a_body_that_hangs_blocks_its_key_for_the_wait_and_no_longer() {
    let (world, hanging, body) = (World::new(), Body::gated(), Body::new());
    let function = world.function(MEMORY);
    let hung = tokio::spawn(async move { hanging.call(function, "k").await });
    settle().await;
    let mut waiting = Box::pin(body.call(function, "k"));
    assert!(poll!(&mut waiting).is_pending());
    world.advance(Duration::from_secs(29));
    world.tidy();
    assert!(poll!(&mut waiting).is_pending());

    world.advance(Duration::from_secs(2));
    world.tidy();

    assert_eq!(waiting.await, 1);
    assert_eq!(body.call(function, "k").await, 1);
    hung.abort();
}

#[test]
fn callers_outside_of_tokio_share_a_load_too() {
    use futures_util::future::{FutureExt as _, join};
    let (world, body) = (World::new(), Body::gated());
    let function = world.function(MEMORY);
    let mut both = Box::pin(join(body.call(function, "k"), body.call(function, "k")));
    assert!(both.as_mut().now_or_never().is_none());
    body.gate().let_everybody_pass();
    assert_eq!(both.now_or_never(), Some((1, 1)));
    assert_eq!(body.runs(), 1);
}

#[test]
fn a_call_outside_of_tokio_is_answered_from_memory_and_body() {
    let (world, body) = (World::new(), Body::new());
    let function = world.function(ALL);
    for _ in 0..2 {
        assert_eq!(body.call(function, "k").now_or_never(), Some(1));
    }
    function.invalidate(key("other")).now_or_never().unwrap();
    assert_eq!((body.runs(), world.redis.gets()), (1, 0));
}
