//! What happens to an answer from its load to its end, option by option and together, as the attribute promises it.

use std::{
    cell::Cell,
    future::pending,
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::Duration,
};

use futures_util::{FutureExt, future::join_all, poll};
use hybrid_cache::{
    cached,
    testing::{Store, World, advance, isolated},
};
use tokio::task::yield_now;

use super::source::{Failure, Mood, Private, Source, eventually, settle, within_patience};

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

macro_rules! functions {
    ($($(#[$doc:meta])* $name:ident($($option:tt)*);)*) => {$(
        $(#[$doc])*
        #[cached(layers = "mem,redis,disk", jitter = 0.0, skip(source), $($option)*)]
        async fn $name(source: &Arc<Source>, id: u64) -> Result<u64, Failure> {
            let _ = id;
            source.read().await
        }
    )*};
}

functions! {
    stale(ttl = 100, stale = 50);
    kept_on_error(ttl = 100, stale_if_error = 5_000);
    kept_on_error_long(ttl = 10_000, stale_if_error = 50_000);
    stale_and_kept(ttl = 100, stale = 50, stale_if_error = 5_000);
    ahead(ttl = 100, refresh_ahead = 0.5);
    by_chance(ttl = 100, refresh_ahead = "xfetch");
    error_kept(ttl = 100, err_ttl = 2);
    error_kept_too(ttl = 100, err_ttl = 2, stale_if_error = 5_000);
    with_deadline(ttl = 100, deadline = "10s");
    with_deadline_and_last_resort(ttl = 100, deadline = "10s", stale_if_error = 5_000);
    one_at_a_time(ttl = 100, max_loads = 1, wait = "5s");
    even(ttl = 100, stale_if_error = 5_000, cache_if = is_even);
    asked_for(ttl = 100, ttl_by = ten_seconds_each);
}

fn is_even(answer: &u64) -> bool {
    answer.is_multiple_of(2)
}

fn ten_seconds_each(answer: &u64) -> Duration {
    seconds(10) * u32::try_from(*answer).unwrap()
}

#[cached(layers = "mem", wait = "5s", skip(source))]
async fn unshared(source: &Arc<Source>, id: u64) -> Result<u64, Private> {
    let _ = id;
    source.read().await.map_err(|_| Private)
}

/// A world with stand-ins for Redis and disk.
fn world() -> World {
    World::new().redis(&Store::new()).disk(&Store::new())
}

async fn in_world<F: Future>(test: impl FnOnce(Arc<Source>) -> F) -> F::Output {
    world().enter(test(Source::new())).await
}

#[tokio::test]
async fn a_stale_answer_goes_to_everybody_and_one_load_replaces_it() {
    in_world(async |source| {
        assert_eq!(stale(&source, 1).await, Ok(1));
        settle().await;
        advance(seconds(149));
        source.change();
        source.hold();
        let answers = within_patience(join_all((0..100).map(|_| stale(&source, 1)))).await;
        assert!(answers.into_iter().all(|answer| answer == Ok(1)));
        settle().await;
        assert_eq!(source.asked(), 2);
        let stats = stale::stats();
        assert_eq!(
            (stats.refreshes(), stats.stale_answers(), stats.memory_hits()),
            (1, 100, 100),
            "{stats:?}"
        );
        // While the refresh still runs, the end of what may be stale comes: now callers wait for it.
        advance(seconds(1));
        let mut late = Box::pin(stale(&source, 1));
        assert!(poll!(&mut late).is_pending());
        source.release();
        assert_eq!(within_patience(late).await, Ok(2));
        assert_eq!(source.asked(), 2);
    })
    .await;
}

#[tokio::test]
async fn after_its_time_a_stale_answer_is_not_returned_from_any_layer() {
    for age in [150, 151, 1_000] {
        in_world(async |source| {
            assert_eq!(stale(&source, 1).await, Ok(1));
            settle().await;
            source.change();
            advance(seconds(age));
            assert_eq!(stale::peek(1).await, None, "after {age} s");
            assert_eq!(within_patience(stale(&source, 1)).await, Ok(2), "after {age} s");
        })
        .await;
    }
}

#[tokio::test]
async fn a_source_that_fails_is_asked_once_per_pause_of_a_tenth_of_ttl_and_thirty_seconds_at_most() {
    for (ttl, pause) in [(100, 10), (10_000, 30)] {
        in_world(async |source| {
            let call = async || {
                within_patience(if ttl == 100 {
                    kept_on_error(&source, 1).boxed()
                } else {
                    kept_on_error_long(&source, 1).boxed()
                })
                .await
            };
            assert_eq!(call().await, Ok(1));
            settle().await;
            advance(seconds(ttl));
            source.is_in(Mood::Fails);
            for round in 2..6 {
                for _ in 0..10 {
                    assert_eq!(call().await, Ok(1));
                    settle().await;
                    assert_eq!(source.asked(), round, "with a ttl of {ttl} s");
                    advance(seconds(pause) / 10);
                }
            }
            source.is_in(Mood::Answers);
            source.change();
            assert_eq!(call().await, Ok(2));
            source.is_in(Mood::Fails);
            assert_eq!(call().await, Ok(2), "it is fresh");
            assert_eq!(source.asked(), 6);
        })
        .await;
    }
}

#[tokio::test]
async fn under_stale_too_a_failing_source_is_asked_once_per_pause() {
    in_world(async |source| {
        assert_eq!(stale_and_kept(&source, 1).await, Ok(1));
        settle().await;
        source.is_in(Mood::Fails);
        advance(seconds(100));
        for round in 2..8 {
            for _ in 0..10 {
                assert_eq!(within_patience(stale_and_kept(&source, 1)).await, Ok(1));
                settle().await;
                assert_eq!(source.asked(), round);
                advance(seconds(1));
            }
        }
    })
    .await;
}

#[tokio::test]
async fn no_last_resort_outlives_its_time_however_often_it_was_returned() {
    in_world(async |source| {
        assert_eq!(kept_on_error(&source, 1).await, Ok(1));
        settle().await;
        source.is_in(Mood::Fails);
        let mut age = 0;
        while age < 5_100 {
            assert_eq!(within_patience(kept_on_error(&source, 1)).await, Ok(1), "after {age} s");
            advance(seconds(99));
            age += 99;
        }
        assert_eq!(within_patience(kept_on_error(&source, 1)).await, Err(Failure::Down), "after {age} s");
    })
    .await;
}

#[tokio::test]
async fn a_refresh_ahead_begins_once_and_after_its_part_of_the_life_and_its_failure_costs_nothing() {
    in_world(async |source| {
        assert_eq!(ahead(&source, 1).await, Ok(1));
        settle().await;
        advance(seconds(49));
        assert_eq!(ahead(&source, 1).await, Ok(1));
        settle().await;
        assert_eq!(source.asked(), 1);
        advance(seconds(2));
        source.is_in(Mood::Fails);
        let answers = join_all((0..50).map(|_| ahead(&source, 1))).await;
        assert!(answers.into_iter().all(|answer| answer == Ok(1)));
        settle().await;
        assert_eq!((source.asked(), ahead::stats().refreshes(), ahead::stats().load_errors()), (2, 1, 1));
        // It is fresh until its end, and then it is over.
        advance(seconds(48));
        assert_eq!(ahead(&source, 1).await, Ok(1));
        settle().await;
        source.is_in(Mood::Answers);
        source.change();
        advance(seconds(1));
        let answer = within_patience(ahead(&source, 1)).await;
        assert_eq!(answer, Ok(2));
        assert_eq!(ahead::stats().stale_answers(), 0);
    })
    .await;
}

#[tokio::test]
async fn a_refresh_by_chance_never_returns_what_is_over() {
    in_world(async |source| {
        for id in 0..200 {
            by_chance(&source, id).await.unwrap();
        }
        settle().await;
        let newer = source.change();
        advance(seconds(100));
        for id in 0..200 {
            assert_eq!(within_patience(by_chance(&source, id)).await, Ok(newer));
        }
        assert_eq!(by_chance::stats().stale_answers(), 0);
    })
    .await;
}

#[tokio::test]
async fn what_was_expired_is_stale_and_what_was_invalidated_is_gone() {
    in_world(async |source| {
        for (id, expire) in [(1, true), (2, false)] {
            let first = source.change();
            assert_eq!(stale_and_kept(&source, id).await, Ok(first));
            settle().await;
            let second = source.change();
            if expire {
                assert!(stale_and_kept::expire(id).await.is_done());
                assert_eq!(stale_and_kept::peek(id).await, Some(first));
                assert_eq!(within_patience(stale_and_kept(&source, id)).await, Ok(first));
                settle().await;
            } else {
                assert!(stale_and_kept::invalidate(id).await.is_done());
                assert_eq!(stale_and_kept::peek(id).await, None);
            }
            assert_eq!(within_patience(stale_and_kept(&source, id)).await, Ok(second));
        }
        // Invalidated after it was expired: gone as well.
        settle().await;
        stale_and_kept::expire(1).await;
        stale_and_kept::invalidate(1).await;
        assert_eq!(stale_and_kept::peek(1).await, None);
        // Expired after it was invalidated: nothing comes back.
        stale_and_kept::invalidate(2).await;
        stale_and_kept::expire(2).await;
        assert_eq!(stale_and_kept::peek(2).await, None);
    })
    .await;
}

#[tokio::test]
async fn expiring_again_and_again_does_not_lengthen_what_comes_after_a_life() {
    in_world(async |source| {
        assert_eq!(stale(&source, 1).await, Ok(1));
        settle().await;
        for _ in 0..5 {
            stale::expire(1).await;
            assert_eq!(stale::peek(1).await, Some(1));
            advance(seconds(10));
        }
        assert_eq!(stale::peek(1).await, None);
    })
    .await;
}

#[tokio::test]
async fn an_error_is_given_out_again_for_its_time_and_to_its_key_alone() {
    in_world(async |source| {
        source.is_in(Mood::Fails);
        assert_eq!(error_kept(&source, 1).await, Err(Failure::Down));
        source.is_in(Mood::Answers);
        advance(Duration::from_millis(1_999));
        assert_eq!(error_kept(&source, 1).await, Err(Failure::Down));
        assert_eq!(error_kept(&source, 2).await, Ok(1));
        advance(Duration::from_millis(1));
        assert_eq!(error_kept(&source, 1).await, Ok(1));
        // Whatever replaces or forgets an answer also forgets its error.
        for (id, round) in (10..).zip(0..4) {
            source.is_in(Mood::Fails);
            assert_eq!(error_kept(&source, id).await, Err(Failure::Down));
            source.is_in(Mood::Answers);
            match round {
                0 => drop(error_kept::invalidate(id).await),
                1 => drop(error_kept::invalidate_all().await),
                2 => error_kept::put(id, 1).await,
                _ => assert_eq!(error_kept::refresh(&source, id).await, Ok(1)),
            }
            assert_eq!(within_patience(error_kept(&source, id)).await, Ok(1), "round {round}");
        }
    })
    .await;
}

#[tokio::test]
async fn an_old_answer_goes_before_a_kept_error() {
    in_world(async |source| {
        assert_eq!(error_kept_too(&source, 1).await, Ok(1));
        settle().await;
        advance(seconds(100));
        source.is_in(Mood::Fails);
        for _ in 0..10 {
            assert_eq!(within_patience(error_kept_too(&source, 1)).await, Ok(1));
            advance(Duration::from_millis(500));
        }
        assert_eq!(source.asked(), 2);
        error_kept_too::invalidate(1).await;
        assert_eq!(within_patience(error_kept_too(&source, 1)).await, Err(Failure::Down));
        assert_eq!(within_patience(error_kept_too(&source, 1)).await, Err(Failure::Down));
        assert_eq!(source.asked(), 3);
    })
    .await;
}

#[tokio::test]
async fn a_deadline_ends_a_load_and_an_old_answer_takes_its_place_where_it_may() {
    in_world(async |source| {
        source.is_in(Mood::Hangs);
        let mut calls: Vec<_> = (0..10).map(|_| Box::pin(with_deadline(&source, 1))).collect();
        for call in &mut calls {
            assert!(poll!(call).is_pending());
        }
        settle().await;
        advance(seconds(10));
        for call in calls {
            assert_eq!(within_patience(call).await, Err(Failure::Late));
        }
        assert_eq!((source.asked(), source.running()), (1, 0));

        source.is_in(Mood::Answers);
        assert_eq!(with_deadline_and_last_resort(&source, 1).await, Ok(1));
        settle().await;
        advance(seconds(100));
        source.is_in(Mood::Hangs);
        let mut call = Box::pin(with_deadline_and_last_resort(&source, 1));
        assert!(poll!(&mut call).is_pending());
        settle().await;
        advance(seconds(10));
        assert_eq!(within_patience(call).await, Ok(1));
        assert_eq!(source.running(), 0);
        assert_eq!(with_deadline_and_last_resort::stats().load_errors(), 1);
    })
    .await;
}

#[tokio::test]
async fn the_bound_of_max_loads_holds_however_long_the_queue_is() {
    in_world(async |source| {
        source.hold();
        let mut calls = join_all((0..20).map(|id| one_at_a_time(&source, id)));
        for asked in 1..=20 {
            assert!(poll!(&mut calls).is_pending());
            settle().await;
            assert_eq!((source.asked(), source.most_running()), (asked, 1), "at most one at a time");
            // Each body takes a second, so that the last one has its turn long after `wait`.
            advance(seconds(1));
            source.release_one();
            settle().await;
        }
        assert!(within_patience(calls).await.into_iter().all(|answer| answer == Ok(1)));
        for id in 0..20 {
            assert_eq!(one_at_a_time::peek(id).await, Some(1), "the answer to {id} was computed and is kept");
        }
    })
    .await;
}

#[tokio::test]
async fn eight_at_a_time_is_eight_at_a_time_however_many_have_to_try_for_themselves() {
    in_world(async |source| {
        source.is_in(Mood::Fails);
        source.hold();
        let mut calls = join_all((0..40).map(|_| unshared(&source, 1)));
        for step in 0..40 {
            assert!(poll!(&mut calls).is_pending());
            settle().await;
            assert!(source.most_running() <= 8, "{} at a time at step {step}", source.most_running());
            advance(seconds(1));
            source.release_one();
            settle().await;
        }
        assert!(within_patience(calls).await.into_iter().all(|answer| answer == Err(Private)));
        assert_eq!(source.most_running(), 8);
    })
    .await;
}

#[tokio::test]
async fn what_cache_if_refuses_replaces_nothing_and_is_returned() {
    in_world(async |source| {
        assert_eq!(even(&source, 1).await, Ok(1));
        assert_eq!(even::peek(1).await, None);
        source.change();
        assert_eq!(even(&source, 1).await, Ok(2));
        settle().await;
        source.change();
        advance(seconds(100));
        assert_eq!(within_patience(even(&source, 1)).await, Ok(3));
        source.is_in(Mood::Fails);
        advance(seconds(10));
        assert_eq!(within_patience(even(&source, 1)).await, Ok(2), "the last one that was kept");
        even::put(1, 5).await;
        assert_eq!(even::peek(1).await, None, "what is put is refused too, and what it replaces is old");
    })
    .await;
}

#[tokio::test]
async fn an_answer_lives_as_long_as_it_asks_for_and_no_longer_than_ttl() {
    in_world(async |source| {
        for (version, life) in [(1, 10), (2, 20), (3, 30)] {
            assert_eq!(within_patience(asked_for(&source, 1)).await, Ok(version));
            settle().await;
            source.change();
            advance(seconds(life) - Duration::from_millis(1));
            assert_eq!(asked_for(&source, 1).await, Ok(version));
            advance(Duration::from_millis(1));
        }
        asked_for::put(2, 0).await;
        assert_eq!(asked_for::peek(2).await, None, "it asks for no life at all");
        asked_for::put(2, 50).await;
        advance(seconds(100));
        assert_eq!(asked_for::peek(2).await, None, "longer than `ttl`");
    })
    .await;
}

#[cached(layers = "mem,redis,disk", ttl = 100, jitter = 0.0, none_ttl = 5, skip(found))]
async fn perhaps(found: bool, id: u64) -> Option<u64> {
    found.then_some(id)
}

#[cached(layers = "mem,redis,disk", ttl = 100, jitter = 0.0, none_ttl = 0, skip(found))]
async fn never_none(found: bool, id: u64) -> Result<Option<u64>, Failure> {
    Ok(found.then_some(id))
}

#[tokio::test]
async fn none_is_kept_for_its_own_time() {
    in_world(async |_| {
        assert_eq!(perhaps(false, 1).await, None);
        settle().await;
        advance(Duration::from_millis(4_999));
        assert_eq!(perhaps(true, 1).await, None);
        advance(Duration::from_millis(1));
        assert_eq!(perhaps(true, 1).await, Some(1));
        settle().await;
        advance(seconds(99));
        assert_eq!(perhaps(false, 1).await, Some(1));
        assert_eq!(never_none(false, 1).await, Ok(None));
        assert_eq!(never_none(true, 1).await, Ok(Some(1)));
    })
    .await;
}

#[tokio::test]
async fn more_refreshes_than_a_process_may_run_are_dropped_and_counted() {
    in_world(async |source| {
        for id in 0..400 {
            stale(&source, id).await.unwrap();
        }
        settle().await;
        advance(seconds(100));
        source.hold();
        for id in 0..400 {
            assert_eq!(within_patience(stale(&source, id)).await, Ok(1));
        }
        settle().await;
        let stats = stale::stats();
        assert_eq!(stats.refreshes() + stats.dropped_refreshes(), 400, "{stats:?}");
        assert_eq!(u64::try_from(source.asked()).unwrap(), 400 + stats.refreshes());
        assert!(stats.refreshes() <= 256, "{stats:?}");
        source.release();
        eventually(|| source.running() == 0).await;
        // There is room again.
        assert_eq!(within_patience(stale(&source, 399)).await, Ok(1));
        settle().await;
        assert_eq!(stale::stats().refreshes(), stats.refreshes() + 1);
    })
    .await;
}

#[tokio::test]
async fn a_shutdown_drops_what_hangs_tells_it_and_leaves_the_rest_alone() {
    in_world(async |source| {
        for id in 0..3 {
            stale(&source, id).await.unwrap();
        }
        settle().await;
        advance(seconds(100));
        source.is_in(Mood::Hangs);
        for id in 0..3 {
            assert_eq!(within_patience(stale(&source, id)).await, Ok(1));
        }
        let mut waiting = Box::pin(stale(&source, 10));
        assert!(poll!(&mut waiting).is_pending());
        source.asked_by(7).await;
        let shutdown = hybrid_cache::shutdown(Duration::from_millis(100)).await;
        assert_eq!((shutdown.loads_dropped(), shutdown.is_complete()), (3, false), "{shutdown}");
        assert_eq!(source.running(), 1, "the one that somebody waits for");
        source.is_in(Mood::Answers);
        assert_eq!(within_patience(stale(&source, 1)).await, Ok(1));
        settle().await;
        assert_eq!(stale::stats().refreshes(), 3, "none is started any more");
        assert_eq!(within_patience(stale(&source, 20)).await, Ok(1));
    })
    .await;
}

static REFUSES: AtomicBool = AtomicBool::new(false);

fn panics_at_seven(answer: &u64) -> bool {
    assert!(*answer != 7 || !REFUSES.load(SeqCst), "as a bug in it would");
    true
}

#[cached(layers = "mem,redis,disk", ttl = 100, jitter = 0.0, cache_if = panics_at_seven, stale = 100)]
async fn checked(id: u64) -> u64 {
    yield_now().await;
    id
}

#[cached(layers = "mem", cache_if = panics_at_seven, inline)]
async fn checked_inline(id: u64) -> u64 {
    yield_now().await;
    id
}

#[tokio::test]
async fn a_check_that_panics_is_a_panic_of_its_call_and_poisons_nothing() {
    world()
        .enter(async {
            assert_eq!(checked(7).await, 7);
            settle().await;
            REFUSES.store(true, SeqCst);
            advance(seconds(100));
            assert_eq!(
                within_patience(checked(7)).await,
                7,
                "stale, and nobody sees the panic of the refresh"
            );
            settle().await;
            checked::invalidate(7).await;
            let calls = join_all((0..20).map(|_| AssertUnwindSafe(checked(7)).catch_unwind()));
            assert!(within_patience(calls).await.iter().all(Result::is_err));
            let calls = join_all((0..20).map(|_| AssertUnwindSafe(checked_inline(7)).catch_unwind()));
            assert!(within_patience(calls).await.iter().all(Result::is_err));
            assert!(AssertUnwindSafe(checked::put(7, 7)).catch_unwind().await.is_err());
            REFUSES.store(false, SeqCst);
            assert_eq!(within_patience(checked(7)).await, 7);
            assert_eq!(within_patience(checked_inline(7)).await, 7);
            assert_eq!((checked::peek(7).await, checked_inline::peek(7).await), (Some(7), Some(7)));
        })
        .await;
}

/// Uses its function while it is dropped, wherever that happens.
#[derive(Debug, Clone)]
struct Meddler(u64);

thread_local! {
    static DEPTH: Cell<usize> = const { Cell::new(0) };
}

impl Drop for Meddler {
    fn drop(&mut self) {
        if DEPTH.replace(DEPTH.get() + 1) < 3 {
            let _ = meddled::stats();
            let _ = meddled::peek(self.0).now_or_never();
            let _ = meddled::invalidate(self.0 + 2).now_or_never();
        }
        DEPTH.set(DEPTH.get() - 1);
    }
}

#[cached(layers = "mem", capacity = 5, ttl = 10, stale = 10)]
async fn meddled(id: u64) -> Meddler {
    if id == u64::MAX {
        pending::<()>().await;
    }
    Meddler(id)
}

#[test]
fn a_value_may_use_the_cache_while_it_is_dropped() {
    let (done, is_done) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(isolated(async {
            for id in 0..100 {
                drop(meddled(id).await);
                meddled::put(id, Meddler(id)).await;
                meddled::invalidate(id).await;
                drop(meddled(id).await);
                meddled::refresh(id).await;
                meddled::expire(id).await;
                drop(meddled(id).await);
                advance(seconds(7));
                settle().await;
            }
            meddled::invalidate_all().await;
        }));
        done.send(()).unwrap();
    });
    assert!(is_done.recv_timeout(super::source::PATIENCE).is_ok(), "it hangs on its own lock");
}

#[tokio::test]
async fn every_call_is_counted_once() {
    in_world(async |source| {
        assert_eq!(error_kept(&source, 1).await, Ok(1));
        assert_eq!(error_kept(&source, 1).await, Ok(1));
        assert_eq!(error_kept::stats().calls(), 2);
        source.is_in(Mood::Fails);
        for _ in 0..3 {
            assert!(error_kept(&source, 2).await.is_err());
        }
        assert_eq!(error_kept::stats().calls(), 5, "a kept error is an answer");
        let answers = within_patience(join_all((0..20).map(|_| unshared(&source, 1)))).await;
        assert!(answers.into_iter().all(|answer| answer == Err(Private)));
        let stats = unshared::stats();
        assert_eq!((stats.calls(), stats.loads(), stats.coalesced()), (20, 20, 0), "each loaded for itself");
    })
    .await;
}
