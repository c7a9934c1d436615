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
    figures::{Figures, interleaved},
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
    let mut tables = Vec::new();
    for trace in Trace::ALL {
        if trace == Trace::Recorded && trace::recording().is_none() {
            println!("no recorded trace: HYBRID_CACHE_TRACE says where one is\n");
            continue;
        }
        let capacities = trace.capacities()?;
        for capacity in capacities.iter().take(options.pick(capacities.len(), 1)) {
            let title = format!("hits, {}, {capacity} entries", trace.name());
            if options.wants(&title) {
                let figures = measured(trace, *capacity, &options);
                report.add(&table(title, &figures, |_| Vec::new()));
                tables.push((trace, figures));
            }
        }
    }
    if tables.len() > 1 {
        report.add(&mean(&tables));
    }
    report.finish()
}

/// The figures of all candidates, in the order of [`candidates::all`], for one trace and capacity.
fn measured(trace: Trace, capacity: usize, options: &Options) -> Vec<Figures> {
    let (capacity, length) = (capacity.to_string(), options.pick(1_000_000, 2_000).to_string());
    interleaved(options.pick(3, 1), &mut candidates::all(), |candidate| {
        let words = [trace.name(), candidate.name, &capacity, &length];
        apart::measure(&words, &[(OUR_CAPACITY, capacity.clone())]).unwrap()
    })
}

/// The table of all candidates, with what stands beside the figures of the candidate at an index.
fn table(title: String, figures: &[Figures], beside: impl Fn(usize) -> Vec<(&'static str, f64)>) -> Table {
    let candidates = candidates::all();
    let reference = candidates.iter().zip(figures).find(|(candidate, _)| candidate.name == REFERENCE);
    let reference = reference.map_or(f64::NAN, |(_, figures)| figures.median());
    let mut table = Table::new(title, Unit::Percent, &[]);
    for (at, (candidate, figures)) in candidates.iter().zip(figures).enumerate() {
        let mut columns = vec![("− moka::future", figures.median() - reference)];
        columns.extend(beside(at));
        table.row(candidate.name, figures.clone(), columns);
    }
    table
}

/// The table of what these say on average, each of them counting as much as any other; beside it the same of those of each
/// trace.
fn mean(tables: &[(Trace, Vec<Figures>)]) -> Table {
    let mean_of = |trace: Option<Trace>, at: usize| {
        let tables = tables.iter().filter(|(other, _)| trace.is_none_or(|trace| trace == *other));
        Figures::mean(&tables.filter_map(|(_, candidates)| candidates.get(at)).collect::<Vec<_>>())
    };
    let figures: Vec<Figures> = (0..candidates::all().len()).map(|at| mean_of(None, at)).collect();
    table(format!("hits, mean of these {} tables", tables.len()), &figures, |at| {
        let of_each = Trace::ALL.map(|trace| (trace.name(), mean_of(Some(trace), at).median()));
        of_each.into_iter().filter(|(_, hits)| !hits.is_nan()).collect()
    })
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
