//! Many calls at once, most of which go away.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::SeqCst},
};

use futures_util::{FutureExt, future::join_all};
use hybrid_cache::{
    cached,
    testing::{World, isolated},
};
use tokio::{runtime::Handle, task::yield_now};

use super::source::{Failure, Source, within_patience};

static ALIVE: AtomicUsize = AtomicUsize::new(0);

/// Counts how many there are.
#[derive(Debug)]
struct Counted;

impl Counted {
    fn new() -> Arc<Self> {
        ALIVE.fetch_add(1, SeqCst);
        Arc::new(Self)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        ALIVE.fetch_sub(1, SeqCst);
    }
}

#[cached(layers = "mem", capacity = 100)]
async fn counted(id: u64) -> Arc<Counted> {
    let _ = id;
    let counted = Counted::new();
    yield_now().await;
    counted
}

#[tokio::test]
async fn a_hundred_thousand_calls_that_are_cancelled_leave_nothing_behind() {
    let world = World::new();
    world
        .enter(async {
            for id in 0..100_000 {
                assert!(counted(id).now_or_never().is_none());
                if id % 1_000 == 0 {
                    yield_now().await;
                }
            }
        })
        .await;
    // Nobody stops the loads; they end by themselves.
    let tasks = Handle::current().metrics();
    within_patience(async {
        while tasks.num_alive_tasks() > 0 {
            yield_now().await;
        }
    })
    .await;
    world.advance(std::time::Duration::ZERO);
    assert!(ALIVE.load(SeqCst) <= 200, "{} answers are alive, for a capacity of 100", ALIVE.load(SeqCst));
    assert_eq!(world.enter(async { counted::stats().loads() }).await, 100_000);
    drop(world);
    assert_eq!(ALIVE.load(SeqCst), 0, "what a world held goes with it");
}

#[cached(layers = "mem", skip(source), max_loads = 4)]
async fn bounded(source: &Arc<Source>, id: u64) -> Result<u64, Failure> {
    // One more place within the same function, and one within another.
    if id < 10 {
        Ok(source.read().await? + Box::pin(bounded(source, id + 10)).await?)
    } else {
        inner(source, id).await
    }
}

#[cached(layers = "mem", skip(source), max_loads = 2)]
async fn inner(source: &Arc<Source>, id: u64) -> Result<u64, Failure> {
    let _ = id;
    source.read().await
}

#[tokio::test]
async fn bodies_that_need_bodies_get_their_turn() {
    let source = Source::new();
    isolated(async {
        let answers = within_patience(join_all((0..200).map(|n| bounded(&source, n % 10)))).await;
        assert!(answers.into_iter().all(|answer| answer == Ok(2)));
    })
    .await;
}

#[cached(layers = "mem", skip(source), max_loads = 3)]
async fn few_at_once(source: &Arc<Source>, id: u64) -> Result<u64, Failure> {
    let _ = id;
    source.read().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_more_bodies_run_than_are_allowed_and_callers_that_go_away_give_their_turn_back() {
    let (world, source) = (World::new(), Source::new());
    let calls: Vec<_> = (0..200)
        .map(|id| {
            let (world, source) = (world.clone(), Arc::clone(&source));
            tokio::spawn(async move { world.enter(few_at_once(&source, id)).await })
        })
        .collect();
    for (n, call) in calls.into_iter().enumerate() {
        if n % 2 == 0 {
            call.abort();
        } else {
            assert_eq!(within_patience(call).await.unwrap(), Ok(1));
        }
    }
    assert!(source.most_running() <= 3, "{} at once", source.most_running());
}

#[cached(layers = "mem", ttl = 3600)]
async fn of_one_test(id: u64) -> u64 {
    id
}

#[test]
fn fifty_tests_side_by_side_do_not_see_each_other() {
    std::thread::scope(|scope| {
        for test in 0..50_u64 {
            scope.spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
                runtime.block_on(isolated(async {
                    assert_eq!(of_one_test::peek(7).await, None);
                    of_one_test::put(7, test).await;
                    for _ in 0..20 {
                        assert_eq!(of_one_test(7).await, test);
                        yield_now().await;
                    }
                    assert_eq!((of_one_test::stats().memory_hits(), of_one_test::stats().loads()), (20, 0));
                    hybrid_cache::testing::advance(std::time::Duration::from_hours(1));
                    assert_eq!(of_one_test(7).await, 7);
                }));
            });
        }
    });
    assert_eq!(of_one_test::stats().calls(), 0, "nothing of it is seen outside");
}
