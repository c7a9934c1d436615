//! One bound for what all functions hold in memory (`mem_max_bytes`).

use std::{
    cell::Cell,
    collections::HashMap,
    panic::resume_unwind,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicUsize, Ordering::SeqCst},
        mpsc,
    },
    thread,
    time::Duration,
};

use serde::Serialize;

use super::world::{ALL, Body, Function, MEMORY, TTL, World, key};
use crate::{
    Eviction,
    definition::{Abilities, Definition},
    size::SizeProbe,
};

const ENGINES: &[Eviction] = &[
    Eviction::S3Fifo,
    #[cfg(feature = "moka")]
    Eviction::TinyLfu,
];

/// What an answer counts in these tests, but for what memory needs for each.
const ANSWER: usize = 10_000;

/// Room for so many answers.
const fn room_for(answers: u64) -> u64 {
    answers * (ANSWER as u64 + 500)
}

fn definition(name: &'static str, eviction: Eviction) -> Definition {
    Definition::named(name).layers(MEMORY).ttl(TTL).eviction(eviction)
}

fn weighed(world: &World, name: &'static str, eviction: Eviction) -> Function {
    world.made(&definition(name, eviction), &Abilities::new(None, None, None).weigh(|_| ANSWER))
}

fn long_lived(world: &World, name: &'static str, eviction: Eviction) -> Function {
    let definition = definition(name, eviction).ttl(TTL * 100);
    world.made(&definition, &Abilities::new(None, None, None).weigh(|_| ANSWER))
}

async fn call_all(body: &Body, function: Function, keys: std::ops::Range<usize>) {
    for k in keys {
        body.call(function, &k.to_string()).await;
    }
}

#[tokio::test]
async fn functions_hold_no_more_together_than_the_process_may() {
    for eviction in ENGINES {
        let (world, body) = (World::with_memory(room_for(50)), Body::new());
        let functions = ["a", "b", "c", "d"].map(|name| weighed(&world, name, *eviction));
        for k in 0..100 {
            for function in functions {
                call_all(&body, function, k..k + 1).await;
                assert!(world.bytes_in_memory() <= room_for(50), "{eviction:?}");
            }
        }
        assert!(world.bytes_in_memory() > room_for(45), "{eviction:?}");
    }
}

#[tokio::test]
async fn a_function_that_nobody_asks_gives_way_to_one_that_is_asked() {
    for eviction in ENGINES {
        let world = World::with_memory(room_for(100));
        let (idle, busy) = (long_lived(&world, "idle", *eviction), long_lived(&world, "busy", *eviction));
        call_all(&Body::new(), idle, 0..100).await;
        world.advance(Duration::from_mins(10));
        let body = Body::new();
        for _ in 0..4 {
            call_all(&body, busy, 0..80).await;
        }
        assert_eq!(body.runs(), 80, "{eviction:?}: all others were hits");
    }
}

#[tokio::test]
async fn a_function_that_is_asked_no_more_gives_its_bytes_away_in_time() {
    for eviction in ENGINES {
        let world = World::with_memory(room_for(100));
        let (before, after) =
            (long_lived(&world, "before", *eviction), long_lived(&world, "after", *eviction));
        for _ in 0..20 {
            call_all(&Body::new(), before, 0..100).await;
        }
        world.advance(Duration::from_mins(12));
        let body = Body::new();
        for _ in 0..5 {
            call_all(&body, after, 0..80).await;
        }
        let runs = body.runs();
        call_all(&body, after, 0..80).await;
        assert_eq!(body.runs(), runs, "{eviction:?}: all are in memory");
    }
}

#[tokio::test]
async fn calls_of_long_ago_count_less_than_those_of_just_now_though_nobody_needed_room_meanwhile() {
    for eviction in ENGINES {
        let world = World::with_memory(room_for(100));
        let [before, now, third] = ["before", "now", "third"].map(|name| long_lived(&world, name, *eviction));
        for _ in 0..20 {
            call_all(&Body::new(), before, 0..50).await;
        }
        for _ in 0..10 {
            world.advance(Duration::from_mins(1));
            world.tidy();
        }
        let body = Body::new();
        for _ in 0..5 {
            call_all(&body, now, 0..45).await;
        }
        call_all(&Body::new(), third, 0..30).await;
        call_all(&body, now, 0..45).await;
        assert_eq!(body.runs(), 45, "{eviction:?}");
    }
}

#[tokio::test]
async fn what_leaves_memory_counts_no_more() {
    for eviction in ENGINES {
        let (world, body) = (World::with_memory(room_for(100)), Body::new());
        let function = weighed(&world, "f", *eviction);
        call_all(&body, function, 0..1).await;
        let one = world.bytes_in_memory();
        assert!(one > ANSWER as u64);
        function.put(key("0"), 7).await;
        assert_eq!(world.bytes_in_memory(), one, "{eviction:?}: replaced");
        function.invalidate(key("0")).await;
        assert_eq!(world.bytes_in_memory(), 0, "{eviction:?}: removed");
        call_all(&body, function, 0..10).await;
        world.advance(TTL);
        world.tidy();
        assert_eq!(world.bytes_in_memory(), 0, "{eviction:?}: ended");
        call_all(&body, function, 0..10).await;
        function.invalidate_all().await;
        world.tidy();
        assert_eq!(world.bytes_in_memory(), 0, "{eviction:?}: forgotten all at once");
    }
}

#[tokio::test]
async fn an_answer_that_is_larger_than_all_of_memory_is_given_and_not_kept() {
    let (world, body) = (World::with_memory(room_for(1) / 2), Body::new());
    let function = weighed(&world, "f", Eviction::S3Fifo);
    assert_eq!(body.call(function, "k").await, 1);
    assert_eq!(body.call(function, "k").await, 2);
    assert_eq!(world.bytes_in_memory(), 0);
}

#[tokio::test]
async fn the_bounds_of_a_function_hold_as_well() {
    let (world, body) = (World::with_memory(room_for(100)), Body::new());
    let by_number =
        world.made(&definition("n", Eviction::S3Fifo).capacity(5), &Abilities::new(None, None, None));
    call_all(&body, by_number, 0..50).await;
    assert!(world.bytes_in_memory() <= 5 * 100);
    by_number.invalidate_all().await;
    let by_size = world.made(
        &definition("s", Eviction::S3Fifo).max_bytes(room_for(10)),
        &Abilities::new(None, None, None).weigh(|_| ANSWER),
    );
    call_all(&body, by_size, 0..50).await;
    let held = world.bytes_in_memory();
    assert!(held > room_for(9) && held <= room_for(10), "{held}");
}

#[tokio::test]
async fn an_answer_counts_what_can_be_told_of_its_size() {
    fn returning<T: Clone + Send + Sync + 'static>(world: &World, name: &'static str) -> Function<T, false> {
        world.made(&definition(name, Eviction::S3Fifo), &Abilities::new(None, None, None))
    }
    let world = World::with_memory(room_for(100));
    let held = || world.bytes_in_memory();
    // Its encoding.
    let encoded: Function<String, false> = world.returning(&Definition::named("e").layers(ALL), None, None);
    encoded.load(key("k"), async { "x".repeat(1_000) }).await;
    let text = held();
    assert!((1_000..1_200).contains(&text), "{text}");
    // Else its type.
    returning::<[u64; 50]>(&world, "a").load(key("k"), async { [7; 50] }).await;
    let numbers = held() - text;
    assert!((400..600).contains(&numbers), "{numbers}");
    returning::<String>(&world, "s").load(key("k"), async { "x".repeat(1_000) }).await;
    let untold = held() - text - numbers;
    assert!((24..200).contains(&untold), "{untold}");
    // What cannot be encoded is kept, as it would be without the bound.
    let size = SizeProbe::<Flattened>::ASK.size();
    let never = Abilities::new(None, None, None).measured(size);
    let never: Function<Flattened, false> = world.made(&definition("n", Eviction::S3Fifo), &never);
    never.load(key("k"), async { Flattened { rest: HashMap::new() } }).await;
    assert!(never.peek(key("k")).await.is_some());
    // What its function says is too large is not.
    let huge = Abilities::new(None, None, None).weigh(|_| usize::MAX);
    let huge: Function<u64, false> = world.made(&definition("h", Eviction::S3Fifo), &huge);
    huge.load(key("k"), async { 7 }).await;
    assert_eq!(huge.peek(key("k")).await, None);
}

/// Which postcard cannot write.
#[derive(Clone, Serialize)]
struct Flattened {
    #[serde(flatten)]
    rest: HashMap<String, u64>,
}

/// Whose clean-up has another function store an answer of a key that it has not had yet.
#[derive(Clone)]
struct Stores(#[expect(dead_code, reason = "for its clean-up")] Arc<Storing>);

struct Storing {
    key: usize,
    other: Function,
    deepest: &'static AtomicUsize,
}

thread_local! {
    static CLEAN_UPS: Cell<usize> = const { Cell::new(0) };
}

impl Drop for Storing {
    fn drop(&mut self) {
        CLEAN_UPS.set(CLEAN_UPS.get() + 1);
        self.deepest.fetch_max(CLEAN_UPS.get(), SeqCst);
        self.other.load_blocking(key(&self.key.to_string()), || Ok(7)).unwrap();
        CLEAN_UPS.set(CLEAN_UPS.get() - 1);
    }
}

#[test]
fn answers_whose_clean_up_stores_others_are_dropped_one_after_the_other() {
    for eviction in ENGINES {
        let world = World::with_memory(room_for(50));
        let other = weighed(&world, "other", *eviction);
        let deepest: &'static AtomicUsize = Box::leak(Box::default());
        let abilities = Abilities::new(None, None, None).weigh(|_| ANSWER);
        let storing: Function<Stores, false> = world.made(&definition("storing", *eviction), &abilities);
        for key_of_it in 0..45 {
            let answer = Stores(Arc::new(Storing { key: key_of_it, other, deepest }));
            storing.load_blocking(key(&key_of_it.to_string()), || answer);
        }
        for k in 100..200 {
            other.load_blocking(key(&k.to_string()), || Ok(7)).unwrap();
        }
        assert_eq!(deepest.load(SeqCst), 1, "{eviction:?}");
        world.tidy();
        assert!(world.bytes_in_memory() <= room_for(50), "{eviction:?}");
    }
}

/// Whose clean-up asks two functions for answers, and forgets some.
#[derive(Clone)]
struct Asks(#[expect(dead_code, reason = "for its clean-up")] Arc<Asking>);

struct Asking {
    /// Asks the function that it is an answer of.
    own: &'static OnceLock<Box<dyn Fn() + Send + Sync>>,
    other: Function,
    asked: &'static AtomicUsize,
}

impl Drop for Asking {
    fn drop(&mut self) {
        for k in 0..20 {
            drop(self.other.hit(&key(&k.to_string())));
        }
        (self.own.get().unwrap())();
        self.other.invalidate_blocking(key("forgotten"));
        self.asked.fetch_add(1, SeqCst);
    }
}

#[test]
fn an_answer_that_is_evicted_for_another_function_is_dropped_at_once_and_may_ask_for_answers() {
    let (done, ended) = mpsc::channel();
    thread::spawn(move || {
        for eviction in ENGINES {
            let world = World::with_memory(room_for(20));
            let other = weighed(&world, "other", *eviction);
            let own: &'static OnceLock<Box<dyn Fn() + Send + Sync>> = Box::leak(Box::default());
            let asked: &'static AtomicUsize = Box::leak(Box::default());
            let abilities = Abilities::new(None, None, None).weigh(|_| ANSWER);
            let asking: Function<Asks, false> = world.made(&definition("own", *eviction), &abilities);
            own.set(Box::new(|| drop(asking.hit(&key("0"))))).ok().unwrap();
            for k in 0..20 {
                let answer = Asks(Arc::new(Asking { own, other, asked }));
                asking.load_blocking(key(&k.to_string()), || answer);
            }
            assert_eq!(asked.load(SeqCst), 0, "{eviction:?}");
            // Not so many that they would have to make room for each other.
            for k in 0..15 {
                other.load_blocking(key(&k.to_string()), || Ok(7)).unwrap();
                other.hit(&key(&k.to_string())).unwrap().unwrap();
            }
            let left = (0..20).filter(|k| asking.hit(&key(&k.to_string())).is_some()).count();
            assert!(left < 10 && asked.load(SeqCst) == 20 - left, "{eviction:?}: {left} are left");
        }
        done.send(()).unwrap();
    });
    ended.recv_timeout(Duration::from_mins(1)).expect("it hangs, or failed");
}

#[test]
fn a_panic_in_the_clean_up_of_another_functions_answer_costs_no_load() {
    struct Panics;
    impl Drop for Panics {
        fn drop(&mut self) {
            resume_unwind(Box::new("on purpose"));
        }
    }
    let world = World::with_memory(room_for(3));
    let abilities = Abilities::new(None, None, None).weigh(|_| ANSWER);
    let panics: Function<Arc<Panics>, false> = world.made(&definition("p", Eviction::S3Fifo), &abilities);
    let function = weighed(&world, "f", Eviction::S3Fifo);
    for k in 0..3 {
        panics.load_blocking(key(&k.to_string()), || Arc::new(Panics));
    }
    for k in 0..10 {
        assert_eq!(function.load_blocking(key(&k.to_string()), || Ok(7)).unwrap(), 7);
    }
    assert_eq!(function.stats().load_errors(), 0);
    world.tidy();
    assert!(world.bytes_in_memory() <= room_for(3));
}

#[test]
fn threads_that_load_are_over_the_bound_by_no_more_than_one_answer_each() {
    const THREADS: usize = 8;
    for eviction in ENGINES {
        let world = World::with_memory(room_for(40));
        let functions = ["a", "b", "c", "d"].map(|name| weighed(&world, name, *eviction));
        thread::scope(|scope| {
            for thread in 0..THREADS {
                let world = &world;
                scope.spawn(move || {
                    for k in 0..200 {
                        let function = functions[(thread + k) % functions.len()];
                        function.load_blocking(key(&format!("{thread} {k}")), || Ok(7)).unwrap();
                        assert!(world.bytes_in_memory() <= room_for(40 + THREADS as u64), "{eviction:?}");
                    }
                });
            }
        });
        assert!(world.bytes_in_memory() <= room_for(40), "{eviction:?}");
    }
}
