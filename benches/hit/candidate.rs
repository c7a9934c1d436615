//! Something that answers calls, and how its calls are timed.

use std::{
    sync::Barrier,
    time::{Duration, Instant},
};

/// A cache or something to compare it with.
pub struct Candidate {
    pub name: &'static str,
    /// Part of every table, and not only of those in which all candidates are.
    pub everywhere: bool,
    pub calls: Box<dyn Fn(&[u32], Watch<'_>) + Sync>,
}

/// What is timed of a sequence of calls.
pub enum Watch<'a> {
    /// All of them together, from when all threads have come to the barrier.
    All(&'a Barrier, &'a mut Option<Span>),
    /// Each alone, in nanoseconds.
    Each(&'a mut Vec<f64>),
}

/// From when to when a thread was calling.
#[derive(Debug, Clone, Copy)]
pub struct Span {
    pub start: Instant,
    pub end: Instant,
}

impl Candidate {
    /// Calls with these keys, for what it leaves in the cache.
    pub fn warm(&self, ids: &[u32]) {
        (self.calls)(ids, Watch::All(&Barrier::new(1), &mut None));
    }

    /// How long one thread needs for calls with these keys.
    pub fn time(&self, ids: &[u32]) -> Duration {
        let mut span = None;
        (self.calls)(ids, Watch::All(&Barrier::new(1), &mut span));
        span.map_or(Duration::ZERO, |span| span.end - span.start)
    }

    /// Calls in so many threads at once: how many calls there are in a second, of all threads together. Each thread asks
    /// for the same keys in the same order, but begins at another place.
    pub fn calls_per_second(&self, ids: &[u32], threads: usize) -> f64 {
        let barrier = Barrier::new(threads);
        let ids_apart = ids.len() / threads;
        let sequences: Vec<Vec<u32>> = (0..threads)
            .map(|thread| {
                let mut ids = ids.to_vec();
                ids.rotate_left(thread * ids_apart);
                ids
            })
            .collect();
        let spans: Vec<Span> = std::thread::scope(|scope| {
            let running: Vec<_> = sequences
                .iter()
                .map(|ids| {
                    scope.spawn(|| {
                        let mut span = None;
                        (self.calls)(ids, Watch::All(&barrier, &mut span));
                        span
                    })
                })
                .collect();
            running.into_iter().filter_map(|thread| thread.join().unwrap()).collect()
        });
        let start = spans.iter().map(|span| span.start).min().unwrap();
        let end = spans.iter().map(|span| span.end).max().unwrap();
        (ids.len() * threads) as f64 / (end - start).as_secs_f64()
    }
}

/// A runtime in the thread that calls. Every call of a sequence is awaited in one `block_on`, so that nothing is measured
/// of tasks.
pub fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// A candidate by its name and by the call that is measured, which may await: `candidate!("floor", |id| floor(id).await)`.
/// A macro, as the call is to stand within the loops and not behind a pointer to it.
macro_rules! candidate {
    ($name:expr, |$id:ident| $call:expr) => {
        $crate::candidate::Candidate {
            name: $name,
            everywhere: false,
            calls: Box::new(move |ids, watch| {
                use std::{hint::black_box, time::Instant};
                $crate::candidate::runtime().block_on(async {
                    match watch {
                        $crate::candidate::Watch::All(barrier, span) => {
                            barrier.wait();
                            let start = Instant::now();
                            for id in ids {
                                let $id = black_box(u64::from(*id));
                                black_box($call);
                            }
                            *span = Some($crate::candidate::Span { start, end: Instant::now() });
                        }
                        $crate::candidate::Watch::Each(nanoseconds) => {
                            for id in ids {
                                let $id = black_box(u64::from(*id));
                                let start = Instant::now();
                                black_box($call);
                                nanoseconds.push(start.elapsed().as_nanos() as f64);
                            }
                        }
                    }
                });
            }),
        }
    };
    (everywhere $name:expr, |$id:ident| $call:expr) => {
        $crate::candidate::Candidate { everywhere: true, ..$crate::candidate::candidate!($name, |$id| $call) }
    };
}
pub(crate) use candidate;

/// The function `candidates` of peers that are macros, whose functions exist once for each case: their bounds stand in an
/// attribute. Each of the three macros makes a module with a function `candidates` for the functions of one key, given the
/// module's name, the type of the answer, and the bound. This is for the cases in which all candidates are.
macro_rules! in_cases_for_all {
    ($by_id:ident, $by_pair:ident, $by_name:ident) => {
        $by_id!(id_arc_10k, Arc<User>, 20_000);
        $by_id!(id_arc_1m, Arc<User>, 2_000_000);
        $by_id!(id_clone_10k, User, 20_000);
        $by_pair!(pair_arc_10k, Arc<User>, 20_000);
        $by_pair!(pair_clone_10k, User, 20_000);
        $by_name!(name_arc_10k, Arc<User>, 20_000);
        $by_name!(name_clone_10k, User, 20_000);

        fn candidates_for_all(case: $crate::case::Case) -> Vec<$crate::candidate::Candidate> {
            use $crate::case::{
                Key::{Id, Name, Pair},
                Returns::{Arc, Clone},
                Size::{K10, K1000},
            };
            match (case.key, case.returns, case.size) {
                (Id, Arc, K10) => id_arc_10k::candidates(),
                (Id, Arc, K1000) => id_arc_1m::candidates(),
                (Id, Clone, K10) => id_clone_10k::candidates(),
                (Pair, Arc, K10) => pair_arc_10k::candidates(),
                (Pair, Clone, K10) => pair_clone_10k::candidates(),
                (Name, Arc, K10) => name_arc_10k::candidates(),
                (Name, Clone, K10) => name_clone_10k::candidates(),
                _ => Vec::new(),
            }
        }
    };
}
pub(crate) use in_cases_for_all;

/// The same for the cases in which only those are that are `everywhere`.
macro_rules! in_the_other_cases {
    ($by_id:ident, $by_pair:ident, $by_name:ident) => {
        $by_id!(id_arc_100, Arc<User>, 200);
        $by_id!(id_arc_1k, Arc<User>, 2_000);
        $by_id!(id_arc_100k, Arc<User>, 200_000);
        $by_id!(id_clone_1m, User, 2_000_000);
        $by_pair!(pair_arc_1m, Arc<User>, 2_000_000);
        $by_name!(name_arc_1m, Arc<User>, 2_000_000);

        fn candidates_in_the_others(case: $crate::case::Case) -> Vec<$crate::candidate::Candidate> {
            use $crate::case::{
                Key::{Id, Name, Pair},
                Returns::{Arc, Clone},
                Size::{K0_1, K1, K100, K1000},
            };
            match (case.key, case.returns, case.size) {
                (Id, Arc, K0_1) => id_arc_100::candidates(),
                (Id, Arc, K1) => id_arc_1k::candidates(),
                (Id, Arc, K100) => id_arc_100k::candidates(),
                (Id, Clone, K1000) => id_clone_1m::candidates(),
                (Pair, Arc, K1000) => pair_arc_1m::candidates(),
                (Name, Arc, K1000) => name_arc_1m::candidates(),
                _ => Vec::new(),
            }
        }
    };
}
pub(crate) use in_the_other_cases;
