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
mod latency;
mod peers;
mod tables;

use std::io;

use case::{
    Case,
    Key::{Id, Name, Pair},
    Returns::{Arc, Clone},
    Size::{self, K0_1, K1, K10, K100, K1000},
};
use hybrid_cache_benches::{
    keys::Distribution::{Uniform, Zipf},
    options::Options,
    report::Report,
};
use tables::{Tables, Who};

const CASES: [(Case, Who); 13] = [
    (case(Id, Arc, K10), Who::Everybody),
    (case(Id, Clone, K10), Who::Everybody),
    (case(Pair, Arc, K10), Who::Everybody),
    (case(Pair, Clone, K10), Who::Everybody),
    (case(Name, Arc, K10), Who::Everybody),
    (case(Name, Clone, K10), Who::Everybody),
    (case(Id, Arc, K0_1), Who::AFew),
    (case(Id, Arc, K1), Who::AFew),
    (case(Id, Arc, K100), Who::AFew),
    (case(Id, Arc, K1000), Who::Everybody),
    (case(Id, Clone, K1000), Who::AFew),
    (case(Pair, Arc, K1000), Who::AFew),
    (case(Name, Arc, K1000), Who::AFew),
];

const fn case(key: case::Key, returns: case::Returns, size: Size) -> Case {
    Case { key, returns, size }
}

fn main() -> io::Result<()> {
    let options = Options::from_command_line();
    let mut report = Report::new("hit", &options);
    for (case, who) in CASES {
        let mut tables = Tables::new(case, who, &options);
        for distribution in [Zipf, Uniform] {
            tables.add(distribution, &mut report);
        }
    }
    latency::add(&options, &mut report);
    report.finish()
}
