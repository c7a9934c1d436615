//! The tables of one case: one and two threads, for each distribution of keys.

use hybrid_cache_benches::{
    figures::{Figures, interleaved},
    keys::Distribution,
    options::Options,
    report::{Report, Table, Unit},
};

use crate::{
    answers,
    candidate::Candidate,
    case::{Case, Size},
    peers,
};

const REFERENCES: [&str; 2] = ["moka::future", "floor"];

/// Which candidates a case is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    Everybody,
    /// Only those that are `everywhere`.
    AFew,
}

pub struct Tables<'a> {
    case: Case,
    who: Who,
    options: &'a Options,
    /// Made, and filled with all keys, when the first table is wanted.
    candidates: Vec<Candidate>,
}

impl<'a> Tables<'a> {
    pub const fn new(case: Case, who: Who, options: &'a Options) -> Self {
        Self { case, who, options, candidates: Vec::new() }
    }

    /// How many keys are asked for.
    fn keys(&self) -> usize {
        self.options.pick(self.case.size.keys(), 50)
    }

    /// How many calls are one round of a candidate, and how many rounds there are. A round is long enough that what the
    /// candidate before it left in the processor's caches does not count.
    fn effort(&self) -> (usize, usize) {
        let full = match (self.case.size, self.who) {
            (Size::K1000, _) => (250_000, 3),
            (_, Who::Everybody) => (300_000, 7),
            (_, Who::AFew) => (300_000, 5),
        };
        self.options.pick(full, (200, 1))
    }

    fn candidates(&mut self) -> &mut Vec<Candidate> {
        if self.candidates.is_empty() {
            answers::prepare(self.options.pick(Size::K1000.keys(), 50));
            let everyone = self.who == Who::Everybody;
            self.candidates =
                peers::candidates(self.case).into_iter().filter(|one| everyone || one.everywhere).collect();
            let all: Vec<u32> = (0..self.keys() as u32).collect();
            for candidate in &self.candidates {
                candidate.warm(&all);
            }
        }
        &mut self.candidates
    }

    pub fn add(&mut self, distribution: Distribution, report: &mut Report) {
        for threads in [1, 2] {
            let title = format!(
                "{}, {}, {threads} thread{}",
                self.case.title(),
                distribution.name(),
                if threads == 1 { "" } else { "s" }
            );
            if self.options.wants(&title) {
                report.add(&self.table(title, distribution, threads));
            }
        }
    }

    fn table(&mut self, title: String, distribution: Distribution, threads: usize) -> Table {
        let (calls, rounds) = self.effort();
        let ids = distribution.sequence(self.keys(), calls);
        let candidates = self.candidates();
        let mut misses = vec![0; candidates.len()];
        for candidate in &*candidates {
            candidate.warm(&ids);
        }
        let mut turn = candidates.iter().zip(&mut misses).collect::<Vec<_>>();
        let measure = |(candidate, misses): &mut (&Candidate, &mut u64)| {
            let before = answers::loads();
            let figure = if threads == 1 {
                candidate.time(&ids).as_nanos() as f64 / ids.len() as f64
            } else {
                candidate.calls_per_second(&ids, threads) / 1e6
            };
            **misses += answers::loads() - before;
            figure
        };
        let figures: Vec<Figures> = interleaved(rounds, &mut turn, measure);
        let unit = if threads == 1 { Unit::Nanoseconds } else { Unit::MillionsPerSecond };
        let mut table = Table::new(title, unit, &REFERENCES);
        for ((candidate, figures), misses) in candidates.iter().zip(figures).zip(misses) {
            // A column that is there only if what was to be measured was not.
            let misses = (misses > 0)
                .then(|| ("misses, %", 100.0 * misses as f64 / (rounds * threads * ids.len()) as f64));
            table.row(candidate.name, figures, Vec::from_iter(misses));
        }
        table
    }
}
