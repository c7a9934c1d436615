//! Calls of one candidate by several tasks at once, each timed.

use std::{sync::Arc, time::Instant};

use futures_core::future::BoxFuture;
use hybrid_cache_benches::figures::Figures;
use tokio::runtime::Runtime;

/// One call, with the number of the user it is about.
pub(crate) type Call = Arc<dyn Fn(u64) -> BoxFuture<'static, ()> + Send + Sync>;

/// A [`Call`] of what a function returns.
pub(crate) fn call<F>(of: impl Fn(u64) -> F + Send + Sync + 'static) -> Call
where
    F: Future<Output = ()> + Send + 'static,
{
    Arc::new(move |id| Box::pin(of(id)))
}

/// What a number of calls took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Taken {
    /// Of one call, in µs.
    pub(crate) median: f64,
    /// Of one call, in µs.
    pub(crate) percentile_99: f64,
    /// Calls in a second, in thousands.
    pub(crate) rate: f64,
}

/// Two threads that run tasks, as many as the machine has cores that this was written for.
pub(crate) fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// Calls with each of `ids` once. Each of `callers` tasks has a part of them and calls with one after the other.
pub(crate) fn measure(runtime: &Runtime, callers: usize, ids: &[u64], call: &Call) -> Taken {
    let start = Instant::now();
    let tasks: Vec<_> = ids
        .chunks(ids.len().div_ceil(callers))
        .map(|ids| {
            let (ids, call) = (ids.to_vec(), Arc::clone(call));
            runtime.spawn(async move {
                let mut taken = Vec::with_capacity(ids.len());
                for id in ids {
                    let start = Instant::now();
                    call(id).await;
                    taken.push(start.elapsed().as_nanos() as f64 / 1e3);
                }
                taken
            })
        })
        .collect();
    let taken: Figures = runtime.block_on(async { futures_of(tasks).await }).into_iter().flatten().collect();
    let seconds = start.elapsed().as_secs_f64();
    Taken {
        median: taken.median(),
        percentile_99: taken.quantile(0.99),
        rate: ids.len() as f64 / seconds / 1e3,
    }
}

async fn futures_of(tasks: Vec<tokio::task::JoinHandle<Vec<f64>>>) -> Vec<Vec<f64>> {
    let mut all = Vec::with_capacity(tasks.len());
    for task in tasks {
        all.push(task.await.unwrap());
    }
    all
}
