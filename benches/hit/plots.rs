//! Two pictures of the tables: time against the number of keys, and throughput against threads.

use std::io;

use hybrid_cache_benches::{
    keys::Distribution,
    plot::{Axis, Plot},
    report::{Table, directory},
};

use crate::case::{Case, Key, Returns, Size};

/// Those that are in every table.
const DRAWN: [&str; 7] = [
    "floor",
    "hybrid-cache",
    "moka::future",
    "quick_cache",
    "concurrent_cached(max_size, ttl)",
    "cached(max_size, ttl)",
    "cached(max_size, ttl, mutex)",
];

/// What is drawn, of the tables with keys `u64`, answers in an `Arc`, and zipf.
#[derive(Debug)]
pub struct Curves {
    keys: Plot,
    threads: Plot,
}

impl Default for Curves {
    fn default() -> Self {
        Self {
            keys: Plot::new(
                "A hit in memory: u64 → Arc, zipf, 1 thread",
                Axis::logarithmic("keys"),
                Axis::logarithmic("ns"),
            ),
            threads: Plot::new(
                "Hits in memory: 10 000 keys, u64 → Arc, zipf",
                Axis::linear("threads"),
                Axis::logarithmic("million hits a second, of all threads"),
            ),
        }
    }
}

impl Curves {
    /// Takes from a table what is to be drawn.
    pub fn add(&mut self, case: Case, distribution: Distribution, threads: usize, table: &Table) {
        if (case.key, case.returns, distribution) != (Key::Id, Returns::Arc, Distribution::Zipf) {
            return;
        }
        for candidate in DRAWN {
            let Some(figures) = table.figures(candidate) else { continue };
            let median = figures.median();
            if threads == 1 {
                self.keys.point(candidate, case.size.keys() as f64, median);
            }
            if case.size == Size::K10 {
                let millions = if threads == 1 { 1_000.0 / median } else { median };
                self.threads.point(candidate, threads as f64, millions);
            }
        }
    }

    /// Writes what there is enough of.
    pub fn draw(&self) -> io::Result<()> {
        self.keys.draw(&directory().join("hit-keys.svg"))?;
        self.threads.draw(&directory().join("hit-threads.svg"))
    }
}
