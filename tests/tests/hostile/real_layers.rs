//! Invalidations, expiries and puts against loads, refreshes and copies, in front of a real Redis and a real disk store.
//! (R1 to R5, R27.)

use std::{sync::Arc, time::Duration};

use futures_util::future::{BoxFuture, join_all};
use hybrid_cache::{Stats, cached, flush, testing::advance};
use tokio::runtime::Builder;

use super::{
    own_process::with_stores,
    source::{Failure, Mood, Source, settle, within_patience},
};

/// Memory's copies live shorter than the others, so that a test can look beneath memory.
const MEM_TTL: Duration = Duration::from_secs(10);
const TTL: Duration = Duration::from_secs(100);
const STALE: Duration = Duration::from_secs(1_000);

type Later<T> = BoxFuture<'static, T>;

/// One of the cached functions, whatever its layers are.
struct Function {
    layers: &'static str,
    call: fn(&Arc<Source>, u64) -> Later<Result<u64, Failure>>,
    refresh: fn(&Arc<Source>, u64) -> Later<Result<u64, Failure>>,
    invalidate: fn(u64) -> Later<()>,
    invalidate_all: fn() -> Later<()>,
    expire: fn(u64) -> Later<()>,
    put: fn(u64, u64) -> Later<()>,
    peek: fn(u64) -> Later<Option<u64>>,
    stats: fn() -> Stats,
}

macro_rules! functions {
    ($($name:ident: $layers:tt $ttl:tt $($option:ident = $value:tt)*;)*) => {{
        $(
            #[cached(layers = $layers, ttl $ttl, jitter = 0.0, skip(source) $(, $option = $value)*)]
            async fn $name(source: &Arc<Source>, id: u64) -> Result<u64, Failure> {
                let _ = id;
                source.read().await
            }
        )*
        [$(Function {
            layers: $layers,
            call: |source, id| {
                let source = Arc::clone(source);
                Box::pin(async move { $name(&source, id).await })
            },
            refresh: |source, id| {
                let source = Arc::clone(source);
                Box::pin(async move { $name::refresh(&source, id).await })
            },
            invalidate: |id| Box::pin(async move { drop($name::invalidate(id).await.strict().unwrap()) }),
            invalidate_all: || Box::pin(async { drop($name::invalidate_all().await.strict().unwrap()) }),
            expire: |id| Box::pin(async move { drop($name::expire(id).await.strict().unwrap()) }),
            put: |id, value| Box::pin($name::put(id, value)),
            peek: |id| Box::pin($name::peek(id)),
            stats: $name::stats,
        }),*]
    }};
}

fn plain() -> [Function; 6] {
    functions! {
        mem: "mem" (mem = 10);
        mem_redis: "mem,redis" (mem = 10, redis = 100);
        mem_disk: "mem,disk" (mem = 10, disk = 100);
        mem_redis_disk: "mem,redis,disk" (mem = 10, redis = 100, disk = 100);
        redis: "redis" (redis = 100);
        redis_disk: "redis,disk" (redis = 100, disk = 100);
    }
}

fn lasting() -> [Function; 5] {
    functions! {
        lasting_mem: "mem" (mem = 10) stale = 1_000 stale_if_error = 5_000;
        lasting_mem_redis: "mem,redis" (mem = 10, redis = 100) stale = 1_000 stale_if_error = 5_000;
        lasting_mem_disk: "mem,disk" (mem = 10, disk = 100) stale = 1_000 stale_if_error = 5_000;
        lasting_everywhere: "mem,redis,disk" (mem = 10, redis = 100, disk = 100) stale = 1_000 stale_if_error = 5_000;
        lasting_redis_disk: "redis,disk" (redis = 100, disk = 100) stale = 1_000 stale_if_error = 5_000;
    }
}

/// What a test does to a function while its load is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    Invalidate,
    InvalidateAll,
    Expire,
    Put,
    Refresh,
}

use Change::{Expire, Invalidate, InvalidateAll, Put, Refresh};

impl Change {
    async fn make(self, function: &Function, source: &Arc<Source>, id: u64) {
        let version = source.change();
        match self {
            Invalidate => (function.invalidate)(id).await,
            InvalidateAll => (function.invalidate_all)().await,
            Expire => (function.expire)(id).await,
            Put => (function.put)(id, version).await,
            Refresh => assert_eq!((function.refresh)(source, id).await, Ok(version)),
        }
    }
}

fn run<F: Future>(test: F) -> F::Output {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(test)
}

/// What the function has for this key in memory, and what beneath it.
async fn kept(function: &Function, id: u64) -> [Option<u64>; 2] {
    flush().await;
    let above = (function.peek)(id).await;
    advance(MEM_TTL);
    [above, (function.peek)(id).await]
}

/// The load of the first call for a key, held by the source.
async fn held_load(
    function: &Function,
    source: &Arc<Source>,
    id: u64,
) -> tokio::task::JoinHandle<Result<u64, Failure>> {
    let asked = source.asked();
    source.hold();
    let call = tokio::spawn((function.call)(source, id));
    source.asked_by(asked + 1).await;
    call
}

#[test]
fn no_load_from_before_a_change_leaves_anything_in_any_layer() {
    with_stores(|| {
        run(async {
            for (id, change) in (0..).zip([Invalidate, InvalidateAll, Expire]) {
                for function in plain() {
                    let source = Source::new();
                    let load = held_load(&function, &source, id).await;
                    change.make(&function, &source, id).await;
                    source.release();
                    assert_eq!(within_patience(load).await.unwrap(), Ok(1), "its own caller still gets it");
                    let kept = kept(&function, id).await;
                    assert_eq!(kept, [None, None], "{change:?} with {}", function.layers);
                    assert_eq!(within_patience((function.call)(&source, id)).await, Ok(2));
                }
            }
        })
    });
}

#[test]
fn a_put_and_a_refresh_are_not_overwritten_by_a_load_from_before() {
    with_stores(|| {
        run(async {
            for (id, change) in (0..).zip([Put, Refresh]) {
                for function in plain() {
                    let source = Source::new();
                    let load = held_load(&function, &source, id).await;
                    if change == Refresh {
                        // It asks while the older load is still held.
                        let refresh = async { change.make(&function, &source, id).await };
                        let release = async {
                            source.asked_by(2).await;
                            source.release();
                        };
                        futures_util::future::join(refresh, release).await;
                    } else {
                        change.make(&function, &source, id).await;
                        source.release();
                    }
                    assert_eq!(within_patience(load).await.unwrap(), Ok(1));
                    let beneath = if function.layers == "mem" { None } else { Some(2) };
                    let kept = kept(&function, id).await;
                    assert_eq!(kept, [Some(2), beneath], "{change:?} with {}", function.layers);
                }
            }
        })
    });
}

#[test]
fn no_refresh_from_before_a_change_leaves_anything_in_any_layer() {
    with_stores(|| {
        run(async {
            for (id, change) in (0..).zip([Invalidate, InvalidateAll, Expire]) {
                for function in lasting() {
                    let source = Source::new();
                    assert_eq!((function.call)(&source, id).await, Ok(1));
                    flush().await;
                    advance(TTL);
                    source.hold();
                    assert_eq!(within_patience((function.call)(&source, id)).await, Ok(1), "stale");
                    source.asked_by(2).await;
                    change.make(&function, &source, id).await;
                    source.release();
                    super::source::eventually(|| source.running() == 0).await;
                    settle().await;
                    let kept = kept(&function, id).await;
                    // What is expired may still be returned. It is the answer from before the refresh, and no new one.
                    let expected = if change == Expire { [Some(1), Some(1)] } else { [None, None] };
                    assert_eq!(kept, expected, "{change:?} with {}", function.layers);
                    assert_eq!((function.stats)().refreshes(), id + 1, "{}", function.layers);
                    if change == Expire {
                        assert_eq!(within_patience((function.call)(&source, id)).await, Ok(1));
                        super::source::eventually(|| source.asked() == 3).await;
                        flush().await;
                        settle().await;
                    }
                    super::source::eventually(|| source.running() == 0).await;
                    flush().await;
                    assert_eq!(
                        within_patience((function.call)(&source, id)).await,
                        Ok(2),
                        "{}",
                        function.layers
                    );
                }
            }
        })
    });
}

#[test]
fn readers_that_never_stop_do_not_bring_back_what_was_forgotten() {
    with_stores(|| {
        run(async {
            for function in plain() {
                let (source, stop) = (Source::new(), Arc::new(std::sync::atomic::AtomicBool::new(false)));
                let readers: Vec<_> = (0..4)
                    .map(|_| {
                        let (source, stop, call) = (Arc::clone(&source), Arc::clone(&stop), function.call);
                        tokio::spawn(async move {
                            while !stop.load(std::sync::atomic::Ordering::SeqCst) {
                                call(&source, 7).await.unwrap();
                                tokio::task::yield_now().await;
                            }
                        })
                    })
                    .collect();
                let rounds = if function.layers.contains("disk") { 30 } else { 150 };
                for round in 0..rounds {
                    let changes = [Invalidate, Put, InvalidateAll, Refresh, Expire];
                    let change = changes[round % changes.len()];
                    let version = source.change();
                    match change {
                        Put => (function.put)(7, version).await,
                        _ => change.make(&function, &source, 7).await,
                    }
                    for answer in join_all((0..4).map(|_| (function.call)(&source, 7))).await {
                        let answer = answer.unwrap();
                        assert!(
                            answer >= version,
                            "{answer} after {change:?} of {version}, {}",
                            function.layers
                        );
                    }
                    if round % 7 == 0 {
                        advance(MEM_TTL);
                        let beneath = (function.call)(&source, 7).await.unwrap();
                        assert!(beneath >= version, "{beneath} beneath memory after {change:?} of {version}");
                    }
                }
                stop.store(true, std::sync::atomic::Ordering::SeqCst);
                for reader in readers {
                    within_patience(reader).await.unwrap();
                }
            }
        })
    });
}

#[test]
fn a_source_that_fails_brings_back_what_was_expired_and_never_what_was_forgotten() {
    with_stores(|| {
        run(async {
            for function in lasting() {
                for (id, change) in (0..).zip([Invalidate, InvalidateAll, Expire]) {
                    let source = Source::new();
                    assert_eq!((function.call)(&source, id).await, Ok(1));
                    flush().await;
                    source.is_in(Mood::Fails);
                    change.make(&function, &source, id).await;
                    for age in [Duration::ZERO, MEM_TTL, TTL, STALE] {
                        advance(age);
                        let answer = within_patience((function.call)(&source, id)).await;
                        let expected = if change == Expire { Ok(1) } else { Err(Failure::Down) };
                        assert_eq!(answer, expected, "{change:?} with {} after {age:?}", function.layers);
                        settle().await;
                    }
                    advance(5_000 * Duration::from_secs(1));
                    let answer = within_patience((function.call)(&source, id)).await;
                    assert_eq!(answer, Err(Failure::Down), "{change:?} with {}", function.layers);
                }
            }
        })
    });
}

#[test]
fn an_invalidation_during_a_load_that_fails_leaves_no_last_resort() {
    with_stores(|| {
        run(async {
            for function in lasting() {
                let source = Source::new();
                assert_eq!((function.call)(&source, 1).await, Ok(1));
                flush().await;
                advance(TTL + STALE);
                source.is_in(Mood::Fails);
                let load = held_load(&function, &source, 1).await;
                Invalidate.make(&function, &source, 1).await;
                source.release();
                assert_eq!(within_patience(load).await.unwrap(), Err(Failure::Down), "{}", function.layers);
                assert_eq!(kept(&function, 1).await, [None, None], "{}", function.layers);
            }
        })
    });
}
