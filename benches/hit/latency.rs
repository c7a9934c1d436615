//! How long single hits take, each timed alone.

use hybrid_cache_benches::{
    figures::Figures,
    keys::Distribution,
    options::Options,
    report::{Report, Table, Unit},
};

use crate::{
    answers,
    candidate::{Candidate, Watch, candidate},
    case::{Case, Key, Returns, Size},
    peers,
};

const CASE: Case = Case::new(Key::Id, Returns::Arc, Size::K10);
const TITLE: &str = "single hit, 10000 keys, u64 → Arc, zipf, 1 thread";
const TIMER: &str = "the timer alone";

/// Adds the table of single hits. The figure is the 99th percentile of a round; what the timer itself takes is in all of
/// them, and is the first row.
pub fn add(options: &Options, report: &mut Report) {
    if !options.wants(TITLE) {
        return;
    }
    let keys = options.pick(CASE.size.keys(), 50);
    answers::prepare(keys);
    let ids = Distribution::Zipf.sequence(keys, options.pick(300_000, 200));
    let all: Vec<u32> = (0..keys as u32).collect();
    let mut candidates = vec![candidate!(TIMER, |id| id)];
    candidates.extend(peers::candidates(CASE));
    for candidate in &candidates {
        candidate.warm(&all);
        candidate.warm(&ids);
    }
    let rounds = options.pick(7, 1);
    let mut percentiles = vec![Percentiles::default(); candidates.len()];
    for round in 0..rounds {
        for turn in 0..candidates.len() {
            let at = (round + turn) % candidates.len();
            percentiles[at].add(&single_calls(&candidates[at], &ids));
        }
    }
    let mut table =
        Table::new(format!("{TITLE}: 99th percentile"), Unit::Nanoseconds, &["moka::future", TIMER]);
    for (candidate, Percentiles { p50, p99, p999 }) in candidates.iter().zip(percentiles) {
        let beside = [("p50", Figures::new(p50).median()), ("p99.9", Figures::new(p999).median())];
        table.row(candidate.name, Figures::new(p99), beside);
    }
    report.add(&table);
}

/// One figure for each round.
#[derive(Debug, Clone, Default)]
struct Percentiles {
    p50: Vec<f64>,
    p99: Vec<f64>,
    p999: Vec<f64>,
}

impl Percentiles {
    fn add(&mut self, calls: &Figures) {
        self.p50.push(calls.quantile(0.5));
        self.p99.push(calls.quantile(0.99));
        self.p999.push(calls.quantile(0.999));
    }
}

fn single_calls(candidate: &Candidate, ids: &[u32]) -> Figures {
    let mut nanoseconds = Vec::with_capacity(ids.len());
    (candidate.calls)(ids, Watch::Each(&mut nanoseconds));
    Figures::new(nanoseconds)
}
