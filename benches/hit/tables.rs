//! The tables of one case: one and two threads, for each distribution of keys.

use hybrid_cache_benches::{
    figures::{Figures, interleaved},
    keys::Distribution,
    options::Options,
    report::{Table, Unit},
};

use crate::{
    answers,
    candidate::Candidate,
    case::{Case, Key, Size},
    counts_of::Counts,
    peers,
};

const REFERENCES: [&str; 2] = ["moka::future", "floor"];

pub struct Tables<'a> {
    case: Case,
    options: &'a Options,
    /// Made, and filled with all keys, when the first table is wanted.
    candidates: Vec<Candidate>,
}

impl<'a> Tables<'a> {
    pub const fn new(case: Case, options: &'a Options) -> Self {
        Self { case, options, candidates: Vec::new() }
    }

    /// How many keys are asked for.
    fn keys(&self) -> usize {
        self.options.pick(self.case.size.keys(), 50)
    }

    /// How many calls are one round of a candidate, and how many rounds there are. A round is long enough that what the
    /// candidate before it left in the processor's caches does not count.
    fn effort(&self) -> (usize, usize) {
        let full = match (self.case.size, self.case.key) {
            (Size::K1000, _) => (250_000, 3),
            (_, Key::Id) => (300_000, 7),
            _ => (300_000, 5),
        };
        self.options.pick(full, (200, 1))
    }

    fn candidates(&mut self) -> &mut Vec<Candidate> {
        if self.candidates.is_empty() {
            answers::prepare(self.options.pick(Size::K1000.keys(), 50));
            let all = self.case.is_for_all();
            self.candidates =
                peers::candidates(self.case).into_iter().filter(|one| all || one.everywhere).collect();
            let all: Vec<u32> = (0..self.keys() as u32).collect();
            for candidate in &self.candidates {
                candidate.warm(&all);
            }
        }
        &mut self.candidates
    }

    /// The table of so many threads, if it is wanted.
    pub fn table(&mut self, distribution: Distribution, threads: usize) -> Option<Table> {
        let plural = if threads == 1 { "" } else { "s" };
        let title = format!("{}, {}, {threads} thread{plural}", self.case.title(), distribution.name());
        self.options.wants(&title).then(|| self.measured(title, distribution, threads))
    }

    fn measured(&mut self, title: String, distribution: Distribution, threads: usize) -> Table {
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
        let counts = self.counts(distribution, threads);
        let candidates = &self.candidates;
        let unit = if threads == 1 { Unit::Nanoseconds } else { Unit::MillionsPerSecond };
        let mut table = Table::new(title, unit, &REFERENCES);
        for (((candidate, figures), misses), counts) in candidates.iter().zip(figures).zip(misses).zip(counts)
        {
            let mut beside = counts.map_or_else(Vec::new, Counts::columns);
            if misses > 0 {
                // A column that is there only if not all was measured that was to be.
                let calls = (rounds * threads * ids.len()) as f64;
                beside.push(("misses, %", 100.0 * misses as f64 / calls));
            }
            table.row(candidate.name, figures, beside);
        }
        table
    }

    /// What is counted of a hit, where it is shown: once for each function, as it depends neither on the keys nor on how
    /// many threads there are.
    fn counts(&self, distribution: Distribution, threads: usize) -> Vec<Option<Counts>> {
        let names: Vec<&str> = self.candidates.iter().map(|candidate| candidate.name).collect();
        if (self.case.size, distribution, threads) == (Size::K10, Distribution::Zipf, 1) {
            Counts::of_all(self.case, &names, self.options)
        } else {
            vec![None; names.len()]
        }
    }
}
