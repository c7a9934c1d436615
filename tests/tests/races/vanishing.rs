//! Leaders that are dropped, aborted, never polled again, or hang (R18 to R20).

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use futures_util::poll;
use hybrid_cache::{cached, testing::advance, testing::isolated};

use super::source::{Failure, Source, plain, settle, spawn_call, within_patience, world};

const SECOND: Duration = Duration::from_secs(1);

#[cached(layers = "mem", skip(source), inline)]
async fn inline(source: &Source, id: u64) -> Result<u64, Failure> {
    let _ = id;
    source.read().await
}

#[cached(layers = "mem", skip(source), wait = "5s", deadline = "60s")]
async fn patient(source: &Arc<Source>, id: u64) -> Result<u64, Failure> {
    let _ = id;
    source.read().await
}

#[tokio::test]
async fn when_the_first_caller_goes_away_the_others_get_its_answer() {
    for function in plain() {
        let (world, source) = (world(), Source::new());
        let held = source.hold();
        let first = spawn_call(&world, &function, &source);
        source.asked_by(1).await;
        let others: Vec<_> = (0..20).map(|_| spawn_call(&world, &function, &source)).collect();
        settle().await;
        first.abort();
        held.release();
        for other in others {
            assert_eq!(within_patience(other).await.unwrap(), Ok(1), "{}", function.layers);
        }
        assert_eq!(source.asked(), 1, "{}", function.layers);
    }
}

#[tokio::test]
async fn an_inline_load_passes_from_caller_to_caller_for_as_long_as_one_is_left() {
    let source = Source::new();
    isolated(async {
        let held = source.hold();
        let mut waiter = Box::pin(inline(&source, 1));
        let mut leader = Box::pin(inline(&source, 1));
        assert!(poll!(&mut leader).is_pending());
        for _ in 0..500 {
            assert!(poll!(&mut waiter).is_pending());
            // The next in line waits; then its leader goes away.
            drop(std::mem::replace(&mut leader, waiter));
            waiter = Box::pin(inline(&source, 1));
            assert!(poll!(&mut leader).is_pending());
            // Else tokio makes everything wait in a task that does not.
            tokio::task::yield_now().await;
        }
        assert_eq!((source.asked(), source.running()), (501, 1));
        held.release();
        assert_eq!(within_patience(async { (leader.await, waiter.await) }).await, (Ok(1), Ok(1)));
        assert_eq!(source.asked(), 501);
    })
    .await;
}

#[tokio::test]
async fn a_leader_that_is_never_polled_again_holds_its_key_up_for_the_wait_and_once() {
    let source = Source::new();
    isolated(async {
        let held = source.hold();
        let mut frozen = Box::pin(inline_that_waits(&source, 1));
        assert!(poll!(&mut frozen).is_pending());
        source.flow();
        let mut other = Box::pin(inline_that_waits(&source, 1));
        assert!(poll!(&mut other).is_pending());
        advance(6 * SECOND);
        assert_eq!(within_patience(other).await, Ok(1));
        assert_eq!(within_patience(inline_that_waits(&source, 1)).await, Ok(1));
        assert_eq!(source.asked(), 2);
        inline_that_waits::invalidate(1).await;
        held.release();
        assert_eq!(within_patience(frozen).await, Ok(1), "its own caller still gets its answer");
        assert_eq!(inline_that_waits::peek(1).await, None, "but nothing of it is stored");
    })
    .await;
}

#[cached(layers = "mem", skip(source), inline, wait = "5s")]
async fn inline_that_waits(source: &Source, id: u64) -> Result<u64, Failure> {
    let _ = id;
    source.read().await
}

#[tokio::test]
async fn a_body_that_hangs_costs_its_key_the_wait_and_is_dropped_when_nobody_waits() {
    let source = Source::new();
    isolated(async {
        let _held = source.hold();
        let mut hung = Box::pin(patient(&source, 1));
        assert!(poll!(&mut hung).is_pending());
        source.asked_by(1).await;
        source.flow();
        let mut other = Box::pin(patient(&source, 1));
        assert!(poll!(&mut other).is_pending());
        advance(6 * SECOND);
        assert_eq!(within_patience(&mut other).await, Ok(1));
        assert_eq!(source.running(), 1, "the first caller still waits for it");
        drop(hung);
        settle().await;
        assert_eq!(source.running(), 0);
    })
    .await;
}

#[tokio::test]
async fn a_deadline_ends_a_load_for_all_who_wait_for_it() {
    let source = Source::new();
    isolated(async {
        let _held = source.hold();
        let mut calls: Vec<_> = (0..10).map(|_| Box::pin(slow(&source, 1))).collect();
        for call in &mut calls {
            assert!(poll!(call).is_pending());
        }
        source.asked_by(1).await;
        advance(3 * SECOND);
        for call in calls {
            assert_eq!(within_patience(call).await, Err(Failure::Late));
        }
        assert_eq!((source.asked(), source.running()), (1, 0));
    })
    .await;
}

#[cached(layers = "mem", skip(source), deadline = "3s")]
async fn slow(source: &Arc<Source>, id: u64) -> Result<u64, Failure> {
    let _ = id;
    source.read().await
}

static POLLED: AtomicUsize = AtomicUsize::new(0);

#[cached(layers = "mem", inline)]
async fn panics_at_once(id: u64) -> u64 {
    assert!(POLLED.fetch_add(1, SeqCst) != 0, "before its first await");
    id
}

#[tokio::test]
async fn a_panic_before_the_first_await_frees_the_key() {
    isolated(async {
        let panicked = std::panic::AssertUnwindSafe(panics_at_once(1));
        assert!(futures_util::FutureExt::catch_unwind(panicked).await.is_err());
        assert_eq!(within_patience(panics_at_once(1)).await, 1);
    })
    .await;
}
