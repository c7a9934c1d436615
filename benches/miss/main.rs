//! What a miss costs beyond its load, and what many callers of one cold key cost.

#![allow(
    clippy::unwrap_used,
    clippy::unused_async,
    clippy::cast_precision_loss,
    unreachable_pub,
    reason = "a bench that cannot go on stops; its numbers are far below what these casts could lose"
)]

mod body;
mod candidate;
mod peers;

use std::{io, time::Instant};

use candidate::{Candidate, fresh_keys};
use hybrid_cache_benches::{
    figures::interleaved,
    options::Options,
    report::{Report, Table, Unit},
};
use tokio::runtime::{Builder, Runtime};

const REFERENCES: [&str; 2] = ["moka get_with", "floor"];

/// Where the calls of one table are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum From {
    /// In a task of a runtime with two workers.
    Task,
    /// In `block_on` of a runtime of one thread.
    BlockOn,
}

impl From {
    const fn name(self) -> &'static str {
        match self {
            Self::Task => "from a task, 2 workers",
            Self::BlockOn => "from block_on, 1 thread",
        }
    }

    fn runtime(self) -> Runtime {
        let mut builder = match self {
            Self::Task => Builder::new_multi_thread(),
            Self::BlockOn => Builder::new_current_thread(),
        };
        builder.worker_threads(2).enable_all().build().unwrap()
    }
}

fn main() -> io::Result<()> {
    let options = Options::from_command_line();
    let mut report = Report::new("miss", &options);
    for from in [From::Task, From::BlockOn] {
        one_by_one("cold keys", &peers::with_room::candidates(), from, &options, &mut report);
        one_by_one("cold keys, each evicts", &peers::evicting::candidates(), from, &options, &mut report);
    }
    for callers in [1, 64, 1_024] {
        all_at_once(callers, &peers::with_a_body::candidates(), &options, &mut report);
    }
    report.finish()
}

/// A table of misses that follow each other, with an empty body.
fn one_by_one(what: &str, candidates: &[Candidate], from: From, options: &Options, report: &mut Report) {
    let title = format!("{what}, one after another, {}", from.name());
    if !options.wants(&title) {
        return;
    }
    let runtime = from.runtime();
    let misses = options.pick(20_000, 50);
    let mut measure = |candidate: &mut &Candidate| {
        let calls = (candidate.one_by_one)(fresh_keys(misses));
        match from {
            From::Task => runtime.block_on(runtime.spawn(calls)).unwrap(),
            From::BlockOn => runtime.block_on(calls),
        }
    };
    let mut turn: Vec<_> = candidates.iter().collect();
    // For what is made with the first call, and for the cache to become full where it is to be.
    interleaved(1, &mut turn, &mut measure);
    let figures = interleaved(options.pick(9, 1), &mut turn, measure);
    let mut table = Table::new(title, Unit::Nanoseconds, &REFERENCES);
    for (candidate, figures) in candidates.iter().zip(figures) {
        table.row(candidate.name, figures, []);
    }
    report.add(&table);
}

/// A table of callers who come for the same cold key together, each in a task of its own.
fn all_at_once(callers: usize, candidates: &[Candidate], options: &Options, report: &mut Report) {
    let title = format!("{callers} caller{} of one cold key", if callers == 1 { "" } else { "s" });
    if !options.wants(&title) {
        return;
    }
    let runtime = From::Task.runtime();
    let storms = options.pick(20_000 / (callers + 4) as u64, 2);
    let rounds = options.pick(9, 1);
    let mut loads = vec![0; candidates.len()];
    let mut turn: Vec<_> = candidates.iter().zip(&mut loads).collect();
    let mut measure = |(candidate, loads): &mut (&Candidate, &mut u64)| {
        let before = body::loads();
        let start = Instant::now();
        runtime.block_on(runtime.spawn((candidate.all_at_once)(fresh_keys(storms), callers))).unwrap();
        let elapsed = start.elapsed();
        **loads += body::loads() - before;
        elapsed.as_nanos() as f64 / 1e3 / storms as f64
    };
    interleaved(1, &mut turn, &mut measure);
    let figures = interleaved(rounds, &mut turn, measure);
    let mut table = Table::new(title, Unit::Microseconds, &REFERENCES);
    let all = ((rounds + 1) as u64 * storms) as f64;
    for ((candidate, figures), loads) in candidates.iter().zip(figures).zip(loads) {
        table.row(candidate.name, figures, [("loads", loads as f64 / all)]);
    }
    report.add(&table);
}
