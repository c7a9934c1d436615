//! What every call cost and who answered it, written down across processes.
//!
//! One line a call in a file, so that the processes of a story can follow one another and the last look is at all
//! of them. Knows who may answer, not how that was found out.

use std::{
    collections::BTreeMap,
    fmt,
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    path::Path,
    time::Duration,
};

use crate::units::{self, grouped};

/// Who answered a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// The function's own body.
    Function,
    /// The memory of the process that asked.
    Memory,
    /// The Redis server.
    Redis,
    /// The disk of the process that asked.
    Disk,
}

impl Source {
    const ALL: [Self; 4] = [Self::Function, Self::Memory, Self::Redis, Self::Disk];

    fn name(self) -> &'static str {
        match self {
            Self::Function => "the function",
            Self::Memory => "memory",
            Self::Redis => "Redis",
            Self::Disk => "disk",
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// One call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// What was asked.
    pub question: String,
    /// Who answered.
    pub source: Source,
    /// How long the caller waited.
    pub took: Duration,
}

/// All calls of a story.
#[derive(Debug)]
pub struct Ledger {
    file: File,
}

impl Ledger {
    /// Opens the ledger at `path`, a new one if there is none.
    ///
    /// # Errors
    ///
    /// If the file can be neither opened nor made.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        Ok(Self { file })
    }

    /// Writes a call down.
    ///
    /// # Errors
    ///
    /// If the file cannot be written to.
    pub fn note(&mut self, call: &Call) -> io::Result<()> {
        let Call { question, source, took } = call;
        writeln!(self.file, "{source}\t{}\t{question}", took.as_nanos())
    }

    /// All calls written down at `path`, in their order.
    ///
    /// # Errors
    ///
    /// If the file cannot be read.
    pub fn read(path: &Path) -> io::Result<Vec<Call>> {
        Ok(fs::read_to_string(path)?.lines().filter_map(parse).collect())
    }
}

fn parse(line: &str) -> Option<Call> {
    let mut columns = line.splitn(3, '\t');
    let source = columns.next()?;
    let source = Source::ALL.into_iter().find(|known| known.name() == source)?;
    let took = Duration::from_nanos(columns.next()?.parse().ok()?);
    Some(Call { question: columns.next()?.to_owned(), source, took })
}

/// What the calls came to: a line for every source, and what the cache was worth.
#[derive(Debug)]
pub struct Summary {
    sources: Vec<(Source, usize, Duration)>,
    spent: Duration,
    unaided: Duration,
}

impl Summary {
    /// Sums `calls` up. A question's price without a cache is what the function took for it, on average.
    #[must_use]
    pub fn of(calls: &[Call]) -> Self {
        let mut computed: BTreeMap<&str, Vec<Duration>> = BTreeMap::new();
        for call in calls.iter().filter(|call| call.source == Source::Function) {
            computed.entry(&call.question).or_default().push(call.took);
        }
        let price = |call: &Call| match call.source {
            Source::Function => call.took,
            _ => computed.get(call.question.as_str()).map_or(call.took, |took| mean(took)),
        };
        Self {
            sources: Source::ALL.into_iter().filter_map(|source| typical(source, calls)).collect(),
            spent: calls.iter().map(|call| call.took).sum(),
            unaided: calls.iter().map(price).sum(),
        }
    }
}

/// How often `source` answered, and the median of what that took.
fn typical(source: Source, calls: &[Call]) -> Option<(Source, usize, Duration)> {
    let mut took: Vec<Duration> =
        calls.iter().filter(|call| call.source == source).map(|call| call.took).collect();
    took.sort_unstable();
    took.get(took.len() / 2).map(|&median| (source, took.len(), median))
}

fn mean(durations: &[Duration]) -> Duration {
    let count = u32::try_from(durations.len()).unwrap_or(u32::MAX).max(1);
    durations.iter().sum::<Duration>() / count
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let body = self.sources.iter().find(|(source, ..)| *source == Source::Function);
        writeln!(f, "   answered by       calls    typical call")?;
        for (source, calls, median) in &self.sources {
            write!(f, "   {source:<14}  {calls:>7}        {}", units::duration(*median))?;
            if let Some((_, _, computed)) = body.filter(|_| *source != Source::Function) {
                let times = computed.as_nanos() / median.as_nanos().max(1);
                write!(f, "   {:>9} times faster", grouped(times))?;
            }
            writeln!(f)?;
        }
        let saved = self.unaided.saturating_sub(self.spent);
        let calls: usize = self.sources.iter().map(|(_, calls, _)| calls).sum();
        let [unaided, spent, saved] = [self.unaided, self.spent, saved].map(units::duration);
        write!(f, "\n   {calls} calls: {} without a cache, {} with it, ", unaided.trim(), spent.trim())?;
        write!(f, "{} saved", saved.trim())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(question: &str, source: Source, millis: u64) -> Call {
        Call { question: question.to_owned(), source, took: Duration::from_millis(millis) }
    }

    #[test]
    fn a_line_written_down_is_read_as_it_was() {
        for source in Source::ALL {
            let noted = format!("{source}\t1500000\tItaly, 17 cities");
            let took = Duration::from_micros(1_500);
            assert_eq!(parse(&noted), Some(Call { question: "Italy, 17 cities".into(), source, took }));
        }
        assert_eq!(parse("nobody\t1\tItaly"), None);
        assert_eq!(parse("memory\tlong\tItaly"), None);
        assert_eq!(parse(""), None);
    }

    #[test]
    fn what_the_cache_saved_is_what_the_function_would_have_taken() {
        let calls = [
            call("Italy", Source::Function, 300),
            call("Italy", Source::Function, 500),
            call("Italy", Source::Memory, 1),
            call("Japan", Source::Function, 700),
            call("Japan", Source::Disk, 2),
        ];
        let summary = Summary::of(&calls);
        assert_eq!(summary.spent, Duration::from_millis(1_503));
        assert_eq!(summary.unaided, Duration::from_millis(300 + 500 + 400 + 700 + 700));
    }

    #[test]
    fn a_question_that_was_never_computed_here_counts_as_nothing_saved() {
        let summary = Summary::of(&[call("Italy", Source::Redis, 3)]);
        assert_eq!(summary.unaided, summary.spent);
    }

    #[test]
    fn a_source_that_never_answered_has_no_line() {
        let text = Summary::of(&[call("Italy", Source::Function, 300)]).to_string();
        assert!(text.contains("the function") && !text.contains("Redis"), "{text}");
    }
}
