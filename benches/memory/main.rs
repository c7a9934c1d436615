//! How many bytes an entry takes in memory.
//!
//! Each candidate is filled in a process of its own, this program once more, so that none finds memory that another one
//! has left behind. Counted is what lies on the heap afterwards, the answers included, as a cache keeps these.

#![allow(clippy::unwrap_used, reason = "a bench that cannot go on stops")]

mod candidates;
mod filled;

use std::{
    io,
    process::{Command, Stdio},
};

use hybrid_cache_benches::{
    figures::{Figures, interleaved},
    options::Options,
    report::{Report, Table, Unit},
};

use crate::{
    candidates::{Answers, FLOOR, LIKE_OURS},
    filled::Filled,
};

/// In front of what a process is told that is to fill a candidate: the kind of answers, the candidate, how many entries.
const FILL: &str = "--fill";

fn main() -> io::Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if let [flag, answers, candidate, entries] = &*words
        && flag == FILL
    {
        return fill(answers, candidate, entries.parse().map_err(io::Error::other)?);
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
        let filled = filled_elsewhere(answers.name, candidate, entries).unwrap();
        fillings.push(filled);
        filled.bytes
    });
    let mut table = Table::new(title, Unit::Bytes, &[LIKE_OURS, "moka::future", FLOOR]);
    for ((candidate, fillings), figures) in fillings.into_iter().zip(figures) {
        let median = |part: fn(&Filled) -> f64| fillings.iter().map(part).collect::<Figures>().median();
        let beside =
            [("blocks", median(|filled| filled.blocks)), ("resident", median(|filled| filled.resident))];
        table.row(candidate, figures, beside);
    }
    table
}

/// Has a process of its own fill a candidate.
fn filled_elsewhere(answers: &str, candidate: &str, entries: u64) -> io::Result<Filled> {
    let output = Command::new(std::env::current_exe()?)
        .args([FILL, answers, candidate, &entries.to_string()])
        .stderr(Stdio::inherit())
        .output()?;
    serde_json::from_slice(&output.stdout)
        .map_err(|error| io::Error::other(format!("filling {candidate}: {}, {error}", output.status)))
}

/// Fills a candidate in this process and prints what that came to.
fn fill(answers: &str, candidate: &str, entries: u64) -> io::Result<()> {
    let all = candidates::all();
    let found = all
        .iter()
        .find(|kind| kind.name == answers)
        .and_then(|kind| kind.candidates.iter().find(|other| other.name == candidate))
        .ok_or_else(|| io::Error::other(format!("no candidate {candidate} for {answers}")))?;
    println!("{}", serde_json::to_string(&Filled::measure(found, entries)?)?);
    Ok(())
}
