//! A function is warmed: a bounded number of calls at once, each an ordinary one.

use std::{cell::Cell, panic::AssertUnwindSafe, rc::Rc};

use futures_util::{FutureExt, poll};

use super::world::{ALL, BYTES, Body, Function, MEMORY, World, key, settle};
use crate::{__private::warm, warm::Progress};

fn calls(
    function: Function,
    body: &Body,
    count: usize,
) -> impl ExactSizeIterator<Item = impl Future<Output = crate::Answer<super::world::Answer>> + Send> {
    (0..count).map(move |n| function.with_info(key(&n.to_string()), body.run()))
}

#[tokio::test]
async fn a_warmed_function_has_its_answers_and_says_which_it_had_before() {
    for layers in [MEMORY, ALL, BYTES] {
        let (world, body) = (World::new(), Body::new());
        let function = world.function(layers);
        body.call(function, "3").await;
        settle().await;
        let warmed = warm(calls(function, &body, 100)).await;
        assert_eq!((warmed.loaded(), warmed.cached(), warmed.failed()), (99, 1, 0), "with {layers:?}");
        settle().await;
        for n in 0..100 {
            assert!(function.peek(key(&n.to_string())).await.is_some(), "with {layers:?}");
        }
    }
}

#[tokio::test]
async fn no_more_calls_are_under_way_than_allowed() {
    for (allowed, most) in [(None, 16), (Some(3), 3), (Some(0), 1), (Some(usize::MAX), 100)] {
        let (world, body) = (World::new(), Body::gated());
        let function = world.function(MEMORY);
        let warming = warm(calls(function, &body, 100));
        let mut warming = match allowed {
            Some(allowed) => warming.concurrency(allowed),
            None => warming,
        };
        assert!(poll!(&mut warming).is_pending());
        settle().await;
        assert_eq!(body.running(), most, "with {allowed:?}");
        body.gate().let_everybody_pass();
        assert_eq!(warming.await.loaded(), 100);
    }
}

#[tokio::test]
async fn nothing_is_called_before_it_is_awaited() {
    let (world, body) = (World::new(), Body::new());
    drop(warm(calls(world.function(MEMORY), &body, 100)));
    settle().await;
    assert_eq!(body.runs(), 0);
}

#[tokio::test]
async fn progress_is_told_after_each_call() {
    let (world, body) = (World::new(), Body::new());
    let function = world.function(MEMORY);
    let mut told = Vec::new();
    let _ = warm(calls(function, &body, 3)).on_progress(|progress| told.push(progress.to_string())).await;
    assert_eq!(told, ["1 of 3, 0 failed", "2 of 3, 0 failed", "3 of 3, 0 failed"]);

    let mut last = None;
    let some = calls(function, &body, 4).filter(|_| true);
    let _ = warm(some).on_progress(|progress| last = Some(progress)).await;
    let last: Progress = last.unwrap();
    assert_eq!((last.done(), last.total(), last.so_far().cached()), (4, None, 3));
    assert_eq!(last.to_string(), "4, 0 failed");
}

#[tokio::test]
async fn a_call_that_fails_is_counted_and_the_others_go_on() {
    let (world, body) = (World::new(), Body::new());
    let function = world.function(MEMORY);
    body.call(function, "0").await;
    body.fail(true);
    let mut failed = 0;
    let warmed = warm(calls(function, &body, 10)).on_progress(|progress| failed = progress.failed()).await;
    assert_eq!((warmed.to_string().as_str(), failed), ("0 loaded, 1 cached already, 9 failed", 9));
    assert_eq!(warmed.total(), 10);
}

#[tokio::test]
async fn a_panic_is_not_swallowed() {
    let (world, body) = (World::new(), Body::new());
    let function = world.function(MEMORY);
    let panicking = function.with_info(key("panic"), async { panic!("the body's own words") });
    let all = calls(function, &body, 3).map(FutureExt::boxed).chain([panicking]);
    let panic = AssertUnwindSafe(warm(all)).catch_unwind().await.unwrap_err();
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"the body's own words"));
}

#[tokio::test]
async fn others_have_their_turn_while_everything_is_cached() {
    let (world, body) = (World::new(), Body::new());
    let function = world.function(MEMORY);
    let _ = warm(calls(function, &body, 300)).await;
    let mut again = warm(calls(function, &body, 300));
    let mut turns = 0;
    while poll!(&mut again).is_pending() {
        turns += 1;
    }
    assert!((3..10).contains(&turns), "{turns}");
}

#[tokio::test]
async fn a_function_whose_calls_stay_with_their_caller_can_be_warmed() {
    let (world, runs) = (World::new(), Rc::new(Cell::new(0)));
    let function = world.function(MEMORY);
    let calls = (0..5).map(|n| {
        let runs = Rc::clone(&runs);
        function.with_info_inline(key(&n.to_string()), async move {
            runs.set(runs.get() + 1);
            Ok(n)
        })
    });
    assert_eq!((warm(calls).await.loaded(), runs.get()), (5, 5));
}

#[tokio::test]
async fn a_warming_whose_calls_can_be_sent_can_be_sent() {
    let (world, body) = (World::new(), Body::new());
    let function = world.function(MEMORY);
    let warming = tokio::spawn(async move { warm(calls(function, &body, 5)).on_progress(|_| ()).await });
    assert_eq!(warming.await.unwrap().loaded(), 5);
}

#[tokio::test]
async fn nothing_to_call_is_done_at_once() {
    let (world, body) = (World::new(), Body::new());
    assert_eq!(warm(calls(world.function(MEMORY), &body, 0)).await.total(), 0);
}
