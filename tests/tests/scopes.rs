//! Scopes without the cache and with a new one, in a process that has no tests' worlds.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use hybrid_cache::{bypass, cached, refreshing};

static RUNS: AtomicU64 = AtomicU64::new(0);

#[cached(layers = "mem")]
async fn run(queue: u64) -> u64 {
    let _ = queue;
    RUNS.fetch_add(1, SeqCst) + 1
}

#[cached(layers = "mem")]
async fn run_twice(queue: u64) -> (u64, u64) {
    (run(queue).await, run(queue).await)
}

/// One test, because what it is about is the first scope of a process.
#[tokio::test]
async fn the_first_scope_of_a_process_is_seen_and_costs_later_hits_no_allocation() {
    assert_eq!(run(1).await, 1);
    assert_eq!(bypass(run(1)).await, 2);
    assert_eq!(bypass(run_twice(1)).await, (3, 4));
    assert_eq!((run(1).await, run_twice(1).await), (1, (1, 1)));
    assert_eq!(refreshing(run_twice(1)).await, (5, 6));
    assert_eq!((run(1).await, run_twice(1).await), (6, (5, 6)));

    let hit = std::pin::pin!(run(1));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let mut answered = false;
    let cost = allocation_counter::measure(|| answered = hit.poll(&mut context).is_ready());
    assert_eq!((answered, cost.count_total), (true, 0));
}
