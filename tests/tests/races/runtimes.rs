//! Statics outlive the runtimes of tests: what a runtime took along with it is replaced.

use std::{sync::Arc, time::Duration};

use futures_util::poll;
use hybrid_cache::{cached, testing::World};
use tokio::{
    runtime::{Builder, Runtime},
    task::LocalSet,
};

use super::source::{Failure, STALE, Source, TTL, lasting, plain, settle, within_patience, world};

fn runtimes() -> [Runtime; 3] {
    [
        Builder::new_current_thread().enable_all().build().unwrap(),
        Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap(),
        // Neither timers nor sockets.
        Builder::new_current_thread().build().unwrap(),
    ]
}

fn patient_runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

#[test]
fn a_load_whose_runtime_went_away_is_replaced() {
    for function in plain() {
        for runtime in runtimes() {
            let (world, source) = (world(), Source::new());
            let _held = source.hold();
            runtime.block_on(async {
                let mut call = Box::pin(world.enter((function.call)(&source, 1)));
                assert!(poll!(&mut call).is_pending());
                source.asked_by(1).await;
            });
            source.flow();
            drop(runtime);
            let answer =
                patient_runtime().block_on(within_patience(world.enter((function.call)(&source, 1))));
            assert_eq!((answer, source.running()), (Ok(1), 0), "{}", function.layers);
        }
    }
}

#[test]
fn who_waits_in_another_runtime_for_a_load_whose_runtime_goes_away_loads() {
    for function in plain() {
        let (world, source) = (world(), Source::new());
        let first = patient_runtime();
        let held = source.hold();
        first.block_on(async {
            let mut call = Box::pin(world.enter((function.call)(&source, 1)));
            assert!(poll!(&mut call).is_pending());
            source.asked_by(1).await;
        });
        patient_runtime().block_on(async {
            let mut waiting = Box::pin(world.enter((function.call)(&source, 1)));
            assert!(poll!(&mut waiting).is_pending());
            source.flow();
            drop(held);
            tokio::task::spawn_blocking(|| drop(first)).await.unwrap();
            assert_eq!(within_patience(waiting).await, Ok(1), "{}", function.layers);
        });
    }
}

#[test]
fn a_refresh_whose_runtime_went_away_is_replaced() {
    for function in lasting() {
        let (world, source) = (world(), Source::new());
        patient_runtime().block_on(async {
            world.enter((function.call)(&source, 1)).await.unwrap();
            settle().await;
        });
        world.advance(TTL);
        source.change();
        let _held = source.hold();
        patient_runtime().block_on(async {
            assert_eq!(world.enter((function.call)(&source, 1)).await, Ok(1));
            source.asked_by(2).await;
        });
        assert_eq!(source.running(), 0, "it went with its runtime");
        source.flow();
        patient_runtime().block_on(async {
            assert_eq!(within_patience(world.enter((function.call)(&source, 1))).await, Ok(1));
            settle().await;
            let answer = world.enter((function.call)(&source, 1)).await;
            assert_eq!(answer, Ok(2), "{}", function.layers);
        });
    }
}

#[cached(layers = "mem", ttl = 100, jitter = 0.0, stale = 50, refresh_ahead = 0.5, skip(source))]
async fn outside(source: &Arc<Source>, id: u64) -> Result<u64, Failure> {
    let _ = id;
    source.read().await
}

#[test]
fn outside_of_tokio_answers_are_loaded_in_place_and_none_is_returned_for_ever() {
    use futures_util::FutureExt;
    let (world, source) = (World::new(), Source::new());
    let call = || world.enter(outside(&source, 1)).now_or_never().expect("nothing to wait for");
    assert_eq!((call(), call()), (Ok(1), Ok(1)));
    source.change();
    world.advance(TTL / 2);
    assert_eq!(call(), Ok(1), "due, but there is nowhere to refresh it");
    world.advance(TTL / 2);
    assert_eq!(call(), Ok(2), "past its life, and there is nowhere to refresh it");
    world.advance(TTL + STALE);
    assert_eq!(call(), Ok(2));
    assert_eq!(source.asked(), 3);
    assert!(world.enter(outside::invalidate(1)).now_or_never().expect("nothing to wait for").is_done());
}

#[cached(layers = "mem", inline, skip(source))]
async fn local(source: &std::rc::Rc<std::cell::Cell<u64>>, id: u64) -> u64 {
    tokio::task::yield_now().await;
    source.set(source.get() + 1);
    id
}

#[test]
fn a_body_that_stays_in_its_thread_is_shared_there() {
    let world = World::new();
    let asked = std::rc::Rc::new(std::cell::Cell::new(0));
    let tasks = LocalSet::new();
    patient_runtime().block_on(tasks.run_until(async {
        let calls: Vec<_> = (0..20)
            .map(|_| {
                let (world, asked) = (world.clone(), std::rc::Rc::clone(&asked));
                tokio::task::spawn_local(async move { world.enter(local(&asked, 1)).await })
            })
            .collect();
        for call in calls {
            assert_eq!(within_patience(call).await.unwrap(), 1);
        }
    }));
    assert_eq!(asked.get(), 1);
}

#[test]
fn what_the_end_of_a_world_cost_is_told() {
    let source = Source::new();
    patient_runtime().block_on(async {
        for function in lasting() {
            let world = world();
            world.enter((function.call)(&source, 1)).await.unwrap();
            settle().await;
            world.advance(TTL);
            let held = source.hold();
            assert!(world.enter((function.call)(&source, 1)).await.is_ok());
            let shutdown = world.enter(hybrid_cache::shutdown(Duration::from_millis(200))).await;
            assert_eq!((shutdown.loads_dropped(), shutdown.copies_dropped()), (1, 0), "{}", function.layers);
            assert!(shutdown.to_string().starts_with("1 loads"), "{shutdown}");
            assert_eq!(source.running(), 0);
            held.release();
            source.flow();
        }
    });
}
