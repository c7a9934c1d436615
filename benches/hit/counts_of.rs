//! Allocations and instructions of a hit, as the program `hit-counts` and valgrind count them.
//!
//! Each is the difference between a short run and a longer one, so that all that a run begins and ends with drops out.

use std::{
    process::Command,
    sync::atomic::{AtomicUsize, Ordering},
};

use hybrid_cache_benches::options::Options;

use crate::case::Case;

const SHORT: usize = 5_000;
const LONG: usize = 15_000;

/// For one hit; not a number where it could not be counted.
#[derive(Debug, Clone, Copy)]
pub struct Counts {
    allocations: f64,
    instructions: f64,
}

impl Counts {
    /// Those of every candidate. Nothing is timed meanwhile, so as many are counted at once as there are processors.
    pub fn of_all(case: Case, candidates: &[&str], options: &Options) -> Vec<Option<Self>> {
        let next = AtomicUsize::new(0);
        let work = || {
            let mut counts = Vec::new();
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                let Some(candidate) = candidates.get(at) else { return counts };
                counts.push((at, Self::of(case, candidate, options)));
            }
        };
        let mut counts = std::thread::scope(|scope| {
            let threads = std::thread::available_parallelism().map_or(1, usize::from);
            let running: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
            running.into_iter().flat_map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
        });
        counts.sort_by_key(|(at, _)| *at);
        counts.into_iter().map(|(_, counts)| Some(counts)).collect()
    }

    fn of(case: Case, candidate: &str, options: &Options) -> Self {
        let per_hit = |count: fn(Case, &str, usize) -> Option<f64>| {
            let difference = count(case, candidate, LONG).zip(count(case, candidate, SHORT));
            difference.map_or(f64::NAN, |(long, short)| (long - short) / (LONG - SHORT) as f64)
        };
        Self {
            allocations: per_hit(allocations),
            instructions: if options.smoke { f64::NAN } else { per_hit(instructions) },
        }
    }

    pub fn columns(self) -> Vec<(&'static str, f64)> {
        vec![("allocations", self.allocations), ("instructions", self.instructions)]
    }
}

fn allocations(case: Case, candidate: &str, calls: usize) -> Option<f64> {
    let mut program = Command::new(PROGRAM);
    let output = program.args([&case.title(), candidate, &calls.to_string()]).output().unwrap();
    String::from_utf8_lossy(&output.stdout).trim().parse().ok()
}

/// Nothing where there is no valgrind.
fn instructions(case: Case, candidate: &str, calls: usize) -> Option<f64> {
    let mut program = Command::new("valgrind");
    program.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]);
    program.args(["--toggle-collect=hit_counts::counted_calls*", PROGRAM]);
    let output = program.args([&case.title(), candidate, &calls.to_string()]).output().ok()?;
    let said = String::from_utf8_lossy(&output.stderr);
    let (_, collected) = said.split_once("Collected :")?;
    collected.split_whitespace().next()?.parse().ok()
}

const PROGRAM: &str = env!("CARGO_BIN_EXE_hit-counts");
