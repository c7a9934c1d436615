//! Callers that ask at the same time, and how long they wait.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{runtime::Runtime, sync::Barrier};

use crate::candidates::Users;

/// What a caller does with each number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    /// Asks for the user.
    Ask,
    /// Makes Redis forget the user.
    Forget,
}

/// How it went in one round.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timing {
    /// In microseconds: what half of the operations took at most.
    pub(crate) median: f64,
    /// In microseconds: what all but one of a hundred took at most.
    pub(crate) p99: f64,
    /// Thousands of operations in a second, of all callers together.
    pub(crate) rate: f64,
}

/// Has `callers` tasks work through `ids`, a part each, at the same time.
///
/// All in spawned tasks: a future that is awaited in `block_on` is woken across threads, which costs as much as Redis.
pub(crate) fn run<U: Users>(
    runtime: &Runtime,
    users: &U,
    operation: Operation,
    callers: usize,
    ids: &[u64],
) -> Timing {
    let count = ids.len();
    let start_line = Arc::new(Barrier::new(callers));
    let all = ids.chunks(count.div_ceil(callers)).map(<[u64]>::to_vec);
    let started = Instant::now();
    let tasks: Vec<_> =
        all.map(|ids| runtime.spawn(one(users.clone(), operation, ids, Arc::clone(&start_line)))).collect();
    assert_eq!(tasks.len(), callers, "numbers for every caller");
    let mut took: Vec<Duration> = runtime.block_on(async {
        let mut took = Vec::with_capacity(count);
        for task in tasks {
            took.extend(task.await.unwrap());
        }
        took
    });
    let elapsed = started.elapsed();
    took.sort_unstable();
    let below = |part: f64| took[((count - 1) as f64 * part) as usize].as_secs_f64() * 1e6;
    Timing { median: below(0.5), p99: below(0.99), rate: count as f64 / elapsed.as_secs_f64() / 1e3 }
}

async fn one(
    mut users: impl Users,
    operation: Operation,
    ids: Vec<u64>,
    start_line: Arc<Barrier>,
) -> Vec<Duration> {
    let mut took = Vec::with_capacity(ids.len());
    start_line.wait().await;
    for id in ids {
        let start = Instant::now();
        match operation {
            Operation::Ask => assert_eq!(users.user(id).await.id, id),
            Operation::Forget => users.forget(id).await,
        }
        took.push(start.elapsed());
    }
    took
}
