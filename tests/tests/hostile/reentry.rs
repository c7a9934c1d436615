//! Bodies that need what is being loaded: their own answer, each other's, be it in circles. (R22.)

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use futures_util::{
    FutureExt,
    future::{BoxFuture, join, join_all},
};
use hybrid_cache::{
    cached,
    testing::{Store, World, advance, isolated},
};
use tokio::task::yield_now;

use super::source::{settle, within_patience};

const SECOND: Duration = Duration::from_secs(1);

/// So that futures that contain each other have a size.
fn boxed<'a, T: Send>(future: impl Future<Output = T> + Send + 'a) -> BoxFuture<'a, T> {
    Box::pin(future)
}

#[cached(layers = "mem,redis,disk", skip(depth))]
async fn itself(id: u64, depth: u64) -> u64 {
    yield_now().await;
    if depth == 0 { id } else { boxed(itself(id, depth - 1)).await }
}

#[cached(layers = "mem", skip(depth), inline)]
async fn itself_inline(id: u64, depth: &u64) -> u64 {
    yield_now().await;
    if *depth == 0 { id } else { itself_inline(id, &(depth - 1)).boxed_local().await }
}

#[tokio::test]
async fn a_body_that_calls_itself_with_the_same_key_ends_however_many_call_it() {
    let world = World::new().redis(&Store::new()).disk(&Store::new());
    world
        .enter(async {
            let spawned = within_patience(join_all((0..50).map(|_| itself(7, 3)))).await;
            assert_eq!(spawned, [7; 50]);
            let inline = within_patience(join_all((0..50).map(|_| itself_inline(7, &3)))).await;
            assert_eq!(inline, [7; 50]);
            assert!(itself::peek(7).await.is_some() && itself_inline::peek(7).await.is_some());
        })
        .await;
}

#[cached(layers = "mem", ttl = 10, jitter = 0.0, stale = 100, refresh_ahead = 0.5)]
async fn itself_when_stale(id: u64) -> u64 {
    RUNS.fetch_add(1, SeqCst);
    yield_now().await;
    if RUNS.load(SeqCst) > 1 { boxed(itself_when_stale(id)).await + 1 } else { id }
}

static RUNS: AtomicUsize = AtomicUsize::new(0);

#[tokio::test]
async fn a_refresh_whose_body_calls_itself_gets_the_old_answer() {
    isolated(async {
        assert_eq!(itself_when_stale(7).await, 7);
        for (age, answer) in [(SECOND * 11, 7), (SECOND * 6, 8), (SECOND * 11, 9)] {
            advance(age);
            assert_eq!(within_patience(itself_when_stale(7)).await, answer);
            settle().await;
        }
        assert_eq!(itself_when_stale(7).await, 10);
        assert_eq!((RUNS.load(SeqCst), itself_when_stale::stats().refreshes()), (4, 3));
    })
    .await;
}

#[cached(layers = "mem")]
async fn forgets_itself(id: u64) -> u64 {
    forgets_itself::invalidate(id).await;
    forgets_itself::expire(id).await;
    forgets_itself::invalidate_all().await;
    assert_eq!(forgets_itself::peek(id).await, None);
    id
}

#[cached(layers = "mem")]
async fn puts_itself(id: u64) -> u64 {
    puts_itself::put(id, 100).await;
    assert_eq!(boxed(puts_itself(id)).await, 100);
    id
}

#[cached(layers = "mem", skip(depth))]
async fn refreshes_itself(id: u64, depth: u64) -> u64 {
    if depth == 0 { id } else { boxed(refreshes_itself::refresh(id, depth - 1)).await + 1 }
}

#[tokio::test]
async fn a_body_may_forget_put_and_refresh_its_own_answer() {
    let world = World::new().redis(&Store::new()).disk(&Store::new());
    world
        .enter(async {
            assert_eq!(within_patience(forgets_itself(7)).await, 7);
            assert_eq!(forgets_itself::peek(7).await, None, "it was invalidated while it was loaded");
            assert_eq!(within_patience(puts_itself(7)).await, 7);
            assert_eq!(puts_itself::peek(7).await, Some(100), "newer than the load that put it");
            assert_eq!(within_patience(refreshes_itself(7, 3)).await, 10);
            assert_eq!(refreshes_itself::peek(7).await, Some(7), "the newest load is the innermost");
        })
        .await;
}

#[cached(layers = "mem", wait = "5s", skip(depth, world))]
async fn by_way_of_a_task(id: u64, depth: u64, world: &World) -> u64 {
    if depth == 0 {
        return id;
    }
    let inner = world.clone();
    let task = tokio::spawn(async move { inner.enter(boxed(by_way_of_a_task(id, depth - 1, &inner))).await });
    task.await.unwrap() + 1
}

#[tokio::test]
async fn a_body_that_waits_for_itself_by_way_of_a_task_costs_the_wait_and_no_more() {
    let world = World::new();
    let call = world.enter(by_way_of_a_task(7, 1, &world));
    let time = async {
        settle().await;
        world.advance(6 * SECOND);
    };
    assert_eq!(within_patience(join(call, time)).await.0, 8);
    settle().await;
    assert_eq!(world.enter(by_way_of_a_task::peek(7)).await, Some(7), "of the two loads the later one");
}

#[cached(layers = "mem", skip(depth, world), wait = "5s")]
async fn left(id: u64, depth: u64, world: &World) -> u64 {
    yield_now().await;
    if depth == 0 { 0 } else { boxed(right(id, depth - 1, world)).await + 1 }
}

#[cached(layers = "mem", skip(depth, world), wait = "5s")]
async fn right(id: u64, depth: u64, world: &World) -> u64 {
    yield_now().await;
    if depth == 0 {
        return 0;
    }
    let inner = world.clone();
    tokio::spawn(async move { inner.enter(boxed(left(id, depth - 1, &inner))).await }).await.unwrap() + 1
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_functions_that_need_each_other_by_way_of_tasks_get_on_as_time_does() {
    let world = World::new();
    let calls: Vec<_> = (0..40)
        .map(|n| {
            let world = world.clone();
            tokio::spawn(async move {
                let inner = world.clone();
                if n % 2 == 0 {
                    world.enter(left(n / 8, 4, &inner)).await
                } else {
                    world.enter(right(n / 8, 4, &inner)).await
                }
            })
        })
        .collect();
    let all = join_all(calls);
    let time = async {
        // Each `wait` gets at least one caller out of each circle.
        loop {
            settle().await;
            world.advance(6 * SECOND);
        }
    };
    tokio::select! {
        answers = within_patience(all) => {
            assert!(answers.into_iter().all(|answer| answer.is_ok()));
        }
        () = time => unreachable!(),
    }
}

/// A graph whose nodes need others, in circles too.
struct Graph {
    needs: Vec<Vec<usize>>,
}

impl Graph {
    fn random(random: &mut Random, nodes: usize, needs: usize) -> Arc<Self> {
        let mut some = || (0..random.below(needs + 1)).map(|_| random.below(nodes)).collect();
        Arc::new(Self { needs: (0..nodes).map(|_| some()).collect() })
    }
}

/// A few bits that look random and are the same each time.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 20).unwrap() % limit
    }
}

#[cached(layers = "mem", skip(graph, fuel))]
async fn at_once(node: usize, fuel: usize, graph: &Arc<Graph>) -> usize {
    yield_now().await;
    if fuel == 0 {
        return 0;
    }
    let needs = graph.needs[node].iter().map(|need| visit(*need, fuel - 1, graph));
    join_all(needs).await.into_iter().max().unwrap_or(0) + 1
}

#[cached(layers = "mem", skip(graph, fuel))]
async fn one_by_one(node: usize, fuel: usize, graph: &Arc<Graph>) -> usize {
    if fuel == 0 {
        return 0;
    }
    let mut most = 0;
    for need in &graph.needs[node] {
        most = most.max(visit(*need, fuel - 1, graph).await);
    }
    most + 1
}

/// Nodes are spread over two functions.
fn visit(node: usize, fuel: usize, graph: &Arc<Graph>) -> BoxFuture<'_, usize> {
    if node.is_multiple_of(2) {
        boxed(at_once(node, fuel, graph))
    } else {
        boxed(one_by_one(node, fuel, graph))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn circles_of_any_shape_entered_at_any_place_at_the_same_time_end_without_waiting() {
    let mut random = Random(88_172_645_463_325_252);
    for round in 0..60 {
        let graph = Graph::random(&mut random, 6, 3);
        // Its time stands still: what waits for time waits for ever.
        let world = World::new();
        let calls: Vec<_> = (0..12)
            .map(|n| {
                let (world, graph) = (world.clone(), Arc::clone(&graph));
                tokio::spawn(async move { world.enter(visit(n % 6, 4, &graph)).await })
            })
            .collect();
        for call in calls {
            let depth = tokio::time::timeout(super::source::PATIENCE, call).await;
            depth.unwrap_or_else(|_| panic!("round {round} hangs: {:?}", graph.needs)).unwrap();
        }
    }
}

/// An error that cannot be shared: who waits for this loads for itself, some at a time.
#[derive(Debug)]
struct Private;

#[cached(layers = "mem", skip(depth))]
async fn fails_by_way_of_another(id: u64, depth: u64) -> Result<u64, Private> {
    yield_now().await;
    if depth > 0 {
        boxed(by_way_of_what_fails(id, depth - 1)).await;
    }
    Err(Private)
}

#[cached(layers = "mem", skip(depth), cache_if = not_at_all)]
async fn by_way_of_what_fails(id: u64, depth: u64) -> u64 {
    yield_now().await;
    if depth > 0 {
        assert!(boxed(fails_by_way_of_another(id, depth - 1)).await.is_err());
    }
    id
}

fn not_at_all(_: &u64) -> bool {
    false
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_circle_through_the_queue_of_those_who_load_for_themselves_ends_without_waiting() {
    for _ in 0..20 {
        let world = World::new();
        let calls: Vec<_> = (0..100)
            .map(|n| {
                let world = world.clone();
                tokio::spawn(async move {
                    if n % 2 == 0 {
                        assert!(world.enter(fails_by_way_of_another(7, 4)).await.is_err());
                    } else {
                        assert_eq!(world.enter(by_way_of_what_fails(7, 4)).await, 7);
                    }
                })
            })
            .collect();
        for call in calls {
            within_patience(call).await.unwrap();
        }
    }
}
