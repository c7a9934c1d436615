//! Functions that are not async: called from threads, from tasks, from each other's bodies, with and without a runtime.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
        mpsc::{Receiver, Sender, channel},
    },
    thread,
    time::{Duration, Instant},
};

use futures_util::poll;
use tokio::{runtime::Builder, task::consume_budget};

use super::{
    gate::Gate,
    world::{ALL, MEMORY, TTL, World, key},
};
#[cfg(feature = "disk")]
use crate::layers::Layer;
use crate::{
    bypass,
    cached_fn::CachedFn,
    definition::{Abilities, Definition},
    error::LayerKind,
    invalidated::Forgotten,
    key::text::KeyText,
    outcome::{Kept, Returns},
    record::codec::Codec,
    refreshing,
};

type Blocking<O = u64, const FALLIBLE: bool = false> =
    &'static Arc<CachedFn<Kept<Returns<O, FALLIBLE>, true>>>;

const DISK: &[LayerKind] = &[LayerKind::Memory, LayerKind::Disk];
const WAIT: Duration = Duration::from_secs(30);

fn definition() -> Definition {
    Definition::named("f").layers(MEMORY).ttl(TTL).wait(WAIT).blocking()
}

fn function(world: &World) -> Blocking {
    defined(world, &definition())
}

fn defined(world: &World, definition: &Definition) -> Blocking {
    world.made(definition, &Abilities::new(Some(Codec::new()), None, None))
}

/// One call, as the expansion makes it.
fn call(function: Blocking, text: &str, body: impl FnOnce() -> u64) -> u64 {
    function.hit(&key(text)).unwrap_or_else(|| function.load_blocking(key(text), body))
}

/// A body that counts its runs, which is its answer too, and stands still until it is let go.
#[derive(Clone)]
struct Body {
    runs: Arc<AtomicUsize>,
    gate: Arc<Mutex<Receiver<()>>>,
}

impl Body {
    /// To let it go for good, drop what comes with it.
    fn gated() -> (Self, Sender<()>) {
        let (go, gate) = channel();
        (Self { runs: Arc::default(), gate: Arc::new(Mutex::new(gate)) }, go)
    }

    fn open() -> Self {
        Self::gated().0
    }

    fn run(&self) -> u64 {
        let run = self.runs.fetch_add(1, SeqCst) + 1;
        let _ = self.gate.lock().unwrap().recv();
        run as u64
    }

    fn call(&self, function: Blocking, text: &str) -> u64 {
        call(function, text, || self.run())
    }

    fn runs(&self) -> usize {
        self.runs.load(SeqCst)
    }

    fn begun(&self, runs: usize) {
        until(|| self.runs() >= runs);
    }
}

fn until(condition: impl Fn() -> bool) {
    let started = Instant::now();
    while !condition() {
        assert!(started.elapsed() < Duration::from_secs(20), "it does not come to that");
        thread::yield_now();
    }
}

/// Until so many callers wait for loads of `text`.
fn waited_for(function: Blocking, text: &str, callers: usize) {
    until(|| function.flights.waiting(key(text).lookup()) == callers);
}

fn in_current_thread<T>(work: impl Future<Output = T>) -> T {
    Builder::new_current_thread().build().unwrap().block_on(work)
}

#[test]
fn threads_that_ask_for_one_key_cause_one_load() {
    let (world, (body, go)) = (World::new(), Body::gated());
    let function = function(&world);
    thread::scope(|scope| {
        let callers: Vec<_> = (0..8).map(|_| scope.spawn(|| body.call(function, "k"))).collect();
        waited_for(function, "k", 7);
        drop(go);
        assert!(callers.into_iter().all(|caller| caller.join().unwrap() == 1));
    });
    assert_eq!(body.runs(), 1);
    assert_eq!((function.stats().loads(), function.stats().coalesced()), (1, 7));
    assert_eq!(function.hit(&key("k")), Some(1));
}

#[test]
fn the_only_thread_of_a_runtime_may_wait_for_a_load_of_another_thread() {
    let (world, (body, go)) = (World::new(), Body::gated());
    let function = function(&world);
    thread::scope(|scope| {
        scope.spawn(|| body.call(function, "k"));
        body.begun(1);
        let waiter = scope.spawn(|| in_current_thread(async { body.call(function, "k") }));
        waited_for(function, "k", 1);
        drop(go);
        assert_eq!(waiter.join().unwrap(), 1);
    });
}

#[test]
fn a_task_that_has_used_up_its_budget_is_woken_all_the_same() {
    let (world, (body, go)) = (World::new(), Body::gated());
    let function = function(&world);
    let (leader, waiter) = (body.clone(), body.clone());
    thread::spawn(move || leader.call(function, "k"));
    body.begun(1);
    let waiter = thread::spawn(move || {
        in_current_thread(async {
            while poll!(Box::pin(consume_budget())).is_ready() {}
            waiter.call(function, "k")
        })
    });
    waited_for(function, "k", 1);
    drop(go);
    until(|| waiter.is_finished());
    assert_eq!(waiter.join().unwrap(), 1);
}

#[test]
fn tasks_of_one_runtime_share_a_load() {
    let (world, (body, go)) = (World::new(), Body::gated());
    let function = function(&world);
    let runtime = Builder::new_multi_thread().worker_threads(3).build().unwrap();
    let tasks: Vec<_> = (0..3)
        .map(|_| {
            let body = body.clone();
            runtime.spawn(async move { body.call(function, "k") })
        })
        .collect();
    waited_for(function, "k", 2);
    drop(go);
    for task in tasks {
        assert_eq!(runtime.block_on(task).unwrap(), 1);
    }
}

fn factorial(f: Blocking, g: Blocking, n: u64) -> u64 {
    let smaller = || if n == 0 { 1 } else { n * factorial(f, g, n - 1) };
    call(f, &n.to_string(), || call(g, &n.to_string(), smaller))
}

#[test]
fn a_body_may_call_other_functions_and_its_own() {
    let world = World::new();
    let (f, g) = (function(&world), defined(&world, &Definition::named("g").layers(MEMORY).blocking()));
    assert_eq!(factorial(f, g, 10), 3_628_800);
    assert_eq!((f.stats().loads(), g.stats().loads()), (11, 11));
}

#[test]
fn a_body_that_needs_its_own_answer_runs_without_the_cache() {
    let world = World::new();
    let function = function(&world);
    assert_eq!(call(function, "k", || 1 + call(function, "k", || 1)), 2);
    assert_eq!(function.hit(&key("k")), Some(2));
}

#[test]
fn two_threads_whose_bodies_need_each_others_answer_come_to_an_end() {
    let world = World::new();
    let function = function(&world);
    let both = std::sync::Barrier::new(2);
    let crosswise = |mine: &str, other: &str| {
        call(function, mine, || {
            both.wait();
            1 + call(function, other, || 1)
        })
    };
    thread::scope(|scope| {
        let one = scope.spawn(|| crosswise("a", "b"));
        let other = crosswise("b", "a");
        // One waits for the other, which notices it and runs the body without the cache.
        let mut answers = [one.join().unwrap(), other];
        answers.sort_unstable();
        assert_eq!(answers, [2, 3]);
    });
}

#[test]
fn a_panic_goes_to_its_own_caller_and_the_next_one_loads() {
    let (world, (body, go)) = (World::new(), Body::gated());
    let function = function(&world);
    thread::scope(|scope| {
        let leader = scope.spawn(|| {
            catch_unwind(AssertUnwindSafe(|| {
                call(function, "k", || {
                    body.run();
                    panic!("out of luck")
                })
            }))
        });
        body.begun(1);
        let waiter = scope.spawn(|| body.call(function, "k"));
        waited_for(function, "k", 1);
        drop(go);
        let panic = leader.join().unwrap().unwrap_err();
        assert_eq!(panic.downcast_ref(), Some(&"out of luck"));
        assert_eq!(waiter.join().unwrap(), 2);
    });
    assert_eq!((function.stats().loads(), function.stats().load_errors()), (2, 1));
}

#[test]
fn a_load_that_hangs_blocks_its_key_for_as_long_as_wait_says() {
    let (world, (hanging, go)) = (World::new(), Body::gated());
    let function = function(&world);
    thread::scope(|scope| {
        let leader = scope.spawn(|| hanging.call(function, "k"));
        hanging.begun(1);
        let waiter = scope.spawn(|| call(function, "k", || 77));
        waited_for(function, "k", 1);
        world.advance(WAIT + Duration::from_millis(1));
        world.tidy();
        assert_eq!(waiter.join().unwrap(), 77);
        drop(go);
        assert_eq!(leader.join().unwrap(), 1, "its own caller gets its answer");
    });
    assert_eq!(function.hit(&key("k")), Some(77), "and it stores nothing any more");
}

#[test]
fn no_more_loads_run_at_once_than_allowed() {
    let (world, (body, go)) = (World::new(), Body::gated());
    let function = defined(&world, &definition().max_loads(1));
    thread::scope(|scope| {
        let first = scope.spawn(|| body.call(function, "a"));
        body.begun(1);
        let second = scope.spawn(|| body.call(function, "b"));
        until(|| function.flights.len() == 2);
        assert_eq!(body.runs(), 1);
        go.send(()).unwrap();
        assert_eq!(first.join().unwrap(), 1);
        body.begun(2);
        drop(go);
        assert_eq!(second.join().unwrap(), 2);
    });
    assert_eq!(call(function, "c", || call(function, "d", || 4)), 4, "a load inside of a load has its place");
}

#[test]
fn an_invalidation_beats_a_load_that_is_running() {
    let (world, (body, go)) = (World::new(), Body::gated());
    let function = function(&world);
    thread::scope(|scope| {
        let before = scope.spawn(|| body.call(function, "k"));
        body.begun(1);
        function.invalidate_blocking(key("k")).strict().unwrap();
        let after = scope.spawn(|| body.call(function, "k"));
        body.begun(2);
        drop(go);
        assert_eq!((before.join().unwrap(), after.join().unwrap()), (1, 2));
    });
    assert_eq!(function.hit(&key("k")), Some(2));
}

#[test]
fn companions_work_with_and_without_a_runtime() {
    let companions = || {
        let world = World::new();
        let (function, body) = (function(&world), Body::open());
        let keys = || -> Vec<KeyText> { ["a", "b"].map(key).into() };
        function.put_blocking(key("a"), 70);
        assert_eq!((body.call(function, "a"), body.call(function, "b")), (70, 1));
        assert_eq!(function.refresh_blocking(key("a"), || body.run()), 2);
        assert_eq!(function.peek_blocking(key("a")), Some(2));

        function.invalidate_many_blocking(keys()).strict().unwrap();
        assert!(keys().into_iter().all(|key| function.peek_blocking(key).is_none()));
        body.call(function, "a");
        function.expire_blocking(key("a")).strict().unwrap();
        assert_eq!(function.peek_blocking(key("a")), None);
        body.call(function, "a");
        function.invalidate_all_blocking().strict().unwrap();
        assert_eq!(function.peek_blocking(key("a")), None);
    };
    companions();
    in_current_thread(async { companions() });
}

#[test]
fn an_expired_answer_is_a_last_resort_and_nothing_else() {
    let world = World::new();
    let definition = definition().stale(TTL).stale_if_error(TTL);
    let function: Blocking<Result<u64, String>, true> =
        world.made(&definition, &Abilities::new(None, None, Some(String::clone)));
    let call = |body: Result<u64, String>| function.load_blocking(key("k"), || body);
    in_current_thread(async {
        call(Ok(1)).unwrap();
        function.expire_blocking(key("k")).strict().unwrap();
        assert_eq!(function.peek_blocking(key("k")), None);
        assert_eq!(call(Err("down".into())), Ok(1));
        function.expire_blocking(key("k"));
        assert_eq!(call(Ok(2)), Ok(2));
    });
}

#[test]
fn answers_go_to_disk_without_a_runtime_and_come_back_from_there() {
    let (world, body) = (World::new(), Body::open());
    let on_disk = definition().layers(DISK);
    assert_eq!(body.call(defined(&world, &on_disk), "k"), 1);
    until(|| world.is_at_rest());

    let restarted = defined(&world.restarted(), &on_disk);
    assert_eq!(restarted.peek_blocking(key("k")), Some(1));
    assert_eq!(body.call(restarted, "k"), 1);
    assert_eq!(restarted.stats().disk_hits(), 1);

    restarted.invalidate_blocking(key("k")).strict().unwrap();
    assert_eq!(body.call(defined(&world.restarted(), &on_disk), "k"), 2);
}

#[test]
fn redis_is_not_asked() {
    let (world, body) = (World::new(), Body::open());
    let function = defined(&world, &definition().layers(ALL));
    in_current_thread(async {
        assert_eq!(body.call(function, "k"), 1);
        assert!(matches!(
            function.invalidate_blocking(key("k")).in_layer(LayerKind::Redis),
            Forgotten::NotInUse
        ));
    });
    until(|| world.is_at_rest());
    assert_eq!((world.redis.gets(), world.redis.is_empty()), (0, true));
}

#[test]
fn a_call_does_not_wait_for_its_copy_on_disk_and_an_invalidation_does() {
    let (world, body, gate) = (World::new(), Body::open(), Gate::closed());
    *world.disk.before_put.lock().unwrap() = gate.clone();
    let function = defined(&world, &definition().layers(DISK));
    // In a runtime whose only thread is blocked meanwhile.
    in_current_thread(async {
        assert_eq!(body.call(function, "k"), 1);
        gate.reached().await;
        assert!(!world.is_at_rest(), "`flush` knows of it");
        thread::scope(|scope| {
            scope.spawn(|| {
                until(|| function.flights.is_doomed(key("k").lookup()));
                gate.let_everybody_pass();
            });
            function.invalidate_blocking(key("k")).strict().unwrap();
        });
        // Still in the runtime's only thread, which does nothing for anybody.
        until(|| world.is_at_rest());
    });
    assert!(world.disk.is_empty());
}

#[test]
fn without_memory_a_call_waits_for_its_copy() {
    let (world, body) = (World::new(), Body::open());
    let function = defined(&world, &definition().layers(&[LayerKind::Disk]));
    assert_eq!(body.call(function, "k"), 1);
    assert!(!world.disk.is_empty());
    assert_eq!(body.call(function, "k"), 1);
}

/// Cannot be written where it is odd.
#[derive(Clone, serde::Deserialize)]
struct Even(u64);

impl serde::Serialize for Even {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        assert!(self.0.is_multiple_of(2), "odd");
        self.0.serialize(serializer)
    }
}

#[test]
fn a_panic_while_a_copy_is_made_costs_that_copy_alone() {
    let world = World::new();
    let function: Blocking<Even> =
        world.made(&definition().layers(DISK), &Abilities::new(Some(Codec::new()), None, None));
    for n in [2, 3, 4] {
        function.load_blocking(key(&n.to_string()), || Even(n));
        until(|| world.is_at_rest());
    }
    let on_disk: Blocking<Even> =
        world.restarted().made(&definition().layers(DISK), &Abilities::new(Some(Codec::new()), None, None));
    let kept = [2, 3, 4].map(|n| on_disk.peek_blocking(key(&n.to_string())).map(|even| even.0));
    assert_eq!(kept, [Some(2), None, Some(4)]);
}

#[cfg(feature = "disk")]
#[test]
fn the_real_disk_layer_works_without_a_runtime() {
    use crate::{
        clock::Clock,
        config::{DiskEngine, DiskSettings},
        layers::disk::DiskLayer,
        runtime::Runtime,
    };
    let (dir, body) = (tempfile::tempdir().unwrap(), Body::open());
    let process = || {
        let dir = dir.path().join("cache");
        // Longer than any machine under load may need.
        let timeout = Duration::from_secs(20);
        let disk = DiskSettings { dir, max_bytes: 1 << 24, timeout, engine: DiskEngine::Redb };
        let layer = Arc::new(DiskLayer::new(disk)) as Arc<dyn Layer>;
        let settings = World::new().runtime.settings.clone();
        let runtime = Runtime::with_layers(settings, Clock::Process, vec![Arc::clone(&layer)]);
        (Arc::new(runtime), layer)
    };
    let on_disk = definition().layers(DISK);
    let ask = |forget: bool| {
        let (runtime, layer) = process();
        let abilities = Abilities::<u64, crate::outcome::NoError>::new(Some(Codec::new()), None, None);
        let function = &*Box::leak(Box::new(CachedFn::in_runtime(&runtime, &on_disk, &abilities)));
        let answers = ["a", "b"].map(|text| body.call(function, text));
        until(|| runtime.copies.count() == 0);
        if forget {
            function.invalidate_many_blocking(vec![key("a"), key("b")]).strict().unwrap();
        }
        in_current_thread(layer.close()).unwrap();
        answers
    };
    assert_eq!([ask(false), ask(true), ask(false)], [[1, 2], [1, 2], [3, 4]]);
}

#[test]
fn a_blocking_call_tells_where_its_answer_is_from() {
    let (world, body) = (World::new(), Body::open());
    let function = function(&world);
    let ask = || {
        let answer = function.with_info_blocking(key("k"), || body.run());
        (answer.layer(), answer.age(), answer.into_value())
    };
    assert_eq!(ask(), (None, Duration::ZERO, 1));
    world.advance(Duration::from_secs(7));
    assert_eq!(ask(), (Some(LayerKind::Memory), Duration::from_secs(7), 1));
}

#[tokio::test]
async fn a_blocking_call_is_in_the_scope_of_the_task_that_makes_it() {
    let (world, body) = (World::new(), Body::open());
    let function = function(&world);
    let get = || call(function, "k", || body.run());
    assert_eq!(get(), 1);
    assert_eq!((bypass(async { get() }).await, get()), (2, 1));
    assert_eq!((refreshing(async { get() }).await, get()), (3, 3));
}
