//! An invalidation, an expiry, a put, a refresh against everything that is under way (R1 to R5, R27).

use std::time::Duration;

use hybrid_cache::testing::{Store, World};

use super::source::{
    LAST_RESORT, STALE, Source, TTL, lasting, plain, settle, spawn_call, within_patience, world,
};

#[tokio::test]
async fn an_invalidation_during_a_load_is_not_undone_by_it() {
    for all in [false, true] {
        for function in plain() {
            let (world, source) = (world(), Source::new());
            let held = source.hold();
            let old = spawn_call(&world, &function, &source);
            source.asked_by(1).await;
            source.change();
            let forget = if all { (function.invalidate_all)() } else { (function.invalidate)(1) };
            world.enter(forget).await;
            source.flow();
            let new = world.enter((function.call)(&source, 1)).await;
            held.release();
            assert_eq!((old.await.unwrap(), new), (Ok(1), Ok(2)), "{}", function.layers);
            settle().await;
            let kept = world.enter((function.peek)(1)).await;
            assert_eq!(kept, Some(2), "{}", function.layers);
        }
    }
}

#[tokio::test]
async fn an_invalidation_during_a_refresh_behind_a_callers_back_is_not_undone_by_it() {
    for all in [false, true] {
        for function in lasting() {
            let (world, source) = (world(), Source::new());
            world.enter((function.call)(&source, 1)).await.unwrap();
            settle().await;
            world.advance(TTL);
            let held = source.hold();
            assert_eq!(world.enter((function.call)(&source, 1)).await, Ok(1));
            source.asked_by(2).await;
            source.change();
            let forget = if all { (function.invalidate_all)() } else { (function.invalidate)(1) };
            world.enter(forget).await;
            held.release();
            settle().await;
            assert_eq!(world.enter((function.peek)(1)).await, None, "{}", function.layers);
            source.flow();
            assert_eq!(world.enter((function.call)(&source, 1)).await, Ok(2), "{}", function.layers);
        }
    }
}

#[tokio::test]
async fn a_reader_between_two_removals_does_not_copy_the_old_answer_back() {
    for function in plain().into_iter().filter(|function| function.layers.contains(',')) {
        let (redis, disk) = (Store::new(), Store::new());
        let (world, source) = (World::new().redis(&redis).disk(&disk), Source::new());
        for round in 1..=20 {
            world.enter((function.call)(&source, 1)).await.unwrap();
            settle().await;
            // The layers take their time, so that readers come between any two steps.
            redis.delay(Duration::from_millis(1));
            disk.delay(Duration::from_millis(1));
            source.change();
            let forgetting = tokio::spawn({
                let (world, forget) = (world.clone(), (function.invalidate)(1));
                async move { world.enter(forget).await }
            });
            while !forgetting.is_finished() {
                world.enter((function.call)(&source, 1)).await.unwrap();
                tokio::task::yield_now().await;
            }
            redis.recover();
            disk.recover();
            let after = world.enter((function.call)(&source, 1)).await;
            assert_eq!(after, Ok(round + 1), "{} in round {round}", function.layers);
        }
    }
}

#[tokio::test]
async fn what_was_forgotten_is_not_brought_back_by_a_source_that_fails() {
    for function in lasting() {
        let (world, source) = (world(), Source::new());
        world.enter((function.call)(&source, 1)).await.unwrap();
        settle().await;
        source.fail(true);
        world.enter((function.invalidate)(1)).await;
        assert!(world.enter((function.call)(&source, 1)).await.is_err(), "{}", function.layers);
        world.advance(TTL);
        assert!(world.enter((function.call)(&source, 1)).await.is_err(), "{}", function.layers);
    }
}

#[tokio::test]
async fn what_was_expired_may_be_returned_while_the_source_fails_but_not_for_ever() {
    for function in lasting() {
        let (world, source) = (world(), Source::new());
        world.enter((function.call)(&source, 1)).await.unwrap();
        settle().await;
        source.fail(true);
        world.enter((function.expire)(1)).await;
        assert_eq!(world.enter((function.call)(&source, 1)).await, Ok(1), "{}", function.layers);
        settle().await;
        world.advance(STALE);
        assert_eq!(world.enter((function.call)(&source, 1)).await, Ok(1), "{}", function.layers);
        world.advance(LAST_RESORT.saturating_sub(STALE));
        assert!(world.enter((function.call)(&source, 1)).await.is_err(), "{}", function.layers);
    }
}

#[tokio::test]
async fn a_put_and_a_refresh_beat_a_load_that_began_before() {
    for refresh in [false, true] {
        for function in plain() {
            let (world, source) = (world(), Source::new());
            let held = source.hold();
            let old = spawn_call(&world, &function, &source);
            source.asked_by(1).await;
            source.change();
            source.flow();
            if refresh {
                assert_eq!(world.enter((function.refresh)(&source, 1)).await, Ok(2));
            } else {
                world.enter((function.put)(1, 2)).await;
            }
            held.release();
            assert_eq!(old.await.unwrap(), Ok(1));
            settle().await;
            let kept = world.enter((function.call)(&source, 1)).await;
            assert_eq!(kept, Ok(2), "{} refreshed: {refresh}", function.layers);
        }
    }
}

#[tokio::test]
async fn one_refresh_runs_however_many_callers_find_a_stale_answer() {
    for function in lasting() {
        let (world, source) = (world(), Source::new());
        world.enter((function.call)(&source, 1)).await.unwrap();
        settle().await;
        world.advance(TTL);
        source.change();
        let held = source.hold();
        let calls: Vec<_> = (0..100).map(|_| spawn_call(&world, &function, &source)).collect();
        for call in calls {
            assert_eq!(within_patience(call).await.unwrap(), Ok(1), "{}", function.layers);
        }
        assert_eq!(source.asked(), 2, "{}", function.layers);
        held.release();
        settle().await;
        assert_eq!(world.enter((function.call)(&source, 1)).await, Ok(2), "{}", function.layers);
        assert_eq!(world.enter(async { (function.stats)() }).await.refreshes(), 1);
    }
}
