//! Calls where programs seldom make them: in a fork, while a thread or the process ends, in a runtime that has next to nothing.
//! For the tests in `tests/processes/edges.rs`, one word each. A panic that is not the program's own ends it at once, as it
//! would with `panic = "abort"`.

use std::{
    process::{ExitCode, abort},
    sync::atomic::{AtomicU64, Ordering::SeqCst},
    thread,
    time::Duration,
};

use futures_util::FutureExt as _;
use hybrid_cache::{
    LayerKind, cached, flush,
    testing::{Store, World},
};
use tokio::runtime::Builder;

static RUNS: AtomicU64 = AtomicU64::new(0);

/// Tells how often a body has run.
fn run() -> u64 {
    RUNS.fetch_add(1, SeqCst) + 1
}

#[cached(layers = "mem", ttl = "200ms", jitter = 0)]
fn short(id: u64) -> u64 {
    let _ = id;
    run()
}

#[cached(layers = "mem", ttl = 300)]
fn square(n: u64) -> u64 {
    n * n
}

#[cached(layers = "mem", ttl = 300)]
fn counted(id: u64) -> u64 {
    let _ = id;
    run()
}

#[cached(layers = "mem,redis", ttl = 300)]
async fn shared(id: u64) -> u64 {
    let _ = id;
    run()
}

#[cached(layers = "redis", ttl = 300)]
async fn generation(id: u64) -> u64 {
    id
}

#[cached(layers = "disk", ttl = 300)]
fn on_disk(id: u64) -> u64 {
    let _ = id;
    run()
}

fn main() -> ExitCode {
    let word = std::env::args().nth(1).unwrap_or_default();
    tracing_subscriber::fmt().with_writer(std::io::stdout).with_ansi(false).init();
    if word != "unwinding" {
        std::panic::set_hook(Box::new(|panic| {
            println!("a panic: {panic}\n{}", std::backtrace::Backtrace::capture());
            abort();
        }));
    }
    match word.as_str() {
        "thread-exit" => thread_exit(),
        "unwinding" => unwinding(),
        "bare-runtimes" => bare_runtimes(),
        "worlds" => worlds(),
        "no-threads" => no_threads(),
        #[cfg(unix)]
        "forks" => forks::main(),
        #[cfg(unix)]
        "forks-at-once" => forks::at_once(),
        #[cfg(unix)]
        "forks-in-a-runtime" => forks::in_a_runtime(),
        _ => return ExitCode::FAILURE,
    }
    println!("the end");
    ExitCode::SUCCESS
}

/// Calls when it is dropped.
struct Last(&'static str);

impl Drop for Last {
    fn drop(&mut self) {
        println!("{}: {} {} {}", self.0, square(9), square(9), square(12));
        println!("{}: the same twice: {}", self.0, counted(3) == counted(3));
        println!("{}: async {:?}", self.0, shared(7).now_or_never().is_some());
        // What is asked of a function besides calls is done as well.
        square::put(5, 26);
        square::invalidate(6);
        let _ = shared::invalidate(7).now_or_never();
    }
}

thread_local! {
    static FIRST_USED: Last = const { Last("used first") };
    static LAST_USED: Last = const { Last("used last") };
}

fn thread_exit() {
    square::put(6, 37);
    counted(3);
    let in_thread = || {
        FIRST_USED.with(|_| ());
        square(1);
        let _ = shared(1).now_or_never();
        LAST_USED.with(|_| ());
    };
    let ended = thread::spawn(in_thread).join();
    println!("a thread has ended: {}", ended.is_ok());
    println!("it has put {:?} and forgotten {:?}", square::peek(5), square::peek(6));
    // The thread that never used the cache before.
    let ended = thread::spawn(|| FIRST_USED.with(|_| ())).join();
    println!("another one has ended: {}", ended.is_ok());
    // And this one, when the process ends.
    FIRST_USED.with(|_| ());
    square(2);
}

fn unwinding() {
    let ended = thread::spawn(|| {
        let _last = Last("unwinding");
        panic!("of the program");
    });
    println!("it has panicked: {}", ended.join().is_err());
}

fn bare_runtimes() {
    let bare = || Builder::new_current_thread().build();
    let runtimes = [
        bare(),
        Builder::new_current_thread().enable_time().build(),
        Builder::new_current_thread().enable_io().build(),
        Builder::new_multi_thread().worker_threads(1).build(),
        bare(),
    ];
    for (id, runtime) in (0..).zip(runtimes) {
        let Ok(runtime) = runtime else { continue };
        runtime.block_on(async {
            shared(id).await;
            shared::refresh(id).await;
            flush().await;
            let invalidated = shared::invalidate(id).await;
            println!("forgotten in Redis: {:?}", invalidated.in_layer(LayerKind::Redis));
            shared(id).await;
            flush().await;
        });
    }
    println!("{}", shared::stats());
    if let Ok(runtime) = bare() {
        println!("{}", runtime.block_on(hybrid_cache::shutdown(Duration::from_secs(5))));
    }
}

fn worlds() {
    let Ok(runtime) = Builder::new_current_thread().enable_all().build() else { return };
    runtime.block_on(async {
        let redis = Store::new();
        for _ in 0..2 {
            World::new().redis(&redis).enter(async { (shared(1).await, flush().await) }).await;
        }
        println!("out of the worlds");
        shared(1).await;
        shared(2).await;
    });
}

fn no_threads() {
    println!("a thread: {}", thread::Builder::new().spawn(|| ()).is_ok());
    let Ok(runtime) = Builder::new_current_thread().enable_all().build() else { return };
    runtime.block_on(async {
        println!("shared {} {}", shared(1).await, shared(1).await);
        println!("forgotten in Redis: {:?}", shared::invalidate(1).await.in_layer(LayerKind::Redis));
        println!("shared {}", shared(1).await);
    });
}

#[cfg(unix)]
mod forks {
    use fork::{Fork, fork, waitpid};

    use super::{Builder, Duration, LayerKind, flush, generation, on_disk, short, thread};

    fn in_a_fork(what: impl FnOnce()) {
        match fork() {
            Ok(Fork::Parent(child)) => println!("a fork has ended: {}", waitpid(child).is_ok()),
            Ok(Fork::Child) => {
                what();
                std::process::exit(0);
            }
            Err(_) => {}
        }
    }

    /// Ends a fork that has not ended by itself.
    fn give_up_soon() {
        thread::spawn(|| {
            thread::sleep(Duration::from_secs(10));
            println!("a fork waits for what is not there");
            std::process::abort();
        });
    }

    fn block_on<T>(future: impl Future<Output = T>) -> Option<T> {
        Some(Builder::new_current_thread().enable_all().build().ok()?.block_on(future))
    }

    /// Forks as soon as the parent has used its disk.
    pub(super) fn at_once() {
        println!("parent: disk {}", on_disk(0));
        for number in 1..=3 {
            on_disk(0);
            in_a_fork(|| {
                give_up_soon();
                println!("fork {number}: disk {}", on_disk(number));
            });
        }
        println!("parent: disk {} of {}", on_disk::stats().disk_hits(), on_disk(0));
    }

    /// Forks and goes on in the same runtime, on both sides.
    pub(super) fn in_a_runtime() {
        let mut kept = Builder::new_current_thread().enable_all().build().ok();
        for number in 1..=3 {
            if let Some(runtime) = &kept {
                runtime.block_on(generation(0));
            }
            in_a_fork(|| {
                let Some(runtime) = kept.take() else { return };
                give_up_soon();
                let (found, forgotten) = runtime.block_on(async {
                    let found = (generation(0).await, generation(number).await);
                    (found, generation::invalidate(number).await)
                });
                let forgotten = forgotten.in_layer(LayerKind::Redis);
                println!("fork {number}: {found:?} {forgotten:?} {}", generation::stats().redis_hits());
                // And what it drops is not the parent's.
                drop(runtime);
            });
            let Some(runtime) = &kept else { return };
            let forgotten = runtime.block_on(async {
                generation(0).await;
                generation::invalidate(number).await
            });
            let forgotten = forgotten.in_layer(LayerKind::Redis);
            println!("parent: {forgotten:?} {}", generation::stats().redis_hits());
        }
    }

    pub(super) fn main() {
        println!("parent: short {}", short(1));
        println!("parent: disk {}", on_disk(1));
        block_on(async {
            generation(0).await;
            generation(0).await;
            flush().await;
        });
        for number in 1..=2 {
            in_a_fork(|| {
                thread::sleep(Duration::from_millis(300));
                println!("fork {number}: short {} {}", short(1), short(1));
                thread::sleep(Duration::from_millis(300));
                println!("fork {number}: later {}", short(1));
                println!("fork {number}: disk {} {}", on_disk(1), on_disk(1));
                let kept = block_on(async {
                    generation::put(number, 7).await;
                    flush().await;
                    generation(0).await
                });
                println!("fork {number}: redis {kept:?} {}", generation::stats());
            });
        }
        // The parent goes on as if nothing had been.
        println!("parent: redis {:?} {}", block_on(generation(0)), generation::stats());
        println!("parent: disk {} of {}", on_disk::stats().disk_hits(), on_disk(1));
    }
}
