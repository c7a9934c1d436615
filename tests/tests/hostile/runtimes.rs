//! Statics outlive runtimes: what a runtime took along is replaced, and a runtime that lacks something is no trouble.

use std::{
    cell::Cell,
    io::{Read, Write},
    net::TcpStream,
    pin::pin,
    rc::Rc,
    sync::{Arc, mpsc},
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
    time::Duration,
};

use futures_util::{FutureExt, future::join_all, poll};
use hybrid_cache::{
    Forgotten, LayerKind, cached, flush,
    testing::{World, advance},
};
use tokio::{
    runtime::{Builder, Runtime},
    task::{LocalSet, yield_now},
};

use super::{
    own_process::{alone, redis_port, with_stores},
    source::{Failure, Mood, Source, eventually, settle, within_patience},
};

const SECOND: Duration = Duration::from_secs(1);

fn current_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

fn multi_thread() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// Without timers and sockets.
fn bare() -> Runtime {
    Builder::new_current_thread().build().unwrap()
}

/// Without tokio: the thread sleeps until it is woken.
fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park_timeout(Duration::from_secs(20)),
        }
    }
}

#[cached(layers = "mem,redis,disk", ttl = 100, jitter = 0.0, stale = 100, skip(source))]
async fn everywhere(source: &Arc<Source>, id: u64) -> Result<u64, Failure> {
    let _ = id;
    source.read().await
}

#[cached(layers = "redis", ttl = 100, jitter = 0.0, skip(source))]
async fn in_redis(source: &Arc<Source>, id: u64) -> Result<u64, Failure> {
    let _ = id;
    source.read().await
}

#[test]
fn a_connection_whose_runtime_went_away_is_replaced_without_a_failure() {
    with_stores(|| {
        let source = Source::new();
        for (round, runtime) in (0..).zip([current_thread, multi_thread].into_iter().cycle().take(10)) {
            runtime().block_on(async {
                let answer = within_patience(in_redis(&source, round)).await;
                assert_eq!(answer, Ok(1));
                if round > 0 {
                    // What the runtime before this one left in Redis.
                    assert_eq!(within_patience(in_redis(&source, round - 1)).await, Ok(1));
                }
                assert!(in_redis::invalidate(round + 100).await.is_done());
            });
        }
        let stats = in_redis::stats();
        assert_eq!((stats.loads(), stats.redis_hits(), stats.redis_failures()), (10, 9, 0), "{stats:?}");
    });
}

#[test]
fn two_runtimes_that_live_at_the_same_time_have_a_connection_each() {
    with_stores(|| {
        let source = Source::new();
        let (one, two) = (current_thread(), multi_thread());
        for id in 0..10 {
            assert_eq!(one.block_on(within_patience(in_redis(&source, id))), Ok(1));
            assert_eq!(two.block_on(within_patience(in_redis(&source, id))), Ok(1));
        }
        drop(two);
        assert_eq!(one.block_on(within_patience(in_redis(&source, 0))), Ok(1));
        let stats = in_redis::stats();
        assert_eq!((stats.loads(), stats.redis_hits(), stats.redis_failures()), (10, 11, 0), "{stats:?}");
    });
}

/// Lets the server answer nobody for a while.
fn pause_redis(time: Duration) {
    let mut admin = TcpStream::connect(("127.0.0.1", redis_port())).unwrap();
    write!(admin, "CLIENT PAUSE {} ALL\r\n", time.as_millis()).unwrap();
    admin.read_exact(&mut [0; 5]).unwrap();
}

#[test]
fn an_operation_of_redis_whose_runtime_went_away_is_done_by_the_next_runtime() {
    with_stores(|| {
        let source = Source::new();
        for id in 0..5 {
            pause_redis(Duration::from_millis(50));
            let runtime = current_thread();
            runtime.block_on(async {
                let mut call = Box::pin(everywhere(&source, id));
                assert!(poll!(&mut call).is_pending());
                settle().await;
                assert!(poll!(&mut call).is_pending(), "redis does not answer yet");
            });
            drop(runtime);
            multi_thread().block_on(async {
                assert_eq!(within_patience(everywhere(&source, id)).await, Ok(1));
                assert!(within_patience(everywhere::invalidate(id)).await.is_done());
                assert_eq!(everywhere::peek(id).await, None);
            });
        }
        assert_eq!(source.running(), 0);
    });
}

#[test]
fn a_refresh_and_copies_whose_runtime_went_away_are_made_by_the_next_runtime() {
    with_stores(|| {
        let source = Source::new();
        current_thread().block_on(async {
            assert_eq!(everywhere(&source, 1).await, Ok(1));
            flush().await;
        });
        for round in 2..6 {
            advance(Duration::from_secs(101));
            assert_eq!(source.change(), round);
            source.hold();
            current_thread().block_on(async {
                let asked = source.asked();
                assert_eq!(within_patience(everywhere(&source, 1)).await, Ok(round - 1), "stale");
                source.asked_by(asked + 1).await;
            });
            assert_eq!(source.running(), 0, "the refresh went with its runtime");
            source.release();
            multi_thread().block_on(async {
                assert_eq!(within_patience(everywhere(&source, 1)).await, Ok(round - 1), "stale");
                eventually(|| source.running() == 0).await;
                let mut answer = 0;
                while answer != round {
                    answer = within_patience(everywhere(&source, 1)).await.unwrap();
                }
                // The runtime goes away with copies under way.
            });
            within_patience_of(&current_thread(), flush());
        }
    });
}

fn within_patience_of<F: Future>(runtime: &Runtime, future: F) -> F::Output {
    runtime.block_on(within_patience(future))
}

#[cached(layers = "mem,redis,disk", skip(source))]
async fn in_bare_runtimes(source: &Arc<Source>, id: u64) -> Result<u64, Failure> {
    let _ = id;
    source.read().await
}

#[test]
fn a_runtime_without_timers_and_sockets_costs_no_call_its_answer() {
    with_stores(|| {
        let source = Source::new();
        for id in 0..20 {
            assert_eq!(bare().block_on(in_bare_runtimes(&source, id)), Ok(1));
            assert_eq!(bare().block_on(in_bare_runtimes(&source, id)), Ok(1));
            assert_eq!(bare().block_on(in_bare_runtimes::refresh(&source, id)), Ok(1));
            bare().block_on(in_bare_runtimes::put(id, 5));
            assert_eq!(bare().block_on(in_bare_runtimes::peek(id)), Some(5));
            let invalidated = bare().block_on(in_bare_runtimes::invalidate(id));
            assert!(matches!(invalidated.in_layer(LayerKind::Memory), Forgotten::Done), "{invalidated:?}");
            assert_eq!(bare().block_on(in_bare_runtimes::peek(id)), None);
        }
        bare().block_on(flush());
        // A runtime that has everything then has Redis too.
        current_thread().block_on(async {
            assert_eq!(within_patience(in_bare_runtimes(&source, 100)).await, Ok(1));
            assert!(within_patience(in_bare_runtimes::invalidate_all()).await.is_done());
        });
    });
}

#[cached(
    layers = "mem",
    ttl = 10,
    jitter = 0.0,
    stale = 20,
    stale_if_error = 1_000,
    refresh_ahead = 0.5,
    skip(source),
    wait = "5s"
)]
async fn outside(source: &Arc<Source>, id: u64) -> Result<u64, Failure> {
    let _ = id;
    source.read().await
}

#[test]
fn outside_of_tokio_every_companion_works() {
    let (world, source) = (World::new(), Source::new());
    assert_eq!(block_on(world.enter(outside(&source, 1))), Ok(1));
    assert_eq!(block_on(world.enter(outside::peek(1))), Some(1));
    source.change();
    assert_eq!(block_on(world.enter(outside::refresh(&source, 1))), Ok(2));
    block_on(world.enter(outside::put(1, 7)));
    assert_eq!(block_on(world.enter(outside(&source, 1))), Ok(7));
    assert!(block_on(world.enter(outside::expire(1))).is_done());
    source.is_in(Mood::Fails);
    assert_eq!(block_on(world.enter(outside(&source, 1))), Ok(7), "the last resort");
    assert!(block_on(world.enter(outside::invalidate(1))).is_done());
    assert_eq!(block_on(world.enter(outside(&source, 1))), Err(Failure::Down));
    source.is_in(Mood::Answers);
    assert!(block_on(world.enter(outside::invalidate_all())).is_done());
    assert_eq!(block_on(world.enter(outside::uncached(&source, 1))), Ok(2));
    block_on(flush());
}

#[test]
fn outside_of_tokio_threads_share_a_load_and_a_caller_that_goes_away_hands_it_on() {
    let (world, source) = (World::new(), Source::new());
    source.hold();
    let mut leader = Box::pin(world.enter(outside(&source, 1)));
    assert!(leader.as_mut().now_or_never().is_none());
    thread::scope(|scope| {
        let waiters: Vec<_> =
            (0..8).map(|_| scope.spawn(|| block_on(world.enter(outside(&source, 1))))).collect();
        drop(leader);
        // One of the waiters asks anew.
        while source.asked() < 2 {
            thread::yield_now();
        }
        source.release();
        for waiter in waiters {
            assert_eq!(waiter.join().unwrap(), Ok(1));
        }
    });
    assert_eq!((source.asked(), source.running()), (2, 0));
}

#[test]
fn two_runtimes_on_two_threads_share_a_load_and_the_end_of_one_is_not_the_end_of_the_other() {
    for _ in 0..20 {
        let (world, source) = (World::new(), Source::new());
        source.hold();
        let (boarded, has_boarded) = mpsc::channel();
        thread::scope(|scope| {
            let (world, source) = (&world, &source);
            let first = scope.spawn(move || {
                let runtime = current_thread();
                runtime.block_on(async {
                    let mut call = Box::pin(world.enter(outside(source, 1)));
                    assert!(poll!(&mut call).is_pending());
                    source.asked_by(1).await;
                });
                // Goes away with the load in it, as soon as the other waits for it.
                has_boarded.recv().unwrap();
                drop(runtime);
                source.release();
            });
            while source.asked() < 1 {
                thread::yield_now();
            }
            let answer = multi_thread().block_on(async {
                let mut call = Box::pin(world.enter(outside(source, 1)));
                let early = poll!(&mut call);
                boarded.send(()).unwrap();
                match early {
                    Poll::Ready(answer) => answer,
                    Poll::Pending => within_patience(call).await,
                }
            });
            assert_eq!(answer, Ok(1));
            first.join().unwrap();
        });
    }
}

#[test]
fn a_load_in_a_runtime_that_nobody_drives_costs_others_the_wait() {
    let (world, source) = (World::new(), Source::new());
    let asleep = current_thread();
    asleep.block_on(async {
        let mut call = Box::pin(world.enter(outside(&source, 1)));
        // Its task is spawned and never polled again.
        assert!(poll!(&mut call).is_pending());
    });
    multi_thread().block_on(async {
        let mut call = Box::pin(world.enter(outside(&source, 1)));
        assert!(poll!(&mut call).is_pending());
        world.advance(6 * SECOND);
        assert_eq!(within_patience(call).await, Ok(1));
        assert_eq!(within_patience(world.enter(outside(&source, 1))).await, Ok(1));
    });
    source.change();
    multi_thread().block_on(world.enter(outside::invalidate(1)));
    // Awake again, it stores nothing: it began before the invalidation.
    asleep.block_on(settle());
    assert_eq!(multi_thread().block_on(world.enter(outside::peek(1))), None);
}

#[cached(layers = "mem,redis,disk", inline, skip(log))]
async fn local(log: &Rc<Cell<u64>>, id: u64) -> u64 {
    let log = Rc::clone(log);
    yield_now().await;
    log.set(log.get() + 1);
    id
}

#[test]
fn a_body_that_stays_in_its_thread_is_cached_in_every_layer() {
    with_stores(|| {
        let log = Rc::new(Cell::new(0));
        let tasks = LocalSet::new();
        current_thread().block_on(tasks.run_until(async {
            let calls = (0..40).map(|n| {
                let log = Rc::clone(&log);
                tokio::task::spawn_local(async move { local(&log, n % 4).await })
            });
            let answers = within_patience(join_all(calls)).await;
            assert!((0..).zip(answers).all(|(n, answer)| answer.unwrap() == n % 4));
            flush().await;
            advance(Duration::from_secs(0));
            assert_eq!(log.get(), 4);
            assert!(local::invalidate(1).await.is_done());
            assert_eq!(within_patience(local(&log, 1)).await, 1);
            assert_eq!(log.get(), 5);
        }));
        // Another thread, another runtime: the answers are there, without a body that could not go there.
        let other = thread::spawn(|| multi_thread().block_on(local::peek(3)));
        assert_eq!(other.join().unwrap(), Some(3));
    });
}

#[test]
fn the_end_of_a_runtime_with_a_thousand_loads_under_way_leaves_every_key_free() {
    alone(|| {
        let source = Source::new();
        for runtime in [current_thread, multi_thread, bare] {
            source.is_in(Mood::Hangs);
            let asked = source.asked();
            let ending = runtime();
            ending.block_on(async {
                // Their callers end with the runtime too: without them fewer would go on.
                for id in 0..1_000 {
                    let source = source.clone();
                    tokio::spawn(async move { outside(&source, id).await });
                }
                while source.asked() < asked + 1_000 {
                    yield_now().await;
                }
            });
            drop(ending);
            assert_eq!(source.running(), 0);
            source.is_in(Mood::Answers);
            current_thread().block_on(async {
                let answers = within_patience(join_all((0..1_000).map(|id| outside(&source, id)))).await;
                assert!(answers.into_iter().all(|answer| answer == Ok(1)));
                outside::invalidate_all().await;
            });
        }
    });
}

#[test]
fn a_shutdown_in_one_runtime_leaves_memory_and_bodies_to_the_next() {
    with_stores(|| {
        let source = Source::new();
        let shutdown = current_thread().block_on(async {
            assert_eq!(everywhere(&source, 1).await, Ok(1));
            hybrid_cache::shutdown(10 * SECOND).await
        });
        assert!(shutdown.is_complete(), "{shutdown}");
        multi_thread().block_on(async {
            assert_eq!(within_patience(everywhere(&source, 1)).await, Ok(1));
            assert_eq!(source.asked(), 1);
            assert_eq!(within_patience(everywhere(&source, 2)).await, Ok(1));
            let again = within_patience(hybrid_cache::shutdown(10 * SECOND)).await;
            assert!(again.is_complete() || again.layers_not_closed() == [LayerKind::Disk], "{again}");
        });
    });
}
