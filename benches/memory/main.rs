//! How many bytes an entry takes in memory.
//!
//! Each candidate is filled in a process of its own, this program once more, so that none finds memory that another one
//! has left behind. Counted is what lies on the heap afterwards, the answers included, as a cache keeps these.

#![allow(clippy::unwrap_used, reason = "a bench that cannot go on stops")]

mod candidates;
mod filled;

use std::io;

use hybrid_cache_benches::{
    apart,
    figures::{Figures, interleaved},
    options::Options,
    report::{Report, Table, Unit},
};

use crate::{
    candidates::{Answers, FLOOR, LIKE_OURS, ONE_LIFE},
    filled::Filled,
};

fn main() -> io::Result<()> {
    if let Some(words) = apart::words() {
        return fill(&words);
    }
    let options = Options::from_command_line();
    let mut report = Report::new("memory", &options);
    for answers in candidates::all() {
        let entries = options.pick(1_000_000, 1_000);
        let title = format!("{entries} entries, u64 → {}", answers.name);
        if options.wants(&title) {
            report.add(&compared(title, &answers, entries, options.pick(3, 1)));
        }
    }
    report.finish()
}

/// The table of all candidates for one kind of answers.
fn compared(title: String, answers: &Answers, entries: u64, rounds: usize) -> Table {
    let mut fillings: Vec<(&str, Vec<Filled>)> =
        answers.candidates.iter().map(|candidate| (candidate.name, Vec::new())).collect();
    let figures = interleaved(rounds, &mut fillings, |(candidate, fillings)| {
        let filled: Filled = apart::measure(&[answers.name, candidate, &entries.to_string()], &[]).unwrap();
        fillings.push(filled);
        filled.bytes
    });
    let mut table = Table::new(title, Unit::Bytes, &[LIKE_OURS, ONE_LIFE, "moka::future", FLOOR]);
    for ((candidate, fillings), figures) in fillings.into_iter().zip(figures) {
        let median = |part: fn(&Filled) -> f64| fillings.iter().map(part).collect::<Figures>().median();
        let beside =
            [("blocks", median(|filled| filled.blocks)), ("resident", median(|filled| filled.resident))];
        table.row(candidate, figures, beside);
    }
    table
}

/// Fills a candidate in this process: words are the kind of answers, the candidate, and how many entries.
fn fill(words: &[String]) -> io::Result<()> {
    let [answers, candidate, entries] = words else {
        return Err(io::Error::other("what is to be filled?"));
    };
    let all = candidates::all();
    let found = all
        .iter()
        .find(|kind| kind.name == answers)
        .and_then(|kind| kind.candidates.iter().find(|other| other.name == candidate))
        .ok_or_else(|| io::Error::other(format!("no candidate {candidate} for {answers}")))?;
    apart::answer(&Filled::measure(found, entries.parse().map_err(io::Error::other)?)?)
}
