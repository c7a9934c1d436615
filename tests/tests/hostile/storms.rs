//! Calls by the thousand that go away, fail, panic or hang.

use std::{
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use futures_util::{
    FutureExt,
    future::{BoxFuture, join, join_all},
    poll,
};
use hybrid_cache::{
    cached, flush,
    testing::{World, advance, isolated},
};
use tokio::{
    runtime::{Builder, Handle, Runtime},
    task::yield_now,
};

use super::{
    own_process::{alone, with_stores},
    source::{Failure, Mood, Private, Source, eventually, settle, within_patience},
};

const SECOND: Duration = Duration::from_secs(1);

/// A third of a storm.
const CALLS: u64 = 34_000;

/// How many loads go on although nobody waits for them.
const LEFT_ALONE: usize = 256;

/// What moka, tokio and the allocator may still add to what they keep to use again. An entry of a table per call is several
/// times as much.
const SLACK: usize = 3 << 20;

/// How much memory this process has in use, in bytes.
fn memory_in_use() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    pages.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

/// Runs a storm and sees that its last third costs no more memory: the others may fill what is filled once.
async fn leaves_nothing_behind(mut third: impl AsyncFnMut(u64)) {
    third(0).await;
    third(1).await;
    let before = memory_in_use();
    third(2).await;
    let growth = memory_in_use().saturating_sub(before);
    assert!(growth < SLACK, "{growth} bytes more are in use after the last third");
}

fn no_task_is_left() -> bool {
    tasks() == 0
}

fn tasks() -> usize {
    Handle::current().metrics().num_alive_tasks()
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

#[cached(layers = "mem", capacity = 10, skip(source), wait = "5s")]
async fn cancelled(source: &Arc<Source>, id: u64) -> Result<u64, Failure> {
    let _ = id;
    source.read().await
}

#[test]
fn a_hundred_thousand_cancelled_calls_of_a_body_that_hangs_leave_nothing_behind() {
    alone(|| {
        runtime().block_on(async {
            let source = Source::new();
            source.is_in(Mood::Hangs);
            leaves_nothing_behind(async |third| {
                for piece in 0..10 {
                    let first = third * CALLS + piece * CALLS / 10;
                    for id in first..first + CALLS / 10 {
                        assert!(cancelled(&source, id).now_or_never().is_none());
                    }
                    eventually(|| tasks() == LEFT_ALONE).await;
                    assert_eq!(source.running(), LEFT_ALONE);
                    advance(6 * SECOND);
                    eventually(no_task_is_left).await;
                    assert_eq!(source.running(), 0);
                }
            })
            .await;
            assert_eq!(cancelled::stats().loads(), 30 * LEFT_ALONE as u64);
        })
    });
}

#[test]
fn a_hundred_thousand_cancelled_calls_of_a_body_that_ends_leave_nothing_behind() {
    alone(|| {
        runtime().block_on(async {
            let source = Source::new();
            // What fails is not kept, so all that could stay is what was there for its load.
            source.is_in(Mood::Fails);
            leaves_nothing_behind(async |third| {
                for id in 0..CALLS {
                    assert!(cancelled(&source, third * CALLS + id).now_or_never().is_none());
                    // Their tasks, and not only the bodies, which may not have begun: else there are as many tasks as calls at
                    // the same time, and what the allocator keeps of their memory differs from third to third.
                    if id % 100 == 0 {
                        eventually(no_task_is_left).await;
                    }
                }
                eventually(no_task_is_left).await;
            })
            .await;
            assert_eq!(cancelled::stats().loads(), 102_000);
        })
    });
}

#[cached(layers = "mem", capacity = 10, skip(source), inline)]
async fn cancelled_inline(source: &Source, id: u64) -> Result<u64, Failure> {
    let _ = id;
    source.read().await
}

#[test]
fn a_hundred_thousand_cancelled_inline_calls_leave_nothing_behind() {
    alone(|| {
        runtime().block_on(async {
            let source = Source::new();
            source.is_in(Mood::Hangs);
            leaves_nothing_behind(async |third| {
                for id in 0..CALLS {
                    assert!(cancelled_inline(&source, third * CALLS + id).now_or_never().is_none());
                }
            })
            .await;
            assert_eq!((source.asked(), source.running()), (102_000, 0));
        })
    });
}

/// However long the machine takes for so many calls, they wait for one load.
#[cached(layers = "mem", capacity = 10, skip(source), wait = "1h")]
async fn waited_for(source: &Arc<Source>) -> Result<u64, Failure> {
    source.read().await
}

#[test]
fn a_hundred_thousand_cancelled_waits_for_one_load_leave_nothing_behind() {
    alone(|| {
        runtime().block_on(async {
            let source = Source::new();
            source.hold();
            let mut leader = Box::pin(waited_for(&source));
            assert!(poll!(&mut leader).is_pending());
            leaves_nothing_behind(async |_| {
                for _ in 0..CALLS {
                    assert!(waited_for(&source).now_or_never().is_none());
                }
            })
            .await;
            source.release();
            assert_eq!(within_patience(leader).await, Ok(1));
            assert_eq!(source.asked(), 1);
        })
    });
}

#[cached(layers = "mem", capacity = 10, skip(source), max_loads = 1, wait = "5s")]
async fn cancelled_in_the_queue(source: &Arc<Source>, id: u64) -> Result<u64, Failure> {
    let _ = id;
    source.read().await
}

#[test]
fn cancelled_calls_that_waited_for_their_turn_leave_nothing_behind() {
    alone(|| {
        runtime().block_on(async {
            let source = Source::new();
            leaves_nothing_behind(async |third| {
                source.hold();
                for id in 0..5_000 {
                    assert!(cancelled_in_the_queue(&source, third * CALLS + id).now_or_never().is_none());
                }
                eventually(|| tasks() == LEFT_ALONE).await;
                assert_eq!(source.running(), 1);
                source.release();
                eventually(no_task_is_left).await;
            })
            .await;
            assert_eq!((source.asked(), source.most_running()), (3 * LEFT_ALONE, 1));
        })
    });
}

#[cached(layers = "mem,redis,disk", capacity = 10, skip(source))]
async fn cancelled_with_stores(source: &Arc<Source>, id: u64) -> Result<u64, Failure> {
    let _ = id;
    source.read().await
}

#[test]
fn cancelled_calls_in_front_of_real_stores_leave_nothing_behind() {
    with_stores(|| {
        runtime().block_on(async {
            let source = Source::new();
            source.is_in(Mood::Fails);
            // A few tasks belong to the connection.
            let done = || tasks() < 5;
            leaves_nothing_behind(async |third| {
                for id in 0..5_000 {
                    assert!(cancelled_with_stores(&source, third * CALLS + id).now_or_never().is_none());
                    if id % 100 == 0 {
                        eventually(done).await;
                    }
                }
                eventually(done).await;
                flush().await;
            })
            .await;
            assert_eq!(source.asked(), 15_000);
        })
    });
}

#[cached(layers = "mem", skip(source))]
async fn shared(source: &Arc<Source>, id: u64) -> Result<u64, Failure> {
    let _ = id;
    source.read().await
}

#[cached(layers = "mem", skip(source), inline)]
async fn shared_inline(source: &Source, id: u64) -> Result<u64, Failure> {
    let _ = id;
    source.read().await
}

#[cached(layers = "mem", skip(source))]
async fn unshared(source: &Arc<Source>, id: u64) -> Result<u64, Private> {
    let _ = id;
    source.read().await.map_err(|_| Private)
}

#[cached(layers = "mem", skip(source), inline)]
async fn unshared_inline(source: &Source, id: u64) -> Result<u64, Private> {
    let _ = id;
    source.read().await.map_err(|_| Private)
}

#[tokio::test]
async fn a_thousand_callers_of_a_source_that_fails_ask_it_once_where_the_error_can_be_cloned() {
    isolated(async {
        for inline in [false, true] {
            let source = Source::new();
            source.is_in(Mood::Fails);
            let call = || -> BoxFuture<'_, _> {
                if inline { shared_inline(&source, 1).boxed() } else { shared(&source, 1).boxed() }
            };
            let answers = within_patience(join_all((0..1_000).map(|_| call()))).await;
            assert!(answers.into_iter().all(|answer| answer == Err(Failure::Down)));
            assert_eq!(source.asked(), 1, "inline: {inline}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_thousand_callers_of_a_source_that_fails_ask_it_at_most_eight_at_a_time_where_it_cannot() {
    isolated(async {
        for inline in [false, true] {
            let source = Source::new();
            source.is_in(Mood::Fails);
            let call = || -> BoxFuture<'_, _> {
                if inline { unshared_inline(&source, 1).boxed() } else { unshared(&source, 1).boxed() }
            };
            let answers = within_patience(join_all((0..1_000).map(|_| call()))).await;
            assert!(answers.into_iter().all(|answer| answer == Err(Private)));
            assert_eq!((source.asked(), source.most_running()), (1_000, 8), "inline: {inline}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_of_a_source_that_fails_and_go_away_in_the_queue_do_not_stop_the_others() {
    let (world, source) = (World::new(), Source::new());
    source.is_in(Mood::Fails);
    source.hold();
    let calls: Vec<_> = (0..1_000)
        .map(|_| {
            let (world, source) = (world.clone(), Arc::clone(&source));
            tokio::spawn(async move { world.enter(unshared(&source, 1)).await })
        })
        .collect();
    source.asked_by(1).await;
    source.release();
    for (n, call) in calls.into_iter().enumerate() {
        if n % 3 == 0 {
            call.abort();
        } else {
            assert_eq!(within_patience(call).await.unwrap(), Err(Private));
        }
    }
    assert!(source.most_running() <= 8, "{} at once", source.most_running());
}

#[tokio::test]
async fn where_every_body_panics_every_caller_gets_a_panic_and_nobody_hangs() {
    isolated(async {
        let source = Source::new();
        source.is_in(Mood::Panics);
        let calls = (0..50).map(|_| AssertUnwindSafe(shared(&source, 1)).catch_unwind());
        let answers = within_patience(join_all(calls)).await;
        assert!(answers.iter().all(Result::is_err));
        assert_eq!((source.asked(), source.running()), (50, 0));
        source.is_in(Mood::Answers);
        assert_eq!(shared(&source, 1).await, Ok(1));
    })
    .await;
}

#[cached(layers = "mem", skip(source), wait = "5s")]
async fn awaited(source: &Arc<Source>, id: u64) -> Result<u64, Failure> {
    let _ = id;
    source.read().await
}

#[tokio::test]
async fn a_body_that_hangs_costs_fifty_callers_one_wait_and_one_more_load() {
    isolated(async {
        let source = Source::new();
        source.is_in(Mood::Hangs);
        let mut hung = Box::pin(awaited(&source, 1));
        assert!(poll!(&mut hung).is_pending());
        source.asked_by(1).await;
        source.is_in(Mood::Answers);
        let others = join_all((0..50).map(|_| awaited(&source, 1)));
        let time = async {
            settle().await;
            assert_eq!(source.asked(), 1);
            advance(6 * SECOND);
        };
        let (answers, ()) = within_patience(join(others, time)).await;
        assert!(answers.into_iter().all(|answer| answer == Ok(1)));
        assert_eq!((source.asked(), source.running()), (2, 1));
        drop(hung);
        eventually(|| source.running() == 0).await;
    })
    .await;
}

#[tokio::test]
async fn while_every_body_hangs_one_of_them_is_added_per_wait() {
    isolated(async {
        let source = Source::new();
        source.is_in(Mood::Hangs);
        let mut calls: Vec<_> = (0..50).map(|_| Box::pin(awaited(&source, 1))).collect();
        for round in 1..=10 {
            for call in &mut calls {
                assert!(poll!(call).is_pending());
            }
            settle().await;
            assert_eq!(source.asked(), round);
            advance(6 * SECOND);
        }
        source.is_in(Mood::Answers);
        // Those whose own bodies hang wait on; the others have an answer.
        let mut answered = 0;
        for call in &mut calls {
            let _ = poll!(call);
        }
        settle().await;
        for call in &mut calls {
            answered += usize::from(poll!(call) == std::task::Poll::Ready(Ok(1)));
        }
        assert_eq!(answered, 40);
        drop(calls);
        eventually(|| source.running() == 0).await;
    })
    .await;
}

/// Whose body runs.
static LEADER: AtomicUsize = AtomicUsize::new(0);
const SURVIVOR: usize = 500;

#[cached(layers = "mem", skip(caller), inline)]
async fn led_by(caller: usize, id: u64) -> u64 {
    LEADER.store(caller, SeqCst);
    if caller != SURVIVOR {
        std::future::pending::<()>().await;
    }
    id
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_waits_gets_an_answer_however_many_inline_leaders_are_aborted() {
    let world = World::new();
    let spawn = |caller| {
        let world = world.clone();
        tokio::spawn(async move { world.enter(led_by(caller, 7)).await })
    };
    for _ in 0..5 {
        LEADER.store(usize::MAX, SeqCst);
        let mut calls: Vec<_> = (0..SURVIVOR).map(spawn).collect();
        eventually(|| LEADER.load(SeqCst) != usize::MAX).await;
        calls.push(spawn(SURVIVOR));
        while !calls[SURVIVOR].is_finished() {
            if let Some(call) = calls.get(LEADER.load(SeqCst)).filter(|call| !call.is_finished()) {
                call.abort();
            }
            yield_now().await;
        }
        for call in calls {
            if let Ok(answer) = within_patience(call).await {
                assert_eq!(answer, 7);
            }
        }
        world.enter(led_by::invalidate(7)).await;
    }
}

static MOST: [AtomicUsize; 2] = [const { AtomicUsize::new(0) }; 2];
static NOW: [AtomicUsize; 2] = [const { AtomicUsize::new(0) }; 2];

/// One of those who run, in one of two functions.
struct Counted(usize);

impl Counted {
    fn new(which: usize) -> Self {
        MOST[which].fetch_max(NOW[which].fetch_add(1, SeqCst) + 1, SeqCst);
        Self(which)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        NOW[self.0].fetch_sub(1, SeqCst);
    }
}

#[cached(layers = "mem", max_loads = 3)]
async fn outer(id: u64) -> u64 {
    let _counted = Counted::new(0);
    yield_now().await;
    inner(id).await + inner(id / 2).await
}

#[cached(layers = "mem", max_loads = 2)]
async fn inner(id: u64) -> u64 {
    let _counted = Counted::new(1);
    yield_now().await;
    id
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_callers_of_a_bounded_function_that_needs_another_one_get_their_turns() {
    let world = World::new();
    let calls: Vec<_> = (0..200)
        .map(|id| {
            let world = world.clone();
            tokio::spawn(async move { world.enter(outer(id)).await })
        })
        .collect();
    for (id, call) in (0..).zip(calls) {
        assert_eq!(within_patience(call).await.unwrap(), id + id / 2);
    }
    assert!(MOST[0].load(SeqCst) <= 3, "{MOST:?}");
    assert!(MOST[1].load(SeqCst) <= 2, "{MOST:?}");
    assert_eq!(world.enter(async { inner::stats().loads() }).await, 200);
}

#[cached(layers = "mem", max_loads = 1, wait = "5s", skip(depth))]
async fn ping(id: u64, depth: u64) -> u64 {
    yield_now().await;
    if depth == 0 { 0 } else { Box::pin(pong(id, depth - 1)).await + 1 }
}

#[cached(layers = "mem", max_loads = 1, wait = "5s", skip(depth))]
async fn pong(id: u64, depth: u64) -> u64 {
    yield_now().await;
    if depth == 0 { 0 } else { Box::pin(ping(id, depth - 1)).await + 1 }
}

#[tokio::test]
async fn two_bounded_functions_that_need_each_other_are_held_up_for_the_wait_at_most() {
    isolated(async {
        let calls = join(ping(1, 1), pong(2, 1));
        let time = async {
            settle().await;
            advance(6 * SECOND);
        };
        assert_eq!(within_patience(join(calls, time)).await.0, (1, 1));
    })
    .await;
}

#[cached(layers = "mem", ttl = 100, stale = 100, capacity = 10)]
async fn forgotten(id: u64) -> u64 {
    id
}

#[test]
fn a_hundred_thousand_invalidations_of_what_was_never_there_leave_nothing_behind() {
    alone(|| {
        runtime().block_on(async {
            leaves_nothing_behind(async |third| {
                for id in third * CALLS..(third + 1) * CALLS {
                    // One third each goes on without its caller.
                    match id % 3 {
                        0 => drop(forgotten::invalidate(id).now_or_never()),
                        1 => drop(forgotten::expire(id).now_or_never()),
                        _ => drop(forgotten::peek(id).now_or_never()),
                    }
                    if id.is_multiple_of(100) {
                        eventually(no_task_is_left).await;
                    }
                }
                eventually(no_task_is_left).await;
            })
            .await;
            // And none of their keys is still forbidden to store.
            assert_eq!(forgotten(0).await, 0);
            assert_eq!(forgotten::peek(0).await, Some(0));
        });
    });
}

#[tokio::test]
async fn an_invalidation_whose_caller_goes_away_is_made_all_the_same() {
    isolated(async {
        for id in 0..100 {
            forgotten::put(id, 1).await;
            assert!(forgotten::invalidate(id).now_or_never().is_none());
            settle().await;
            assert_eq!(forgotten::peek(id).await, None);
            assert_eq!(forgotten(id).await, id);
            assert_eq!(forgotten::peek(id).await, Some(id), "and the key may store again");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_changes_and_callers_that_go_away_at_random_leave_every_key_usable() {
    let (world, source) = (World::new(), Source::new());
    let tasks: Vec<_> = (0..8_u64)
        .map(|task| {
            let (world, source) = (world.clone(), Arc::clone(&source));
            tokio::spawn(async move {
                world
                    .enter(async {
                        for round in 0..300_u64 {
                            let id = (round * 7 + task) % 5;
                            let patience = Duration::from_micros((round * 31 + task * 17) % 300);
                            let act = async {
                                match (round + task) % 6 {
                                    0 => drop(awaited::invalidate(id).await),
                                    1 => drop(awaited::invalidate_all().await),
                                    2 => drop(awaited::refresh(&source, id).await),
                                    3 => awaited::put(id, 1).await,
                                    _ => drop(awaited(&source, id).await),
                                }
                            };
                            let _ = tokio::time::timeout(patience, act).await;
                        }
                    })
                    .await;
            })
        })
        .collect();
    for task in tasks {
        within_patience(task).await.unwrap();
    }
    // Invalidations whose callers have gone away are still being made, and forbid loads to store.
    eventually(no_task_is_left).await;
    let source = Source::new();
    source.change();
    world
        .enter(async {
            for id in 0..5 {
                within_patience(awaited::invalidate(id)).await;
                assert_eq!(within_patience(awaited(&source, id)).await, Ok(2));
                assert_eq!(awaited::peek(id).await, Some(2), "it is kept");
            }
        })
        .await;
}

#[tokio::test]
async fn loads_whose_callers_have_gone_away_still_count_among_the_eight() {
    isolated(async {
        let source = Source::new();
        source.is_in(Mood::Fails);
        source.hold();
        let mut calls: Vec<_> = (0..100).map(|_| Box::pin(unshared(&source, 1))).collect();
        for _ in 0..2 {
            for call in &mut calls {
                let _ = poll!(call);
            }
            settle().await;
            // The first one fails; then eight try for themselves, and are held.
            if source.asked() == 1 {
                source.release_one();
                settle().await;
            }
        }
        assert_eq!((source.asked(), source.running()), (9, 8));
        // All who wait for them go away, and others come.
        let others = join_all((0..100).map(|_| unshared(&source, 1)));
        drop(calls);
        let release = async {
            settle().await;
            assert_eq!((source.asked(), source.running()), (9, 8), "none of those has ended");
            source.release();
        };
        let (answers, ()) = within_patience(join(others, release)).await;
        assert!(answers.into_iter().all(|answer| answer == Err(Private)));
        assert_eq!(source.most_running(), 8);
    })
    .await;
}
