//! Sources that fail, panic, or need the answer that they are asked for (R19, R21, R22).

use std::sync::Arc;

use futures_util::{
    FutureExt,
    future::{BoxFuture, join, join_all},
};
use hybrid_cache::{
    cached,
    testing::{World, isolated},
};

use super::source::{Failure, Source, plain, settle, spawn_call, within_patience, world};

/// An error that cannot be cloned.
#[derive(Debug)]
struct Private;

#[cached(layers = "mem", skip(source))]
async fn fails_privately(source: &Arc<Source>, id: u64) -> Result<u64, Private> {
    let _ = id;
    source.read().await.map_err(|_| Private)
}

#[tokio::test]
async fn a_thousand_callers_of_a_source_that_fails_cost_one_load() {
    for function in plain() {
        let (world, source) = (world(), Source::new());
        source.fail(true);
        let held = source.hold();
        let calls: Vec<_> = (0..1_000).map(|_| spawn_call(&world, &function, &source)).collect();
        source.asked_by(1).await;
        settle().await;
        held.release();
        for call in calls {
            assert_eq!(within_patience(call).await.unwrap(), Err(Failure::Down));
        }
        assert_eq!(source.asked(), 1, "{}", function.layers);
    }
}

#[tokio::test]
async fn where_the_error_cannot_be_shared_at_most_eight_try_at_a_time() {
    let source = Source::new();
    isolated(async {
        source.fail(true);
        let held = source.hold();
        let calls = join_all((0..1_000).map(|_| fails_privately(&source, 1)));
        let release = async {
            source.asked_by(1).await;
            held.release();
        };
        let (answers, ()) = within_patience(join(calls, release)).await;
        assert!(answers.iter().all(Result::is_err));
        assert_eq!(source.asked(), 1_000);
        assert!(source.most_running() <= 8, "{} at once", source.most_running());
    })
    .await;
}

#[tokio::test]
async fn where_the_source_recovers_nobody_asks_in_vain_any_more() {
    let source = Source::new();
    isolated(async {
        source.fail(true);
        let held = source.hold();
        let calls = join_all((0..1_000).map(|_| fails_privately(&source, 1)));
        let recover = async {
            source.asked_by(1).await;
            held.release();
            source.asked_by(4).await;
            source.fail(false);
        };
        let (answers, ()) = within_patience(join(calls, recover)).await;
        assert!(answers.iter().any(Result::is_ok));
        assert!(source.asked() < 50, "{} loads", source.asked());
    })
    .await;
}

#[tokio::test]
async fn a_panic_goes_to_one_caller_and_the_others_get_an_answer() {
    for function in plain() {
        let (world, source) = (world(), Source::new());
        let held = source.hold();
        let panicking = {
            let (source, call) = (Arc::clone(&source), (function.call)(&source, 1));
            source.panic(true);
            let world = world.clone();
            tokio::spawn(async move { world.enter(call).await })
        };
        let others: Vec<_> = (0..50).map(|_| spawn_call(&world, &function, &source)).collect();
        source.asked_by(1).await;
        source.panic(false);
        held.release();
        assert!(panicking.await.unwrap_err().is_panic());
        for other in others {
            assert_eq!(within_patience(other).await.unwrap(), Ok(1), "{}", function.layers);
        }
        settle().await;
        assert_eq!(world.enter((function.call)(&source, 1)).await, Ok(1));
    }
}

#[cached(layers = "mem")]
async fn itself(id: u64) -> u64 {
    if id > 100 { id } else { Box::pin(itself(id * 10)).await + Box::pin(again(id)).await }
}

/// The same key, twice removed.
async fn again(id: u64) -> u64 {
    thread_local! { static DEPTH: std::cell::Cell<u64> = const { std::cell::Cell::new(0) }; }
    if DEPTH.replace(DEPTH.get() + 1) > 3 { 1 } else { itself(id).await }
}

#[tokio::test]
async fn a_load_that_needs_its_own_answer_does_not_wait_for_itself() {
    isolated(async {
        within_patience(itself(1)).await;
        assert!(itself::peek(1).await.is_some());
    })
    .await;
}

fn boxed<T: Send>(future: impl Future<Output = T> + Send + 'static) -> BoxFuture<'static, T> {
    Box::pin(future)
}

#[cached(layers = "mem", key = "{round}", skip(depth))]
async fn left(round: u64, depth: u64) -> u64 {
    tokio::task::yield_now().await;
    if depth == 0 { 1 } else { boxed(right(round, depth - 1)).await + 1 }
}

#[cached(layers = "mem", key = "{round}", skip(depth))]
async fn right(round: u64, depth: u64) -> u64 {
    tokio::task::yield_now().await;
    if depth == 0 { 1 } else { boxed(left(round, depth - 1)).await + 1 }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_functions_that_need_each_other_called_at_the_same_time_do_not_wait_for_each_other() {
    let world = World::new();
    for round in 0..50 {
        let one = tokio::spawn({
            let world = world.clone();
            async move { world.enter(left(round, 3)).await }
        });
        let other = tokio::spawn({
            let world = world.clone();
            async move { world.enter(right(round, 3)).await }
        });
        within_patience(async { (one.await.unwrap(), other.await.unwrap()) }).await;
    }
}

#[tokio::test]
async fn an_abandoned_panic_poisons_nothing() {
    let source = Source::new();
    isolated(async {
        source.panic(true);
        // Its caller goes away before the body panics.
        assert!(fails_privately(&source, 1).now_or_never().is_none());
        settle().await;
        source.panic(false);
        assert_eq!(within_patience(fails_privately(&source, 1)).await.unwrap(), 1);
    })
    .await;
}
