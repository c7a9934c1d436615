//! What a hit in memory costs: beside bare `moka`, beside every peer, and beside a function that caches nothing.

#![allow(
    clippy::unwrap_used,
    clippy::unused_async,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::redundant_closure,
    clippy::type_complexity,
    unreachable_pub,
    reason = "a bench that cannot go on stops; its numbers are far below what these casts could lose; candidates are written alike"
)]

mod answers;
mod candidate;
mod case;
mod counts_of;
mod latency;
mod peers;
mod plots;
mod tables;

use std::io;

use case::CASES;
use hybrid_cache_benches::{
    keys::Distribution::{Uniform, Zipf},
    options::Options,
    report::Report,
};
use plots::Curves;
use tables::Tables;

fn main() -> io::Result<()> {
    let options = Options::from_command_line();
    let mut report = Report::new("hit", &options);
    let mut curves = Curves::default();
    for case in CASES {
        let mut tables = Tables::new(case, &options);
        for distribution in [Zipf, Uniform] {
            for threads in [1, 2] {
                if let Some(table) = tables.table(distribution, threads) {
                    report.add(&table);
                    curves.add(case, distribution, threads, &table);
                }
            }
        }
    }
    latency::add(&options, &mut report);
    curves.draw()?;
    report.finish()
}
