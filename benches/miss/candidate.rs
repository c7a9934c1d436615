//! Something that loads what it does not have, and how its loads are asked for.

use std::{
    future::Future,
    ops::Range,
    pin::Pin,
    sync::atomic::{AtomicU64, Ordering},
};

type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// A cache or something to compare it with.
pub struct Candidate {
    pub name: &'static str,
    /// Asks for one key after another; how many nanoseconds that took for each.
    pub one_by_one: Box<dyn Fn(Range<u64>) -> Boxed<f64>>,
    /// Asks for each key in so many tasks at once, for one key after another.
    pub all_at_once: Box<dyn Fn(Range<u64>, usize) -> Boxed<()>>,
}

/// Keys that nobody has asked for.
pub fn fresh_keys(count: u64) -> Range<u64> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let first = NEXT.fetch_add(count, Ordering::Relaxed);
    first..first + count
}

/// A candidate by its name and by the call that is measured: `candidate!("moka", |id| user(id).await)`. The call stands
/// within the loops, and not behind a pointer to it.
macro_rules! candidate {
    ($name:expr, |$id:ident| $call:expr) => {
        $crate::candidate::Candidate {
            name: $name,
            one_by_one: Box::new(|ids| {
                Box::pin(async move {
                    let count = ids.end - ids.start;
                    let start = std::time::Instant::now();
                    for $id in ids {
                        std::hint::black_box($call);
                    }
                    start.elapsed().as_nanos() as f64 / count as f64
                })
            }),
            all_at_once: Box::new(|ids, callers| {
                Box::pin(async move {
                    for $id in ids {
                        let tasks: Vec<_> =
                            (0..callers).map(|_| tokio::spawn(async move { $call })).collect();
                        for task in tasks {
                            std::hint::black_box(task.await.unwrap());
                        }
                    }
                })
            }),
        }
    };
}
pub(crate) use candidate;
