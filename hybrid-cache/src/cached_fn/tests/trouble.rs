//! A source in trouble: it hangs, it panics, its callers give up. It is asked no more often than it must be.

use std::{
    panic::{AssertUnwindSafe, resume_unwind},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use futures_util::{FutureExt, future::join_all, poll};

use super::{
    super::places::Places,
    gate::Gate,
    world::{Body, Function, MEMORY, TTL, World, key, settle},
};
use crate::definition::{Abilities, Definition};

const SECOND: Duration = Duration::from_secs(1);

fn limited(world: &World, most: u32) -> Function {
    world.defined(&Definition::named("f").layers(MEMORY).ttl(TTL).max_loads(most).wait(5 * SECOND))
}

/// A call whose caller goes away as soon as its load has begun.
async fn call_and_go_away(function: Function, body: &Body, k: &str) {
    let mut call = Box::pin(body.call(function, k));
    assert!(poll!(&mut call).is_pending());
}

#[tokio::test]
async fn while_all_bodies_hang_only_as_many_again_begin_in_each_wait() {
    let (world, hung) = (World::new(), Body::gated());
    let function = limited(&world, 2);
    let calls: Vec<_> = (0..40)
        .map(|k| {
            let hung = hung.clone();
            tokio::spawn(async move { hung.call(function, &k.to_string()).await })
        })
        .collect();
    settle().await;
    for round in 1..=4 {
        assert_eq!(hung.running(), 2 * round);
        let stats = function.stats();
        assert_eq!((stats.running_loads(), stats.waiting_loads()), (2 * round as u64, 40 - 2 * round as u64));
        world.advance(5 * SECOND);
        settle().await;
    }
    hung.gate().let_everybody_pass();
    for call in calls {
        call.await.unwrap();
    }
    assert_eq!((function.stats().running_loads(), function.stats().waiting_loads()), (0, 0));
}

#[tokio::test]
async fn places_that_were_given_up_do_not_widen_the_bound_when_they_come_back() {
    let (world, hung, next) = (World::new(), Body::gated(), Body::gated());
    let function = limited(&world, 1);
    let call = |body: &Body, k: &'static str| {
        let body = body.clone();
        tokio::spawn(async move { body.call(function, k).await })
    };
    let first = call(&hung, "hangs");
    hung.gate().reached().await;
    let calls = ["a", "b", "c"].map(|k| call(&next, k));
    settle().await;
    world.advance(5 * SECOND);
    settle().await;
    assert_eq!((hung.running(), next.running()), (1, 1));
    hung.gate().let_everybody_pass();
    first.await.unwrap();
    settle().await;
    assert_eq!(next.running(), 1, "the place of the body that hung is not one more");
    next.gate().let_everybody_pass();
    for call in calls {
        call.await.unwrap();
    }
}

#[tokio::test]
async fn a_load_is_not_retired_for_its_age_while_it_waits_in_a_queue_that_moves() {
    let world = World::new();
    let [first, second, third, last] = [(); 4].map(|()| Body::gated());
    let function = limited(&world, 1);
    let call = |body: &Body, k: &'static str| {
        let body = body.clone();
        tokio::spawn(async move { body.call(function, k).await })
    };
    let mut calls = vec![call(&first, "1"), call(&second, "2"), call(&third, "3"), call(&last, "4")];
    settle().await;
    for body in [&first, &second] {
        world.advance(4 * SECOND);
        body.gate().let_everybody_pass();
        settle().await;
    }
    // It has waited for 8 of the 5 seconds that a load may take.
    calls.push(call(&last, "4"));
    settle().await;
    world.tidy();
    settle().await;
    third.gate().let_everybody_pass();
    last.gate().let_everybody_pass();
    for call in calls {
        assert_eq!(call.await.unwrap(), 1);
    }
    assert_eq!((last.runs(), function.stats().coalesced()), (1, 1));
}

#[tokio::test]
async fn who_comes_while_those_who_waited_load_for_themselves_is_one_of_them() {
    let (world, body) = (World::new(), Body::gated());
    let function = world.function(MEMORY);
    body.fail(true);
    let call = |body: &Body| {
        let body = body.clone();
        tokio::spawn(async move { body.try_call(function, "k").await })
    };
    let common = body.behind(Gate::closed());
    let mut calls = vec![call(&common)];
    common.gate().reached().await;
    calls.extend((0..19).map(|_| call(&body)));
    settle().await;
    assert_eq!(body.running(), 1);
    common.gate().let_everybody_pass();
    settle().await;
    assert_eq!(body.running(), 8);

    calls.push(call(&body));
    settle().await;
    assert_eq!(body.running(), 8);

    body.gate().let_everybody_pass();
    for call in calls {
        assert!(call.await.unwrap().is_err());
    }
    assert_eq!(body.runs(), 21, "none of them is given an error of another");
}

#[tokio::test]
async fn a_load_that_nobody_can_use_is_dropped_at_once_whether_it_runs_or_waits_for_its_turn() {
    let (world, slow) = (World::new(), Body::gated());
    let function = limited(&world, 1);
    for k in 0..20 {
        call_and_go_away(function, &slow, &k.to_string()).await;
        settle().await;
        function.invalidate(key(&k.to_string())).await;
    }
    settle().await;
    assert_eq!((slow.running(), function.stats().waiting_loads()), (0, 0));
    assert_eq!(Body::new().call(function, "new").await, 1);
    assert_eq!(function.stats().abandoned_loads(), 20);
}

#[tokio::test]
async fn a_load_that_was_forgotten_goes_on_for_those_who_wait_for_it() {
    let (world, slow) = (World::new(), Body::gated());
    let function = world.function(MEMORY);
    let mut leader = Box::pin(slow.call(function, "k"));
    assert!(poll!(&mut leader).is_pending());
    slow.gate().reached().await;
    let waiter = tokio::spawn({
        let slow = slow.clone();
        async move { slow.call(function, "k").await }
    });
    settle().await;
    drop(leader);
    function.invalidate(key("k")).await;
    settle().await;
    assert_eq!(slow.running(), 1);
    slow.gate().let_everybody_pass();
    assert_eq!(waiter.await.unwrap(), 1);
}

#[tokio::test]
async fn callers_that_go_away_leave_a_bounded_number_of_loads() {
    let (world, slow) = (World::new(), Body::gated());
    let function = world.function(MEMORY);
    for k in 0..300 {
        call_and_go_away(function, &slow, &k.to_string()).await;
    }
    settle().await;
    assert_eq!((slow.running(), function.stats().running_loads()), (256, 256));
    assert_eq!(function.stats().abandoned_loads(), 44);
    // Whose caller stays goes on, and so does one that somebody waits for.
    let stays = tokio::spawn({
        let slow = slow.clone();
        async move { slow.call(function, "stays").await }
    });
    settle().await;
    assert_eq!(slow.running(), 257);
    slow.gate().let_everybody_pass();
    stays.await.unwrap();
    settle().await;
    call_and_go_away(function, &Body::gated(), "again").await;
    settle().await;
    assert_eq!(function.stats().running_loads(), 1, "there is room again");
}

#[tokio::test]
async fn after_a_panic_the_others_load_for_themselves_eight_at_a_time() {
    // Not `panic!`, which would say so in the test's output.
    let abilities = || Abilities::new(None, None, None);
    for (abilities, body_panics) in [
        (abilities(), true),
        (abilities().ttl_by(|_| resume_unwind(Box::new("`ttl_by` panicked"))), false),
        (abilities().cache_if(|_| resume_unwind(Box::new("`cache_if` panicked"))), false),
    ] {
        let world = World::new();
        let function: Function<u64, false> =
            world.made(&Definition::named("f").layers(MEMORY).ttl(TTL), &abilities);
        let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let calls = (0..50).map(|_| {
            let (running, most) = (Arc::clone(&running), Arc::clone(&most));
            let panicking = function.load(key("k"), async move {
                most.fetch_max(running.fetch_add(1, SeqCst) + 1, SeqCst);
                settle().await;
                running.fetch_sub(1, SeqCst);
                if body_panics {
                    resume_unwind(Box::new("a body panicked"));
                }
                1
            });
            AssertUnwindSafe(panicking).catch_unwind()
        });
        assert!(join_all(calls).await.iter().all(Result::is_err));
        assert_eq!((function.stats().load_errors(), most.load(SeqCst)), (50, 8));
    }
}

#[tokio::test]
async fn a_panic_of_the_size_of_an_answer_costs_it_its_place_in_memory_alone() {
    let world = World::new();
    let abilities = Abilities::new(None, None, None).weigh(|_| resume_unwind(Box::new("`weigh` panicked")));
    let function: Function<u64, false> =
        world.made(&Definition::named("f").layers(MEMORY).ttl(TTL).max_bytes(1_000), &abilities);
    assert_eq!(function.load(key("k"), async { 1 }).await, 1);
    assert_eq!(function.peek(key("k")).await, None);
}

#[tokio::test]
async fn a_load_in_the_queue_that_nobody_polls_any_more_holds_its_key_up_for_the_wait() {
    let (world, first) = (World::new(), Body::gated());
    let function = limited(&world, 1);
    let running = {
        let first = first.clone();
        tokio::spawn(async move { first.call(function, "first").await })
    };
    first.gate().reached().await;
    // In its caller, which stops to ask for it.
    let (frozen, next) = (Body::new(), Body::new());
    let mut inline = Box::pin(function.load_inline(key("k"), frozen.run()));
    assert!(poll!(&mut inline).is_pending());
    let mut call = Box::pin(next.call(function, "k"));
    assert!(poll!(&mut call).is_pending());
    first.gate().let_everybody_pass();
    running.await.unwrap();
    world.advance(6 * SECOND);
    world.tidy();
    // It leads now, and the place was given to the other one.
    assert!(poll!(&mut call).is_pending());
    settle().await;
    world.advance(6 * SECOND);
    settle().await;
    assert_eq!(call.now_or_never(), Some(1));
    assert_eq!((frozen.runs(), next.runs()), (0, 1));
}

#[tokio::test]
async fn a_place_that_was_given_to_somebody_who_does_not_notice_is_no_place_more() {
    for notices in [true, false] {
        let world = World::new();
        let places = Places::new(1);
        let take = || Box::pin(places.take(&world.runtime.clock, 5 * SECOND));
        let first = take().await;
        let (mut slow, mut second) = (take(), take());
        assert!(poll!(&mut slow).is_pending() && poll!(&mut second).is_pending());
        // The next is `slow`, which does not notice.
        drop(first);
        world.advance(5 * SECOND);
        assert!(poll!(&mut second).is_pending(), "a place was given back in this time");
        world.advance(5 * SECOND);
        let second = second.now_or_never().expect("a new round has begun");
        if notices {
            assert!(poll!(&mut slow).is_pending(), "its place was given up");
        }
        drop(slow);
        let mut third = take();
        assert!(poll!(&mut third).is_pending(), "there is one place, and it is taken");
        drop(second);
        assert!(poll!(&mut third).is_ready());
    }
}
