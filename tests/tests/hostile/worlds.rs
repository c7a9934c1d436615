//! Worlds for tests: side by side, one in another, in trouble, and gone without a trace.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering::SeqCst},
    },
    thread,
    time::{Duration, Instant},
};

use futures_util::{FutureExt, future::join_all};
use hybrid_cache::{
    LayerKind, cached, flush,
    testing::{Store, World, advance, isolated},
};
use tokio::{
    runtime::{Builder, Runtime},
    task::yield_now,
};
use tracing::{Instrument, Level, Span};

use super::{
    own_process::alone,
    source::{Failure, Mood, Source, eventually, settle, within_patience},
};

const HOUR: Duration = Duration::from_hours(1);

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

#[cached(layers = "mem,redis,disk", ttl = 3_600, jitter = 0.0, stale = 3_600, skip(source))]
async fn answer(source: &Arc<Source>, id: u64) -> Result<u64, Failure> {
    let _ = id;
    source.read().await
}

#[test]
fn fifty_tests_of_one_function_at_the_same_time_see_nothing_of_each_other() {
    alone(|| {
        thread::scope(|scope| {
            for test in 0..50_u64 {
                scope.spawn(move || {
                    let (store, source) = (Store::new(), Source::new());
                    let world = if test % 2 == 0 { World::new() } else { World::new().redis(&store) };
                    let here = async {
                        for _ in 0..test {
                            source.change();
                        }
                        assert_eq!(answer(&source, 1).await, Ok(test + 1));
                        for round in 0..20 {
                            yield_now().await;
                            assert_eq!(answer(&source, 1).await, Ok(test + 1), "in round {round}");
                        }
                        advance(HOUR * u32::try_from(test % 3).unwrap());
                        let freshness = (answer(&source, 1).await, answer::stats().stale_answers());
                        match test % 3 {
                            0 => assert_eq!(freshness, (Ok(test + 1), 0)),
                            1 => assert_eq!(freshness, (Ok(test + 1), 1)),
                            _ => assert_eq!((freshness, source.asked()), ((Ok(test + 1), 0), 2)),
                        }
                        answer::invalidate_all().await;
                        assert_eq!(answer::peek(1).await, None);
                        assert!(answer::stats().calls() == 22 && hybrid_cache::stats() == answer::stats());
                    };
                    runtime().block_on(world.enter(here));
                });
            }
        });
        assert_eq!((answer::stats().calls(), hybrid_cache::stats().calls()), (0, 0), "the process itself");
    });
}

#[cached(layers = "mem")]
async fn outer_function(id: u64) -> u64 {
    yield_now().await;
    inner_function(id).await + 1
}

#[cached(layers = "mem")]
async fn inner_function(id: u64) -> u64 {
    yield_now().await;
    id
}

#[tokio::test]
async fn what_a_load_calls_is_in_the_world_of_the_call() {
    let world = World::new();
    world.enter(async { assert_eq!(outer_function(1).await, 2) }).await;
    // Also where the caller has gone away before the load began.
    assert!(world.enter(outer_function(2)).now_or_never().is_none());
    settle().await;
    world
        .enter(async {
            assert_eq!((outer_function::stats().loads(), inner_function::stats().loads()), (2, 2));
            assert_eq!((inner_function::peek(1).await, inner_function::peek(2).await), (Some(1), Some(2)));
        })
        .await;
    assert_eq!((inner_function::peek(1).await, inner_function::stats().loads()), (None, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tasks_that_enter_a_world_are_in_it_and_others_are_not() {
    #[cached(layers = "mem")]
    async fn here(id: u64) -> u64 {
        yield_now().await;
        id
    }
    let world = World::new();
    let tasks = (0..50).map(|_| {
        let world = world.clone();
        tokio::spawn(async move { world.enter(here(1)).await })
    });
    for task in join_all(tasks).await {
        assert_eq!(task.unwrap(), 1);
    }
    assert_eq!(tokio::spawn(here(2)).await.unwrap(), 2);
    world
        .enter(async {
            assert_eq!((here::stats().calls(), here::peek(2).await), (50, None));
            // A world in a world is another one, and what comes after it is in the first one again.
            isolated(async { assert_eq!(here::peek(1).await, None) }).await;
            assert_eq!(here::peek(1).await, Some(1));
        })
        .await;
    assert_eq!((here::stats().calls(), here::peek(1).await), (1, None));
}

#[tokio::test]
async fn the_time_of_a_world_is_its_own() {
    let (one, two, source) = (World::new(), World::new(), Source::new());
    for world in [&one, &two] {
        assert_eq!(world.enter(answer(&source, 1)).await, Ok(1));
    }
    one.advance(2 * HOUR);
    assert_eq!(one.enter(answer::peek(1)).await, None);
    assert_eq!(two.enter(answer::peek(1)).await, Some(1));
    one.enter(async { advance(HOUR) }).await;
    assert_eq!(two.enter(answer::peek(1)).await, Some(1));
}

static ALIVE: AtomicI64 = AtomicI64::new(0);

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

#[cached(layers = "mem", stale = 100, err_ttl = 10, capacity = 10_000)]
async fn counted(id: u64) -> Result<Arc<Counted>, Arc<Counted>> {
    let counted = Counted::new();
    yield_now().await;
    if id.is_multiple_of(10) { Err(counted) } else { Ok(counted) }
}

/// How much memory this process has in use, in bytes.
fn memory_in_use() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    pages.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

#[test]
fn nothing_is_left_of_a_thousand_worlds() {
    alone(|| {
        runtime().block_on(async {
            let mut before = 0;
            for round in 0..1_000 {
                if round == 500 {
                    before = memory_in_use();
                }
                let world = World::new().redis(&Store::new()).disk(&Store::new());
                world
                    .enter(async {
                        let answers = join_all((0..50).map(counted)).await;
                        assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 45);
                        advance(Duration::from_secs(310));
                        let _ = counted(1).await;
                        // Cancelled.
                        assert!(counted(100).now_or_never().is_none());
                    })
                    .await;
                settle().await;
                assert!(ALIVE.load(SeqCst) >= 45, "{}", ALIVE.load(SeqCst));
                drop(world);
                eventually(|| ALIVE.load(SeqCst) == 0).await;
            }
            let growth = memory_in_use().saturating_sub(before);
            assert!(growth < 4 << 20, "{growth} bytes more are in use after 500 more worlds");
            assert_eq!(hybrid_cache::stats().calls(), 0);
            assert!(counted::peek(1).await.is_none());
        })
    });
}

#[tokio::test]
async fn a_world_lives_as_long_as_a_task_is_in_it() {
    let (world, source) = (World::new(), Source::new());
    source.hold();
    let call = tokio::spawn({
        let (world, source) = (world.clone(), Arc::clone(&source));
        async move {
            world
                .enter(async {
                    let first = answer(&source, 1).await;
                    (first, answer(&source, 1).await, answer::stats().loads())
                })
                .await
        }
    });
    source.asked_by(1).await;
    drop(world);
    source.change();
    source.release();
    assert_eq!(within_patience(call).await.unwrap(), (Ok(1), Ok(1), 1));
}

#[tokio::test]
async fn a_store_that_fails_costs_no_call_its_answer_and_is_counted() {
    let (redis, disk, source) = (Store::new(), Store::new(), Source::new());
    World::new()
        .redis(&redis)
        .disk(&disk)
        .enter(async {
            redis.fail();
            assert_eq!(answer(&source, 1).await, Ok(1));
            flush().await;
            assert_eq!((answer::stats().redis_failures(), answer::stats().disk_failures()), (1, 0));
            let invalidated = answer::invalidate(1).await;
            assert!(!invalidated.is_done() && invalidated.clone().strict().is_err(), "{invalidated:?}");
            redis.recover();
            assert!(answer::invalidate(1).await.is_done());
            assert_eq!(answer(&source, 1).await, Ok(1));
            flush().await;
        })
        .await;
    // Another process, as it were: the same stores, an empty memory.
    World::new()
        .redis(&redis)
        .disk(&disk)
        .enter(async {
            assert_eq!((answer(&source, 1).await, answer::stats().redis_hits()), (Ok(1), 1));
            redis.clear();
        })
        .await;
    World::new()
        .disk(&disk)
        .enter(async { assert_eq!((answer(&source, 1).await, answer::stats().disk_hits()), (Ok(1), 1)) })
        .await;
    assert_eq!(source.asked(), 2);
}

#[tokio::test]
async fn a_store_that_hangs_costs_a_call_its_budget_and_no_more() {
    let (disk, source) = (Store::new(), Source::new());
    disk.hang();
    let started = Instant::now();
    let world = World::new().disk(&disk);
    let answers = within_patience(join_all((0..50).map(|id| world.enter(answer(&source, id))))).await;
    assert!(answers.into_iter().all(|answer| answer == Ok(1)));
    // 50 ms for the reads of all; and copies go to no layer that did not answer.
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
    disk.recover();
    disk.delay(Duration::from_millis(5));
    let before = disk.operations();
    assert_eq!(within_patience(world.enter(answer(&source, 100))).await, Ok(1));
    within_patience(world.enter(flush())).await;
    assert!(disk.operations() >= before + 2);
    let restarted = World::new().disk(&disk);
    assert_eq!(within_patience(restarted.enter(answer::peek(100))).await, Some(1));
    assert!(world.enter(async { answer::stats().disk_failures() }).await >= 50);
}

#[tokio::test]
async fn an_invalidation_that_a_store_did_not_hear_of_is_told() {
    let (redis, disk) = (Store::new(), Store::new());
    let world = World::new().redis(&redis).disk(&disk);
    disk.fail();
    let invalidated = world.enter(answer::invalidate(1)).await;
    let error = invalidated.strict().unwrap_err();
    assert_eq!(error.layer(), LayerKind::Disk);
    redis.hang();
    let invalidated = within_patience(world.enter(answer::invalidate_all())).await;
    assert_eq!(invalidated.strict().unwrap_err().layer(), LayerKind::Redis);
}

#[cached(layers = "mem", stale = 100, skip(seen))]
async fn in_span(seen: &Arc<std::sync::Mutex<Vec<Option<tracing::Id>>>>, id: u64) -> u64 {
    yield_now().await;
    seen.lock().unwrap().push(Span::current().id());
    id
}

#[test]
fn a_load_and_a_refresh_are_in_the_span_of_their_call() {
    let subscriber = tracing_subscriber::fmt().with_writer(std::io::sink).finish();
    let _subscribed = tracing::subscriber::set_default(subscriber);
    let seen = Arc::default();
    runtime().block_on(isolated(async {
        let (load, refresh) = (tracing::span!(Level::INFO, "load"), tracing::span!(Level::INFO, "refresh"));
        in_span(&seen, 1).instrument(load.clone()).await;
        advance(Duration::from_secs(310));
        in_span(&seen, 1).instrument(refresh.clone()).await;
        settle().await;
        assert_eq!(*seen.lock().unwrap(), [load.id(), refresh.id()]);
        assert!(load.id().is_some());
    }));
}

#[tokio::test]
async fn a_test_that_fails_in_a_world_leaves_no_world_behind() {
    let (world, source) = (World::new(), Source::new());
    source.is_in(Mood::Panics);
    let failed = {
        let (world, source) = (world.clone(), Arc::clone(&source));
        tokio::spawn(async move { world.enter(answer(&source, 1)).await })
    };
    assert!(failed.await.unwrap_err().is_panic());
    source.is_in(Mood::Answers);
    assert_eq!(world.enter(answer(&source, 1)).await, Ok(1));
    assert_eq!(answer::peek(1).await, None, "and this task is in none");
}

#[test]
fn the_second_function_of_a_name_is_counted_like_the_first() {
    #[cached(layers = "mem", name = "double", ttl = 60)]
    async fn double(id: u64) -> u64 {
        2 * id
    }
    #[cached(layers = "mem", name = "double", ttl = 60)]
    async fn twice(id: u64) -> String {
        (2 * id).to_string()
    }

    runtime().block_on(isolated(async {
        assert_eq!((double(2).await, twice(2).await, twice(2).await), (4, "4".to_owned(), "4".to_owned()));
        let all = hybrid_cache::stats();
        assert_eq!((all.calls(), all.loads(), all.memory_hits()), (3, 2, 1));
    }));
}
