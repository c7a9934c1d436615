//! How many calls find their answer in memory, where there is not room for all.
//!
//! Each candidate gets the same keys in the same order, as fast as it takes them, from one thread, beginning empty; and
//! each time in a process of its own, as some of what a cache has learnt outlives its entries.

#![allow(
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    reason = "a bench that cannot go on stops, and its numbers are far below what these casts could lose"
)]

mod candidates;
mod trace;

use std::io;

use hybrid_cache_benches::{
    apart,
    figures::interleaved,
    options::Options,
    report::{Report, Table, Unit},
};

use crate::{
    candidates::{OUR_CAPACITY, REFERENCE},
    trace::Trace,
};

fn main() -> io::Result<()> {
    if let Some(words) = apart::words() {
        return replay(&words);
    }
    let options = Options::from_command_line();
    let mut report = Report::new("ratio", &options);
    for trace in Trace::ALL {
        if trace == Trace::Recorded && trace::recording().is_none() {
            println!("no recorded trace: HYBRID_CACHE_TRACE says where one is\n");
            continue;
        }
        let capacities = trace.capacities();
        for capacity in capacities.iter().take(options.pick(capacities.len(), 1)) {
            let title = format!("hits, {}, {capacity} entries", trace.name());
            if options.wants(&title) {
                report.add(&compared(title, trace, *capacity, &options));
            }
        }
    }
    report.finish()
}

/// The table of all candidates for one trace and capacity.
fn compared(title: String, trace: Trace, capacity: usize, options: &Options) -> Table {
    let (capacity, length) = (capacity.to_string(), options.pick(1_000_000, 2_000).to_string());
    let mut candidates = candidates::all();
    let figures = interleaved(options.pick(3, 1), &mut candidates, |candidate| {
        let words = [trace.name(), candidate.name, &capacity, &length];
        apart::measure(&words, &[(OUR_CAPACITY, capacity.clone())]).unwrap()
    });
    let reference = candidates.iter().zip(&figures).find(|(candidate, _)| candidate.name == REFERENCE);
    let reference = reference.map_or(f64::NAN, |(_, figures)| figures.median());
    let mut table = Table::new(title, Unit::Percent, &[]);
    for (candidate, figures) in candidates.iter().zip(figures) {
        let points = figures.median() - reference;
        table.row(candidate.name, figures, [("− moka::future", points)]);
    }
    table
}

/// Asks a candidate in this process: words are the trace, the candidate, for how many entries it has room, and how many
/// keys are asked for. Answers with the hits in percent.
fn replay(words: &[String]) -> io::Result<()> {
    let [trace, candidate, capacity, length] = words else {
        return Err(io::Error::other("what is to be asked?"));
    };
    let trace = Trace::ALL.into_iter().find(|other| other.name() == trace);
    let candidate = candidates::all().into_iter().find(|other| other.name == candidate);
    let (Some(trace), Some(candidate)) = (trace, candidate) else {
        return Err(io::Error::other(format!("no such trace or candidate: {words:?}")));
    };
    let number = |word: &String| word.parse::<usize>().map_err(io::Error::other);
    let keys = trace.keys(number(length)?)?;
    let calls = keys.len() as f64;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let misses = runtime.block_on((candidate.misses)(number(capacity)?, keys));
    apart::answer(&(100.0 * (1.0 - misses as f64 / calls)))
}
